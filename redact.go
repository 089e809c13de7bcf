package outcrop

import (
	"bytes"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/aws/credential"
	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

// minSecret is how long a secret is at least: what is shorter may stand in any text.
const minSecret = 8

// redact takes the secrets that a call was authorised with out of its error: the other side may say
// them again (AWS has the session token in the canonical string of SignatureDoesNotMatch), and errors
// are printed and logged.
func (e *Error) redact(used credential.Credentials) {
	for _, secret := range []sigv4.Secret{used.APIKey, used.Keys.SecretAccessKey, used.Keys.SessionToken} {
		if text := secret.Reveal(); len(text) >= minSecret {
			e.without(text, secret.String())
		}
	}
}

// without puts placeholder in place of secret. What came byte for byte and has it is given up.
func (e *Error) without(secret, placeholder string) {
	said := strings.Contains(e.Message, secret) // it may be spelled with escapes in the body
	if said || bytes.Contains(e.body, []byte(secret)) {
		e.body = nil
	}
	if said || bytes.Contains(e.message, []byte(secret)) {
		e.message = nil
	}
	for _, text := range []*string{&e.Code, &e.Message, &e.RequestID} {
		*text = strings.ReplaceAll(*text, secret, placeholder)
	}
	if e.Err != nil && strings.Contains(e.Err.Error(), secret) {
		e.Err = &redactedError{strings.ReplaceAll(e.Err.Error(), secret, placeholder), e.Err}
	}
}

// A redactedError is an error with another text.
type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }
