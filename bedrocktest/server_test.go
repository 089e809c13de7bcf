package bedrocktest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	opus = "us.anthropic.claude-opus-5-5"
	body = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
)

// post makes a request of InvokeModel with a bearer token.
func post(t *testing.T, srv *bedrocktest.Server, model, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, srv.URL+"/model/"+model+"/invoke", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func do(t *testing.T, srv *bedrocktest.Server, r *http.Request) (status int, answer string) {
	t.Helper()
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestServers(t *testing.T) {
	for _, c := range []struct {
		name, scheme, proto string
		start               func(testing.TB, ...bedrocktest.Option) *bedrocktest.Server
	}{
		{"plain", "http://127.0.0.1:", "HTTP/1.1", bedrocktest.NewServer},
		{"TLS", "https://127.0.0.1:", "HTTP/2.0", bedrocktest.NewTLSServer},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := c.start(t)
			if !strings.HasPrefix(srv.URL, c.scheme) || (srv.CAPEM() != nil) != (c.name == "TLS") {
				t.Errorf("URL %s with CA %q, want %s…", srv.URL, srv.CAPEM(), c.scheme)
			}
			for _, key := range []string{srv.APIKey, srv.ShortTermAPIKey(time.Hour)} {
				if status, answer := do(t, srv, post(t, srv, opus, key)); status != http.StatusOK || !strings.Contains(answer, "You said: hi") {
					t.Errorf("InvokeModel: got %d %s, want 200", status, answer)
				}
			}
			for _, r := range srv.Requests() {
				if r.Proto != c.proto {
					t.Errorf("request came over %s, want %s", r.Proto, c.proto)
				}
			}
		})
	}
}

func TestRequests(t *testing.T) {
	srv := bedrocktest.NewServer(t, bedrocktest.WithSessionToken("token"))
	r := post(t, srv, opus, "")
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: srv.AccessKeyID, SecretAccessKey: srv.SecretAccessKey, SessionToken: srv.SessionToken}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hex.EncodeToString(sum[:]), "bedrock", srv.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	do(t, srv, r)
	do(t, srv, post(t, srv, "nope", srv.APIKey))
	got := srv.Requests()
	if len(got) != 2 {
		t.Fatalf("Requests() has %d, want 2", len(got))
	}
	ok := got[0]
	if ok.Operation != "InvokeModel" || ok.ModelID != opus || ok.Method != "POST" || ok.RawPath != "/model/"+opus+"/invoke" || string(ok.Body) != body ||
		ok.Status != 200 || ok.ErrorCode != "" || ok.KeyID != srv.AccessKeyID || ok.AccountID != srv.AccountID || ok.InputTokens == 0 || ok.OutputTokens == 0 || ok.ID == "" {
		t.Errorf("Requests()[0] = %+v, want the InvokeModel that was answered", ok)
	}
	if refused := got[1]; refused.Status != 400 || refused.ErrorCode != "ValidationException" || refused.ModelID != "nope" {
		t.Errorf("Requests()[1] = %+v, want the refusal", refused)
	}
	if shown := fmt.Sprintf("%+v", got); strings.Contains(shown, srv.APIKey) || strings.Contains(shown, srv.SecretAccessKey) || strings.Contains(shown, "[token]") {
		t.Errorf("Requests() show a secret: %s", shown)
	}
}

func TestOptions(t *testing.T) {
	var later atomic.Int64 // what the server's clock is ahead
	now := func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(later.Load())) }
	var log bytes.Buffer
	srv := bedrocktest.NewServer(t,
		bedrocktest.WithRegion("eu-west-1"), bedrocktest.WithAccountID("210987654321"),
		bedrocktest.WithApplicationProfile("abc123", "eu.anthropic.claude-opus-5-5"),
		bedrocktest.WithClock(now),
		bedrocktest.WithChunkDelay(time.Millisecond),
		bedrocktest.WithDataRetention("default"),
		bedrocktest.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
	)
	app := "arn:aws:bedrock:eu-west-1:210987654321:application-inference-profile%2Fabc123"
	for _, c := range []struct {
		model, key string
		want       int
	}{
		{"eu.anthropic.claude-opus-5-5", srv.APIKey, 200},
		{app, srv.ShortTermAPIKey(time.Minute), 200},
		{opus, srv.APIKey, 400},
		{"eu.anthropic.claude-fable-5", srv.APIKey, 400},
	} {
		if got, answer := do(t, srv, post(t, srv, c.model, c.key)); got != c.want {
			t.Errorf("InvokeModel of %s: got %d %s, want %d", c.model, got, answer, c.want)
		}
	}
	old := srv.ShortTermAPIKey(time.Minute)
	later.Store(int64(2 * time.Minute))
	if got, answer := do(t, srv, post(t, srv, "eu.anthropic.claude-opus-5-5", old)); got != 403 || !strings.Contains(answer, "expired") {
		t.Errorf("an API key of two minutes ago: got %d %s, want 403", got, answer)
	}
	for _, r := range srv.Requests() {
		if r.AccountID != "210987654321" && r.Status != 403 {
			t.Errorf("request by account %q, want 210987654321", r.AccountID)
		}
	}
	srv.Close()
	if got := strings.Count(log.String(), "operation=InvokeModel"); got != 5 {
		t.Errorf("log has %d lines, want 5: %s", got, log.String())
	}
}

func TestProfilesOfNothing(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"an alias", "opus", `bedrocktest: application inference profile abc: "opus" is neither a foundation model nor a system-defined inference profile`},
		{"a profile of other Regions", "eu.anthropic.claude-opus-5-5", `bedrocktest: application inference profile abc: "eu.anthropic.claude-opus-5-5" cannot be called from us-east-1`},
		{"a model's ARN", "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5-5", ""},
		{"another family's profile", "us.amazon.nova-lite-v1:0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := &spy{TB: t}
			bedrocktest.NewServer(told, bedrocktest.WithApplicationProfile("abc", c.source))
			if told.fatal != c.want {
				t.Errorf("the test was told %q, want %q", told.fatal, c.want)
			}
		})
	}
}

func TestRetiredModels(t *testing.T) {
	const retired = "anthropic.claude-3-haiku-20240307-v1:0"
	for _, c := range []struct {
		name string
		want int
		opts []bedrocktest.Option
	}{
		{"gone, as on AWS", http.StatusNotFound, nil},
		{"served if asked for", http.StatusOK, []bedrocktest.Option{bedrocktest.WithRetiredModels()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := bedrocktest.NewServer(t, c.opts...)
			if got, answer := do(t, srv, post(t, srv, retired, srv.APIKey)); got != c.want {
				t.Errorf("InvokeModel of %s: got %d %s, want %d", retired, got, answer, c.want)
			}
		})
	}
}

func TestEnv(t *testing.T) {
	srv := bedrocktest.NewTLSServer(t, bedrocktest.WithSessionToken("token"))
	env := srv.Env()
	for _, want := range []string{
		"AWS_ENDPOINT_URL_BEDROCK_RUNTIME=" + srv.URL, "AWS_ENDPOINT_URL_BEDROCK=" + srv.URL, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + srv.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + srv.SecretAccessKey, "AWS_SESSION_TOKEN=token", "AWS_EC2_METADATA_DISABLED=true",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("Env() has no %s: %v", want, env)
		}
	}
	i := slices.IndexFunc(env, func(s string) bool { return strings.HasPrefix(s, "AWS_CA_BUNDLE=") })
	if i < 0 {
		t.Fatalf("Env() has no AWS_CA_BUNDLE: %v", env)
	}
	if pem, err := os.ReadFile(strings.TrimPrefix(env[i], "AWS_CA_BUNDLE=")); err != nil || !bytes.Equal(pem, srv.CAPEM()) {
		t.Errorf("%s: got %q, %v, want the CA", env[i], pem, err)
	}
}

func TestClose(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	do(t, srv, post(t, srv, opus, srv.APIKey))
	srv.Close()
	srv.Close()
	if resp, err := srv.Client().Do(post(t, srv, opus, srv.APIKey)); err == nil {
		resp.Body.Close()
		t.Errorf("a request after Close: got %d, want an error", resp.StatusCode)
	}
}
