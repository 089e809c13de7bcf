package gateway

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// h2 is the head of an HTTP/2 frame and as much of its payload as is given.
func h2(length int, kind, flags byte, payload string) string {
	return string([]byte{byte(length >> 16), byte(length >> 8), byte(length), kind, flags, 0, 0, 0, 1}) + payload
}

func TestFramesAreWholeInTime(t *testing.T) {
	const (
		data     = 0x0
		settings = 0x4
		never    = time.Duration(-1)
	)
	// writes come 4 s apart, the first at 0; got is when reading ends.
	f := func(name string, want time.Duration, writes ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				defer client.Close()
				defer server.Close()
				began, ended := time.Now(), make(chan time.Duration, 1)
				go func() {
					_, err := io.Copy(io.Discard, &frameConn{Conn: server})
					if errors.Is(err, os.ErrDeadlineExceeded) {
						ended <- time.Since(began)
						server.Close() // or the client would write on
						return
					}
					ended <- never
				}()
				for i, w := range writes {
					time.Sleep(time.Duration(min(i, 1)) * 4 * time.Second)
					client.Write([]byte(w))
				}
				time.Sleep(time.Hour)
				client.Close()
				if got := <-ended; got != want {
					t.Errorf("reading ends after %v, want %v (-1ns: with the client)", got, want)
				}
			})
		})
	}
	f("HTTP/1.1", never, "POST / HTTP/1.1\r\n", "Host: x\r\n\r\n")
	f("something else that begins alike", never, clientPreface[:10], "x")
	f("the preface alone", never, clientPreface)
	f("whole frames", never, clientPreface+h2(0, settings, 0, ""), h2(3, data, 0, "abc"), h2(0, data, 0, "")+h2(1, data, 0, "a"))
	f("a frame in three pieces", never, clientPreface+h2(3, data, 0, ""), "a", "bc")
	f("a piece of a frame's head", 10*time.Second, clientPreface+"\x00\x00")
	f("a head without its payload", 14*time.Second, clientPreface, h2(1, data, 0, ""))
	f("a payload that drips", 10*time.Second, clientPreface+h2(9, data, 0, ""), "a", "b", "c", "d")
	f("a second frame, begun with the end of the first", 14*time.Second, clientPreface+h2(3, data, 0, ""), "abc\x00")
	f("headers without an end", 10*time.Second, clientPreface+h2(1, headersFrame, 0, "a"), h2(1, continuation, 0, "b"), h2(1, continuation, 0, "c"))
	f("headers in two frames", never, clientPreface+h2(1, headersFrame, 0, "a"), h2(1, continuation, endHeaders, "b"))
	f("an empty frame of headers that go on", 10*time.Second, clientPreface+h2(0, headersFrame, 0, ""))
}
