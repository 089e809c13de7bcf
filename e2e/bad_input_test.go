package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// A door is a front door of the gateway.
type door struct {
	name, path string
	good       string                                     // a body that is answered
	refusal    func(http.Header, []byte) (message string) // reads a refusal in the door's dialect; "" for anything else
}

var (
	messagesDoor = door{
		name: "Anthropic door", path: "/v1/messages", refusal: messagesRefusal,
		good: `{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`,
	}
	nativeDoor = door{
		name: "native door", path: "/model/" + haiku + "/invoke", refusal: nativeRefusal,
		good: string(messagesBody("hi")),
	}
)

// messagesRefusal reads Anthropic's error envelope.
func messagesRefusal(h http.Header, body []byte) string {
	var e struct {
		Type  string
		Error struct{ Type, Message string }
	}
	if json.Unmarshal(body, &e) != nil || e.Type != "error" || e.Error.Type == "" || h.Get("Request-Id") == "" {
		return ""
	}
	return e.Error.Message
}

// nativeRefusal reads AWS's error.
func nativeRefusal(h http.Header, body []byte) string {
	var e struct{ Message string }
	if json.Unmarshal(body, &e) != nil || h.Get("X-Amzn-Errortype") == "" || h.Get("X-Amzn-Requestid") == "" {
		return ""
	}
	return e.Message
}

// Bad input is refused at both doors in the door's own dialect and does no harm: the next request is
// answered.
func TestBadInput(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	g := serveBefore(t, srv)
	for _, d := range []door{messagesDoor, nativeDoor} {
		t.Run(d.name, func(t *testing.T) { testBadInput(t, g, d) })
	}
	for _, r := range srv.Requests() {
		if r.Status != http.StatusOK {
			t.Errorf("%s %s reached the upstream, which refused it: %d %s", r.Method, r.RawPath, r.Status, r.ErrorCode)
		}
	}
}

func testBadInput(t *testing.T, g *gateway, d door) {
	f := func(name string, raw []byte, status int, words string) {
		t.Run(name, func(t *testing.T) {
			got, header, body := exchange(t, g, raw)
			if message := d.refusal(header, body); got != status || message == "" || !strings.Contains(message, words) {
				t.Errorf("answered %d with %.600s, want %d in the door's dialect with %q in it", got, body, status, words)
			}
			if status == http.StatusUnauthorized && header.Get("X-Should-Retry") != "false" {
				t.Error("x-should-retry is not false: clients would try for minutes what cannot succeed")
			}
			if status, _, body := exchange(t, g, post(d.path, d.good, withKey(g))); status != http.StatusOK {
				t.Errorf("the next request: %d with %.600s, want 200", status, body)
			}
		})
	}
	body := func(name, text string, status int, words string) {
		f(name, post(d.path, text, withKey(g)), status, words)
	}
	large := func(n int) string { return strings.Replace(d.good, "hi", strings.Repeat("x", n), 1) }
	body("empty body", "", 400, "JSON")
	body("not JSON", "Hello, Claude", 400, "JSON")
	body("half a body", d.good[:len(d.good)/2], 400, "JSON")
	body("not an object", "["+d.good+"]", 400, "not an object")
	body("trailing garbage", d.good+"x", 400, "JSON")
	body("a second object", d.good+d.good, 400, "JSON")
	body("10,000 levels deep", strings.TrimSuffix(d.good, "}")+`,"deep":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+"}", 400, "levels")
	body("40 MiB", large(40<<20), 413, "33554432")
	f("40 MiB of a length not told", chunked(d.path, large(40<<20), withKey(g)), 413, "33554432")
	body("more than Bedrock takes", large(25_000_000), 413, "25000000")

	f("no key", post(d.path, d.good), 401, "key")
	f("wrong key", post(d.path, d.good, "Authorization: Bearer oc_nobody_has_this_key_at_all"), 401, "key")
	f("another scheme", post(d.path, d.good, "Authorization: Basic dXNlcjpwYXNz"), 401, "Bearer")

	signed := func(at time.Time) []string { return sign(t, g, d.path, d.good, at) }
	now := time.Now()
	f("body altered under a valid signature", post(d.path, strings.Replace(d.good, "hi", "ho", 1), signed(now)...), 401, "signature we calculated does not match")
	f("query added under a valid signature", post(d.path+"?beta=true", d.good, signed(now)...), 401, "signature we calculated does not match")
	f("expired signature", post(d.path, d.good, signed(now.Add(-20*time.Minute))...), 401, "too old")
	f("clock that is ahead", post(d.path, d.good, signed(now.Add(20*time.Minute))...), 401, "Signature")
	stranger := *g
	stranger.AccessKeyID = "AKIAIOSFODNN7EXAMPLE"
	f("unknown access key", post(d.path, d.good, sign(t, &stranger, d.path, d.good, now)...), 401, "")
	t.Run("a member twice is valid JSON and answered", func(t *testing.T) {
		twice := strings.Replace(d.good, "{", `{"max_tokens":1,`, 1)
		if status, _, body := exchange(t, g, post(d.path, twice, withKey(g))); status != http.StatusOK {
			t.Errorf("answered %d with %.600s, want 200", status, body)
		}
	})
	t.Run("a valid signature is answered", func(t *testing.T) {
		if status, _, body := exchange(t, g, post(d.path, d.good, signed(now)...)); status != http.StatusOK {
			t.Errorf("answered %d with %.600s, want 200", status, body)
		}
	})
}

// hostile are model IDs, as in a path, that are made to change the path, the host or the headers of
// the request that the gateway signs.
var hostile = []string{
	".", "..", "...", "./.", "a/../b", "../../model/a", "..;/a", "%2e", "%2E%2e", "%2e%2e%2f", "a%2f..%2fb", "a%2F%2e%2E%2Fb", "%252e%252e",
	"", "/", "//", "a//b", "%2f", "%5c..%5c", `a\..\b`,
	"%00", "a%00b", "%c0%ae%c0%ae", "%ff", "%7f", "%0d%0aX-Evil:%201", "a%0Ab", "a%0D", "%09", "a%20b",
	"?", "a?b=c", "a%3Fb", "#", "a#b", "a%23b", "a;b=c", "a&b", "a+b", "..%3b",
	"@169.254.169.254", "a@b", "http://169.254.169.254/", "http:%2f%2f169.254.169.254%2f", "[::1]", "*", "~", "'", "%22", "$(id)", "`id`",
	"%E2%80%AE", "%EF%BC%8E%EF%BC%8E", strings.Repeat("a", 3000), strings.Repeat("%41", 3000),
	haiku + "/..", haiku + "%2f..%2f..", haiku + "%00", haiku + "?", haiku + "%3f", haiku + "#", haiku + "%0d%0a", haiku + "/invoke/../..",
	"arn:aws:bedrock:us-east-1:123456789012:inference-profile/..",
	"arn:aws:bedrock:us-east-1:123456789012:inference-profile%2f%2e%2e%2f" + haiku,
	"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a/../b",
	"arn:aws:bedrock:%2e%2e:123456789012:inference-profile%2fa",
}

// malformed are those with which the request is not HTTP any more; no door gets to see them.
var malformed = []string{"%", "%zz", "a b", "a\x00b", "a\r\nX-Evil: 1", "\x7f"}

// None of the hostile IDs reaches the upstream, whether it comes in a path or in a body.
func TestHostileModelIDs(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	g := serveBefore(t, srv)
	for _, id := range hostile {
		for _, operation := range []string{"invoke", "invoke-with-response-stream", "count-tokens"} {
			status, header, body := exchange(t, g, post("/model/"+id+"/"+operation, nativeDoor.good, withKey(g)))
			if status < 400 || status > 499 || nativeRefusal(header, body) == "" {
				t.Errorf("%s of model %.80q: %d %.300s, want a refusal in AWS's shape", operation, id, status, body)
			}
		}
		for _, model := range []string{id, unescaped(id)} {
			text := strings.Replace(messagesDoor.good, `"claude-haiku-4-5"`, jsonText(model), 1)
			status, header, body := exchange(t, g, post(messagesDoor.path, text, withKey(g)))
			if status < 400 || status > 499 || messagesRefusal(header, body) == "" {
				t.Errorf("a message to model %.80q: %d %.300s, want a refusal in Anthropic's shape", model, status, body)
			}
		}
	}
	for _, id := range malformed {
		if status, _, body := exchange(t, g, post("/model/"+id+"/invoke", nativeDoor.good, withKey(g))); status != http.StatusBadRequest {
			t.Errorf("model %q: %d %.300s, want 400", id, status, body)
		}
	}
	for _, r := range srv.Requests() {
		t.Errorf("%s %s reached the upstream", r.Method, r.RawPath)
	}
	if status, _, body := exchange(t, g, post(nativeDoor.path, nativeDoor.good, withKey(g))); status != http.StatusOK || len(srv.Requests()) != 1 {
		t.Errorf("the next request: %d with %.300s, and the upstream has %d; want 200 and 1", status, body, len(srv.Requests()))
	}
}

// The control plane is asked for at most one segment, and never for a dot.
func TestHostileProfileIDs(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	g := serveBefore(t, srv)
	for _, id := range hostile {
		status, header, body := exchange(t, g, message("GET", "/inference-profiles/"+id, "", withKey(g)))
		if status > 499 || status > 299 && nativeRefusal(header, body) == "" {
			t.Errorf("profile %.80q: %d %.300s, want an answer or a refusal in AWS's shape", id, status, body)
		}
	}
	harmless := regexp.MustCompile(`^/inference-profiles(/[A-Za-z0-9][A-Za-z0-9.:%-]*)?$`)
	for _, r := range srv.Requests() {
		if !harmless.MatchString(r.RawPath) || strings.Contains(r.RawPath, "..") || strings.Contains(strings.ToLower(r.RawPath), "%2e") {
			t.Errorf("%s %s reached the upstream", r.Method, r.RawPath)
		}
	}
}

func unescaped(id string) string {
	if text, err := url.PathUnescape(id); err == nil {
		return text
	}
	return id
}

// host is what the requests are addressed, and signed, to.
const host = "gateway.test"

func withKey(g *gateway) string { return "Authorization: Bearer " + g.Key }

// post is a request as it goes over the wire, with nothing cleaned.
func post(target, body string, headers ...string) []byte {
	return message("POST", target, body, headers...)
}

func message(method, target, body string, headers ...string) []byte {
	headers = append([]string{
		method + " " + target + " HTTP/1.1", "Host: " + host, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)),
	}, headers...)
	return []byte(strings.Join(headers, "\r\n") + "\r\n\r\n" + body)
}

func chunked(target, body string, headers ...string) []byte {
	headers = append([]string{"POST " + target + " HTTP/1.1", "Host: " + host, "Transfer-Encoding: chunked"}, headers...)
	raw := bytes.NewBufferString(strings.Join(headers, "\r\n") + "\r\n\r\n")
	for len(body) > 0 {
		n := min(len(body), 64<<10)
		fmt.Fprintf(raw, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	raw.WriteString("0\r\n\r\n")
	return raw.Bytes()
}

// sign returns the headers of a request that AWS's own signer has signed with the gateway's key pair.
func sign(t *testing.T, g *gateway, target, body string, at time.Time) (headers []string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+host+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: g.AccessKeyID, SecretAccessKey: g.SecretAccessKey},
		req, hex.EncodeToString(hash[:]), "bedrock", g.Region, at)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X-Amz-Date", "Authorization"} {
		headers = append(headers, name+": "+req.Header.Get(name))
	}
	return headers
}

// exchange sends bytes over a connection of their own and reads one answer.
func exchange(t *testing.T, g *gateway, raw []byte) (status int, header http.Header, body []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go conn.Write(raw) // may end with an error: what is too long is not read to its end
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Errorf("no answer to %.100q: %v", raw, err)
		return 0, nil, nil
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("the answer to %.100q broke off: %v", raw, err)
	}
	return resp.StatusCode, resp.Header, body
}
