package outcrop

import (
	"errors"
	"net/http"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// An Operation is one of Bedrock Runtime's, as AWS spells it.
type Operation string

const (
	InvokeModel                   Operation = "InvokeModel"
	InvokeModelWithResponseStream Operation = "InvokeModelWithResponseStream"
	CountTokens                   Operation = "CountTokens"
)

// path is the last element of the operation's request path (Bedrock Runtime service model).
func (op Operation) path() string {
	switch op {
	case InvokeModel:
		return "invoke"
	case InvokeModelWithResponseStream:
		return "invoke-with-response-stream"
	case CountTokens:
		return "count-tokens"
	}
	return ""
}

// An Invocation is one call to a model. A Client does not change it: one may be sent more than once,
// and concurrently.
type Invocation struct {
	Operation Operation

	// Model is what was asked for: an alias (opus), a first-party ID (claude-haiku-4-5), a Bedrock
	// model ID, an inference profile ID, or an ARN. The Client resolves it for its Region.
	Model string

	// Body is the operation's body in Bedrock's own JSON: for Claude a Messages body without
	// model and stream, for CountTokens {"input":{…}}. What MessagesInvocation returns still has
	// model and stream; they are left out when it is sent.
	Body []byte

	// Version is the anthropic-version that the client asked for in a header, Betas its
	// anthropic-beta values. They are merged into the body as the model takes them.
	Version string
	Betas   []string

	// Header holds what goes to Bedrock as headers: X-Amzn-Bedrock-* are sent, others are not.
	Header http.Header

	parsed []byte           // the Body that object was made of
	object *jsonedit.Object // with edits that Body lacks
}

// edit returns Body as an object that the caller may edit.
func (inv *Invocation) edit() (*jsonedit.Object, error) {
	if inv.object != nil && sameSlice(inv.parsed, inv.Body) {
		return inv.object.Clone(), nil
	}
	return parseBody(inv.Body)
}

// sameSlice reports whether a and b are the same bytes in the same place.
func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func parseBody(body []byte) (*jsonedit.Object, error) {
	object, err := jsonedit.Parse(body)
	switch {
	case err == nil:
		return object, nil
	case errors.Is(err, jsonedit.ErrNotObject):
		return nil, Errorf(Invalid, "the request body is not an object: %w", err)
	case errors.Is(err, jsonedit.ErrSyntax):
		return nil, Errorf(Invalid, "the request body is not valid JSON: %w", err)
	}
	return nil, Errorf(Invalid, "the request body cannot be sent: %w", err)
}

// A Target is where an invocation goes.
type Target struct {
	Region  string
	ModelID string // a model ID, inference profile ID or ARN, as it goes into the path
}

// Usage counts the tokens of an invocation as Bedrock reports them.
type Usage struct {
	InputTokens      int64 // without those read from or written to the prompt cache
	OutputTokens     int64
	CacheReadTokens  int64
	CacheWriteTokens int64
}

// A Response is the whole answer of an operation that does not stream.
type Response struct {
	Target    Target
	Header    http.Header // AWS's response headers
	RequestID string      // AWS's request ID
	Body      []byte      // one JSON object, checked to be whole
	Usage     Usage
	Attempts  int      // how often it was sent
	LeftOut   []string // what shaping left out of the request
}
