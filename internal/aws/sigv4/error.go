package sigv4

import "fmt"

// The codes of an Error: the names of AWS's exceptions. All go with status 403.
const (
	MissingAuthenticationToken = "MissingAuthenticationTokenException"
	IncompleteSignature        = "IncompleteSignatureException"
	UnrecognizedClient         = "UnrecognizedClientException"
	ExpiredToken               = "ExpiredTokenException"
	InvalidSignature           = "InvalidSignatureException"
	AccessDenied               = "AccessDeniedException"
)

// An Error says why a request was not accepted. Code and Message are AWS's, for a client to read; they hold no
// secret, not even the client's own.
type Error struct{ Code, Message string }

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func errUnrecognized() error {
	return &Error{UnrecognizedClient, "The security token included in the request is invalid."}
}

func errExpiredToken() error {
	return &Error{ExpiredToken, "The security token included in the request is expired"}
}
