package outcrop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

const wholeMessage = `{"id":"msg_bdrk_1","type":"message","role":"assistant","content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":3,"output_tokens":1}}`

func TestInvokeModel(t *testing.T) {
	var got *http.Request
	var sent []byte
	u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		got = r
		sent, _ = io.ReadAll(r.Body)
		w.Header().Set("X-Amzn-Requestid", "aws-1")
		io.WriteString(w, wholeMessage)
	})
	inv := invocation(t, `{"model":"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1","max_tokens":5, "messages":[]}`)
	inv.Header = http.Header{"X-Amzn-Bedrock-Guardrailidentifier": {"g1"}, "Cookie": {"secret"}, "X-Api-Key": {"sk-ant"}}
	answer, err := u.client(t).Do(context.Background(), inv)
	if err != nil {
		t.Fatal(err)
	}
	if string(answer.Body) != wholeMessage || answer.RequestID != "aws-1" || answer.Usage.InputTokens != 3 {
		t.Errorf("got %+v", answer)
	}
	if want := "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fa1/invoke"; got.URL.EscapedPath() != want {
		t.Errorf("path %s\nwant %s", got.URL.EscapedPath(), want)
	}
	if want := `{"max_tokens":5, "messages":[],"anthropic_version":"bedrock-2023-05-31"}`; string(sent) != want {
		t.Errorf("body %s\nwant %s", sent, want)
	}
	if !strings.HasPrefix(got.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") {
		t.Errorf("Authorization %q", got.Header.Get("Authorization"))
	}
	if got.Header.Get("X-Amzn-Bedrock-Guardrailidentifier") != "g1" || got.Header.Get("Cookie") != "" || got.Header.Get("X-Api-Key") != "" {
		t.Errorf("headers %v: only X-Amzn-Bedrock-* may come along", got.Header)
	}
}

func TestRetries(t *testing.T) {
	f := func(name string, wantCalls int, wantErr string, steps ...func(int, http.ResponseWriter, *http.Request)) {
		t.Run(name, func(t *testing.T) {
			u := &scripted{steps: steps}
			synctest.Test(t, func(t *testing.T) { // the pauses take no time
				_, err := u.client(t).Do(context.Background(), invocation(t, ask))
				if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
					t.Errorf("got %v, want %q", err, wantErr)
				}
			})
			if u.calls != wantCalls {
				t.Errorf("%d calls, want %d", u.calls, wantCalls)
			}
		})
	}
	good := func(_ int, w http.ResponseWriter, _ *http.Request) { io.WriteString(w, wholeMessage) }
	throttle := refuses(429, "ThrottlingException", "Too many requests")
	f("throttled twice, then fine", 3, "", throttle, throttle, good)
	f("throttled for good", 3, "Too many requests", throttle, throttle, throttle, good)
	f("a daily quota is not asked again", 1, "per day", refuses(429, "ThrottlingException", "Too many tokens per day"), good)
	f("a failing service", 2, "", refuses(503, "ServiceUnavailableException", "busy"), good)
	f("a wrong request", 1, "no", refuses(400, "ValidationException", "no"), good)
	f("denied", 1, "not authorized", refuses(403, "AccessDeniedException", "not authorized"), good)
	f("expired credentials, once more", 2, "expired", refuses(403, "ExpiredTokenException", "expired"), refuses(403, "ExpiredTokenException", "expired"), good)
	f("an empty answer, once more", 2, "", func(int, http.ResponseWriter, *http.Request) {}, good)
	f("HTML of a proxy", 2, `"text/html; charset=utf-8", is not JSON`,
		func(_ int, w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html><body>") },
		func(_ int, w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html><body>") }, good)
	f("an error under status 200", 1, "ValidationException: bad", func(_ int, w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"message":"bad"}`)
	}, good)
	f("an empty body is classed by its header", 2, "", func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "ThrottlingException")
		w.WriteHeader(400)
	}, good)
	f("a wait that the upstream asks for is kept", 2, "", func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3")
		throttle(0, w, r)
	}, good)
	f("but not a long one", 1, "Too many requests", func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		throttle(0, w, r)
	}, good)
	f("a redirect is not followed", 1, "status 302", func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://169.254.169.254/")
		w.WriteHeader(302)
	}, good)
}

// scripted answers in process, without sockets, so that synctest's clock runs.
type scripted struct {
	steps []func(int, http.ResponseWriter, *http.Request)
	calls int
}

func (s *scripted) client(t *testing.T) *outcrop.Client {
	c, err := outcrop.New(context.Background(), outcrop.WithRegion("us-east-1"), outcrop.WithBaseURL("http://127.0.0.1"),
		outcrop.WithAPIKey("ABSKtest"), outcrop.WithHTTPClient(&http.Client{Transport: s}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls++
	w := httptest.NewRecorder()
	s.steps[s.calls-1](s.calls, w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func TestHostileModelIDsAreNotSent(t *testing.T) {
	u := newUpstream(t, func(int, http.ResponseWriter, *http.Request) {})
	c := u.client(t)
	for _, id := range []string{
		"", ".", "..", "...", "a/../b", "../../foundation-models", "a/b", "/", "//", "a//b", "%2e%2e", "%2e", "%2F", "%00", "a\x00b",
		"?", "a?b=c", "#", "a#b", "a b", "a\r\nHost: evil", "a\nb", "\t", "ä", "a;b", "a\\b", "a@b", "*", "${jndi}", "a,b", "[1m]",
		"arn:aws:bedrock:us-east-1:123456789012:inference-profile/..", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/a/../b",
		"arn:aws:s3:::bucket", "arn:aws:bedrock:us-east-1::foundation-model/../x", "arn:aws:bedrock:evil.example:1:x/y",
		strings.Repeat("a", 2049),
	} {
		for _, op := range []outcrop.Operation{outcrop.InvokeModel, outcrop.CountTokens} {
			_, err := c.Do(context.Background(), &outcrop.Invocation{Operation: op, Model: id, Body: []byte(`{}`)})
			if k := outcrop.KindOf(err); k != outcrop.Invalid && k != outcrop.NotFound {
				t.Errorf("%s of model %.60q: %v, want kind invalid or not_found", op, id, err)
			}
		}
		if _, err := c.Control(context.Background(), outcrop.GetInferenceProfile, id, nil); outcrop.KindOf(err) != outcrop.Invalid {
			t.Errorf("inference profile %.60q: %v, want kind invalid", id, err)
		}
	}
	if n := u.calls.Load(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
}

func TestAPIKeyIsSentOverHTTPSOnly(t *testing.T) {
	c, err := outcrop.New(context.Background(), outcrop.WithRegion("us-east-1"), outcrop.WithBaseURL("http://bedrock.example"), outcrop.WithAPIKey("ABSKsecret"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(context.Background(), invocation(t, ask))
	if outcrop.KindOf(err) != outcrop.Credentials || strings.Contains(err.Error(), "ABSK") {
		t.Errorf("got %v, want kind credentials without the key", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "ABSK") {
		t.Error("the Client prints its API key")
	}
}

func TestBodyOverBedrocksLimit(t *testing.T) {
	u := newUpstream(t, func(int, http.ResponseWriter, *http.Request) {})
	big := `{"model":"opus","messages":"` + strings.Repeat("a", outcrop.MaxBody) + `"}`
	_, err := u.client(t).Do(context.Background(), invocation(t, big))
	if outcrop.KindOf(err) != outcrop.TooLarge || !strings.Contains(err.Error(), "25000000") || u.calls.Load() != 0 {
		t.Errorf("got %v after %d calls, want kind too_large naming the limit after none", err, u.calls.Load())
	}
}

func TestControl(t *testing.T) {
	var got string
	u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.URL.RequestURI()
		io.WriteString(w, `{"inferenceProfileSummaries":[]}`)
	})
	c := u.client(t)
	if _, err := c.Control(context.Background(), outcrop.ListInferenceProfiles, "", url.Values{"type": {"SYSTEM_DEFINED"}}); err != nil || got != "GET /inference-profiles?type=SYSTEM_DEFINED" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := c.Control(context.Background(), outcrop.GetFoundationModel, "anthropic.claude-3-haiku-20240307-v1:0", nil); err != nil || got != "GET /foundation-models/anthropic.claude-3-haiku-20240307-v1%3A0" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := c.Control(context.Background(), "ListGuardrails", "", nil); outcrop.KindOf(err) != outcrop.NotFound {
		t.Errorf("a resource that is not served: %v", err)
	}
}

func TestCountTokens(t *testing.T) {
	var path string
	var sent struct {
		Input struct{ InvokeModel struct{ Body []byte } }
	}
	u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		json.NewDecoder(r.Body).Decode(&sent)
		io.WriteString(w, `{"inputTokens":12}`)
	})
	n, err := u.client(t).CountTokens(context.Background(), &outcrop.Invocation{Model: "claude-haiku-4-5", Body: []byte(`{"messages":[],"anthropic_version":"2026-10-21","anthropic_beta":["x"]}`)})
	if err != nil || n != 12 {
		t.Errorf("CountTokens = %d, %v; want 12", n, err)
	}
	if want := `{"messages":[],"anthropic_version":"bedrock-2023-05-31","max_tokens":1}`; string(sent.Input.InvokeModel.Body) != want {
		t.Errorf("counted %s, want %s", sent.Input.InvokeModel.Body, want)
	}
	if want := "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens"; path != want {
		t.Errorf("path %s, want the bare model ID: %s", path, want)
	}
}

func TestCABundle(t *testing.T) {
	srv := bedrocktest.NewTLSServer(t)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, srv.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"AWS_CA_BUNDLE": bundle, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": srv.URL}
	options := []outcrop.Option{
		outcrop.WithRegion(srv.Region), outcrop.WithAPIKey(srv.APIKey),
		outcrop.WithGetenv(func(name string) string { return environment[name] }),
	}
	c, err := outcrop.New(context.Background(), options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(context.Background(), invocation(t, ask)); err != nil {
		t.Errorf("with the bundle: %v", err)
	}
	delete(environment, "AWS_CA_BUNDLE")
	if c, err = outcrop.New(context.Background(), options...); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(context.Background(), invocation(t, ask)); outcrop.KindOf(err) != outcrop.Unavailable {
		t.Errorf("without it: %v, want kind unavailable", err)
	}
	environment["AWS_CA_BUNDLE"] = filepath.Join(t.TempDir(), "nothing.pem")
	if _, err := outcrop.New(context.Background(), options...); err == nil || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") {
		t.Errorf("a bundle that is not there: %v, want an error that names the variable", err)
	}
}

func TestInvocationMayBeSentAgain(t *testing.T) {
	var sent []string
	u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "count-tokens") {
			io.WriteString(w, `{"inputTokens":12}`)
			return
		}
		sent = append(sent, string(body))
		io.WriteString(w, wholeMessage)
	})
	c := u.client(t)
	inv := invocation(t, `{"model":"claude-haiku-4-5","anthropic_beta":["effort-2025-11-24"],"messages":[]}`)
	c.CountTokens(context.Background(), inv)
	c.Do(context.Background(), inv)
	inv.Body = []byte(`{"max_tokens":7}`)
	c.Do(context.Background(), inv)
	want := []string{
		`{"anthropic_beta":["effort-2025-11-24"],"messages":[],"anthropic_version":"bedrock-2023-05-31"}`,
		`{"max_tokens":7,"anthropic_version":"bedrock-2023-05-31"}`,
	}
	if !slices.Equal(sent, want) {
		t.Errorf("sent %q\nwant %q", sent, want)
	}
}

func TestOperationsGoWhereTheyBelong(t *testing.T) {
	u := newUpstream(t, func(_ int, w http.ResponseWriter, _ *http.Request) {})
	c := u.client(t)
	if _, err := c.Do(context.Background(), invocation(t, strings.Replace(ask, "{", `{"stream":true,`, 1))); outcrop.KindOf(err) != outcrop.Invalid {
		t.Errorf("Do of a stream: %v", err)
	}
	if _, err := c.CountTokens(context.Background(), &outcrop.Invocation{Operation: outcrop.CountTokens, Model: "haiku", Body: []byte(`{}`)}); outcrop.KindOf(err) != outcrop.Invalid {
		t.Errorf("CountTokens of CountTokens: %v", err)
	}
	if n := u.calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestWhoseTimeRanOut(t *testing.T) {
	u := newUpstream(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the server does not see the client go
		<-r.Context().Done()
	})
	f := func(name string, kind outcrop.Kind, want string, call func(context.Context, *outcrop.Client) error, options ...outcrop.Option) {
		t.Run(name, func(t *testing.T) {
			u.calls.Store(0)
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			err := call(ctx, u.client(t, options...))
			if outcrop.KindOf(err) != kind || !strings.Contains(err.Error(), want) || u.calls.Load() != 1 {
				t.Errorf("%v after %d calls, want kind %s with %q after one", err, u.calls.Load(), kind, want)
			}
		})
	}
	whole := func(ctx context.Context, c *outcrop.Client) error {
		_, err := c.Do(ctx, invocation(t, ask))
		return err
	}
	stream := func(ctx context.Context, c *outcrop.Client) error {
		_, err := c.InvokeModelWithResponseStream(ctx, invocation(t, ask))
		return err
	}
	f("the caller's, of a whole answer", outcrop.Canceled, "deadline exceeded", whole)
	f("the caller's, of a stream", outcrop.Canceled, "deadline exceeded", stream)
	f("the Client's, of a whole answer", outcrop.ModelFailed, "within 20ms", whole, outcrop.WithTimeout(20*time.Millisecond))
	f("the Client's, of a stream", outcrop.ModelFailed, "no answer for 20ms", stream, outcrop.WithIdleTimeout(20*time.Millisecond))
}

func TestWhatWillNotPassIsNotRetried(t *testing.T) {
	srv := bedrocktest.NewTLSServer(t)
	var dials atomic.Int32
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	c, err := outcrop.New(context.Background(), outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL),
		outcrop.WithAPIKey(srv.APIKey), outcrop.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(context.Background(), invocation(t, ask))
	h := http.Header{}
	outcrop.RetryHeaders(h, err)
	if err == nil || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") || dials.Load() != 1 || h.Get("x-should-retry") != "false" {
		t.Errorf("an untrusted certificate: %v after %d dials, %v", err, dials.Load(), h)
	}
}

func TestGatewayResolvesAndRetries(t *testing.T) {
	var paths []string
	var keys []string
	u := newUpstream(t, func(n int, w http.ResponseWriter, r *http.Request) {
		paths, keys = append(paths, r.URL.Path), append(keys, r.Header.Get("Authorization"))
		if n == 1 {
			w.Header().Set("X-Amzn-Errortype", "ThrottlingException")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		io.WriteString(w, wholeMessage)
	})
	client, err := outcrop.New(context.Background(), outcrop.WithGateway(u.URL, "a-key-of-the-gateway"),
		outcrop.WithGetenv(func(name string) string { return map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}[name] }))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := client.Resolve("sonnet"); id != "sonnet" || err != nil {
		t.Errorf("Resolve = %q, %v; want the name as it is", id, err)
	}
	inv := invocation(t, `{"model":"sonnet","max_tokens":5,"messages":[]}`)
	if _, err := client.Do(context.Background(), inv); outcrop.KindOf(err) != outcrop.Throttled {
		t.Errorf("got %v, want the throttle that the gateway has retried", err)
	}
	if answer, err := client.Do(context.Background(), inv); err != nil || answer.Target.ModelID != "sonnet" {
		t.Errorf("got %+v, %v", answer, err)
	}
	if want := []string{"/model/sonnet/invoke", "/model/sonnet/invoke"}; !slices.Equal(paths, want) || keys[0] != "Bearer a-key-of-the-gateway" {
		t.Errorf("asked %q with %q, want %q", paths, keys, want)
	}
}

// What goes wrong with a gateway is said of the gateway, and its keys are not AWS's credentials.
func TestGatewayFails(t *testing.T) {
	u := newUpstream(t, func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "UnrecognizedClientException")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"message":"this is not a key of this Outcrop gateway"}`)
	})
	f := func(name, url, key string, kind outcrop.Kind, words string) {
		t.Helper()
		client, err := outcrop.New(context.Background(), outcrop.WithGateway(url, key))
		if err == nil {
			_, err = client.Do(context.Background(), invocation(t, `{"model":"sonnet","max_tokens":5,"messages":[]}`))
		}
		if outcrop.KindOf(err) != kind || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v of kind %s, want %q of kind %s", name, err, outcrop.KindOf(err), words, kind)
		}
	}
	f("a key that it does not take", u.URL, "another-key", outcrop.Unauthenticated, "not a key of this Outcrop gateway")
	closed := httptest.NewServer(nil)
	closed.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler("https://gateway.example.com/elsewhere", http.StatusTemporaryRedirect))
	t.Cleanup(elsewhere.Close)
	f("a redirect", elsewhere.URL, "a-key", outcrop.NotFound, `redirected to "https://gateway.example.com/elsewhere", which is not followed`)
	f("nobody there", closed.URL, "a-key", outcrop.Unavailable, "the gateway is not reachable")
	f("no TLS", "http://gateway.example.com", "a-key", outcrop.Credentials, "an API key is sent over https only, not to gateway.example.com")
	f("no key", u.URL, "", outcrop.Credentials, "the API key is empty")
	f("no URL", "", "a-key", outcrop.Invalid, "the gateway's URL is empty")
}

func TestWrongSchemeIsSaid(t *testing.T) {
	plain := newUpstream(t, streams(answer(1)...))
	c, err := outcrop.New(t.Context(), outcrop.WithRegion("us-east-1"), outcrop.WithCredentials(example),
		outcrop.WithBaseURL(strings.Replace(plain.URL, "http://", "https://", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), invocation(t, ask)); !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("https to a server of plain HTTP: %v, want %v", err, http.ErrSchemeMismatch)
	}
}
