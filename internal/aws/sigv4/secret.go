package sigv4

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
	"time"
)

const redacted = "REDACTED"

// A Secret prints as REDACTED, by whatever verb, encoder or logger. Its value sits behind a function, where
// reflection does not reach it either. The zero Secret is the empty one.
type Secret struct{ reveal func() string }

// NewSecret returns a Secret that holds value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the value itself. Use it where it is sent or hashed, never where it is printed.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal reports whether both hold the same value. The time it takes does not depend on where they differ.
func (s Secret) Equal(t Secret) bool { return equal(s.Reveal(), t.Reveal()) }

// String returns "REDACTED", or "" for the empty Secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format writes what String returns, for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { f.Write([]byte(s.String())) }

// MarshalText returns what String returns; encoding/json goes by it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns what String returns, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// equal compares in time that depends on the lengths only.
func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// Credentials are an AWS access key. SessionToken is empty for a long-lived one.
// They print without their secrets.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
}

// NewCredentials returns the Credentials of plain strings; sessionToken is "" for a long-lived key.
func NewCredentials(accessKeyID, secretAccessKey, sessionToken string) Credentials {
	return Credentials{
		AccessKeyID:     accessKeyID,
		SecretAccessKey: NewSecret(secretAccessKey),
		SessionToken:    NewSecret(sessionToken),
	}
}

// A Key is what a Verifier knows of an access key.
type Key struct {
	Credentials

	// ExpiresAt is when the key stops being valid; zero for never.
	ExpiresAt time.Time
}

func (k Key) expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}
