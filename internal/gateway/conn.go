package gateway

import (
	"encoding/binary"
	"net"
	"time"
)

// net/http waits for the rest of an HTTP/2 frame as long as for the next one: minutes. A client that
// drips would hold its connection so. Over HTTP/1.1 ReadHeaderTimeout sees to that.
const (
	frameLimit   = 10 * time.Second // within which a frame that has begun is whole
	maxFrameSize = 64 << 10         // which at bodyRate takes less
)

// A frameListener accepts connections on which HTTP/2 frames are watched.
type frameListener struct{ net.Listener }

func (l frameListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &frameConn{Conn: conn}, nil
}

// A frameConn ends reading when an HTTP/2 frame is not whole frameLimit after its first byte. A block
// of headers counts as one frame, however many it comes in (RFC 9113, 4.3 and 6.10). What does not begin
// with HTTP/2's preface passes untouched.
type frameConn struct {
	net.Conn
	other   bool // it is not HTTP/2
	preface int  // bytes of it seen
	head    [9]byte
	had     int    // bytes of head
	left    int    // bytes of the frame's payload to come
	block   bool   // headers go on in the next frame
	whole   uint64 // frames that were whole
	armed   bool   // there is a deadline, for the frame after so many
	after   uint64
}

const (
	clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	headersFrame  = 0x1
	continuation  = 0x9
	endHeaders    = 0x4
)

func (c *frameConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.other {
		return n, err
	}
	c.follow(p[:n])
	switch begun := c.had > 0 || c.left > 0 || c.block; {
	case begun && (!c.armed || c.after != c.whole):
		c.armed, c.after = true, c.whole
		c.SetReadDeadline(time.Now().Add(frameLimit))
	case !begun && c.armed:
		c.armed = false
		c.SetReadDeadline(time.Time{})
	}
	return n, err
}

// follow keeps count of where in which frame the connection is.
func (c *frameConn) follow(p []byte) {
	for ; len(p) > 0 && c.preface < len(clientPreface); p = p[1:] {
		if p[0] != clientPreface[c.preface] {
			c.other = true
			return
		}
		c.preface++
	}
	for len(p) > 0 {
		if c.left == 0 {
			n := copy(c.head[c.had:], p)
			c.had, p = c.had+n, p[n:]
			if c.had < len(c.head) {
				return
			}
			c.left = int(binary.BigEndian.Uint32(c.head[:]) >> 8)
		}
		n := min(c.left, len(p))
		c.left, p = c.left-n, p[n:]
		if c.left == 0 {
			c.ended()
		}
	}
}

// ended notes the end of a frame.
func (c *frameConn) ended() {
	c.had = 0
	if kind := c.head[3]; kind == headersFrame || kind == continuation {
		c.block = c.head[4]&endHeaders == 0
	}
	if !c.block {
		c.whole++
	}
}

// CloseWrite is what net/http closes by when a refused client may still be sending.
func (c *frameConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
