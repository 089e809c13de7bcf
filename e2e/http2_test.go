package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A rawHTTP2 is a client's end of an HTTP/2 connection, frame by frame. It reads and acknowledges nothing
// by itself.
type rawHTTP2 struct {
	conn   net.Conn
	key    string
	frames *http2.Framer
	encode *hpack.Encoder
	block  bytes.Buffer
	next   uint32 // stream ID
	out    *bufio.Writer
}

// dialHTTP2 opens a connection by prior knowledge and sends preface and settings.
func (g *gateway) dialHTTP2(t *testing.T) *rawHTTP2 {
	t.Helper()
	h := newRawHTTP2(g.dial(t), g.Key)
	if _, err := io.WriteString(h.out, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := h.frames.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	h.flush(t)
	return h
}

func newRawHTTP2(conn net.Conn, key string) *rawHTTP2 {
	h := &rawHTTP2{conn: conn, key: key, next: 1}
	h.out = bufio.NewWriter(conn)
	h.frames = http2.NewFramer(h.out, conn)
	h.encode = hpack.NewEncoder(&h.block)
	return h
}

func (h *rawHTTP2) flush(t *testing.T) {
	t.Helper()
	if err := h.out.Flush(); err != nil {
		t.Fatal(err)
	}
}

// head encodes the header of a POST with the gateway's key.
func (h *rawHTTP2) head(path string, more ...string) []byte {
	h.block.Reset()
	for i, fields := 0, append([]string{":method", "POST", ":scheme", "http", ":authority", host, ":path", path,
		"authorization", "Bearer " + h.key, "content-type", "application/json"}, more...); i < len(fields); i += 2 {
		h.encode.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return h.block.Bytes()
}

// post writes a request and returns its stream. Without end its body goes on.
func (h *rawHTTP2) post(t *testing.T, path, body string, end bool) uint32 {
	t.Helper()
	id := h.next
	h.next += 2
	var more []string
	if end {
		more = []string{"content-length", strconv.Itoa(len(body))}
	}
	if err := h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.head(path, more...), EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
	if err := h.frames.WriteData(id, end, []byte(body)); err != nil {
		t.Fatal(err)
	}
	return id
}

// leaveByReset resets the one stream of an HTTP/2 connection; the connection is closed later, with the test.
func leaveByReset(t *testing.T, g *gateway, door streamDoor, text string) func() error {
	h := g.dialHTTP2(t)
	id := h.post(t, door.path, door.body(text), true)
	h.flush(t)
	if !h.readUntil(t, func(f http2.Frame) bool { return f.Header().Type == http2.FrameData && f.Header().StreamID == id }) {
		return nil
	}
	return func() error {
		defer time.AfterFunc(2*time.Second, func() { h.conn.Close() }) // it is the reset that counts
		if err := h.frames.WriteRSTStream(id, http2.ErrCodeCancel); err != nil {
			return err
		}
		return h.out.Flush()
	}
}

// readUntil reads frames until one is the one.
func (h *rawHTTP2) readUntil(t *testing.T, one func(http2.Frame) bool) bool {
	t.Helper()
	for {
		f, err := h.frames.ReadFrame()
		if err != nil {
			t.Errorf("read a frame: %v", err)
			return false
		}
		if one(f) {
			return true
		}
	}
}

// answer reads the answer of a stream, to its end or the stream's reset.
func (h *rawHTTP2) answer(t *testing.T, id uint32) (status, body string) {
	t.Helper()
	h.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.readUntil(t, func(f http2.Frame) bool {
		if f.Header().StreamID != id {
			return false
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			status = f.PseudoValue("status")
			return f.StreamEnded()
		case *http2.DataFrame:
			body += string(f.Data())
			return f.StreamEnded()
		case *http2.RSTStreamFrame:
			return true
		}
		return false
	})
	return status, body
}

// Streams that are opened and reset, over and over: what Bedrock is asked at a time stays within what a
// connection may have open, and nothing is left behind.
func TestHTTP2ResetsInBursts(t *testing.T) {
	const (
		conns     = 3
		perSecond = 1000 // on each
		seconds   = 3
	)
	messages := answerMessages(t, 1)
	f := startFar(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Join(messages[:deltasAt+1], nil))
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	g := serveFar(t, f)
	median, _ := g.askMany(t, 100)
	before, files, goroutines := g.memory(t, "VmRSS"), g.files(t), g.metric(t, "go_goroutines")
	var opened, closed atomic.Int64
	var all sync.WaitGroup
	for i := range conns {
		door := streamDoors[i%len(streamDoors)]
		all.Go(func() {
			for left := perSecond * seconds; left > 0; { // on a new connection when the gateway has enough of one
				n := g.resets(door, left, time.Second/perSecond)
				opened.Add(int64(n))
				if left -= n; left > 0 {
					closed.Add(1)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	var took []time.Duration
	for open := true; open; {
		m, _ := g.askMany(t, 10)
		took = append(took, m)
		select {
		case <-ended:
			open = false
		default:
		}
	}
	slices.Sort(took)
	g.wantNothingLeft(t, f, files, goroutines)
	grown := g.memory(t, "VmHWM") - before
	t.Logf("%d streams reset, %d connections closed by the gateway, %d calls upstream at a time; ordinary requests: median %v before, %v then; memory %d MiB",
		opened.Load(), closed.Load(), f.most.Load(), median, took[len(took)/2], grown>>20)
	if most := f.most.Load(); most > maxStreams*conns+1 {
		t.Errorf("Bedrock was asked %d times at a time by %d connections", most, conns)
	}
	if then := took[len(took)/2]; then > 5*median+500*time.Millisecond {
		t.Errorf("ordinary requests take %v, and %v meanwhile", median, then)
	}
	if grown > 96<<20 {
		t.Errorf("the gateway took %d MiB more", grown>>20)
	}
}

// resets opens and resets at most n streams at that pace, and returns how many it could.
func (g *gateway) resets(door streamDoor, n int, pace time.Duration) int {
	conn, err := net.Dial("tcp", g.address())
	if err != nil {
		return 0
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go io.Copy(io.Discard, conn)
	h := newRawHTTP2(conn, g.Key)
	io.WriteString(h.out, http2.ClientPreface)
	h.frames.WriteSettings()
	began := time.Now()
	var open []uint32
	for i := range n {
		h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: h.next, BlockFragment: h.head(door.path), EndHeaders: true})
		h.frames.WriteData(h.next, true, []byte(door.body("hi")))
		if open = append(open, h.next); i%3 == 0 { // at once
			h.frames.WriteRSTStream(h.next, http2.ErrCodeCancel)
			open = open[:len(open)-1]
		}
		h.next += 2
		if i%10 < 9 && i < n-1 {
			continue // ten at a time
		}
		if err := h.out.Flush(); err != nil {
			return i
		}
		time.Sleep(time.Until(began.Add(time.Duration(i) * pace)))
		for _, id := range open { // after a little while
			h.frames.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		open = open[:0]
	}
	h.out.Flush()
	return n
}

// One connection has 250 streams open at a time, and no more calls upstream.
func TestHTTP2StreamsAtATime(t *testing.T) {
	messages := answerMessages(t, 1)
	f := startFar(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(messages[0])
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	g := serveFar(t, f)
	h := g.dialHTTP2(t)
	for range 1000 {
		h.post(t, streamDoors[0].path, streamDoors[0].body("hi"), true)
	}
	h.flush(t)
	eventually(t, 10*time.Second, func() bool { return f.open.Load() == maxStreams },
		func() string { return fmt.Sprintf("%d calls upstream, want %d", f.open.Load(), maxStreams) })
	g.askMany(t, 20)
	h.conn.Close()
	eventually(t, 10*time.Second, func() bool { return f.open.Load() == 0 },
		func() string { return fmt.Sprintf("%d calls upstream are left", f.open.Load()) })
	if most := f.most.Load(); most > maxStreams+1 {
		t.Errorf("%d calls upstream at a time", most)
	}
}

// maxStreams is how many streams a connection may have open.
const maxStreams = 250

// Frames that ask for an answer each, or say nothing, without end: the gateway ends the connection, or
// bears it, and keeps nothing of it.
func TestHTTP2Floods(t *testing.T) {
	const most = 32 << 20 // bytes that a flood may cost
	f := startFar(t, lengthy(t, 1, 1))
	g := serveFar(t, f)
	g.askMany(t, 50)
	junk := func(n int) []byte { // a literal header field of that length, not to be indexed
		var b bytes.Buffer
		e := hpack.NewEncoder(&b)
		e.WriteField(hpack.HeaderField{Name: "x-junk", Value: strings.Repeat("a", n), Sensitive: true})
		return b.Bytes()
	}(8 << 10)
	for name, next := range map[string]func(h *rawHTTP2, i int) error{
		"CONTINUATION": func(h *rawHTTP2, i int) error {
			if i == 0 {
				return h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: bytes.Clone(h.head("/v1/messages"))})
			}
			return h.frames.WriteContinuation(1, false, junk)
		},
		"CONTINUATION without anything in it": func(h *rawHTTP2, i int) error {
			if i == 0 {
				return h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: bytes.Clone(h.head("/v1/messages"))})
			}
			return h.frames.WriteContinuation(1, false, nil)
		},
		"SETTINGS": func(h *rawHTTP2, _ int) error {
			return h.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
		},
		"PING": func(h *rawHTTP2, i int) error { return h.frames.WritePing(false, [8]byte{byte(i)}) },
		"PRIORITY": func(h *rawHTTP2, i int) error {
			return h.frames.WritePriority(uint32(2*i+1), http2.PriorityParam{Weight: 1})
		},
		"DATA without anything in it": func(h *rawHTTP2, i int) error {
			if i == 0 {
				return h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.head("/v1/messages"), EndHeaders: true})
			}
			return h.frames.WriteData(1, false, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g.askMany(t, 10)
			before := g.memory(t, "VmRSS")
			g.forgetPeak(t)
			h := g.dialHTTP2(t)
			h.conn.SetDeadline(time.Now().Add(1500 * time.Millisecond)) // nothing is read, so it may come to a stop
			var err error
			n := 0
			for ; n < 200_000 && err == nil; n++ {
				err = next(h, n)
			}
			if err == nil {
				err = h.out.Flush()
			}
			g.askMany(t, 50)
			grown := g.memory(t, "VmHWM") - before
			t.Logf("%d frames, %v: memory %d KiB", n, err, grown>>10)
			if grown > most {
				t.Errorf("%d frames cost %d MiB", n, grown>>20)
			}
			h.conn.Close()
		})
	}
	if came := f.came(); slices.ContainsFunc(came, func(body string) bool { return !strings.Contains(body, `"hi"`) }) {
		t.Errorf("something else than the ordinary requests reached the upstream: %q", came)
	}
}
