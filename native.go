package outcrop

import (
	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
)

// AppendNativeException appends the exception message that ends a native event stream in place of
// the rest of the answer; AWS's and Anthropic's SDKs throw on it. It is the one that Bedrock sent,
// byte for byte, if that is what broke the stream.
func AppendNativeException(dst []byte, err error) []byte {
	e := AsError(err)
	if e.message != nil {
		return append(dst, e.message...)
	}
	headers := []eventstream.Header{
		{Name: ":exception-type", Value: eventstream.String("modelStreamErrorException")},
		{Name: ":content-type", Value: eventstream.String("application/json")},
		{Name: ":message-type", Value: eventstream.String("exception")},
	}
	out, err := eventstream.Append(dst, headers, appendMessage(nil, e.describe(facets[e.Kind])))
	if err != nil { // only a message over eventstream.MaxMessage, which ours is far below
		return dst
	}
	return out
}
