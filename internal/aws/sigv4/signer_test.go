package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// signAWS signs as aws-sdk-go-v2 does.
func signAWS(tb rapid.TB, r *http.Request, hash string, c Credentials, service, region string, at time.Time) {
	tb.Helper()
	credentials := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal()}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hash, service, region, at); err != nil {
		tb.Fatal(err)
	}
}

// drawRequest draws a request that has only headers which both signers sign, and no body: AWS's signs
// Content-Length too.
func drawRequest(t *rapid.T) *http.Request {
	segment := rapid.StringOfN(rapid.RuneFrom([]rune("abzAZ019-._~:/ %@$&+,;=!*'()[]#?ü\x7f\"")), 1, 12, -1)
	escapings := []func(string) string{
		url.PathEscape,
		func(s string) string { return strings.ReplaceAll(url.PathEscape(s), ":", "%3A") },
		func(s string) string { return strings.ReplaceAll(url.PathEscape(s), "%3A", ":") },
	}
	path := ""
	for range rapid.IntRange(0, 4).Draw(t, "segments") {
		path += "/" + rapid.SampledFrom(escapings).Draw(t, "escaping")(segment.Draw(t, "segment"))
	}
	query := url.Values{}
	for range rapid.IntRange(0, 4).Draw(t, "parameters") {
		query.Add(rapid.String().Draw(t, "name"), rapid.String().Draw(t, "value"))
	}
	raw := query.Encode()
	if rapid.Bool().Draw(t, "spaces as %20") {
		raw = strings.ReplaceAll(raw, "+", "%20")
	}
	host := rapid.SampledFrom([]string{"bedrock-runtime.us-east-1.amazonaws.com", "127.0.0.1:8080", "h:443", "h:80", "[::1]:8080"}).Draw(t, "host")
	scheme := rapid.SampledFrom([]string{"http", "https"}).Draw(t, "scheme")
	r, err := http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method"), scheme+"://"+host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery = raw
	value := rapid.StringMatching(`[ \t]{0,2}[!-~]{1,6}([ ]{1,3}[!-~]{1,6}){0,2}[ \t]{0,2}`)
	for _, name := range []string{"Accept", "Content-Type", "X-Amz-Target", "X-Amz-Content-Sha256", "Amz-Sdk-Request", "Amz-Sdk-Invocation-Id", "X-Amzn-Bedrock-Trace"} {
		for range rapid.IntRange(0, 2).Draw(t, name) {
			r.Header.Add(name, value.Draw(t, "value"))
		}
	}
	return r
}

func drawCredentials(t *rapid.T) Credentials {
	return NewCredentials(rapid.StringMatching(`[A-Z0-9]{16,20}`).Draw(t, "id"), rapid.StringMatching(`[!-~]{1,80}`).Draw(t, "secret"),
		rapid.StringMatching(`([A-Za-z0-9+/]{1,40}={0,2})?`).Draw(t, "token"))
}

func TestSignAsAWSDoes(t *testing.T) {
	signers := map[string]*Signer{}
	rapid.Check(t, func(t *rapid.T) {
		r, c := drawRequest(t), drawCredentials(t)
		hash := HashHex(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "body"))
		service := rapid.SampledFrom([]string{"bedrock", "bedrock-mantle"}).Draw(t, "service")
		region := rapid.SampledFrom([]string{"us-east-1", "eu-central-1"}).Draw(t, "region")
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0)
		want := r.Clone(t.Context())
		signAWS(t, want, hash, c, service, region, at)

		if signers[service+region] == nil {
			signers[service+region] = NewSigner(service, region)
		}
		signers[service+region].Sign(r, hash, c, at)
		if diff := cmp.Diff(want.Header, r.Header); diff != "" {
			t.Errorf("headers of %s (-aws-sdk-go-v2 +Sign):\n%s", r.URL, diff)
		}
		if want.Host != "" && r.Host != want.Host {
			t.Errorf("Host = %q, want %q", r.Host, want.Host)
		}
	})
}

// What the Signer signs, the Verifier accepts, and so with AWS's signer, whichever headers it signs on top.
func TestVerifyAcceptsWhatIsSigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, c := drawRequest(t), drawCredentials(t)
		body := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "body")
		r.Header.Del("X-Amz-Content-Sha256")
		if rapid.Bool().Draw(t, "declared") {
			r.Header.Set("X-Amz-Content-Sha256", HashHex(body))
		}
		r.Header.Set("User-Agent", "rapid")
		r.Header.Set("Anthropic-Beta", "a, b")
		r.ContentLength = int64(len(body))
		if rapid.Bool().Draw(t, "by AWS's signer") {
			signAWS(t, r, HashHex(body), c, "bedrock", "us-east-1", noon)
		} else {
			NewSigner("bedrock", "us-east-1").Sign(r, HashHex(body), c, noon)
		}
		received := r.Clone(t.Context())
		received.RequestURI = r.URL.RequestURI()
		v := &Verifier{Service: "bedrock", Region: "us-east-1", Lookup: only(Key{Credentials: c})}
		if id, err := v.Verify(received, sha256.Sum256(body), noon); err != nil || id != c.AccessKeyID {
			t.Errorf("Verify of %s = %q, %v, want %q", r.URL, id, err, c.AccessKeyID)
		}
	})
}

func TestSignedHeaders(t *testing.T) {
	r, _ := invoke(t)
	for _, name := range []string{"Accept-Encoding", "Anthropic-Beta", "Baggage", "Connection", "Content-Length", "Cookie", "Date",
		"Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Traceparent", "Tracestate",
		"Upgrade", "User-Agent", "X-Amzn-Trace-Id", "X-Api-Key", "X-Forwarded-For", "Forwarded", "Via"} {
		r.Header.Set(name, "x")
	}
	for _, name := range []string{"Amz-Sdk-Request", "X-Amz-Content-Sha256", "X-Amzn-Bedrock-Trace"} {
		r.Header.Set(name, "x")
	}
	NewSigner("bedrock", "us-east-1").Sign(r, EmptyHash, NewCredentials("A", "b", "c"), noon)
	_, got, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	got, _, _ = strings.Cut(got, ",")
	want := "accept;amz-sdk-request;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amzn-bedrock-trace"
	if got != want {
		t.Errorf("SignedHeaders\n got %s\nwant %s", got, want)
	}
}

func TestSignReplacesWhatAnEarlierSignatureLeft(t *testing.T) {
	s := NewSigner("bedrock", "us-east-1")
	want, _ := invoke(t)
	s.Sign(want, EmptyHash, exampleKey, noon)

	r, _ := invoke(t)
	r.Header["x-amz-security-token"] = []string{"in lower case"}
	s.Sign(r, HashHex([]byte("other")), NewCredentials("OTHER", "secret", "token"), noon.Add(-time.Hour))
	r.Header.Add("Authorization", "Bearer abc")
	s.Sign(r, "", exampleKey, noon) // "" is the empty body
	if diff := cmp.Diff(want.Header, r.Header); diff != "" {
		t.Errorf("headers signed twice (-signed once +signed twice):\n%s", diff)
	}
}

func TestSignTakesBareRequests(t *testing.T) {
	s := NewSigner("bedrock", "us-east-1")
	bare := &http.Request{URL: &url.URL{Scheme: "https", Host: "h"}}
	s.Sign(bare, EmptyHash, exampleKey, noon)
	full, _ := http.NewRequest("GET", "https://h/", nil)
	s.Sign(full, EmptyHash, exampleKey, noon)
	if diff := cmp.Diff(full.Header, bare.Header); diff != "" {
		t.Errorf("headers (-GET / +no method, path or header):\n%s", diff)
	}

	opaque := &http.Request{Method: "GET", Host: "h", URL: &url.URL{Scheme: "https", Opaque: "//h/a%3Ab?ignored"}}
	s.Sign(opaque, EmptyHash, exampleKey, noon)
	full, _ = http.NewRequest("GET", "https://h/a%3Ab", nil)
	s.Sign(full, EmptyHash, exampleKey, noon)
	if diff := cmp.Diff(full.Header, opaque.Header); diff != "" {
		t.Errorf("headers (-path +opaque):\n%s", diff)
	}
}

func TestSignMergesTwoSpellingsAsTheyAreSent(t *testing.T) {
	r, _ := invoke(t)
	r.Header["accept"] = []string{"text/plain"}
	s := NewSigner("bedrock", "us-east-1")
	s.Sign(r, EmptyHash, exampleKey, noon)
	got := r.Header.Get("Authorization")
	delete(r.Header, "accept")
	r.Header["Accept"] = []string{"application/json", "text/plain"}
	s.Sign(r, EmptyHash, exampleKey, noon)
	if want := r.Header.Get("Authorization"); got != want {
		t.Errorf("Accept and accept:\n got %s\nwant %s", got, want)
	}
}

func TestSignCollapsesSlashes(t *testing.T) {
	s := NewSigner("bedrock", "us-east-1")
	var auths []string
	for _, path := range []string{"/a/b/", "//a///b//"} {
		r, _ := http.NewRequest("GET", "https://h"+path, nil)
		s.Sign(r, EmptyHash, exampleKey, noon)
		auths = append(auths, r.Header.Get("Authorization"))
		if got := r.URL.EscapedPath(); got != path {
			t.Errorf("the path to be sent became %q, want %q", got, path)
		}
	}
	if auths[0] != auths[1] {
		t.Errorf("signatures differ:\n%s\n%s", auths[0], auths[1])
	}
}

func TestSignerAcrossKeysAndDays(t *testing.T) {
	s := NewSigner("bedrock", "us-east-1")
	var group sync.WaitGroup
	for i := range 4 * maxKeys {
		group.Go(func() {
			c := NewCredentials("AKID", fmt.Sprint("secret", i%(2*maxKeys)), "")
			for day := range 20 {
				at := noon.AddDate(0, 0, day%5)
				r, _ := http.NewRequest("GET", "https://h/", nil)
				s.Sign(r, EmptyHash, c, at)
				_, want := reference("GET", "/", "", [][2]string{{"host", "h"}, {"x-amz-date", at.Format(stampFormat)}}, "",
					at.Format(stampFormat), "us-east-1", "bedrock", c.SecretAccessKey.Reveal())
				if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, want) {
					t.Errorf("Authorization %q, want signature %s", got, want)
				}
			}
		})
	}
	group.Wait()
	if got := len(*s.keys.keys.Load()); got > maxKeys {
		t.Errorf("%d keys cached, want at most %d", got, maxKeys)
	}
}

func TestKeyCacheKeepsTheKeysInUse(t *testing.T) {
	var cache keyCache
	s := scope{"20261120", "us-east-1", "bedrock"}
	cache.get("secret", s)
	before := cache.keys.Load()
	key := cache.get("secret", s)
	if cache.keys.Load() != before {
		t.Error("the second get derived the key again, want it from the cache")
	}
	if want := deriveKey("secret", s); !hmac.Equal(key, want) {
		t.Errorf("key %x, want %x", key, want)
	}
}
