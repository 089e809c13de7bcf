package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/gateway/admission"
)

// drainOf starts a gateway with one open stream, ends its context and returns what the stream's
// client read and how Serve ended.
func drainOf(t *testing.T, limit time.Duration, finish bool) (text string, err error) {
	t.Helper()
	next := make(chan []byte, 3)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		for {
			select {
			case m := <-next:
				w.Write(m)
				w.(http.Flusher).Flush()
				if string(m) == string(stop) {
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	}))
	defer upstream.Close()
	client, err := outcrop.New(context.Background(), outcrop.WithRegion("us-east-1"), outcrop.WithBaseURL(upstream.URL),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider("AKID", "x", "")), outcrop.WithHTTPClient(upstream.Client()))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := admission.KeyOf("tester", testKey)
	g := New(Config{Client: client, Keys: admission.NewKeys(admission.NewState().Root, key), Log: slog.New(slog.DiscardHandler)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- NewServer(g).Serve(ctx, l, limit) }()

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	next <- start
	req, _ := http.NewRequest("POST", "http://"+l.Addr().String()+"/v1/messages", strings.NewReader(streamed))
	req.Header.Set("X-Api-Key", testKey)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		conn, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		if err != nil {
			break // it takes nothing new: the drain has begun
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("a draining gateway takes new connections")
		}
	}
	if finish {
		next <- delta
		next <- stop
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("the stream's client: %v", err)
	}
	return string(body), <-served
}

func TestDrainLetsAStreamFinish(t *testing.T) {
	text, err := drainOf(t, 10*time.Second, true)
	if err != nil || !strings.Contains(text, "event: message_stop") {
		t.Errorf("Serve: %v, stream:\n%s", err, text)
	}
}

func TestDrainCutsAStreamAtItsLimitWithAnError(t *testing.T) {
	text, err := drainOf(t, 50*time.Millisecond, false)
	if err != nil || !strings.Contains(text, "event: error\n") || !strings.Contains(text, "shutting down") {
		t.Errorf("Serve: %v, stream:\n%s", err, text)
	}
}

func TestNotReadyWithoutCredentials(t *testing.T) {
	none := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("the secret reason")
	})
	client, err := outcrop.New(context.Background(), outcrop.WithRegion("us-east-1"), outcrop.WithBaseURL("http://127.0.0.1:1"), outcrop.WithCredentials(none))
	if err != nil {
		t.Fatal(err)
	}
	g := New(Config{Client: client, Keys: admission.NewKeys(admission.NewState().Root), Log: slog.New(slog.DiscardHandler)})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if text := w.Body.String(); w.Code != 503 || !strings.Contains(text, "no AWS credentials") || strings.Contains(text, "reason") {
		t.Errorf("GET /readyz: %d %q, want 503 that leaves the reason to the log", w.Code, text)
	}
}

// A connection on which nothing is asked any more is closed, over HTTP/1.1 and over HTTP/2.
func TestIdleConnectionsAreClosed(t *testing.T) {
	s := NewServer(New(Config{Keys: admission.NewKeys(admission.NewState().Root), Log: slog.New(slog.DiscardHandler)}))
	if got := s.http.IdleTimeout; got != 2*time.Minute {
		t.Errorf("an idle connection may stay for %v, want 2 minutes", got)
	}
	s.http.IdleTimeout = 50 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l, time.Second) }()
	for name, sent := range map[string]string{
		"HTTP/1.1": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"HTTP/2":   clientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00", // and settings
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		conn.SetDeadline(began.Add(10 * time.Second))
		io.WriteString(conn, sent)
		text, err := io.ReadAll(conn)
		if took := time.Since(began); err != nil || len(text) == 0 || took < s.http.IdleTimeout {
			t.Errorf("%s: read %q, %v after %v; want an answer, and the connection closed after %v", name, text, err, took, s.http.IdleTimeout)
		}
		conn.Close()
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
