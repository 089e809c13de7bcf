package outcrop

import (
	"net/http"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
	"github.com/outcrop-dev/outcrop/internal/wire/sse"
)

// MessagesInvocation turns a request of the Anthropic Messages API (POST /v1/messages) into an
// Invocation: model goes out of the body into the Model, stream into the Operation, the headers
// anthropic-version, anthropic-beta and X-Amzn-Bedrock-* come along. Every other member stays as it
// came. body must not be changed afterwards. The error is an *Error of kind Invalid.
func MessagesInvocation(header http.Header, body []byte) (*Invocation, error) {
	object, err := parseBody(body)
	if err != nil {
		return nil, err
	}
	raw, ok := object.Get("model")
	if !ok {
		return nil, Errorf(Invalid, "model: Field required")
	}
	model, ok := jsonedit.String(raw)
	if !ok {
		return nil, Errorf(Invalid, "model: Input should be a valid string")
	}
	operation := InvokeModel
	switch stream, _ := object.Get("stream"); string(stream) {
	case "true":
		operation = InvokeModelWithResponseStream
	case "", "false", "null":
	default:
		return nil, Errorf(Invalid, "stream: Input should be a valid boolean")
	}
	object.Delete("model")
	object.Delete("stream")
	return &Invocation{
		Operation: operation, Model: model, Body: body, Header: header, parsed: body, object: object,
		Version: header.Get("anthropic-version"), Betas: Betas(header),
	}, nil
}

// MessagesCountInvocation turns a request of POST /v1/messages/count_tokens into an Invocation of
// CountTokens.
func MessagesCountInvocation(header http.Header, body []byte) (*Invocation, error) {
	inv, err := MessagesInvocation(header, body)
	if err != nil {
		return nil, err
	}
	return countInvocation(inv)
}

// Betas returns the values of the anthropic-beta headers, each a list with commas.
func Betas(h http.Header) []string {
	var out []string
	for _, line := range h.Values("anthropic-beta") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// AppendMessagesEvent appends event as the Anthropic Messages API sends it: a server-sent event
// with the event's JSON as it came from Bedrock. Nothing is appended for a message that is not a
// chunk of the model's.
func AppendMessagesEvent(dst []byte, event Event) []byte {
	if event.Type == nil {
		return dst
	}
	return sse.AppendEvent(dst, event.Type, event.Data)
}

// AppendMessagesErrorEvent appends the error event that ends a streamed answer in place of
// message_stop; Anthropic's SDKs throw on it.
func AppendMessagesErrorEvent(dst []byte, err error, requestID string) []byte {
	e := AsError(err)
	f := facets[e.Kind]
	return sse.AppendEvent(dst, []byte("error"), appendMessagesError(nil, f.errorType, e.describe(f), requestID))
}

// MessagesCount is the answer of /v1/messages/count_tokens to an answer of CountTokens.
func MessagesCount(answer *Response) ([]byte, error) {
	n, err := inputTokens(answer)
	if err != nil {
		return nil, err
	}
	return appendCount(nil, n), nil
}
