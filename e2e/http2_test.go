package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
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

// dialHTTP2 opens a connection by prior knowledge, which ends with the test, and sends preface and
// settings.
func (g *gateway) dialHTTP2(t *testing.T) (*rawHTTP2, error) {
	conn, err := g.connect(t)
	if err != nil {
		return nil, err
	}
	h := newRawHTTP2(conn, g.Key)
	io.WriteString(h.out, http2.ClientPreface) // Flush returns its error
	if err := h.frames.WriteSettings(); err != nil {
		return nil, err
	}
	return h, h.out.Flush()
}

func newRawHTTP2(conn net.Conn, key string) *rawHTTP2 {
	h := &rawHTTP2{conn: conn, key: key, next: 1}
	h.out = bufio.NewWriter(conn)
	h.frames = http2.NewFramer(h.out, conn)
	h.encode = hpack.NewEncoder(&h.block)
	return h
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

// post sends a request and returns its stream. Without end its body goes on.
func (h *rawHTTP2) post(path, body string, end bool) (uint32, error) {
	id := h.next
	h.next += 2
	var more []string
	if end {
		more = []string{"content-length", strconv.Itoa(len(body))}
	}
	if err := h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.head(path, more...), EndHeaders: true}); err != nil {
		return 0, err
	}
	if err := h.frames.WriteData(id, end, []byte(body)); err != nil {
		return 0, err
	}
	return id, h.out.Flush()
}

// leaveByReset resets the one stream of an HTTP/2 connection; the connection is closed later, with the test.
func leaveByReset(t *testing.T, g *gateway, door streamDoor, text string) func() error {
	h, err := g.dialHTTP2(t)
	if err != nil {
		t.Error(err)
		return nil
	}
	id, err := h.post(door.path, door.body(text), true)
	if err != nil {
		t.Error(err)
		return nil
	}
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
	alone := g.askMany(t, 200)
	before, files, goroutines := g.memory(t, "VmRSS"), g.files(t), g.metric(t, "go_goroutines")
	var opened, closed atomic.Int64
	var all sync.WaitGroup
	for i := range conns {
		door := streamDoors[i%len(streamDoors)]
		all.Go(func() {
			for left := perSecond * seconds; left > 0; { // on a new connection when the gateway has enough of one
				n, err := g.resets(door, left, time.Second/perSecond)
				opened.Add(int64(n))
				if n == 0 {
					t.Errorf("no stream can be opened: %v", err)
					return
				}
				if left -= n; left > 0 {
					closed.Add(1)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	meanwhile := g.paceUntil(t, ended, alone)
	g.wantNothingLeft(t, f, files, goroutines)
	grown := g.memory(t, "VmHWM") - before
	t.Logf("%d streams reset, %d connections closed by the gateway, %d calls upstream at a time; ordinary requests: %v before, %v then; memory %d MiB",
		opened.Load(), closed.Load(), f.most.Load(), alone, meanwhile, grown>>20)
	if opened.Load() != conns*perSecond*seconds {
		t.Errorf("%d streams were reset, want %d", opened.Load(), conns*perSecond*seconds)
	}
	// A connection has about 20 open, ten of them reset and not yet heard of; the rest is for a busy machine.
	if most := f.most.Load(); most > 60*conns {
		t.Errorf("Bedrock was asked %d times at a time by %d connections, want %d at most", most, conns, 60*conns)
	}
	if grown > 40<<20 { // the heap's floor of 16 is among them
		t.Errorf("the gateway took %d MiB more", grown>>20)
	}
}

// paceUntil makes ordinary requests until ended, and expects them to be like those before for a third of
// the time at least: a busy machine may spoil the rest.
func (g *gateway) paceUntil(t *testing.T, ended <-chan struct{}, before pace) (best pace) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	var took []time.Duration
	for open := true; open && !t.Failed(); {
		began := time.Now()
		g.ask(t, client)
		took = append(took, time.Since(began))
		select {
		case <-ended:
			open = false
		default:
		}
	}
	<-ended
	for part := range slices.Chunk(took, len(took)/3+1) {
		if p := paceOf(part); best.median == 0 || p.like(before) {
			best = p
		}
	}
	if !best.like(before) {
		t.Errorf("ordinary requests: %v, and %v meanwhile", before, best)
	}
	return best
}

// resets opens and resets at most n streams at that pace, and returns how many it could. It is to be
// tried again on a new connection, unless it could none.
func (g *gateway) resets(door streamDoor, n int, pace time.Duration) (int, error) {
	conn, err := net.Dial("tcp", g.address())
	if err != nil {
		return 0, err
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
			return i, err
		}
		time.Sleep(time.Until(began.Add(time.Duration(i) * pace)))
		for _, id := range open { // after a little while
			h.frames.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		open = open[:0]
	}
	return n, h.out.Flush()
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
	h, err := g.dialHTTP2(t)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err := h.post(streamDoors[0].path, streamDoors[0].body("hi"), true); err != nil {
			t.Fatal(err)
		}
	}
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

// A head of more than 64 KiB, in many fields or in one, and a frame of more than 64 KiB end the connection;
// what is shorter, or a frame just as long, does not.
func TestHTTP2HeadsAndFramesThatAreTooLong(t *testing.T) {
	f := startFar(t, lengthy(t, 1, 1))
	g := serveFar(t, f)
	fields := func(n, each int) (more []string) { // of about n bytes, which HPACK cannot shorten
		for i := range n / each {
			more = append(more, "x-"+strconv.Itoa(i), strings.Repeat("~", each))
		}
		return more
	}
	for _, c := range []struct {
		name string
		send func(h *rawHTTP2) error
		want string // status, or the error code of GOAWAY
	}{
		{"a head of 60 KiB", func(h *rawHTTP2) error {
			return h.request(fields(60<<10, 1<<10), 16<<10, nil)
		}, "200"},
		{"a head of 70 KiB", func(h *rawHTTP2) error {
			return h.request(fields(70<<10, 1<<10), 16<<10, nil)
		}, "PROTOCOL_ERROR"},
		{"a head of 70 KiB in two frames", func(h *rawHTTP2) error {
			return h.request(fields(70<<10, 1<<10), 60<<10, nil)
		}, "PROTOCOL_ERROR"},
		{"a field of 60 KiB", func(h *rawHTTP2) error {
			return h.request(fields(60<<10, 60<<10), 16<<10, nil)
		}, "200"},
		{"a field of 70 KiB", func(h *rawHTTP2) error {
			return h.request(fields(70<<10, 70<<10), 16<<10, nil)
		}, "COMPRESSION_ERROR"},
		{"a frame of 64 KiB", func(h *rawHTTP2) error {
			return h.request(nil, 16<<10, make([]byte, 64<<10))
		}, "400"}, // no JSON
		{"a frame of 64 KiB and a byte", func(h *rawHTTP2) error {
			return h.request(nil, 16<<10, make([]byte, 64<<10+1))
		}, "FRAME_SIZE_ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := g.dialHTTP2(t)
			if err != nil {
				t.Fatal(err)
			}
			h.conn.SetDeadline(time.Now().Add(20 * time.Second))
			go c.send(h) // what is refused is not read to its end
			if got := h.outcome(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	g.ask(t, once)
	if came := f.came(); len(came) != 3 {
		t.Errorf("%d requests reached the upstream, want the two of 60 KiB and an ordinary one", len(came))
	}
}

// request sends a request whose head comes in frames of that many bytes, and whose body is one frame:
// an ordinary message if it is nil.
func (h *rawHTTP2) request(more []string, frame int, body []byte) error {
	if body == nil {
		body = []byte(plainMessage)
	}
	block := bytes.Clone(h.head("/v1/messages", more...))
	n := min(frame, len(block))
	h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:n], EndHeaders: n == len(block)})
	for block = block[n:]; len(block) > 0; block = block[n:] {
		n = min(frame, len(block))
		h.frames.WriteContinuation(1, n == len(block), block[:n])
	}
	h.frames.WriteData(1, true, body)
	return h.out.Flush()
}

// outcome reads until an answer's status or the end of the connection, and returns that or the end's
// reason.
func (h *rawHTTP2) outcome() (reason string) {
	h.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := h.frames.ReadFrame()
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.GoAwayFrame:
			reason = f.ErrCode.String()
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return reason + ", but the connection is open"
		case reason == "":
			return err.Error()
		default:
			return reason
		}
	}
}

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
			h, err := g.dialHTTP2(t)
			if err != nil {
				t.Fatal(err)
			}
			h.conn.SetDeadline(time.Now().Add(1500 * time.Millisecond)) // nothing is read, so it may come to a stop
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
