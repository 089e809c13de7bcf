package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// A recorded stream is cut at every byte and damaged in every byte on its way to the gateway, and clients
// of both doors must see a correct prefix and then an error.

// damageTimeout is how long one request may take: far longer than it does, so that only a hang fails.
const damageTimeout = time.Minute

// A streamDamage is what happens to a stream on its way, at a byte of it.
type streamDamage struct {
	name string
	send func(w http.ResponseWriter, stream []byte, at int)
	less bool // what came before may be lost too
}

var damages = []streamDamage{
	{"a clean end", func(w http.ResponseWriter, stream []byte, at int) { w.Write(stream[:at]) }, false},
	{"a reset", func(w http.ResponseWriter, stream []byte, at int) {
		w.Write(stream[:at])
		w.(http.Flusher).Flush()
		cutByReset(w)
	}, true},
	{"a flipped bit", func(w http.ResponseWriter, stream []byte, at int) {
		stream = bytes.Clone(stream)
		stream[at] ^= 1 << (at % 8)
		w.Write(stream)
	}, false},
}

// cutByReset closes the connection such that the other side sees a reset, not an end.
func cutByReset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// atHeader tells the upstream where to do damage; headers of that prefix are passed on.
const atHeader = "X-Amzn-Bedrock-At"

// A damagedDoor is a door at which a stream can be asked for.
type damagedDoor struct {
	name, path, body string
	// split parts an answer into the events of the stream that it has, as they were, and the error that
	// ends it.
	split func(s recordings.Stream, text string) (events int, rest string)
	// check returns an error unless rest is one error of the door's, and nothing more.
	check func(rest string) error
	// refused returns an error unless text is an error body of the door's.
	refused func(resp *http.Response, text string) error
}

var damagedDoors = []damagedDoor{
	{"Anthropic", "/v1/messages", streamed, splitEvents, checkErrorEvent, checkAPIError},
	{"native", nativeStream, native, splitMessages, checkLastException, checkStreamError},
}

func splitEvents(s recordings.Stream, text string) (n int, rest string) {
	return cutEvents(s.Events, text)
}

func splitMessages(s recordings.Stream, text string) (n int, rest string) {
	for _, m := range s.Messages {
		rest, ok := strings.CutPrefix(text, string(m))
		if !ok {
			break
		}
		n, text = n+1, rest
	}
	return n, text
}

func checkErrorEvent(rest string) error {
	data, err := errorEvent(rest)
	if err != nil {
		return err
	}
	return checkAPIError(nil, data)
}

func checkAPIError(_ *http.Response, text string) error {
	errorType, _, err := anthropicError(text)
	if err == nil && errorType != "api_error" {
		err = fmt.Errorf("%q is no api_error", text)
	}
	return err
}

func checkLastException(rest string) error {
	r := strings.NewReader(rest)
	m, err := eventstream.NewDecoder().Decode(r, nil)
	if err != nil {
		return fmt.Errorf("%q is no message: %v", rest, err)
	}
	if name, _, err := nativeException(m); err != nil || name != "modelStreamErrorException" || r.Len() != 0 {
		return fmt.Errorf("%v %q and %d bytes more is not one modelStreamErrorException: %v", m.Headers, m.Payload, r.Len(), err)
	}
	return nil
}

func checkStreamError(resp *http.Response, text string) error {
	code, _, err := nativeError(resp.Header, text)
	if err == nil && code != "ModelStreamErrorException" {
		err = fmt.Errorf("%q, %q is no ModelStreamErrorException", code, text)
	}
	return err
}

// get asks for a stream that is damaged at a byte, and reads the answer to its end.
func (d damagedDoor) get(r *rig, header string) (resp *http.Response, text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), damageTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", r.url+d.path, strings.NewReader(d.body))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	req.Header.Set(atHeader, header)
	if resp, err = r.client.Do(req); err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// TestStreamDamagedAtEveryByte sends a recorded stream of Bedrock's through both doors, with each kind of
// damage at each byte.
func TestStreamDamagedAtEveryByte(t *testing.T) {
	all, shortest := recordings.Answers(t)
	s := all[shortest]
	stream := s.Bytes()
	for _, d := range damagedDoors {
		for _, damage := range damages {
			t.Run(damage.name+" through the "+d.name+" door", func(t *testing.T) {
				t.Parallel()
				calls := make([]atomic.Int32, len(stream)+1)
				r := newRigIdle(t, damageTimeout, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
					at, err := strconv.Atoi(r.Header.Get(atHeader))
					if err != nil {
						w.Write(stream)
						return
					}
					calls[at].Add(1)
					damage.send(w, stream, at)
				}, func(c *Config) { c.PingInterval = time.Hour })

				if resp, text, err := d.get(r, "none"); err != nil || resp.StatusCode != 200 {
					t.Fatalf("undamaged: %v, %v %q", err, resp, text)
				} else if n, rest := d.split(s, text); n != len(s.Messages) || rest != "" {
					t.Fatalf("undamaged: %d events and %q, want %d events", n, rest, len(s.Messages))
				}
				refused, broken := everyByte(t, len(stream), func(at int) (string, error) {
					return d.damaged(r, s, at, damage, &calls[at])
				})
				if first := len(s.Messages[0]); refused < first || !damage.less && refused != first || refused+broken != len(stream) {
					t.Errorf("%d refused and %d broken off, want %d refused of %d", refused, broken, first, len(stream))
				}
				t.Logf("%d requests: %d refused after one more attempt, %d broken off with an error", len(stream), refused, broken)
			})
		}
	}
}

// damaged returns how one request ends, and an error if that is not as it must be.
func (d damagedDoor) damaged(r *rig, s recordings.Stream, at int, damage streamDamage, calls *atomic.Int32) (how string, err error) {
	before, start := 0, 0 // messages before the damage
	for at >= start+len(s.Messages[before]) {
		start += len(s.Messages[before])
		before++
	}
	resp, text, err := d.get(r, strconv.Itoa(at))
	if err != nil {
		return "", err
	}
	n, rest := d.split(s, text)
	switch {
	case resp.StatusCode == http.StatusBadGateway && (before == 0 || damage.less):
		if calls.Load() != 2 {
			return "", fmt.Errorf("refused after %d attempts, want 2: %s", calls.Load(), text)
		}
		return "refused", d.refused(resp, text)
	case resp.StatusCode != http.StatusOK || calls.Load() != 1:
		return "", fmt.Errorf("%d after %d attempts: %q; %d messages were good", resp.StatusCode, calls.Load(), text, before)
	case n > before || n == 0 || n < before && !damage.less:
		return "", fmt.Errorf("%d events and %q; %d messages were good", n, rest, before)
	}
	return "broken", d.check(rest)
}

// everyByte calls f for each of n bytes, several at a time, and counts how it ends. First bytes, which cost
// a second attempt, come evenly among the others: a Client has a budget of retries, which what succeeds
// fills up again.
func everyByte(t *testing.T, n int, f func(at int) (how string, err error)) (refused, broken int) {
	const workers, stride = 8, 997 // a prime
	if n%stride == 0 {
		t.Fatalf("%d bytes: choose another stride", n)
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for i := worker; i < n; i += workers {
				at := i * stride % n
				how, err := f(at)
				mu.Lock()
				switch {
				case err != nil:
					t.Errorf("at byte %d: %v", at, err)
				case how == "refused":
					refused++
				case how == "broken":
					broken++
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return refused, broken
}

// TestRecordedStreamsInPieces sends every recorded stream through both doors in pieces, each a write of its
// own on the socket.
func TestRecordedStreamsInPieces(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	all, _ := recordings.Answers(t)
	r := newRigIdle(t, damageTimeout, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		var stream, size int
		if _, err := fmt.Sscanf(r.Header.Get(atHeader), "%d %d", &stream, &size); err != nil {
			panic(err)
		}
		next := recordings.PieceSizes(rand.New(rand.NewPCG(seed, uint64(stream))))[size].Next
		for rest := all[stream].Bytes(); len(rest) > 0; {
			n := min(len(rest), next())
			w.Write(rest[:n])
			w.(http.Flusher).Flush()
			rest = rest[n:]
		}
	}, func(c *Config) { c.PingInterval = time.Hour })
	whole := 0
	for _, d := range damagedDoors {
		for i, s := range all {
			for j, size := range recordings.PieceSizes(nil) {
				resp, text, err := d.get(r, fmt.Sprintf("%d %d", i, j))
				if err != nil || resp.StatusCode != 200 {
					t.Fatalf("%s in pieces of %s through the %s door: %v, %v %q", s.Name, size.Name, d.name, err, resp, text)
				}
				if n, rest := d.split(s, text); n != len(s.Messages) || rest != "" {
					t.Errorf("%s in pieces of %s through the %s door: %d events and %q, want all %d", s.Name, size.Name, d.name, n, rest, len(s.Messages))
				} else {
					whole++
				}
			}
		}
	}
	t.Logf("%d answers in pieces are whole", whole)
}
