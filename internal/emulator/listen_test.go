package emulator_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

func TestCA(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ca, err := emulator.NewCA(now, "bedrock.test", "192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca.PEM()) {
		t.Fatalf("PEM: got %s, want a certificate", ca.PEM())
	}
	leaf, err := x509.ParseCertificate(ca.Config().Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "bedrock.test", "192.0.2.7"} {
		for _, at := range []time.Duration{-59 * time.Minute, 0, 364 * 24 * time.Hour} {
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: now.Add(at)}); err != nil {
				t.Errorf("Verify for %s at now%+v: %v", name, at, err)
			}
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: now.Add(366 * 24 * time.Hour)}); err == nil {
			t.Errorf("Verify for %s after a year: got nil, want an error", name)
		}
	}
	if err := leaf.VerifyHostname("example.com"); err == nil {
		t.Error("VerifyHostname of another name: got nil, want an error")
	}
	block, rest := pem.Decode(ca.PEM())
	if root, err := x509.ParseCertificate(block.Bytes); err != nil || !root.IsCA || len(rest) > 0 {
		t.Errorf("PEM: got %v with %q after it, want one CA certificate", err, rest)
	}
}

func TestTLS(t *testing.T) {
	ca, err := emulator.NewCA(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := emulator.HTTPServer(emulator.New(emulator.Config{APIKeys: []string{longTermKey}}), ca.Config(), nil)
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.ServeTLS(l, "", "")
	}()
	defer func() {
		srv.Close()
		<-served
	}()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.PEM())
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: proto == "HTTP/2.0"}
		b := &bedrock{t: t, url: "https://" + l.Addr().String(), client: &http.Client{Transport: tr}}
		r := b.request(http.MethodPost, "/model/"+opus+"/invoke-with-response-stream", user("hi"))
		r.Header.Set("Authorization", "Bearer "+longTermKey)
		a := b.do(r)
		tr.CloseIdleConnections()
		if a.StatusCode != http.StatusOK || a.Proto != proto || len(frames(t, a.body)) < 5 {
			t.Errorf("got %s %d, want a stream over %s", a.Proto, a.StatusCode, proto)
		}
	}
}

// pipeListener accepts the server's ends of pipes, for there is no network in a bubble of synctest.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error   { return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestAClientThatDoesNotReadIsCut asks for a stream, reads its head and no more.
func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipeListener{make(chan net.Conn), make(chan struct{})}
		b := &bedrock{t: t}
		status := make(chan string, 1)
		srv := emulator.HTTPServer(emulator.New(emulator.Config{APIKeys: []string{longTermKey}}), nil, nil)
		inner := srv.Handler
		srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begun := time.Now()
			inner.ServeHTTP(w, r)
			status <- fmt.Sprint(time.Since(begun).Round(time.Second))
		})
		served := make(chan struct{})
		go func() {
			defer close(served)
			srv.Serve(l)
		}()
		client, server := net.Pipe()
		l.conns <- server
		body := user("write 5000 words")
		fmt.Fprintf(client, "POST /model/%s/invoke-with-response-stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", opus, longTermKey, len(body), body)
		if line, err := bufio.NewReaderSize(client, 16).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
			b.t.Fatalf("got %q, %v, want status 200", line, err)
		}
		if got := <-status; got != "1m0s" {
			t.Errorf("the handler gave up after %s, want 1m0s", got)
		}
		client.Close()
		close(l.closed)
		srv.Close()
		<-served
	})
}
