package outcrop

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// maxMessagesBody is the most that Anthropic's own API takes.
const maxMessagesBody = 32 << 20

// RoundTripper returns an http.RoundTripper that answers requests of the Anthropic Messages API
// from Bedrock: POST …/v1/messages, streamed or not, and POST …/v1/messages/count_tokens. Give it
// to any Anthropic client that takes an HTTP client; host and key of the request do not matter and
// are not sent anywhere. What goes wrong comes back as a response in Anthropic's shape, as from the
// API itself; an error is returned only if the request's own context ends or its body cannot be
// read. What is worth it has been retried when an error comes back, so that errors carry
// x-should-retry: false, which Anthropic's SDKs obey.
func (c *Client) RoundTripper() http.RoundTripper { return roundTripper{c} }

type roundTripper struct{ c *Client }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readAll(r)
	if err != nil {
		return nil, err
	}
	resp, err := t.answer(r, body)
	if err == nil {
		return resp, nil
	}
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	status, text := MessagesError(err, AsError(err).RequestID)
	resp = response(r, status, io.NopCloser(bytes.NewReader(text)))
	resp.Header.Set("x-should-retry", "false") // the Client has retried what is worth it
	setRequestID(resp.Header, AsError(err).RequestID)
	return resp, nil
}

func (t roundTripper) answer(r *http.Request, body []byte) (*http.Response, error) {
	switch {
	case len(body) > maxMessagesBody:
		return nil, Errorf(TooLarge, "the body has more than %d bytes", maxMessagesBody)
	case r.Method != http.MethodPost:
	case strings.HasSuffix(r.URL.Path, "/v1/messages"):
		inv, err := MessagesInvocation(r.Header, body)
		if err != nil {
			return nil, err
		}
		if inv.Operation == InvokeModelWithResponseStream {
			return t.stream(r, inv)
		}
		return t.whole(r, inv)
	case strings.HasSuffix(r.URL.Path, "/v1/messages/count_tokens"):
		return t.count(r, body)
	}
	return nil, Errorf(NotFound, "%s %s is not served here; POST /v1/messages and /v1/messages/count_tokens are", r.Method, r.URL.Path)
}

func (t roundTripper) whole(r *http.Request, inv *Invocation) (*http.Response, error) {
	answer, err := t.c.Do(r.Context(), inv)
	if err != nil {
		return nil, err
	}
	resp := response(r, http.StatusOK, io.NopCloser(bytes.NewReader(answer.Body)))
	setRequestID(resp.Header, answer.RequestID)
	return resp, nil
}

func (t roundTripper) count(r *http.Request, body []byte) (*http.Response, error) {
	inv, err := MessagesCountInvocation(r.Header, body)
	if err != nil {
		return nil, err
	}
	answer, err := t.c.Do(r.Context(), inv)
	if err != nil {
		return nil, err
	}
	text, err := MessagesCount(answer)
	if err != nil {
		return nil, err
	}
	resp := response(r, http.StatusOK, io.NopCloser(bytes.NewReader(text)))
	setRequestID(resp.Header, answer.RequestID)
	return resp, nil
}

func (t roundTripper) stream(r *http.Request, inv *Invocation) (*http.Response, error) {
	stream, err := t.c.InvokeModelWithResponseStream(r.Context(), inv)
	if err != nil {
		return nil, err
	}
	resp := response(r, http.StatusOK, &messagesReader{stream: stream})
	resp.Header.Set("Content-Type", "text/event-stream; charset=utf-8")
	setRequestID(resp.Header, stream.RequestID)
	return resp, nil
}

// messagesReader is a Stream read as server-sent events: pulled event by event, as much at a time
// as has arrived.
type messagesReader struct {
	stream *Stream
	buf    []byte // events not yet handed out, from off
	off    int
	done   error // what Read returns when buf is used up
}

// burst is how many bytes of events are gathered at most before they are handed on.
const burst = 32 << 10

func (m *messagesReader) Read(p []byte) (int, error) {
	for m.off == len(m.buf) {
		if m.done != nil {
			return 0, m.done
		}
		m.fill()
	}
	n := copy(p, m.buf[m.off:])
	m.off += n
	return n, nil
}

func (m *messagesReader) fill() {
	m.buf, m.off = m.buf[:0], 0
	for first := true; first || m.stream.Buffered() && len(m.buf) < burst; first = false {
		event, err := m.stream.Next()
		if err != nil {
			m.done = io.EOF
			if KindOf(err) == Canceled {
				m.done = AsError(err).Err
			} else if err != io.EOF {
				m.buf = AppendMessagesErrorEvent(m.buf, err, m.stream.RequestID)
			}
			return
		}
		m.buf = AppendMessagesEvent(m.buf, event)
	}
}

func (m *messagesReader) Close() error { return m.stream.Close() }

// readAll reads and closes the body of r, one byte more than is allowed at most.
func readAll(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(io.LimitReader(r.Body, maxMessagesBody+1))
}

func response(r *http.Request, status int, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   body, ContentLength: -1, Request: r,
	}
}

// setRequestID puts AWS's request ID where Anthropic's clients look for one.
func setRequestID(h http.Header, id string) {
	if id != "" {
		h.Set("request-id", id)
		h.Set(requestIDName, id)
	}
}

// appendMessagesError appends Anthropic's error envelope.
func appendMessagesError(dst []byte, errorType, message, requestID string) []byte {
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = jsonedit.AppendString(dst, errorType)
	dst = append(dst, `,"message":`...)
	dst = jsonedit.AppendString(dst, message)
	dst = append(dst, '}')
	if requestID != "" {
		dst = append(dst, `,"request_id":`...)
		dst = jsonedit.AppendString(dst, requestID)
	}
	return append(dst, '}')
}

// appendMessage appends AWS's error body.
func appendMessage(dst []byte, message string) []byte {
	dst = append(dst, `{"message":`...)
	dst = jsonedit.AppendString(dst, message)
	return append(dst, '}')
}

func appendCount(dst []byte, n int) []byte {
	dst = append(dst, `{"input_tokens":`...)
	return append(strconv.AppendInt(dst, int64(n), 10), '}')
}
