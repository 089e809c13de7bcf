package outcrop

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/outcrop-dev/outcrop/internal/aws/credential"
	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// An Event is one event of a streamed answer. Its bytes are valid until the next call of Next.
type Event struct {
	Type    []byte // content_block_delta, message_stop, …; nil for a message that is not a chunk
	Data    []byte // the event's JSON as the model sent it; nil likewise
	Message []byte // the whole AWS event stream message around it
}

// A Stream is the answer of InvokeModelWithResponseStream, event by event. It pulls: nothing is
// read from Bedrock but in Next. It is not safe for concurrent use, but Close may be called at any
// time.
type Stream struct {
	Target    Target
	Header    http.Header // AWS's response headers
	RequestID string      // AWS's request ID
	Attempts  int         // how often the request was sent
	LeftOut   []string    // what shaping left out of the request

	body     io.ReadCloser
	messages *eventstream.Reader
	cancel   context.CancelCauseFunc
	idle     *time.Timer
	limit    time.Duration // silence after which the stream is given up

	first   Event // read before the Stream was handed out
	pending bool  // first is still to be returned
	err     error // what Next returns from now on
	stopped bool  // the answer is whole
	began   bool  // an event was handed on
	usage   Usage
	used    credential.Credentials
	decoded []byte // buffer behind Event.Data
	plain   []byte // the headers of the last chunk, which nearly every message repeats
}

// errIdle is the cause of a context that the idle timer canceled.
var errIdle = errors.New("idle")

// newStream reads the first event of the answer, so that an error that comes first is known before
// anything is handed on.
func newStream(resp *http.Response, cancel context.CancelCauseFunc, idle *time.Timer, limit time.Duration) (*Stream, error) {
	s := &Stream{
		Header: resp.Header, RequestID: resp.Header.Get(requestIDName),
		body: resp.Body, cancel: cancel, idle: idle, limit: limit,
	}
	s.messages = eventstream.NewReader(idleReader{s, resp.Request.Context()})
	event, err := s.next()
	if err != nil {
		s.Close()
		return nil, err
	}
	s.first, s.pending = event, true
	return s, nil
}

// idleReader reads the answer's body and re-arms the idle timer once per read, not per event.
type idleReader struct {
	s   *Stream
	ctx context.Context
}

func (r idleReader) Read(p []byte) (int, error) {
	r.s.idle.Reset(r.s.limit)
	n, err := r.s.body.Read(p)
	r.s.idle.Stop()
	if err != nil && err != io.EOF && r.ctx.Err() != nil {
		err = context.Cause(r.ctx)
	}
	return n, err
}

// Next returns the next event. The error is io.EOF after a whole answer, and only then: a stream
// that breaks, goes silent, carries an exception or ends before message_stop returns an *Error.
func (s *Stream) Next() (Event, error) {
	if s.pending {
		s.pending, s.began = false, true
		return s.first, nil
	}
	if s.err != nil {
		return Event{}, s.err
	}
	event, err := s.next()
	if err != nil {
		if e, ok := err.(*Error); ok {
			e.redact(s.used)
		}
		s.err = err
		return Event{}, err
	}
	s.began = true
	return event, nil
}

// Buffered reports whether Next will return without waiting for Bedrock: a writer that asks before
// it flushes sends several events at a time when several arrived together.
func (s *Stream) Buffered() bool { return s.pending || s.err != nil || s.messages.Buffered() }

// All yields the events that are left; an error comes last, none after a whole answer.
func (s *Stream) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			event, err := s.Next()
			if err == io.EOF {
				return
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Usage returns what Bedrock has reported so far; after io.EOF it is final.
func (s *Stream) Usage() Usage { return s.usage }

// Close gives the stream up and frees its connection. It is safe to call more than once.
func (s *Stream) Close() error {
	s.idle.Stop()
	s.cancel(nil)
	return s.body.Close()
}

var (
	messageType   = []byte("event")
	exceptionType = []byte("exception")
	errorType     = []byte("error")
	chunkType     = []byte("chunk")
)

func (s *Stream) next() (Event, error) {
	m, err := s.messages.Next()
	if err != nil {
		return Event{}, s.ended(err)
	}
	if bytes.Equal(m.RawHeaders(), s.plain) && len(s.plain) > 0 {
		return s.chunk(m)
	}
	kind := m.Text(":message-type")
	switch {
	case bytes.Equal(kind, messageType):
		if !bytes.Equal(m.Text(":event-type"), chunkType) {
			return Event{Message: m.Raw()}, nil // a kind of event that came after this was written
		}
		s.plain = append(s.plain[:0], m.RawHeaders()...)
		return s.chunk(m)
	case bytes.Equal(kind, exceptionType), bytes.Equal(kind, errorType):
		if s.stopped {
			return Event{}, io.EOF // what comes after the last event takes nothing from the answer
		}
		return Event{}, s.exception(m)
	}
	return Event{}, s.interrupted(fmt.Sprintf("a message of type %q", kind), nil)
}

// chunk decodes {"bytes":"<base64 of one event>","p":"<padding>"}.
func (s *Stream) chunk(m eventstream.Message) (Event, error) {
	encoded, ok := chunkBytes(m.Payload())
	if !ok {
		return Event{}, s.interrupted("a chunk without bytes", nil)
	}
	if need := base64.StdEncoding.DecodedLen(len(encoded)); cap(s.decoded) < need {
		s.decoded = make([]byte, max(need, 1024))
	}
	n, err := base64.StdEncoding.Decode(s.decoded[:cap(s.decoded)], encoded)
	if err != nil {
		return Event{}, s.interrupted("a chunk whose bytes are not base64", err)
	}
	event := Event{Data: s.decoded[:n], Message: m.Raw()}
	event.Type = eventType(event.Data)
	s.note(event)
	return event, nil
}

var chunkPrefix = []byte(`{"bytes":"`)

// chunkBytes finds the base64 text of a chunk. Bedrock writes bytes first and never escapes in it;
// any other spelling takes the slow way.
func chunkBytes(payload []byte) ([]byte, bool) {
	if rest, ok := bytes.CutPrefix(payload, chunkPrefix); ok {
		if end := bytes.IndexByte(rest, '"'); end >= 0 && bytes.IndexByte(rest[:end], '\\') < 0 {
			return rest[:end], true
		}
	}
	raw, ok := jsonedit.Member(payload, "bytes")
	if !ok {
		return nil, false
	}
	text, ok := jsonedit.String(raw)
	return []byte(text), ok
}

var typePrefix = []byte(`{"type":"`)

// eventType peeks the type of an event; Bedrock writes it first.
func eventType(data []byte) []byte {
	if rest, ok := bytes.CutPrefix(data, typePrefix); ok {
		if end := bytes.IndexByte(rest, '"'); end >= 0 {
			return rest[:end]
		}
	}
	raw, ok := jsonedit.Member(data, "type")
	if !ok || len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	return raw[1 : len(raw)-1]
}

// note keeps what the Record needs. Deltas, nearly all events, are told apart by length alone.
func (s *Stream) note(event Event) {
	switch len(event.Type) {
	case len("content_block_delta"), len("content_block_stop"): // and content_block_start
		return
	case len("message_start"), len("message_stop"): // and message_delta
	default: // another vendor's chunk, or one of Claude's text completions
		s.metrics(event.Data)
		return
	}
	switch string(event.Type) {
	case "message_start":
		if raw, ok := jsonedit.Member(event.Data, "message", "usage"); ok {
			s.usage.read(raw)
		}
	case "message_delta":
		if raw, ok := jsonedit.Member(event.Data, "usage"); ok {
			s.usage.read(raw)
		}
	case "message_stop":
		s.stopped = true
		s.metrics(event.Data)
	}
}

// metrics reads Bedrock's own count off the last chunk, which ends the answer of every vendor's
// model (InvokeModelWithResponseStream, observed in public recordings of 2024 to 2026).
func (s *Stream) metrics(data []byte) {
	raw, ok := jsonedit.Member(data, "amazon-bedrock-invocationMetrics")
	if !ok {
		return
	}
	s.stopped = true
	s.usage.readMetrics(raw)
}

// read takes over the members of Anthropic's usage object that are there.
func (u *Usage) read(raw []byte) {
	set(&u.InputTokens, raw, "input_tokens")
	set(&u.OutputTokens, raw, "output_tokens")
	set(&u.CacheReadTokens, raw, "cache_read_input_tokens")
	set(&u.CacheWriteTokens, raw, "cache_creation_input_tokens")
}

func (u *Usage) readMetrics(raw []byte) {
	set(&u.InputTokens, raw, "inputTokenCount")
	set(&u.OutputTokens, raw, "outputTokenCount")
	set(&u.CacheReadTokens, raw, "cacheReadInputTokenCount")
	set(&u.CacheWriteTokens, raw, "cacheWriteInputTokenCount")
}

func set(n *int64, raw []byte, name string) {
	if v, ok := jsonedit.Member(raw, name); ok {
		if i, ok := jsonedit.Int(v); ok && i >= 0 {
			*n = i
		}
	}
}

// exception turns an exception or error message of the stream into an *Error.
func (s *Stream) exception(m eventstream.Message) error {
	e := &Error{RequestID: s.RequestID, began: s.began, message: bytes.Clone(m.Raw())}
	e.Code = string(m.Text(":exception-type"))
	if e.Code == "" {
		e.Code = string(m.Text(":error-code"))
		e.Message = string(m.Text(":error-message"))
	}
	if raw, ok := jsonedit.Member(m.Payload(), "message"); ok {
		e.Message, _ = jsonedit.String(raw)
	}
	if e.Message == "" {
		e.Message = "Bedrock ended the stream with an exception"
	}
	if !s.began {
		e.Status = exceptionStatus[shapeName(e.Code)] // it is answered as if it had come with it
	}
	e.Kind = classify(e.Status, e.Code, e.Message)
	return e
}

// ended says what the end of the messages means.
func (s *Stream) ended(err error) error {
	switch {
	case s.stopped:
		return io.EOF // what breaks now takes nothing from the answer
	case err == io.EOF && !s.began:
		return s.interrupted("the answer ended before it began", nil)
	case err == io.EOF:
		return s.interrupted("the answer ended before message_stop", nil)
	case errors.Is(err, errIdle) && !s.began: // waiting as long again would outlast most clients
		return &Error{Kind: ModelFailed, Message: fmt.Sprintf("no event for %v", s.limit), Err: context.DeadlineExceeded, RequestID: s.RequestID}
	case errors.Is(err, errIdle):
		return s.interrupted(fmt.Sprintf("no event for %v", s.limit), nil)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: Canceled, Message: "the caller went away", Err: err, RequestID: s.RequestID, began: s.began}
	}
	return s.interrupted("the answer broke off", err)
}

func (s *Stream) interrupted(what string, err error) *Error {
	return &Error{Kind: Interrupted, Message: what, Err: err, RequestID: s.RequestID, began: s.began}
}
