// Package bedrock is the front door for clients of Bedrock Runtime itself: Claude Code in Bedrock
// mode, AWS's SDKs, Roo Code. Answers pass byte for byte.
package bedrock

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/outcrop-dev/outcrop"
)

// A Door is one request to POST /model/{ModelID}/{operation}.
type Door struct {
	Operation outcrop.Operation
	ModelID   string // as in the path, decoded
}

func (Door) Name() string { return "bedrock" }

// Decode takes the body as it is. The header's betas come along: Claude Code and the JavaScript SDK
// send some there that are not in the body.
func (d Door) Decode(h http.Header, body []byte) (*outcrop.Invocation, error) {
	return &outcrop.Invocation{Operation: d.Operation, Model: d.ModelID, Body: body, Header: h, Betas: outcrop.Betas(h)}, nil
}

// Encode passes answer and AWS's headers on.
func (Door) Encode(h http.Header, answer *outcrop.Response) ([]byte, error) {
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	passHeader(h, answer.Header)
	return answer.Body, nil
}

// Error answers as AWS does.
func (Door) Error(h http.Header, err error, requestID string) (int, []byte) {
	h.Set("X-Amzn-Requestid", cmp.Or(outcrop.AsError(err).RequestID, requestID))
	status, exception, body := outcrop.NativeError(err)
	h.Set("X-Amzn-Errortype", exception+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	return status, body
}

// StreamHeader announces an event stream.
func (Door) StreamHeader(h http.Header, stream *outcrop.Stream) {
	passHeader(h, stream.Header)
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	h.Set("X-Amzn-Bedrock-Content-Type", "application/json")
}

// passHeader takes over what AWS says of the invocation.
func passHeader(to, from http.Header) {
	for name, values := range from {
		if strings.HasPrefix(name, "X-Amzn-") {
			to[name] = values
		}
	}
}

// AppendEvent passes the whole message on, whatever is in it.
func (Door) AppendEvent(dst []byte, event outcrop.Event) []byte { return append(dst, event.Message...) }

func (Door) AppendError(dst []byte, err error, _ string) []byte {
	return outcrop.AppendNativeException(dst, err)
}

// Ping is nil: Bedrock sends none.
func (Door) Ping() []byte { return nil }
