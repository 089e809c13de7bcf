package sigv4

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A vector is a published signature: a request, what is to be computed from it, and the key that signed.
type vector struct {
	name                                   string
	request                                *http.Request
	body                                   string
	service                                string
	at                                     time.Time
	key                                    Credentials
	canonical, stringToSign, authorization string
}

const (
	exampleID     = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// readVectors returns the 34 cases of AWS's suite and the 9 of Bedrock, with Authorization set.
func readVectors(tb testing.TB) []vector {
	tb.Helper()
	var file struct {
		Suite   []struct{ Name, Request, Canonical, StringToSign, Authorization string }
		Bedrock []struct {
			Name, Method, Host, Path, Query, Body, Service, Time, SessionToken string
			Headers                                                            map[string]string
			Canonical, StringToSign, Authorization                             string
		}
	}
	readJSON(tb, &file)
	if got, want := len(file.Suite)+len(file.Bedrock), 34+9; got != want {
		tb.Fatalf("%d vectors, want %d", got, want)
	}
	var vectors []vector
	for _, c := range file.Suite {
		r, body := parseRequest(tb, c.Request)
		token := r.Header.Get("X-Amz-Security-Token")
		if c.Name == "get-vanilla-with-session-token" { // whose request lacks the header
			token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
			r.Header.Set("X-Amz-Security-Token", token)
		}
		r.Header.Set("Authorization", c.Authorization)
		vectors = append(vectors, vector{c.Name, r, body, "service", stampTime(tb, "20150830T123600Z"),
			NewCredentials(exampleID, exampleSecret, token), c.Canonical, c.StringToSign, c.Authorization})
	}
	for _, c := range file.Bedrock {
		target := c.Path
		if c.Query != "" {
			target += "?" + c.Query
		}
		r := newRequest(c.Method, target, c.Host, len(c.Body))
		for name, value := range c.Headers {
			r.Header.Set(name, value)
		}
		r.Header.Set("X-Amz-Date", c.Time)
		if c.SessionToken != "" {
			r.Header.Set("X-Amz-Security-Token", c.SessionToken)
		}
		r.Header.Set("Authorization", c.Authorization)
		vectors = append(vectors, vector{c.Name, r, c.Body, c.Service, stampTime(tb, c.Time),
			NewCredentials(exampleID, exampleSecret, c.SessionToken), c.Canonical, c.StringToSign, c.Authorization})
	}
	return vectors
}

func readJSON(tb testing.TB, v any) {
	tb.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func stampTime(tb testing.TB, stamp string) time.Time {
	tb.Helper()
	at, err := time.Parse(stampFormat, stamp)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

// newRequest returns a request as a server sees it. The URL is left empty where the target is not one that
// net/url takes: some of the suite's are not.
func newRequest(method, target, host string, length int) *http.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{}
	}
	return &http.Request{Method: method, URL: u, RequestURI: target, Host: host, Header: http.Header{}, ContentLength: int64(length)}
}

// parseRequest reads a request of the suite, which http.ReadRequest would not take in each case.
func parseRequest(tb testing.TB, text string) (*http.Request, string) {
	tb.Helper()
	line, rest, _ := strings.Cut(text, "\n")
	header, body, _ := strings.Cut(rest, "\n\n")
	method, target, _ := strings.Cut(strings.TrimSuffix(line, " HTTP/1.1"), " ")
	parsed, err := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimSuffix(header, "\n") + "\n\n"))).ReadMIMEHeader()
	if err != nil {
		tb.Fatal(err)
	}
	r := newRequest(method, target, parsed.Get("Host"), len(body))
	parsed.Del("Host")
	r.Header = http.Header(parsed)
	return r, body
}

func (c *vector) verifier() *Verifier {
	return &Verifier{Service: c.service, Region: "us-east-1", Lookup: only(Key{Credentials: c.key})}
}

func (c *vector) verify() error {
	_, err := c.verifier().Verify(c.request, sha256.Sum256([]byte(c.body)), c.at)
	return err
}

// The rules of Bedrock's that exclude a vector.
const (
	pathAsReceived = "Bedrock's canonical path is the path as received, encoded once more: dot segments are not resolved, as an ID in it may have dots"
	bodyIsSigned   = "the body must be signed: UNSIGNED-PAYLOAD is not known to be accepted by Bedrock"
)

// unlike are the vectors that are excluded: their signatures must be refused.
var unlike = map[string]string{
	"get-relative":            pathAsReceived,
	"get-relative-relative":   pathAsReceived,
	"get-slash-dot-slash":     pathAsReceived,
	"get-slash-pointless-dot": pathAsReceived,
	"invoke-unsigned-payload": bodyIsSigned,
}

// unsendable are the vectors with a path that net/url cannot be made to send; they are verified only.
var unsendable = map[string]string{
	"get-space": "a client sends %20, not a space",
	"get-utf8":  "a client sends %E1%88%B4, not the character",
}

func TestVectorsAreAccepted(t *testing.T) {
	all := readVectors(t)
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			err := c.verify()
			if why := unlike[c.name]; why != "" {
				wantCode(t, err, InvalidSignature)
				return
			}
			if err != nil {
				t.Errorf("Verify: %v, want nil", err)
			}
		})
	}
	t.Logf("%d vectors: %d accepted, %d excluded and refused", len(all), len(all)-len(unlike), len(unlike))
	for name, rule := range unlike {
		t.Logf("excluded: %s: %s", name, rule)
	}
}

func TestVectorsStepByStep(t *testing.T) {
	for _, c := range readVectors(t) {
		if unlike[c.name] != "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			claim, err := readClaim(c.request)
			if err != nil {
				t.Fatal(err)
			}
			canonical := string(claim.appendCanonical(nil, c.request, verbatim)) + HashHex([]byte(c.body))
			if diff := cmp.Diff(c.canonical, canonical); diff != "" {
				t.Errorf("canonical request (-want +got):\n%s", diff)
			}
			toSign := appendStringToSign(nil, claim.stamp, claim.scope, []byte(canonical))
			if diff := cmp.Diff(c.stringToSign, string(toSign)); diff != "" {
				t.Errorf("string to sign (-want +got):\n%s", diff)
			}
		})
	}
}

// The Signer gives a vector the very Authorization header of the suite. Where a vector signs headers that the
// Signer leaves free (My-Header1, Content-Length, Anthropic-Version), it gives the signature that AWS's
// documentation makes of the vector's canonical path and query with the headers that it does sign.
func TestVectorsAreSignedAlike(t *testing.T) {
	verbatim, fewer, excluded := 0, 0, 0
	for _, c := range readVectors(t) {
		t.Run(c.name, func(t *testing.T) {
			r, ok := c.unsigned(t)
			if ok != (unsendable[c.name] == "") {
				t.Errorf("a client can send the path as it is: %t; see unsendable", ok)
			}
			if !ok || unlike[c.name] != "" {
				excluded++
				return
			}
			NewSigner(c.service, "us-east-1").Sign(r, HashHex([]byte(c.body)), c.key, c.at)
			want := c.authorization
			if c.signsMore(t) {
				want = c.withFewerHeaders(r)
				fewer++
			} else {
				verbatim++
			}
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("Sign:\n got %s\nwant %s", got, want)
			}
		})
	}
	if verbatim != 23 || fewer != 13 || excluded != 7 {
		t.Errorf("%d signed to the letter, %d with fewer headers, %d excluded; want 23, 13 and 7", verbatim, fewer, excluded)
	}
	t.Logf("43 vectors: %d signed to the letter, %d with fewer headers, %d excluded (%d of them verified)", verbatim, fewer, excluded, len(unsendable))
}

// unsigned returns the vector's request as a client has it, and whether a client can send its path as it is.
func (c *vector) unsigned(t *testing.T) (*http.Request, bool) {
	t.Helper()
	r := c.request.Clone(t.Context())
	r.Header.Del("Authorization")
	path, query, _ := strings.Cut(r.RequestURI, "?")
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		t.Fatal(err)
	}
	r.URL = &url.URL{Scheme: "https", Path: unescaped, RawPath: path, RawQuery: query}
	return r, r.URL.EscapedPath() == path
}

// signsMore reports whether the vector signs headers that the Signer leaves free.
func (c *vector) signsMore(t *testing.T) bool {
	t.Helper()
	claim, err := readClaim(c.request)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(claim.signedHeaders, func(name string) bool { return name != "host" && !signs(name) })
}

// withFewerHeaders is the vector's Authorization without the headers that the Signer leaves free.
func (c *vector) withFewerHeaders(r *http.Request) string {
	headers := [][2]string{{"host", r.Host}}
	for name := range r.Header {
		if lower := strings.ToLower(name); lower != "authorization" && signs(lower) {
			headers = append(headers, [2]string{lower, r.Header.Get(name)})
		}
	}
	slices.SortFunc(headers, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	lines := strings.Split(c.canonical, "\n")
	stamp := c.at.Format(stampFormat)
	names, signature := reference(r.Method, lines[1], lines[2], headers, c.body, stamp, "us-east-1", c.service, exampleSecret)
	return "AWS4-HMAC-SHA256 Credential=" + exampleID + "/" + stamp[:8] + "/us-east-1/" + c.service + "/aws4_request, SignedHeaders=" + names + ", Signature=" + signature
}

// reference signs by the letter of AWS's documentation, sharing no code with the package. The canonical path and
// query are given, the headers in order.
func reference(method, path, query string, headers [][2]string, body, stamp, region, service, secret string) (signedHeaders, signature string) {
	var canonicalHeaders, names []string
	for _, h := range headers {
		canonicalHeaders = append(canonicalHeaders, h[0]+":"+h[1]+"\n")
		names = append(names, h[0])
	}
	signedHeaders = strings.Join(names, ";")
	digest := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	mac := func(key, s string) string {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(s))
		return string(h.Sum(nil))
	}
	canonical := strings.Join([]string{method, path, query, strings.Join(canonicalHeaders, ""), signedHeaders, digest(body)}, "\n")
	scope := stamp[:8] + "/" + region + "/" + service + "/aws4_request"
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, digest(canonical)}, "\n")
	key := mac(mac(mac(mac("AWS4"+secret, stamp[:8]), region), service), "aws4_request")
	return signedHeaders, hex.EncodeToString([]byte(mac(key, toSign)))
}
