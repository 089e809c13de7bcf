// Package anthropic is the front door for clients of the Anthropic Messages API: Claude Code with
// ANTHROPIC_BASE_URL, and Anthropic's SDKs.
package anthropic

import (
	"net/http"
	"strconv"

	"github.com/outcrop-dev/outcrop"
)

// Messages is POST /v1/messages.
type Messages struct{ door }

// CountTokens is POST /v1/messages/count_tokens.
type CountTokens struct{ door }

// Decode takes model and stream out of the body; all else stays as it came.
func (Messages) Decode(h http.Header, body []byte) (*outcrop.Invocation, error) {
	return outcrop.MessagesInvocation(h, body)
}

// Encode passes Bedrock's answer on, which is Anthropic's message.
func (Messages) Encode(h http.Header, answer *outcrop.Response) ([]byte, error) {
	setWhole(h, answer, len(answer.Body))
	return answer.Body, nil
}

// Decode wraps the body for Bedrock's CountTokens.
func (CountTokens) Decode(h http.Header, body []byte) (*outcrop.Invocation, error) {
	return outcrop.MessagesCountInvocation(h, body)
}

// Encode renames the count.
func (CountTokens) Encode(h http.Header, answer *outcrop.Response) ([]byte, error) {
	text, err := outcrop.MessagesCount(answer)
	if err == nil {
		setWhole(h, answer, len(text))
	}
	return text, err
}

func setWhole(h http.Header, answer *outcrop.Response, length int) {
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(length))
	setAWSRequestID(h, answer.RequestID)
}

// door is what both share.
type door struct{}

func (door) Name() string { return "anthropic" }

// Error answers in Anthropic's envelope.
func (door) Error(h http.Header, err error, requestID string) (int, []byte) {
	setAWSRequestID(h, outcrop.AsError(err).RequestID)
	return outcrop.MessagesError(err, requestID)
}

// StreamHeader announces server-sent events, and asks proxies on the way not to gather them.
func (door) StreamHeader(h http.Header, stream *outcrop.Stream) {
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
	setAWSRequestID(h, stream.RequestID)
}

// setAWSRequestID lets a user quote AWS's request ID to AWS.
func setAWSRequestID(h http.Header, id string) {
	if id != "" {
		h.Set("X-Amzn-Requestid", id)
	}
}

func (door) AppendEvent(dst []byte, event outcrop.Event) []byte {
	return outcrop.AppendMessagesEvent(dst, event)
}

func (door) AppendError(dst []byte, err error, requestID string) []byte {
	return outcrop.AppendMessagesErrorEvent(dst, err, requestID)
}

var ping = []byte("event: ping\ndata: {\"type\": \"ping\"}\n\n")

// Ping is the event with which Anthropic's own API fills silence.
func (door) Ping() []byte { return ping }
