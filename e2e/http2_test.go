package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A rawHTTP2 is a client's end of an HTTP/2 connection, frame by frame. It acknowledges settings and
// pings, and reads nothing of what it gets beyond that.
type rawHTTP2 struct {
	conn   net.Conn
	key    string
	frames *http2.Framer
	encode *hpack.Encoder
	block  bytes.Buffer
	next   uint32 // stream ID

	mu  sync.Mutex // around frames' writing
	out *bufio.Writer
}

// dialHTTP2 opens a connection by prior knowledge and sends preface and settings.
func (g *gateway) dialHTTP2(t *testing.T) *rawHTTP2 {
	t.Helper()
	h := &rawHTTP2{conn: g.dial(t), key: g.Key, next: 1}
	h.out = bufio.NewWriter(h.conn)
	h.frames = http2.NewFramer(h.out, h.conn)
	h.encode = hpack.NewEncoder(&h.block)
	if _, err := io.WriteString(h.out, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := h.frames.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	h.flush(t)
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
