package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop/internal/gateway/admission"
)

// unread is a connection to a gateway whose Bedrock sends a stream of 200 MB, and whose clients may read
// nothing for 300 ms. stopped is closed when no more of the stream is sent.
func unread(t *testing.T) (r *rig, conn net.Conn, stopped chan struct{}) {
	t.Helper()
	stopped = make(chan struct{})
	r = newRig(t, func(w http.ResponseWriter, req *http.Request) {
		defer close(stopped)
		answers(start)(w, req)
		big := chunk(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + strings.Repeat("a", 100_000) + `"}}`)
		for range 2000 {
			if _, err := w.Write(big); err != nil {
				return
			}
		}
	}, func(c *Config) { c.StallTimeout = 300 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return r, conn, stopped
}

// A pipe has no room: what is not read is not written. It is a connection to a gateway that gives a
// client 200 ms to read.
func pipe(t *testing.T, config Config) net.Conn {
	t.Helper()
	key, err := admission.KeyOf("tester", testKey)
	if err != nil {
		t.Fatal(err)
	}
	config.Keys, config.Log = admission.NewKeys(admission.NewState().Root, key), slog.New(slog.DiscardHandler)
	config.StallTimeout = 200 * time.Millisecond
	client, server := net.Pipe()
	client.SetDeadline(time.Now().Add(20 * time.Second))
	l := pipeListener{make(chan net.Conn, 1), make(chan struct{})}
	l.conns <- server
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- NewServer(New(config)).Serve(ctx, l, 100*time.Millisecond) }()
	t.Cleanup(func() {
		client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return client
}

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

func (l pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// wantCut wants the other side to hang up without another byte being read.
func wantCut(t *testing.T, conn net.Conn) {
	t.Helper()
	var err error
	for err == nil {
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\n")
	}
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v, want the connection closed", err)
	}
}

func TestClientThatDoesNotReadARefusalIsCut(t *testing.T) {
	for _, line := range []string{"GET /nowhere", "PUT /v1/messages", "GET /metrics", "POST /v1/messages"} {
		t.Run(line, func(t *testing.T) {
			conn := pipe(t, Config{})
			io.WriteString(conn, line+" HTTP/1.1\r\nHost: x\r\n\r\n")
			wantCut(t, conn)
		})
	}
}

func TestClientThatDoesNotReadTheEndOfAStreamIsCut(t *testing.T) {
	r := newRig(t, answers(start, delta, stop)) // for its client
	conn := pipe(t, Config{Client: r.bedrock})
	io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: "+testKey+"\r\nContent-Length: "+
		strconv.Itoa(len(streamed))+"\r\n\r\n"+streamed)
	var read []byte
	for b := make([]byte, 1); !bytes.Contains(read, []byte("message_stop")) || !bytes.HasSuffix(read, []byte("\n\n\r\n")); {
		if _, err := conn.Read(b); err != nil {
			t.Fatalf("%v after %q", err, read)
		}
		read = append(read, b[0])
	}
	wantCut(t, conn) // the last chunk, which says that the answer is whole, is not read
}
