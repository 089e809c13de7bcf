package outcrop_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop"
)

// read collects the types of the events of a stream and the error that ended it.
func read(s *outcrop.Stream) (types []string, err error) {
	for {
		event, err := s.Next()
		if err != nil {
			return types, err
		}
		types = append(types, string(event.Type))
	}
}

func TestStreamIsWhole(t *testing.T) {
	u := newUpstream(t, streams(answer(3)...))
	s, err := u.client(t).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	types, err := read(s)
	if err != io.EOF {
		t.Errorf("the stream ended with %v, want io.EOF", err)
	}
	want := []string{"message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_delta",
		"content_block_stop", "message_delta", "message_stop"}
	if !slices.Equal(types, want) {
		t.Errorf("events %v, want %v", types, want)
	}
	if got, want := s.Usage(), (outcrop.Usage{InputTokens: 7, OutputTokens: 43, CacheReadTokens: 3, CacheWriteTokens: 5}); got != want {
		t.Errorf("Usage() = %+v, want Bedrock's own count %+v", got, want)
	}
	if s.RequestID != "aws-1" || s.Target.ModelID != "us.anthropic.claude-haiku-4-5-20251001-v1:0" || s.Attempts != 1 {
		t.Errorf("request ID %q, target %q, %d attempts", s.RequestID, s.Target.ModelID, s.Attempts)
	}
}

func TestStreamMessagesAreTheBytesThatCame(t *testing.T) {
	sent := answer(5)
	sent = slices.Insert(sent, 3, message(`{"x":1}`, ":event-type", "surprise", ":message-type", "event"))
	u := newUpstream(t, streams(sent...))
	s, err := u.client(t).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []byte
	for event, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, event.Message...)
	}
	if !bytes.Equal(got, bytes.Join(sent, nil)) {
		t.Error("the messages differ from what Bedrock sent")
	}
}

func TestStreamThatBreaksIsNeverASuccess(t *testing.T) {
	whole := answer(4)
	flip := func(m []byte, at int) []byte {
		m = bytes.Clone(m)
		m[at] ^= 1
		return m
	}
	f := func(name string, want string, messages ...[]byte) {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, streams(messages...))
			s, err := u.client(t).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
			if err == nil {
				defer s.Close()
				_, err = read(s)
			}
			var e *outcrop.Error
			if !errors.As(err, &e) || !strings.Contains(e.Error(), want) {
				t.Fatalf("the stream ended with %v, want an *Error with %q", err, want)
			}
		})
	}
	f("nothing comes", "ended before it began")
	f("it ends before message_stop", "before message_stop", whole[:len(whole)-1]...)
	f("it ends before message_delta", "before message_stop", whole[:len(whole)-2]...)
	f("it is cut within a message", "broke off", append(slices.Clone(whole[:3]), whole[3][:20])...)
	f("a bit is flipped in a payload", "checksum", append(slices.Clone(whole[:3]), flip(whole[3], 150), whole[4])...)
	f("a prelude is wrong", "checksum", append(slices.Clone(whole[:3]), flip(whole[3], 9))...)
	f("bytes that are no message", "broke off", whole[0], []byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"))
	f("64 zero bytes", "broke off", whole[0], make([]byte, 64))
	f("an exception", "throttlingException: Too many tokens", whole[0], exception("throttlingException", "Too many tokens"))
	f("an unmodelled error", "internalError: oops", whole[0], message("", ":message-type", "error", ":error-code", "internalError", ":error-message", "oops"))
	f("a chunk without bytes", "without bytes", whole[0], message(`{"p":"x"}`, ":event-type", "chunk", ":message-type", "event"))
	f("a chunk that is not base64", "not base64", whole[0], message(`{"bytes":"%%%%"}`, ":event-type", "chunk", ":message-type", "event"))
	f("a message of an unknown type", `type "gossip"`, whole[0], message(`{}`, ":message-type", "gossip"))
}

func TestStreamIsWholeWhateverComesAfterItsEnd(t *testing.T) {
	for _, after := range [][]byte{exception("internalServerException", "late"), []byte("garbage that is no message")} {
		u := newUpstream(t, streams(append(answer(1), after)...))
		s, err := u.client(t).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
		if err != nil {
			t.Fatal(err)
		}
		if types, err := read(s); err != io.EOF || types[len(types)-1] != "message_stop" {
			t.Errorf("with %.20q after message_stop: %v, %v; want io.EOF", after, types, err)
		}
		s.Close()
	}
}

func TestStreamEndsOfOtherVendorsAnswers(t *testing.T) {
	u := newUpstream(t, streams(
		chunk(`{"generation":"Hel","prompt_token_count":2}`),
		chunk(`{"generation":"lo","stop_reason":"stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":2,"outputTokenCount":4}}`)))
	s, err := u.client(t).InvokeModelWithResponseStream(context.Background(), &outcrop.Invocation{
		Model: "meta.llama3-70b-instruct-v1:0", Body: []byte(`{"prompt":"x"}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := read(s); err != io.EOF {
		t.Errorf("an answer with invocation metrics ended with %v, want io.EOF", err)
	}
	if got := s.Usage(); got.OutputTokens != 4 {
		t.Errorf("Usage() = %+v, want 4 output tokens", got)
	}
}

func TestStreamFirstErrorIsKnownBeforeTheStream(t *testing.T) {
	u := newUpstream(t, streams(exception("validationException", "max_tokens: too large")))
	_, err := u.client(t).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
	if outcrop.KindOf(err) != outcrop.Invalid || u.calls.Load() != 1 {
		t.Errorf("got %v after %d calls, want kind invalid after one", err, u.calls.Load())
	}
	status, _, _ := outcrop.NativeError(err)
	if status != 400 {
		t.Errorf("NativeError status %d, want 400", status)
	}
}

func TestStreamAnswersThatAreNone(t *testing.T) {
	f := func(name string, kind outcrop.Kind, want string, calls int, h func(int, http.ResponseWriter, *http.Request)) {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, h)
			_, err := u.client(t, outcrop.WithIdleTimeout(50*time.Millisecond)).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
			if outcrop.KindOf(err) != kind || !strings.Contains(err.Error(), want) || int(u.calls.Load()) != calls {
				t.Errorf("%v after %d calls, want kind %s with %q after %d", err, u.calls.Load(), kind, want, calls)
			}
		})
	}
	body := func(contentType, text string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			io.WriteString(w, text)
		}
	}
	f("a JSON error under 200", outcrop.Invalid, "no good", 1, body("application/json", `{"message":"no good"}`))
	f("a JSON error that says it is a stream", outcrop.Invalid, "no good", 1, body("application/vnd.amazon.eventstream", `{"message":"no good"}`))
	f("a proxy's page", outcrop.Interrupted, `"text/html"`, 2, body("text/html", `<html>`))
	f("silence after the head", outcrop.ModelFailed, "no event for 50ms", 1, func(_ int, w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		streams()(0, w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
}

func TestStreamGoesIdle(t *testing.T) {
	release := make(chan struct{})
	u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		streams(answer(1)[:2]...)(0, w, r)
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	s, err := u.client(t, outcrop.WithIdleTimeout(50*time.Millisecond)).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	types, err := read(s)
	if outcrop.KindOf(err) != outcrop.Interrupted || !strings.Contains(err.Error(), "no event for 50ms") || len(types) != 2 {
		t.Errorf("after %v: %v, want an interruption that names the silence", types, err)
	}
}

func TestStreamOfACallerThatGoesAway(t *testing.T) {
	gone := make(chan struct{})
	u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		streams(answer(1)[:2]...)(0, w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(context.Background())
	s, err := u.client(t).InvokeModelWithResponseStream(ctx, invocation(t, ask))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Next()
	s.Next()
	cancel()
	if _, err := s.Next(); outcrop.KindOf(err) != outcrop.Canceled {
		t.Errorf("Next after the caller went away: %v, want kind canceled", err)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("Bedrock was not told within 5 s")
	}
}

// Every byte offset of a recorded answer, cut: a correct prefix, then an error.
func TestStreamCutAnywhere(t *testing.T) {
	sent := bytes.Join(answer(2), nil)
	last := len(sent)
	cut := 0
	u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) { streams(sent[:cut])(0, w, r) })
	c := u.client(t)
	var whole []byte
	for cut = last; cut >= 0; cut -= 7 { // a stride that is coprime to every message's length
		resp, err := c.RoundTripper().RoundTrip(messagesRequest(t, strings.Replace(ask, "{", `{"stream":true,`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if cut == last {
			whole = text
			continue
		}
		prefix, _, broke := bytes.Cut(text, []byte("event: error\n"))
		if resp.StatusCode == 200 && (err != nil || !broke || !bytes.HasPrefix(whole, prefix)) {
			t.Fatalf("cut at %d of %d: %d bytes of which %d before an error event, err %v", cut, last, len(text), len(prefix), err)
		}
		if resp.StatusCode != 200 && resp.StatusCode != 502 {
			t.Fatalf("cut at %d: status %d, want 200 with an error event, or 502", cut, resp.StatusCode)
		}
	}
}

func messagesRequest(t *testing.T, text string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "POST", "https://api.anthropic.com/v1/messages", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-api-key", "sk-ant-not-for-bedrock")
	return r
}

// The transport keeps the request for as long as the answer is read; the prompt must not stay with it.
func TestPromptIsNotKeptWhileItsAnswerStreams(t *testing.T) {
	f := func(name, body string) {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			u := newUpstream(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				streams(answer(1)[0])(0, w, r)
				w.(http.Flusher).Flush()
				<-done
			})
			defer close(done)
			collected := make(chan struct{})
			c := u.client(t)
			stream, err := func() (*outcrop.Stream, error) {
				prompt := []byte(body)
				runtime.AddCleanup(&prompt[0], func(struct{}) { close(collected) }, struct{}{})
				inv, err := outcrop.MessagesInvocation(http.Header{}, prompt)
				if err != nil {
					t.Fatal(err)
				}
				return c.InvokeModelWithResponseStream(t.Context(), inv)
			}()
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			for range 100 {
				runtime.GC()
				select {
				case <-collected:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
			t.Errorf("a prompt of %d bytes is still in memory while its answer streams", len(body))
		})
	}
	f("long", `{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":"`+strings.Repeat("word ", 100_000)+`"}]}`)
	f("short", ask)
}
