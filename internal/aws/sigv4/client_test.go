package sigv4

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// serve returns the base URL of a server that verifies each request, over HTTP/1.1 and over HTTP/2 by prior
// knowledge, and answers 200 or the Error in the body.
func serve(t *testing.T) string {
	t.Helper()
	v := &Verifier{Service: "bedrock", Region: "us-east-1", Lookup: only(Key{Credentials: exampleKey})}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pending, err := v.Begin(r, noon)
		if err == nil {
			hash := sha256.New()
			if _, err = io.Copy(hash, r.Body); err == nil {
				err = pending.Finish([sha256.Size]byte(hash.Sum(nil)))
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}))
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

func newClient(t *testing.T, http2 bool) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetUnencryptedHTTP2(http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// send returns an error unless the server accepts the signature.
func send(client *http.Client, r *http.Request) error {
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return errors.New(string(body))
	}
	return err
}

// paths are model paths as real clients put them on the wire.
var paths = []struct{ name, path string }{
	{"AWS SDKs, a model ID", "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke"},
	{"Anthropic SDKs, a model ID", "/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke"},
	{"AWS SDKs, an ARN", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/invoke"},
	{"Anthropic SDKs, an ARN", "/model/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile%2Fabc123/invoke"},
	{"an ARN with a bare slash", "/model/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123/invoke"},
	{"a base URL with a path prefix", "/bedrock/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke"},
	{"escapes in lower case", "/model/a%3a%2fb/invoke"},
	{"a percent sign", "/model/100%25/invoke"},
	{"a plus sign and other marks", "/model/a+b,c;d=e&f@g!h$i/invoke"},
	{"UTF-8", "/model/%C3%BC/invoke"},
}

func TestPathsOverTheWire(t *testing.T) {
	base := serve(t)
	body := []byte(`{"max_tokens":1}`)
	s := NewSigner("bedrock", "us-east-1")
	signers := map[string]func(*http.Request){
		"aws-sdk-go-v2": func(r *http.Request) { signAWS(t, r, HashHex(body), exampleKey, "bedrock", "us-east-1", noon) },
		"Signer":        func(r *http.Request) { s.Sign(r, HashHex(body), exampleKey, noon) },
	}
	for _, http2 := range []bool{false, true} {
		client := newClient(t, http2)
		for _, p := range paths {
			for signer, sign := range signers {
				r, err := http.NewRequest("POST", base+p.path+"?b=2&a=x+y&c", bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				sign(r)
				if err := send(client, r); err != nil {
					t.Errorf("%s by %s, HTTP/2 %v: %v", p.name, signer, http2, err)
				}
			}
		}
	}
}

// Claude Code with a base URL that ends in a slash asks for "//inference-profiles" and signs "/inference-profiles"
// (seen of 2.1.329, 2026-11-20).
func TestDoubledSlashOverTheWire(t *testing.T) {
	base := serve(t)
	for _, http2 := range []bool{false, true} {
		r, err := http.NewRequest("GET", base+"/bedrock/inference-profiles?type=SYSTEM_DEFINED", nil)
		if err != nil {
			t.Fatal(err)
		}
		signAWS(t, r, EmptyHash, exampleKey, "bedrock", "us-east-1", noon)
		r.URL.Path = "/bedrock//inference-profiles"
		if err := send(newClient(t, http2), r); err != nil {
			t.Errorf("HTTP/2 %v: %v", http2, err)
		}
	}
}

// AWS's JavaScript SDK speaks HTTP/2 and signs :authority and content-length (seen of 3.1161, 2026-11-20).
func TestJavaScriptSDKOverTheWire(t *testing.T) {
	base := serve(t)
	host := strings.TrimPrefix(base, "http://")
	const body, stamp = `{"max_tokens":1}`, "20261120T120000Z"
	headers := [][2]string{{":authority", host}, {"accept", "application/json"}, {"amz-sdk-invocation-id", "dc2bc2eb"},
		{"amz-sdk-request", "attempt=1; max=3"}, {"content-length", "16"}, {"content-type", "application/json"},
		{"x-amz-content-sha256", HashHex([]byte(body))}, {"x-amz-date", stamp}, {"x-amz-user-agent", "aws-sdk-js/3.1161.0"}}
	names, signature := reference("POST", "/model/a%253A0/invoke", "", headers, body, stamp, "us-east-1", "bedrock", exampleSecret)
	r, err := http.NewRequest("POST", base+"/model/a%3A0/invoke", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		if h[0] != ":authority" {
			r.Header.Set(h[0], h[1])
		}
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/aws4_request, SignedHeaders="+names+", Signature="+signature)
	if err := send(newClient(t, true), r); err != nil {
		t.Error(err)
	}
}

// The AI SDK signs host and date only (seen of @ai-sdk/amazon-bedrock 4.0.186, 2026-11-20).
func TestFewSignedHeadersAreEnough(t *testing.T) {
	base := serve(t)
	const body, stamp = `{}`, "20261120T120000Z"
	host := strings.TrimPrefix(base, "http://")
	names, signature := reference("POST", "/model/a%253A0/converse", "", [][2]string{{"host", host}, {"x-amz-date", stamp}}, body, stamp, "us-east-1", "bedrock", exampleSecret)
	r, err := http.NewRequest("POST", base+"/model/a%3A0/converse", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/aws4_request, SignedHeaders="+names+", Signature="+signature)
	if err := send(newClient(t, false), r); err != nil {
		t.Error(err)
	}
}

// Requests that net/http's client would not write, byte by byte.
func TestRawRequestsOverTheWire(t *testing.T) {
	base, err := url.Parse(serve(t))
	if err != nil {
		t.Fatal(err)
	}
	const stamp = "20261120T120000Z"
	for _, c := range []struct{ name, target, path, query, want string }{
		{"origin form", "/a:b%2Fc", "/a%3Ab%252Fc", "", "200 "},
		{"absolute form", base.String() + "/a:b%2Fc?x=1", "/a%3Ab%252Fc", "x=1", "200 "},
		{"absolute form without a path", base.String(), "/", "", "200 "},
		{"bytes of UTF-8", "/\u1234?\u1234=bar", "/%E1%88%B4", "%E1%88%B4=bar", "200 "},
		{"a hash sign is a byte of the path", "/a#b", "/a%23b", "", "200 "},
		{"relative segments are not resolved", "/a/../b", "/b", "", "403 "},
		{"slashes collapsed", "//a///b", "/a/b", "", "200 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", base.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			names, signature := reference("GET", c.path, c.query, [][2]string{{"host", base.Host}, {"x-amz-date", stamp}}, "", stamp, "us-east-1", "bedrock", exampleSecret)
			io.WriteString(conn, "GET "+c.target+" HTTP/1.1\r\nHost: "+base.Host+"\r\nx-amz-date:  "+stamp+" \r\nConnection: close\r\n"+
				"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/aws4_request, SignedHeaders="+names+", Signature="+signature+"\r\n\r\n")
			answer, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+c.want) {
				t.Errorf("answer %q, %v, want %s", answer, err, c.want)
			}
		})
	}
}
