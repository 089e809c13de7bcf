package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
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

// Windows as large as can be, and a socket that is not read: what HTTP/2 has for a single stream does
// not help against it.
func TestHTTP2ClientThatDoesNotReadItsSocketIsCut(t *testing.T) {
	gone := make(chan struct{})
	r := newRigIdle(t, time.Minute, func(w http.ResponseWriter, req *http.Request) {
		defer close(gone)
		answers(start)(w, req)
		big := chunk(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + strings.Repeat("x", 60_000) + `"}}`)
		for err := error(nil); err == nil; {
			_, err = w.Write(big)
		}
	}, func(c *Config) { c.StallTimeout = 300 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	const (
		data, headers, settings, windowUpdate = 0x0, 0x1, 0x4, 0x8
		endStream, initialWindow, largest     = 0x1, 0x4, 1<<31 - 1
	)
	frame := func(kind, flags byte, stream uint32, payload string) string {
		head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))[1:]
		return string(binary.BigEndian.AppendUint32(append(head, kind, flags), stream)) + payload
	}
	four := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	var head string
	for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/v1/messages"}, {":authority", "x"}, {"x-api-key", testKey}} {
		head += "\x00" + string(rune(len(field[0]))) + field[0] + string(rune(len(field[1]))) + field[1] // HPACK: not indexed
	}
	io.WriteString(conn, clientPreface+frame(settings, 0, 0, "\x00"+string(rune(initialWindow))+four(largest))+
		frame(windowUpdate, 0, 0, four(largest-65535))+frame(headers, endHeaders, 1, head)+frame(data, endStream, 1, streamed))
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Error("Bedrock is still being read after 20 s")
	}
}
