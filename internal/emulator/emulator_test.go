package emulator_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsstream "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	region  = "us-east-1"
	account = "123456789012"
	opus    = "us.anthropic.claude-opus-5-5"
	haiku   = "us.anthropic.claude-haiku-4-5-20251001-v1:0"

	longTermKey = "ABSKQmVkcm9ja0FQSUtleS10ZXN0LWF0LTIxMDk4NzY1NDMyMTpzZWNyZXQ=" // BedrockAPIKey-test-at-210987654321:secret
)

var keys = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}

// A bedrock is an emulator that listens, with what it has logged and observed.
type bedrock struct {
	t      *testing.T
	url    string
	client *http.Client

	mu        sync.Mutex // guards the rest
	wrote     *sync.Cond // the log has grown
	log       bytes.Buffer
	exchanges []emulator.Exchange
}

// start starts an emulator that knows keys and longTermKey. Requests go over HTTP/1.1.
func start(t *testing.T, c emulator.Config) *bedrock {
	t.Helper()
	b := &bedrock{t: t, client: &http.Client{Transport: &http.Transport{}}}
	b.wrote = sync.NewCond(&b.mu)
	c.Credentials = append(c.Credentials, emulator.NewCredential(keys.AccessKeyID, keys.SecretAccessKey, ""))
	c.APIKeys = append(c.APIKeys, longTermKey)
	c.Logger = slog.New(slog.NewTextHandler(writerFunc(b.writeLog), nil))
	c.Observe = b.observe
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := emulator.HTTPServer(emulator.New(c), nil, nil)
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(l)
	}()
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		srv.Close()
		<-served
	})
	b.url = "http://" + l.Addr().String()
	return b
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (b *bedrock) writeLog(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wrote.Broadcast()
	return b.log.Write(p)
}

func (b *bedrock) observe(x emulator.Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exchanges = append(b.exchanges, x)
}

// logged waits for n lines of the log and returns them.
func (b *bedrock) logged(n int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for bytes.Count(b.log.Bytes(), []byte("\n")) < n {
		b.wrote.Wait()
	}
	return strings.Split(strings.TrimSpace(b.log.String()), "\n")
}

// request makes a request that is not signed. path is as it shall stand on the wire.
func (b *bedrock) request(method, path, body string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// sign signs with AWS's own signer.
func sign(t *testing.T, r *http.Request, body string, c aws.Credentials, at time.Time) *http.Request {
	t.Helper()
	if err := v4.NewSigner().SignHTTP(context.Background(), c, r, hash(body), "bedrock", region, at); err != nil {
		t.Fatal(err)
	}
	return r
}

// An answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

func (b *bedrock) do(r *http.Request) answer {
	b.t.Helper()
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, r.URL.EscapedPath(), err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: read body: %v", r.Method, r.URL.EscapedPath(), err)
	}
	return answer{resp, string(body)}
}

// call signs and sends.
func (b *bedrock) call(method, path, body string) answer {
	b.t.Helper()
	return b.do(sign(b.t, b.request(method, path, body), body, keys, time.Now()))
}

func (b *bedrock) invoke(model, body string) answer {
	b.t.Helper()
	return b.call(http.MethodPost, "/model/"+model+"/invoke", body)
}

// wantError checks that an answer is a refusal in AWS's shape.
func (a answer) wantError(t *testing.T, status int, code, message string) {
	t.Helper()
	var got struct{ Message string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Errorf("body of a refusal: got %q, want JSON: %v", a.body, err)
	}
	gotCode, rest, _ := strings.Cut(a.Header.Get("X-Amzn-Errortype"), ":")
	if a.StatusCode != status || gotCode != code || !strings.HasPrefix(got.Message, message) {
		t.Errorf("got %d %s %q, want %d %s %q", a.StatusCode, gotCode, got.Message, status, code, message)
	}
	if !strings.HasPrefix(rest, "http://internal.amazon.com/coral/") {
		t.Errorf("X-Amzn-Errortype: got %q, want the code and a coral namespace", a.Header.Get("X-Amzn-Errortype"))
	}
	a.wantHead(t)
}

// wantHead checks what is on every answer.
func (a answer) wantHead(t *testing.T) {
	t.Helper()
	if id := a.Header.Get("X-Amzn-Requestid"); len(id) != 36 || strings.Count(id, "-") != 4 {
		t.Errorf("X-Amzn-Requestid: got %q, want a UUID", id)
	}
	if _, err := http.ParseTime(a.Header.Get("Date")); err != nil {
		t.Errorf("Date: %v", err)
	}
}

// decode reads the body into v.
func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s, want 200", a.StatusCode, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	a.wantHead(t)
}

func user(text string, more ...string) string {
	content, _ := json.Marshal(text)
	members := append([]string{`"anthropic_version":"bedrock-2023-05-31"`, `"max_tokens":1000`, `"messages":[{"role":"user","content":` + string(content) + `}]`}, more...)
	return "{" + strings.Join(members, ",") + "}"
}

// A message is what InvokeModel answers.
type message struct {
	ID, Type, Role, Model string
	Content               []struct {
		Type, Text, Name, ID string
		Input                json.RawMessage
	}
	StopReason string `json:"stop_reason"`
	Usage      struct {
		Input  int `json:"input_tokens"`
		Output int `json:"output_tokens"`
		Read   int `json:"cache_read_input_tokens"`
		Write  int `json:"cache_creation_input_tokens"`
	}
}

// A frame is an event of a stream, decoded by AWS's decoder.
type frame struct {
	headers map[string]string
	padding string
	event   map[string]any
}

func frames(t *testing.T, body string) (out []frame) {
	t.Helper()
	decoder, r := awsstream.NewDecoder(), strings.NewReader(body)
	for r.Len() > 0 {
		m, err := decoder.Decode(r, nil)
		if err != nil {
			t.Fatalf("frame %d: %v", len(out), err)
		}
		f := frame{headers: map[string]string{}}
		for _, h := range m.Headers {
			f.headers[h.Name] = h.Value.String()
		}
		var payload struct {
			Bytes []byte
			P     *string
		}
		if err := json.Unmarshal(m.Payload, &payload); err != nil || payload.P == nil || *payload.P == "" {
			t.Fatalf("frame %d: payload %s, %v, want bytes and padding", len(out), m.Payload, err)
		}
		f.padding = *payload.P
		if err := json.Unmarshal(payload.Bytes, &f.event); err != nil {
			t.Fatalf("frame %d: %s: %v", len(out), payload.Bytes, err)
		}
		out = append(out, f)
	}
	return out
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func countBody(body string) string {
	return fmt.Sprintf(`{"input":{"invokeModel":{"body":%q}}}`, b64(body))
}
