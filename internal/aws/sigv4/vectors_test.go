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

// unlike are the vectors that we mean to treat otherwise than the suite.
var unlike = map[string]string{
	"get-relative":            "relative paths are not resolved",
	"get-relative-relative":   "relative paths are not resolved",
	"get-slash-dot-slash":     "relative paths are not resolved",
	"get-slash-pointless-dot": "relative paths are not resolved",
	"invoke-unsigned-payload": "the body must be signed",
}

func TestVectorsAreAccepted(t *testing.T) {
	for _, c := range readVectors(t) {
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

// A request of the suite that has only headers which the Signer signs must get the very Authorization header of
// the suite from it; the others are held to AWS's own signer in TestSignAsAWSDoes.
func TestVectorsAreSignedAlike(t *testing.T) {
	signed := 0
	for _, c := range readVectors(t) {
		claim, err := readClaim(c.request)
		if err != nil {
			t.Fatal(err)
		}
		foreign := false
		for _, name := range claim.signedHeaders {
			foreign = foreign || name != "host" && !signs(name)
		}
		if foreign || unlike[c.name] != "" {
			continue
		}
		signed++
		t.Run(c.name, func(t *testing.T) {
			r := c.request.Clone(t.Context())
			r.Header.Del("Authorization")
			path, query, _ := strings.Cut(r.RequestURI, "?")
			r.URL = &url.URL{Scheme: "https", RawQuery: query}
			if r.URL.Path, err = url.PathUnescape(path); err != nil {
				t.Fatal(err)
			}
			if r.URL.RawPath = path; r.URL.EscapedPath() != path {
				t.Skip("no client sends this path as it is")
			}
			NewSigner(c.service, "us-east-1").Sign(r, HashHex([]byte(c.body)), c.key, c.at)
			if got := r.Header.Get("Authorization"); got != c.authorization {
				t.Errorf("Sign:\n got %s\nwant %s", got, c.authorization)
			}
		})
	}
	if want := 20; signed < want {
		t.Errorf("%d vectors fit the Signer, want at least %d", signed, want)
	}
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
