package gateway

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop/internal/gateway/admission"
)

// What docs/limits.md says, and no test waits for as long as it takes.
func TestLimitsAreAsDocumented(t *testing.T) {
	g := New(Config{Keys: admission.NewKeys(admission.NewState().Root), Log: slog.New(slog.DiscardHandler)})
	s := NewServer(g).http
	for name, c := range map[string]struct{ got, want any }{
		"time for a head":                   {s.ReadHeaderTimeout, 10 * time.Second},
		"size of a head":                    {s.MaxHeaderBytes, 64 << 10},
		"time for an HTTP/2 frame":          {frameLimit, 10 * time.Second},
		"size of an HTTP/2 frame":           {s.HTTP2.MaxReadFrameSize, 64 << 10},
		"streams of an HTTP/2 connection":   {s.HTTP2.MaxConcurrentStreams, 250},
		"pause in a body":                   {bodyPause, 15 * time.Second},
		"bytes of a body a second":          {bodyRate, 16 << 10},
		"size of a body":                    {maxBody, 32 << 20},
		"time for a refused body":           {discardTime, 2 * time.Second},
		"size of a refused body":            {discardSize, 64 << 20},
		"time without reading":              {g.StallTimeout, time.Minute},
		"time without reading, over HTTP/2": {s.HTTP2.WriteByteTimeout, time.Minute},
		"silence before a ping":             {g.PingInterval, 15 * time.Second},
		"time of an idle connection":        {s.IdleTimeout, 2 * time.Minute},
		"time for a whole request":          {s.ReadTimeout, time.Duration(0)},
		"time for a whole answer":           {s.WriteTimeout, time.Duration(0)},
		"time of a stream that is cut":      {cutGrace, 2 * time.Second},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
}

// The rest of a refused body is read for 2 s, also if it goes on coming; then the connection is closed.
func TestRestOfARefusedBodyIsReadForAWhile(t *testing.T) {
	r := newRig(t, answers())
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	conn.SetDeadline(began.Add(20 * time.Second))
	io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: wrong\r\nContent-Length: 1000000\r\n\r\n")
	ended := make(chan time.Duration)
	go func() {
		answer, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 401") {
			t.Errorf("answer %q, want 401", answer)
		}
		ended <- time.Since(began)
	}()
	each := time.NewTicker(100 * time.Millisecond)
	defer each.Stop()
	for {
		select {
		case took := <-ended:
			if took < 2*time.Second || took > 6*time.Second {
				t.Errorf("the connection ends after %v, want 2 s", took)
			}
			return
		case <-each.C:
			io.WriteString(conn, " ")
		}
	}
}

// Over HTTP/2 a client may not read in two ways. One that opens no window stalls its stream, which is reset
// while the connection lives. One that opens all windows and then reads nothing blocks the gateway's writes
// to the socket, which no deadline of a stream ends: the connection is cut, though its frames go on coming.
func TestHTTP2ClientThatDoesNotReadIsCut(t *testing.T) {
	const settings, reset, windowUpdate, ping = 0x4, 0x3, 0x8, 0x6
	t.Run("its stream", func(t *testing.T) {
		conn, _ := stallOverHTTP2(t, "")
		for conn.SetDeadline(time.Now().Add(20 * time.Second)); ; {
			var head [9]byte
			if _, err := io.ReadFull(conn, head[:]); err != nil {
				t.Fatalf("read up to the stream's reset: %v", err)
			}
			if head[3] == reset && head[8] == 1 {
				break
			}
			if _, err := io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
				t.Fatalf("read up to the stream's reset: %v", err)
			}
		}
	})
	t.Run("its socket", func(t *testing.T) {
		conn, stopped := stallOverHTTP2(t, frameOf(settings, 0, 0, "\x00\x04\x7f\xff\xff\xff")+frameOf(windowUpdate, 0, 0, "\x7f\x00\x00\x00"))
		select {
		case <-stopped:
		case <-time.After(20 * time.Second):
			t.Fatal("the upstream is still being read")
		}
		var err error
		for deadline := time.Now().Add(20 * time.Second); err == nil; time.Sleep(20 * time.Millisecond) {
			if _, err = io.WriteString(conn, frameOf(ping, 0, 0, "12345678")); time.Now().After(deadline) {
				t.Fatal("the connection is still there after 20 s")
			}
		}
	})
}

// stallOverHTTP2 asks over a connection of unread's, with frames before the request.
func stallOverHTTP2(t *testing.T, frames string) (conn net.Conn, stopped chan struct{}) {
	t.Helper()
	_, conn, stopped = unread(t)
	var head strings.Builder // in HPACK's literals, which are not indexed
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/v1/messages"}, {":authority", "x"}, {"x-api-key", testKey},
		{"content-length", fmt.Sprint(len(streamed))},
	} {
		head.WriteString("\x00" + string([]byte{byte(len(field[0]))}) + field[0] + string([]byte{byte(len(field[1]))}) + field[1])
	}
	if frames == "" {
		frames = frameOf(0x4, 0, 0, "") // settings, which come first
	}
	io.WriteString(conn, clientPreface+frames+frameOf(headersFrame, endHeaders, 1, head.String())+frameOf(0x0, 0x1, 1, streamed))
	return conn, stopped
}

// frameOf is a whole HTTP/2 frame.
func frameOf(kind, flags, stream byte, payload string) string {
	return string([]byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, stream}) + payload
}
