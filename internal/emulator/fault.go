package emulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/restjson"
	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// A fault is a refusal in AWS's terms.
type fault struct {
	status    int
	code      string // AWS's name of the exception
	message   string
	namespace string // of the code in x-amzn-errortype
}

// Error returns code and message.
func (f *fault) Error() string { return f.code + ": " + f.message }

// Namespaces as live answers show them. Clients cut the header at the first colon.
const (
	bedrockNamespace = "http://internal.amazon.com/coral/com.amazon.bedrock/"
	coralNamespace   = "http://internal.amazon.com/coral/com.amazon.coral.service/" // the front end's: authentication, routing
)

// invalid refuses with the sentence of a key and its values, as wording.Say takes them.
func invalid(key string, values ...any) error {
	return &fault{http.StatusBadRequest, "ValidationException", wording.Say(key, values...), bedrockNamespace}
}

func notFound(key string) error {
	return &fault{http.StatusNotFound, "ResourceNotFoundException", wording.Say(key), bedrockNamespace}
}

// unserved refuses a path that is no operation.
func unserved(method, path string) error {
	return &fault{http.StatusNotFound, "UnknownOperationException",
		wording.Say("unknown_operation", "method", method, "path", path, "operations", strings.Join(operationNames(), ", ")), coralNamespace}
}

// asFault turns any error of this package's way into the answer to be sent.
func asFault(err error) *fault {
	var f *fault
	var auth *sigv4.Error
	var refusal *claude.Refusal
	var misread *restjson.SyntaxError
	var broken *restjson.ValidationError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &misread):
		return &fault{http.StatusBadRequest, "SerializationException", misread.Message, coralNamespace}
	case errors.As(err, &broken):
		return &fault{http.StatusBadRequest, "ValidationException", broken.Message, bedrockNamespace}
	case errors.As(err, &auth):
		return &fault{http.StatusForbidden, auth.Code, auth.Message, coralNamespace}
	case errors.As(err, &refusal):
		return &fault{http.StatusBadRequest, "ValidationException", refusal.Message, bedrockNamespace}
	}
	return &fault{http.StatusInternalServerError, "InternalServerException", wording.Say("fault_internal_server"), bedrockNamespace}
}

// refuse answers with the fault, as AWS does. fields are members of the body beside message.
func (c *call) refuse(f *fault, fields map[string]json.RawMessage) error {
	c.errorCode = f.code
	c.w.Header().Set("X-Amzn-Errortype", f.code+":"+f.namespace)
	body, err := faultBody(f.message, fields)
	if err != nil {
		return err
	}
	c.drain()
	return c.writeJSON(f.status, body)
}

// faultBody is the JSON of an exception.
func faultBody(message string, fields map[string]json.RawMessage) ([]byte, error) {
	body := map[string]any{"message": message}
	for name, value := range fields {
		body[name] = value
	}
	return json.Marshal(body)
}
