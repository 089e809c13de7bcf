package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// The most of a body that a front door reads, and a body that is much more.
const (
	bodyLimit = 32 << 20
	hugeBody  = 200 << 20
	discarded = 64 << 20 // of the rest of a body that is refused
)

// A tap is a body that gives so many bytes, then nothing until it is shut.
type tap struct {
	left int64
	shut chan struct{}
	once sync.Once
}

func (b *tap) Read(p []byte) (int, error) {
	if b.left == 0 {
		<-b.shut
		return 0, io.ErrUnexpectedEOF
	}
	n := int(min(int64(len(p)), b.left))
	for i := range p[:n] {
		p[i] = ' '
	}
	b.left -= int64(n)
	return n, nil
}

func (b *tap) Close() error {
	b.once.Do(func() { close(b.shut) })
	return nil
}

// Bodies of 200 MB are refused before more than the limit is sent: the client sends that and waits.
func TestHugeBodiesAreRefusedEarly(t *testing.T) {
	f := startFar(t, lengthy(t, 1, 1))
	g := serveFar(t, f)
	h2 := new(http.Protocols)
	h2.SetUnencryptedHTTP2(true)
	var all sync.WaitGroup
	for version, protocols := range map[string]*http.Protocols{"HTTP/1.1": nil, "HTTP/2": h2} {
		for _, door := range streamDoors {
			for _, way := range []hugeRequest{
				{"by length", g.Key, hugeBody, 0, 413},
				{"by length, wrong key", "wrong-key-wrong-key-wrong", hugeBody, 0, 401},
				{"without length", g.Key, -1, bodyLimit + 1, 413},
				{"without length, wrong key", "wrong-key-wrong-key-wrong", -1, 0, 401},
			} {
				for _, expect := range []string{"", "100-continue"} {
					transport := &http.Transport{Protocols: protocols, ExpectContinueTimeout: time.Minute}
					all.Go(func() {
						defer transport.CloseIdleConnections()
						if err := way.refused(g, door, transport, expect); err != nil {
							t.Errorf("%s, %s door, %s, Expect %q: %v", version, door.name, way.name, expect, err)
						}
					})
				}
			}
		}
	}
	all.Wait()
	if came := f.came(); len(came) != 0 {
		t.Errorf("%d requests reached the upstream", len(came))
	}
	g.ask(t, once)
}

// A hugeRequest is a body of 200 MB, how much of it is sent before the answer, and the answer.
type hugeRequest struct {
	name   string
	key    string
	length int64 // that it claims
	sent   int64
	want   int
}

func (h hugeRequest) refused(g *gateway, door streamDoor, rt http.RoundTripper, expect string) error {
	body := &tap{left: h.sent, shut: make(chan struct{})}
	defer body.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+door.path, body)
	if err != nil {
		return err
	}
	req.ContentLength = h.length
	req.Header.Set("Authorization", "Bearer "+h.key)
	if expect != "" {
		req.Header.Set("Expect", expect)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("no answer to %d bytes: %w", h.sent, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	refusal := messagesRefusal
	if door.name == "native" {
		refusal = nativeRefusal
	}
	if err != nil || resp.StatusCode != h.want || refusal(resp.Header, text) == "" {
		return fmt.Errorf("%d %.300s, %v; want %d in the door's shape", resp.StatusCode, text, err, h.want)
	}
	return nil
}

// Clients that send all the same, as fast as they can, cost the gateway no more than half as much again
// as the limit, and soon get no further.
func TestHugeBodiesTakeLittleMemory(t *testing.T) {
	const atOnce = 4
	f := startFar(t, lengthy(t, 1, 1))
	g := serveFar(t, f)
	g.askMany(t, 100)
	const sockets = 40 << 20                                                      // what they may hold of what is sent
	for way, read := range map[string]int{"by length": 0, "chunked": bodyLimit} { // before the answer
		most := read + discarded + sockets
		before := g.memory(t, "VmRSS")
		g.forgetPeak(t)
		var all sync.WaitGroup
		for i := range atOnce {
			door, conn := streamDoors[i%2], g.dial(t)
			all.Go(func() {
				defer conn.Close()
				head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", door.path, host, withKey(g))
				piece := strings.Repeat(" ", 64<<10)
				if way == "chunked" {
					head += "Transfer-Encoding: chunked\r\n\r\n"
					piece = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
				} else {
					head += fmt.Sprintf("Content-Length: %d\r\n\r\n", hugeBody)
				}
				io.WriteString(conn, head)
				sent := 0
				for sent < hugeBody {
					n, err := io.WriteString(conn, piece)
					sent += n
					if err != nil {
						break
					}
				}
				if sent > most {
					t.Errorf("%s: the gateway has taken %d MiB, want %d at most", way, sent>>20, most>>20)
				}
			})
		}
		all.Wait()
		grown := (g.memory(t, "VmHWM") - before) / atOnce
		t.Logf("%s: memory for each of %d bodies of %d MiB: %d MiB", way, atOnce, hugeBody>>20, grown>>20)
		if grown > bodyLimit*3/2 {
			t.Errorf("%s: a body of %d MiB takes %d MiB of memory", way, hugeBody>>20, grown>>20)
		}
	}
	if came := f.came(); len(came) != 100 {
		t.Errorf("%d requests reached the upstream, want the 100 ordinary ones", len(came))
	}
	g.ask(t, once)
}
