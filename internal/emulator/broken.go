package emulator

import (
	"bytes"
	"iter"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/script"
	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
)

// pace is how long the model takes for each message of a stream.
func (c *call) pace() time.Duration {
	if c.step != nil && c.step.Pace != nil {
		return time.Duration(*c.step.Pace)
	}
	return c.server.cfg.ChunkDelay
}

// breakOff breaks a stream off where and as the call's step says.
func (c *call) breakOff(messages iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	if c.step == nil || c.step.Break == nil {
		return messages
	}
	b := c.step.Break
	return func(yield func([]byte, error) bool) {
		whole, bytesLeft := number(b.After), number(b.AfterBytes)
		for message, err := range messages {
			switch {
			case err != nil:
			case b.AfterBytes != nil && len(message) > bytesLeft:
				if bytesLeft == 0 || yield(message[:bytesLeft], nil) {
					c.end(b, yield)
				}
				return
			case b.AfterBytes != nil:
				bytesLeft -= len(message)
			case whole == 0 && b.By == script.Corrupt:
				message = corrupt(message)
				whole--
			case whole == 0:
				c.end(b, yield)
				return
			default:
				whole--
			}
			if !yield(message, err) {
				return
			}
		}
		if b.By != script.Corrupt {
			c.end(b, yield)
		}
	}
}

func number(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// end yields what a stream ends with when it breaks off.
func (c *call) end(b *script.Break, yield func([]byte, error) bool) {
	switch b.By {
	case script.Exception:
		c.errorCode = b.Code
		body, err := faultBody(b.Said(), b.Fields)
		if err == nil {
			body, err = eventstream.Append(nil, headers(":exception-type", b.Code, "exception"), body)
		}
		yield(body, err)
	case script.Error:
		c.errorCode = b.Code
		yield(eventstream.Append(nil, []eventstream.Header{
			{Name: ":error-code", Value: eventstream.String(b.Code)},
			{Name: ":error-message", Value: eventstream.String(b.Said())},
			{Name: ":message-type", Value: eventstream.String("error")},
		}, nil))
	case script.Cut, script.Reset:
		c.write(nil) // the head is out before the connection goes
		yield(nil, c.lost(b.By, "scripted: "+b.By+" within the stream"))
	case script.Stall:
		c.write(nil)
		yield(nil, c.pause(math.MaxInt64))
	}
}

// corrupt makes a message's checksum wrong, by its last byte.
func corrupt(message []byte) []byte {
	message = bytes.Clone(message)
	message[len(message)-1] ^= 0xff
	return message
}

// A brokenConnection is the end of a call whose connection goes with it.
type brokenConnection struct {
	by     string // script.Cut or script.Reset
	reason string
}

// Error returns the reason.
func (b *brokenConnection) Error() string { return b.reason }

// lost ends the call without an answer, or without the rest of it.
func (c *call) lost(by, reason string) error {
	if c.status == 0 {
		c.server.cfg.Observe(c.exchange())
	}
	return &brokenConnection{by, reason}
}

// hangUp ends the connection, in HTTP/2 the stream.
func (c *call) hangUp(b *brokenConnection) {
	if b.by == script.Reset {
		if conn, _, err := c.control.Hijack(); err == nil { // HTTP/1.1
			reset(conn)
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// reset closes a connection so that the other side hears of it by an RST.
func reset(conn net.Conn) {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	conn.Close()
}
