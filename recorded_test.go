package outcrop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// Every recorded answer of InvokeModelWithResponseStream is cut at every byte, damaged, and comes in pieces
// of any size. internal/wire/eventstream has the same of its Reader; here it is what a caller sees: a
// correct prefix and then an *Error, never io.EOF.

// recordedAnswerBytes is how many bytes the recorded answers have: there are as many cuts.
const recordedAnswerBytes = 59_641 + 351_726

// An opener makes Streams of bodies, without a Client before them.
type opener struct {
	resp http.Response
	idle *time.Timer
}

func newOpener(t *testing.T) *opener {
	idle := time.AfterFunc(time.Hour, func() {})
	t.Cleanup(func() { idle.Stop() })
	return &opener{http.Response{Header: http.Header{}, Request: (&http.Request{}).WithContext(context.Background())}, idle}
}

func (o *opener) open(body io.Reader) (*Stream, error) {
	resp := o.resp
	resp.Body = io.NopCloser(body)
	return newStream(&resp, func(error) {}, o.idle, time.Hour)
}

// wantEvent fails unless the next event of s is that of a recorded answer's message at index.
func wantEvent(t *testing.T, s *Stream, answer recordings.Stream, index int) {
	got, err := s.Next()
	want := answer.Events[index]
	if err != nil || string(got.Type) != want.Type || string(got.Data) != want.Data || !bytes.Equal(got.Message, answer.Messages[index]) {
		t.Fatalf("event %d is %s %s, %v; want %v", index, got.Type, got.Data, err, want)
	}
}

// wantInterrupted fails unless err says that the answer is not whole.
func wantInterrupted(t *testing.T, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Kind != Interrupted || errors.Is(err, io.EOF) {
		t.Fatalf("it ends with %v, want an *Error of kind %s", err, Interrupted)
	}
}

var errReset = errors.New("connection reset by peer")

// A faultReader gives its text and then an error, io.EOF or another.
type faultReader struct {
	text []byte
	end  error
}

func (f *faultReader) Read(p []byte) (int, error) {
	if len(f.text) == 0 {
		return 0, f.end
	}
	n := copy(p, f.text)
	f.text = f.text[n:]
	return n, nil
}

// TestEveryCutOfEveryRecordedAnswer reads each answer from the message before the damaged one on, which
// stands for all before it: what a Stream keeps of messages is whether one was handed on and whether the
// last of the answer was among them. For one answer it is read from the start. Resets and flips, of which
// the Reader has every one, are of every seventh byte of the others.
func TestEveryCutOfEveryRecordedAnswer(t *testing.T) {
	var cuts, flips atomic.Int64
	t.Run("answers", func(t *testing.T) {
		answers, shortest := recordings.Answers(t)
		for i, answer := range answers {
			t.Run(answer.Name, func(t *testing.T) {
				t.Parallel()
				o := newOpener(t)
				fromStart := i == shortest
				stream, first, start := answer.Bytes(), 0, 0 // where the first message read begins, and the damaged one
				for index, message := range answer.Messages {
					damaged := func(rest []byte, end error) {
						s, err := o.open(&faultReader{rest[first:], end})
						if start == 0 {
							wantInterrupted(t, err)
							return
						}
						if err != nil {
							t.Fatalf("damaged in event %d, not before: %v", index, err)
						}
						for before := range index {
							if fromStart || before == index-1 {
								wantEvent(t, s, answer, before)
							}
						}
						_, err = s.Next()
						wantInterrupted(t, err)
						if _, again := s.Next(); again != err {
							t.Fatalf("then Next returns %v, want %v again", again, err)
						}
					}
					for at := range message {
						cut := start + at
						damaged(stream[:cut], io.EOF)
						cuts.Add(1)
						if !fromStart && cut%7 != 0 { // a stride that is coprime to eight bits
							continue
						}
						damaged(stream[:cut], errReset)
						stream[cut] ^= 1 << (at % 8)
						damaged(stream, io.EOF)
						stream[cut] ^= 1 << (at % 8)
						flips.Add(1)
					}
					if !fromStart {
						first = start
					}
					start += len(message)
				}
			})
		}
	})
	if cuts.Load() != recordedAnswerBytes || flips.Load() < recordedAnswerBytes/7 {
		t.Errorf("%d cuts and %d flips, want %d cuts and a seventh of that in flips", cuts.Load(), flips.Load(), recordedAnswerBytes)
	}
	t.Logf("%d cuts with a clean end; %d with a reset, and as many flips", cuts.Load(), flips.Load())
}

// bodies is a transport that answers each request with the next body.
type bodies []io.Reader

func (b *bodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(*b) == 0 {
		return nil, errors.New("no body is left: it was asked for again")
	}
	body := (*b)[0]
	*b = (*b)[1:]
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/vnd.amazon.eventstream"}}, Body: io.NopCloser(body), Request: r,
	}, nil
}

// checkPieces reads the answer, which comes in pieces, as messages and as server-sent events.
func checkPieces(t *testing.T, answer recordings.Stream, size func() int) error {
	t.Helper()
	stream := answer.Bytes()
	upstream := &bodies{recordings.Pieces(stream, size), recordings.Pieces(stream, size)}
	c, err := New(context.Background(), WithRegion("us-east-1"), WithBaseURL("http://127.0.0.1"), WithAPIKey("ABSKtest"),
		WithHTTPClient(&http.Client{Transport: upstream}))
	if err != nil {
		return err
	}
	s, err := c.InvokeModelWithResponseStream(context.Background(), &Invocation{Model: "claude-haiku-4-5", Body: []byte(`{}`)})
	if err != nil {
		return err
	}
	defer s.Close()
	var messages []byte
	for event, err := range s.All() {
		if err != nil {
			return err
		}
		messages = append(messages, event.Message...)
	}
	if !bytes.Equal(messages, stream) {
		return fmt.Errorf("%d bytes of messages differ from the %d that came", len(messages), len(stream))
	}
	request, err := http.NewRequest("POST", "http://127.0.0.1/v1/messages", strings.NewReader(`{"model":"claude-haiku-4-5","stream":true}`))
	if err != nil {
		return err
	}
	resp, err := c.RoundTripper().RoundTrip(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if want := eventsText(answer.Events); err != nil || string(got) != want {
		return fmt.Errorf("events are %q, %w; want %q", got, err, want)
	}
	return nil
}

// eventsText is events as Anthropic's API streams them.
func eventsText(events []recordings.Event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString("event: " + e.Type + "\ndata: " + e.Data + "\n\n")
	}
	return b.String()
}

// TestEveryRecordedAnswerInPieces: what a socket does to an answer is to deliver it in pieces. Here a body
// does so; the gateway's tests do it over sockets. In two pieces, cut at every
// byte, comes the shortest; the Reader's tests have all, and nothing behind it sees pieces.
func TestEveryRecordedAnswerInPieces(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	answers, shortest := recordings.Answers(t)
	read := 0
	for _, size := range recordings.PieceSizes(random) {
		for _, answer := range answers {
			if err := checkPieces(t, answer, size.Next); err != nil {
				t.Errorf("%s in pieces of %s: %v", answer.Name, size.Name, err)
			}
			read += 2
		}
	}
	t.Logf("%d answers in pieces, as messages and as server-sent events", read)
	two := answers[shortest]
	for cut := range two.Bytes() {
		sizes := []int{max(cut, 1), len(two.Bytes())}
		i := -1
		if err := checkPieces(t, two, func() int { i++; return sizes[i%2] }); err != nil {
			t.Errorf("%s in two pieces, cut at %d: %v", two.Name, cut, err)
		}
	}
}
