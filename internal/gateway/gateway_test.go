package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/gateway/admission"
	"github.com/outcrop-dev/outcrop/internal/recordings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "oc_test_0123456789abcdef0123456789abcdef"

// A rig is a gateway that listens, in front of a scripted Bedrock.
type rig struct {
	t       *testing.T
	url     string
	client  *http.Client
	aws     sigv4.Credentials
	log     *lockedBuffer
	bedrock *outcrop.Client
	stop    context.CancelFunc // begins a drain, of 100 ms

	mu    sync.Mutex
	calls []*http.Request // what reached the upstream
	sent  [][]byte        // their bodies
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRig makes a rig that gives a stream up after a second of silence.
func newRig(t *testing.T, bedrock http.HandlerFunc, change ...func(*Config)) *rig {
	t.Helper()
	return newRigIdle(t, time.Second, bedrock, change...)
}

func newRigIdle(t *testing.T, idle time.Duration, bedrock http.HandlerFunc, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: &lockedBuffer{}, client: &http.Client{Transport: &http.Transport{}}}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.calls, r.sent = append(r.calls, req), append(r.sent, body)
		r.mu.Unlock()
		bedrock(w, req)
	}))
	t.Cleanup(upstream.Close)
	r.serve(upstream.URL, change, outcrop.WithHTTPClient(upstream.Client()), outcrop.WithIdleTimeout(idle))
	return r
}

// serve starts the gateway in front of the Bedrock at url; it ends with the test.
func (r *rig) serve(url string, change []func(*Config), options ...outcrop.Option) {
	r.t.Helper()
	t := r.t
	client, err := outcrop.New(context.Background(), append([]outcrop.Option{outcrop.WithRegion("us-east-1"), outcrop.WithBaseURL(url),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider("AKIDUPSTREAM", "upstream-secret", ""))}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	r.bedrock = client
	key, err := admission.KeyOf("tester", testKey)
	if err != nil {
		t.Fatal(err)
	}
	keys := admission.NewKeys(admission.NewState().Root, key)
	r.aws = keys.AWS(key)
	config := Config{Client: client, Keys: keys, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	for _, c := range change {
		c(&config)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	r.stop = cancel
	go func() { done <- NewServer(New(config)).Serve(ctx, listener, 100*time.Millisecond) }()
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	r.url = "http://" + listener.Addr().String()
}

// upstreamCalls returns how many requests have reached the upstream.
func (r *rig) upstreamCalls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

// send makes a request with the test's key, unless a header says otherwise ("Authorization", "").
func (r *rig) send(method, path, body string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Del(headers[i])
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	return r.do(req)
}

func (r *rig) do(req *http.Request) (*http.Response, string) {
	r.t.Helper()
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v after %q", req.Method, req.URL.Path, err, text)
	}
	return resp, string(text)
}

// signed makes a request signed by AWS's own signer with the gateway's key pair.
func (r *rig) signed(path, body string, at time.Time, keys sigv4.Credentials) *http.Request {
	r.t.Helper()
	req, err := http.NewRequest("POST", r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey.Reveal()},
		req, hex.EncodeToString(sum[:]), "bedrock", "us-east-1", at)
	if err != nil {
		r.t.Fatal(err)
	}
	return req
}

// Messages are framed by AWS's encoder.
var frame, chunk, exception = recordings.Message, recordings.Chunk, recordings.Exception

const (
	startEvent = `{"type":"message_start","message":{"id":"msg_bdrk_1","usage":{"input_tokens":7}}}`
	deltaEvent = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}`
	stopEvent  = `{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":7,"outputTokenCount":2}}`
)

var start, delta, stop = chunk(startEvent), chunk(deltaEvent), chunk(stopEvent)

const whole = `{"id":"msg_bdrk_1","type":"message","content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":3,"output_tokens":1}}`

// answers streams to a streaming operation, and answers any other with a whole message.
func answers(messages ...[]byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "aws-1")
		if !strings.HasSuffix(r.URL.Path, "-stream") {
			io.WriteString(w, whole)
			return
		}
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		for _, m := range messages {
			w.Write(m)
			w.(http.Flusher).Flush()
		}
	}
}

const (
	messages     = `{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`
	streamed     = `{"model":"claude-haiku-4-5","stream":true,"max_tokens":9,"messages":[]}`
	native       = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[]}`
	nativePath   = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke"
	nativeStream = nativePath + "-with-response-stream"
)

func TestAnthropicDoor(t *testing.T) {
	r := newRig(t, answers(start, delta, stop))
	for _, path := range []string{"/v1/messages", "/v1/messages?beta=true", "//v1//messages", "/v1/v1/messages", "/anthropic/v1/messages", "/some/prefix/v1/messages", "/v1/anthropic/v1/messages", "/model/v1/messages"} {
		resp, text := r.send("POST", path, messages)
		if resp.StatusCode != 200 || text != whole || resp.Header.Get("X-Amzn-Requestid") != "aws-1" || !strings.HasPrefix(resp.Header.Get("Request-Id"), "req_oc_") {
			t.Errorf("%s: %d %s %v", path, resp.StatusCode, text, resp.Header)
		}
	}
	resp, text := r.send("POST", "/v1/messages", streamed)
	want := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bdrk_1\",\"usage\":{\"input_tokens\":7}}}\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":7,\"outputTokenCount\":2}}\n\n"
	if resp.StatusCode != 200 || text != want || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("stream: %d %v\n%s\nwant\n%s", resp.StatusCode, resp.Header, text, want)
	}
}

func TestNativeDoor(t *testing.T) {
	surprise := frame(`{"new":1}`, ":event-type", "surprise", ":message-type", "event")
	r := newRig(t, answers(start, surprise, delta, stop))
	resp, text := r.send("POST", nativePath, native)
	if resp.StatusCode != 200 || text != whole || resp.Header.Get("X-Amzn-Requestid") != "aws-1" {
		t.Errorf("InvokeModel: %d %s %v", resp.StatusCode, text, resp.Header)
	}
	resp, text = r.send("POST", nativeStream, native)
	if want := string(slices.Concat(start, surprise, delta, stop)); resp.StatusCode != 200 || text != want {
		t.Errorf("the event stream is not the bytes that came: %d, %d bytes, want %d", resp.StatusCode, len(text), len(want))
	}
	if got := resp.Header.Get("Content-Type"); got != "application/vnd.amazon.eventstream" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestNativePaths(t *testing.T) {
	r := newRig(t, answers())
	const arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc"
	f := func(path, want string) {
		t.Helper()
		resp, text := r.send("POST", path, native)
		r.mu.Lock()
		got := r.calls[len(r.calls)-1].URL.EscapedPath()
		r.mu.Unlock()
		if resp.StatusCode != 200 || got != want {
			t.Errorf("%s: %d %s, sent to %s, want %s", path, resp.StatusCode, text, got, want)
		}
	}
	f("/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke", nativePath)
	f("//model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke", nativePath)
	f("/v1/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke", nativePath)
	f("/bedrock/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke", nativePath)
	f("/model/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc/invoke", "/model/"+arn+"/invoke")
	f("/model/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile%2Fabc/invoke", "/model/"+arn+"/invoke")
	f("/model/"+arn+"/invoke", "/model/"+arn+"/invoke")
}

func TestNativeSignatures(t *testing.T) {
	r := newRig(t, answers(start, delta, stop))
	now := time.Now()
	if resp, text := r.do(r.signed(nativePath, native, now, r.aws)); resp.StatusCode != 200 {
		t.Errorf("a good signature: %d %s", resp.StatusCode, text)
	}
	r.mu.Lock()
	if got := r.calls[0].Header.Get("Authorization"); !strings.Contains(got, "Credential=AKIDUPSTREAM/") {
		t.Errorf("upstream Authorization %q is not signed afresh", got)
	}
	r.mu.Unlock()
	f := func(name string, req *http.Request, exception string) {
		t.Helper()
		before := r.upstreamCalls()
		resp, text := r.do(req)
		if resp.StatusCode != 401 || !strings.HasPrefix(resp.Header.Get("X-Amzn-Errortype"), exception) ||
			resp.Header.Get("X-Should-Retry") != "false" || strings.Contains(strings.ToLower(text), "expired") || r.upstreamCalls() != before {
			t.Errorf("%s: %d %s %s, want 401 %s not worded expired and nothing sent on", name, resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), text, exception)
		}
	}
	altered := r.signed(nativePath, native, now, r.aws)
	altered.Body = io.NopCloser(strings.NewReader(strings.Replace(native, "9", "8", 1)))
	f("an altered body", altered, "InvalidSignatureException")
	f("an old signature", r.signed(nativePath, native, now.Add(-time.Hour), r.aws), "InvalidSignatureException")
	f("a clock ahead", r.signed(nativePath, native, now.Add(time.Hour), r.aws), "InvalidSignatureException")
	f("real AWS credentials", r.signed(nativePath, native, now, sigv4.NewCredentials("AKIAREALREALREALREAL", "x", "")), "UnrecognizedClientException")
	wrong := sigv4.NewCredentials(r.aws.AccessKeyID, "wrong", "")
	f("a wrong secret", r.signed(nativePath, native, now, wrong), "InvalidSignatureException")
	moved := r.signed(nativePath, native, now, r.aws)
	moved.URL.Path = strings.Replace(moved.URL.Path, "haiku", "opus", 1)
	moved.URL.RawPath = strings.Replace(moved.URL.RawPath, "haiku", "opus", 1)
	f("another path", moved, "InvalidSignatureException")
}

func TestKeys(t *testing.T) {
	r := newRig(t, answers())
	f := func(name string, status int, headers ...string) {
		t.Helper()
		headers = append([]string{"Authorization", ""}, headers...)
		for _, c := range []struct{ path, body, field string }{{"/v1/messages", messages, `"authentication_error"`}, {nativePath, native, `{"message":`}} {
			resp, text := r.send("POST", c.path, c.body, headers...)
			if resp.StatusCode != status {
				t.Errorf("%s on %s: %d %s, want %d", name, c.path, resp.StatusCode, text, status)
			}
			if status == 401 && (!strings.Contains(text, c.field) || resp.Header.Get("X-Should-Retry") != "false") {
				t.Errorf("%s on %s: %s %v", name, c.path, text, resp.Header)
			}
		}
	}
	f("bearer", 200, "Authorization", "Bearer "+testKey)
	f("bearer in lower case", 200, "Authorization", "bearer "+testKey)
	f("x-api-key", 200, "X-Api-Key", testKey)
	f("both", 200, "Authorization", "Bearer "+testKey, "X-Api-Key", testKey)
	f("a leftover first-party key beside the right one", 200, "Authorization", "Bearer "+testKey, "X-Api-Key", "sk-ant-leftover")
	f("the right one beside a leftover bearer", 200, "Authorization", "Bearer something", "X-Api-Key", testKey)
	f("none", 401)
	f("a wrong one", 401, "Authorization", "Bearer "+testKey+"x")
	f("an empty one", 401, "Authorization", "Bearer ")
	f("another scheme", 401, "Authorization", "Basic dXNlcjpwYXNz")
	f("a broken signature", 401, "Authorization", "AWS4-HMAC-SHA256 nonsense")
	if strings.Contains(r.log.String(), testKey) || strings.Contains(r.log.String(), "sk-ant") {
		t.Error("the log has a key in it")
	}
	for _, path := range []string{"/v1/models", "/inference-profiles"} {
		if resp, _ := r.send("GET", path, "", "Authorization", ""); resp.StatusCode != 401 {
			t.Errorf("%s without a key: %d, want 401", path, resp.StatusCode)
		}
	}
}

func TestBadInput(t *testing.T) {
	r := newRig(t, answers(start, delta, stop))
	deep := `{"model":"claude-haiku-4-5","messages":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`
	f := func(name string, status int, word, path, body string) {
		t.Helper()
		before := r.upstreamCalls()
		resp, text := r.send("POST", path, body)
		var shape struct {
			Message string
			Type    string
			Error   struct{ Type, Message string }
		}
		if err := json.Unmarshal([]byte(text), &shape); err != nil {
			t.Errorf("%s: %q is not JSON: %v", name, text, err)
		}
		message := shape.Message
		if strings.HasPrefix(path, "/v1/") {
			message = shape.Error.Message
			if shape.Type != "error" || shape.Error.Type == "" {
				t.Errorf("%s: %s has not Anthropic's shape", name, text)
			}
		} else if resp.Header.Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s: %v has not AWS's shape", name, resp.Header)
		}
		if resp.StatusCode != status || !strings.Contains(message, word) || r.upstreamCalls() != before {
			t.Errorf("%s: %d %.300s, want %d with %q and nothing sent on", name, resp.StatusCode, text, status, word)
		}
		if resp, text := r.send("POST", path[:strings.IndexByte(path[1:], '/')+1]+map[bool]string{true: "/messages", false: nativePath[len("/model"):]}[strings.HasPrefix(path, "/v1/")], map[bool]string{true: messages, false: native}[strings.HasPrefix(path, "/v1/")]); resp.StatusCode != 200 {
			t.Errorf("after %s the next request fails: %d %s", name, resp.StatusCode, text)
		}
	}
	for _, path := range []string{"/v1/messages", nativePath, nativeStream} {
		f("an empty body", 400, "not valid JSON", path, "")
		f("not JSON", 400, "not valid JSON", path, "hello")
		f("trailing garbage", 400, "not valid JSON", path, messages+"x")
		f("an array", 400, "not an object", path, "[1]")
		f("10,000 levels", 400, "at most 512 levels", path, deep)
	}
	f("40 MiB", 413, "33554432", "/v1/messages", `{"x":"`+strings.Repeat("a", 40<<20)+`"}`)
	f("40 MiB", 413, "33554432", nativePath, `{"x":"`+strings.Repeat("a", 40<<20)+`"}`)
	f("more than Bedrock takes", 413, "25000000", "/v1/messages", `{"model":"opus","x":"`+strings.Repeat("a", 26_000_000)+`"}`)
	f("no model", 400, "model: Field required", "/v1/messages", `{"max_tokens":1}`)
	f("a model that is a number", 400, "model: Input should be a valid string", "/v1/messages", `{"model":1}`)
	f("an unknown model", 404, `"gpt-9" is not known`, "/v1/messages", `{"model":"gpt-9","max_tokens":1,"messages":[]}`)
	f("a stream that is a string", 400, "stream", "/v1/messages", `{"model":"opus","stream":"yes"}`)
}

// Hostile model IDs, raw on the wire so that no client cleans them: none may steer a signed request.
func TestHostileModelIDs(t *testing.T) {
	r := newRig(t, answers(start, delta, stop))
	ids := []string{
		".", "..", "...", "%2e", "%2e%2e", "%2E%2E", "a/../b", "a/./b", "a%2f..%2fb", "..%2f..%2ffoundation-models", "%2f", "%2f%2f", "//", "/",
		"%00", "a%00b", "%0d%0aHost:%20evil", "a%0ab", "%3f", "a%3fb=c", "%23", "a%23b", "a;b", "a%5cb", "%ff", "%c3%28", "a%20b", "%252e%252e",
		"arn:aws:bedrock:us-east-1:123456789012:inference-profile/..", "arn:aws:bedrock:us-east-1:123456789012:inference-profile%2f..%2f..",
		"arn:aws:s3:::bucket", strings.Repeat("a", 3000), "%zz", "@evil.example", "a,b", "*",
	}
	for _, id := range ids {
		for _, op := range []string{"invoke", "invoke-with-response-stream", "count-tokens"} {
			status, text := r.raw("POST /model/"+id+"/"+op+" HTTP/1.1", native)
			if status < 400 || status >= 500 {
				t.Errorf("model %.60q, %s: %d %.200s, want a 4xx", id, op, status, text)
			}
		}
		if status, _ := r.raw("GET /inference-profiles/"+id+" HTTP/1.1", ""); id != "/" && id != "//" && (status < 400 || status >= 500) {
			t.Errorf("inference profile %.60q: %d, want a 4xx", id, status)
		}
	}
	for _, line := range []string{"POST /model/a\x00b/invoke HTTP/1.1", "POST /model/a b/invoke HTTP/1.1", "POST /model/a?b/invoke HTTP/1.1", "POST /model/a#b/invoke HTTP/1.1"} {
		if status, text := r.raw(line, native); status < 400 || status >= 500 {
			t.Errorf("%q: %d %.200s, want a 4xx", line, status, text)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, call := range r.calls {
		if p := call.URL.EscapedPath(); p != "/inference-profiles" {
			t.Errorf("%s reached the upstream", p)
		}
	}
}

// raw sends bytes as they are and returns status and body.
func (r *rig) raw(line, body string) (int, string) {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "%s\r\nHost: gateway\r\nAuthorization: Bearer %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", line, testKey, len(body), body)
	answer, _ := io.ReadAll(conn)
	var status int
	fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status)
	return status, string(answer)
}

func TestRoutesBesideInvocations(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inference-profiles" && r.URL.RawQuery == "type=SYSTEM_DEFINED" || r.URL.EscapedPath() == "/foundation-models/anthropic.claude-3-haiku-20240307-v1%3A0" {
			io.WriteString(w, `{"ok":true}`)
			return
		}
		w.WriteHeader(404)
		io.WriteString(w, `{"message":"no"}`)
	})
	f := func(method, path string, status int, word string) {
		t.Helper()
		resp, text := r.send(method, path, "")
		if resp.StatusCode != status || !strings.Contains(text, word) {
			t.Errorf("%s %s: %d %s, want %d with %q", method, path, resp.StatusCode, text, status, word)
		}
	}
	f("GET", "/", 200, "hello")
	f("HEAD", "/", 200, "")
	f("GET", "/api/hello", 200, "outcrop")
	f("HEAD", "/api/hello", 200, "")
	f("HEAD", "/prefix/api/hello", 200, "")
	f("GET", "/healthz", 200, "ok")
	f("GET", "/readyz", 200, "ready")
	f("GET", "/v1/models", 200, `"id":"claude-opus-5-5","display_name":"Claude Opus 5.5","created_at":"2026-09-22T00:00:00Z","max_input_tokens":1000000`)
	f("GET", "/v1/models?limit=1", 200, `"has_more":true`)
	f("GET", "/v1/models?limit=x", 400, "limit")
	f("GET", "/v1/models/claude-haiku-4-5", 200, `"id":"claude-haiku-4-5-20251001"`)
	f("GET", "/v1/models/gpt-9", 404, "not_found_error")
	f("GET", "/inference-profiles?type=SYSTEM_DEFINED", 200, `{"ok":true}`)
	f("GET", "/bedrock//inference-profiles?type=SYSTEM_DEFINED", 200, `{"ok":true}`)
	f("GET", "/foundation-models/anthropic.claude-3-haiku-20240307-v1:0", 200, `{"ok":true}`)
	f("GET", "/inference-profiles/nothing", 404, `{"message":"no"}`)
	f("DELETE", "/inference-profiles/x", 405, "GET")
	f("GET", "/v1/messages", 405, "POST")
	f("PUT", "/model/x/invoke", 405, "POST")
	f("POST", "/v1/messages/batches", 404, "not served")
	f("POST", "/model/x/converse", 404, `{"message":`)
	f("GET", "/v1/inference-profiles?type=SYSTEM_DEFINED", 200, `{"ok":true}`)
	f("GET", "/etc/passwd", 404, "not served")
}
