package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// preface is how an HTTP/2 client begins, up to its settings.
func preface(settings bool) string {
	var b bytes.Buffer
	b.WriteString(http2.ClientPreface)
	if settings {
		http2.NewFramer(&b, nil).WriteSettings()
	}
	return b.String()
}

// frameOf is the bytes of a frame; what writes it may write several.
func frameOf(writeTo func(*http2.Framer) error) string {
	var b bytes.Buffer
	if err := writeTo(http2.NewFramer(&b, nil)); err != nil {
		panic(err)
	}
	return b.String()
}

// Heads that never end: what is sent at once, and what follows byte by byte, one each second.
var endlessHeads = []struct{ name, first, drip string }{
	{"a header from its first byte", "", "POST /v1/messages HTTP/1.1\r\nHost: gateway.test\r\n"},
	{"a header field", "POST /v1/messages HTTP/1.1\r\nHost: gateway.test\r\nX-A: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{"header fields that are whole", "POST /v1/messages HTTP/1.1\r\n", "A:\nB:\nC:\nD:\nE:\nF:\nG:\nH:\nI:\nJ:\nK:\nL:\n"},
	{"nothing", "", ""},
	{"HTTP/2's preface", "", http2.ClientPreface},
	{"nothing after HTTP/2's preface", preface(false), ""},
	{"half of a frame's header", preface(true) + "\x00\x00", ""},
	{"half of a HEADERS frame", preface(true), frameOf(func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 4096), EndHeaders: true})
	})},
	{"CONTINUATION frames", preface(true) + frameOf(func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x83, 0x86, 0x84}})
	}), strings.Repeat(frameOf(func(f *http2.Framer) error { return f.WriteContinuation(1, false, nil) }), 10)},
}

func TestHeadersThatDrip(t *testing.T) {
	t.Parallel()
	const (
		conns = 300
		limit = 13 * time.Second // 10 s, which begin with a frame's first byte, here 1 s late, and some for a busy machine
	)
	f := startFar(t, lengthy(t, 1, 1))
	g := serveFar(t, f)
	alone := g.askOnce(t, 100)
	before, files := g.memory(t, "VmRSS"), g.files(t)
	var mu sync.Mutex
	longest := map[string]time.Duration{}
	var all sync.WaitGroup
	for i := range conns {
		head := endlessHeads[i%len(endlessHeads)]
		conn := g.dial(t)
		all.Go(func() {
			took := drip(conn, head.first, head.drip)
			mu.Lock()
			defer mu.Unlock()
			longest[head.name] = max(longest[head.name], took)
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	var best pace // of some in a row: a busy machine may spoil others
	for open := true; open; {
		if p := g.askOnce(t, 50); best.median == 0 || p.like(alone) {
			best = p
		}
		select {
		case <-ended:
			open = false
		case <-time.After(500 * time.Millisecond):
		}
	}
	for name, took := range longest {
		if took > limit {
			t.Errorf("%s: closed after %v, want %v at most", name, took, limit)
		}
	}
	t.Logf("closed after at most %v; ordinary requests: %v before, %v meanwhile; memory %d KiB for each connection",
		longest, alone, best, (g.memory(t, "VmHWM")-before)/conns>>10)
	if !best.like(alone) {
		t.Errorf("ordinary requests: %v before, %v meanwhile", alone, best)
	}
	if grown := (g.memory(t, "VmHWM") - before) / conns; grown > 128<<10 {
		t.Errorf("a connection without a request takes %d KiB", grown>>10)
	}
	eventually(t, 5*time.Second, func() bool { return g.files(t) <= files+4 },
		func() string { return fmt.Sprintf("%d files are open, %d before", g.files(t), files) })
}

// askOnce is askBy with a connection for each request.
func (g *gateway) askOnce(t *testing.T, n int) pace {
	t.Helper()
	return g.askBy(t, once, n)
}

// drip writes first, then rest byte by byte, and returns after what time the other end closed.
func drip(conn *net.TCPConn, first, rest string) time.Duration {
	defer conn.Close()
	began := time.Now()
	conn.SetDeadline(began.Add(30 * time.Second))
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		io.Copy(io.Discard, conn) // an answer may come before the end
	}()
	io.WriteString(conn, first)
	each := time.NewTicker(time.Second)
	defer each.Stop()
	for {
		select {
		case <-closed:
			return time.Since(began)
		case <-each.C:
			if len(rest) > 0 {
				io.WriteString(conn, rest[:1])
				rest = rest[1:]
			}
		}
	}
}

// Bodies that stop: each is answered in the door's shape, and nothing of it reaches the upstream.
func TestBodiesThatStall(t *testing.T) {
	t.Parallel()
	f := startFar(t, lengthy(t, 1, 1))
	g := serveFar(t, f)
	var all sync.WaitGroup
	for _, door := range streamDoors {
		refusal := messagesRefusal
		if door.name == "native" {
			refusal = nativeRefusal
		}
		body := door.body("hi")
		length := fmt.Sprintf("Content-Length: %d", len(body)+1)
		for name, raw := range map[string]string{
			"by length, all but one byte": string(message("POST", door.path, "", withKey(g), length)) + body,
			"by length, nothing":          string(message("POST", door.path, "", withKey(g), length)),
			"chunked, without an end":     strings.TrimSuffix(string(chunked(door.path, body, withKey(g))), "0\r\n\r\n"),
			"chunked, within a chunk":     string(chunked(door.path, body, withKey(g)))[:len(chunked(door.path, body, withKey(g)))-20],
		} {
			raw = strings.Replace(raw, "Content-Length: 0\r\n", "", 1)
			conn := g.dial(t)
			all.Go(func() {
				began := time.Now()
				io.WriteString(conn, raw)
				in := bufio.NewReader(conn)
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Errorf("%s door, %s: %v after %v", door.name, name, err, time.Since(began))
					return
				}
				text, _ := io.ReadAll(resp.Body)
				if resp.StatusCode != http.StatusBadRequest || !strings.Contains(refusal(resp.Header, text), "too slowly") {
					t.Errorf("%s door, %s: %d %s, want 400 that says what is wrong", door.name, name, resp.StatusCode, text)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("%s door, %s: refused after %v, want 15 s", door.name, name, took)
				}
				if n, err := io.Copy(io.Discard, in); err != nil || n > 0 {
					t.Errorf("%s door, %s: %d bytes behind the answer, %v; want the connection closed", door.name, name, n, err)
				}
			})
		}
		h, err := g.dialHTTP2(t)
		if err != nil {
			t.Fatal(err)
		}
		id, err := h.post(door.path, body[:len(body)-1], false)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			began := time.Now()
			status, text := h.answer(t, id)
			if status != "400" || !strings.Contains(text, "too slowly") || time.Since(began) > 20*time.Second {
				t.Errorf("%s door, HTTP/2: %s %q after %v, want 400 after 15 s", door.name, status, text, time.Since(began))
			}
		})
	}
	all.Wait()
	if came := f.came(); len(came) != 0 {
		t.Errorf("%d requests reached the upstream: %q", len(came), came)
	}
	g.ask(t, once)
}
