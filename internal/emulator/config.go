package emulator

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
)

// DefaultRegion and DefaultAccountID are used where a Config names none.
const (
	DefaultRegion    = "us-east-1"
	DefaultAccountID = "123456789012"
)

// A Config says what Bedrock to be. The zero Config is one in us-east-1 that lets nobody in.
type Config struct {
	Region              string               // DefaultRegion if empty
	AccountID           string               // DefaultAccountID if empty
	Credentials         []Credential         // access keys that may sign requests and short-term API keys
	APIKeys             []string             // long-term Bedrock API keys that are accepted, "ABSK…" on AWS
	ApplicationProfiles []ApplicationProfile // application inference profiles of the account
	RetiredModels       bool                 // models that have reached their end of life answer as if they were active
	DataRetention       string               // the account's data retention mode: default, with which it may not use Fable; any model if empty

	Logger     *slog.Logger     // gets one line for each request; nil for silence
	Observe    func(Exchange)   // called once for each request, just before its answer's headers leave; may be nil
	Script     *script.Script   // what to answer to which calls, see NewScript; nil for nothing
	ChunkDelay time.Duration    // how long the model takes for each chunk of a stream
	Now        func() time.Time // the clock that signatures and the prompt cache go by; time.Now if nil
}

// A Credential is an access key that the Bedrock accepts. It prints without its secrets.
type Credential struct {
	sigv4.Credentials
	ExpiresAt time.Time // zero for never
	AccountID string    // the Config's if empty
}

// NewCredential returns a Credential of plain strings; sessionToken is "" for a long-lived key.
func NewCredential(accessKeyID, secretAccessKey, sessionToken string) Credential {
	return Credential{Credentials: sigv4.NewCredentials(accessKeyID, secretAccessKey, sessionToken)}
}

// An ApplicationProfile is an application inference profile.
type ApplicationProfile struct {
	ID          string // the last part of its ARN
	Name        string
	Description string
	Source      string // what it was copied from: ID or ARN of a foundation model or system-defined profile
}

// Validate reports application inference profiles whose source is none: no call of them could be answered.
func (c Config) Validate() error {
	var wrong []error
	s := Server{cfg: c.withDefaults()}
	for _, a := range c.ApplicationProfiles {
		if m, _, err := s.findName(a.source()); err != nil && m.id == "" {
			wrong = append(wrong, fmt.Errorf("application inference profile %s: %q is neither a foundation model nor a system-defined inference profile", a.ID, a.Source))
		} else if err != nil && m.lifecycle != catalog.EOL {
			wrong = append(wrong, fmt.Errorf("application inference profile %s: %q cannot be called from %s", a.ID, a.Source, s.cfg.Region))
		}
	}
	return errors.Join(wrong...)
}

// source is the ID of what the profile was copied from.
func (a ApplicationProfile) source() string { return a.Source[strings.LastIndex(a.Source, "/")+1:] }

// withDefaults returns the Config with nothing left open.
func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	if c.AccountID == "" {
		c.AccountID = DefaultAccountID
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Exchange) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// A keyring is what a Config lets in. It holds the API keys' hashes, for looking one up by its hash
// takes the same time whatever is asked for.
type keyring struct {
	credentials map[string]Credential          // by access key ID
	apiKeys     map[[sha256.Size]byte]identity // by hash
}

func newKeyring(c Config) keyring {
	k := keyring{map[string]Credential{}, map[[sha256.Size]byte]identity{}}
	for _, cred := range c.Credentials {
		if cred.AccountID == "" {
			cred.AccountID = c.AccountID
		}
		k.credentials[cred.AccessKeyID] = cred
	}
	for _, key := range c.APIKeys {
		id := identity{account: c.AccountID, key: "BedrockAPIKey"}
		if m := apiKeyUser.FindSubmatch(apiKeyText(key)); m != nil {
			id = identity{account: string(m[2]), key: string(m[1])}
		}
		k.apiKeys[sha256.Sum256([]byte(key))] = id
	}
	return k
}

// apiKeyUser is what a long-term key made by IAM says of itself, behind "ABSK" and base64.
var apiKeyUser = regexp.MustCompile(`^(BedrockAPIKey-\w+)-at-(\d{12}):`)

func apiKeyText(key string) []byte {
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "ABSK"))
	if err != nil {
		return nil // not one of IAM's; that is no fault
	}
	return text
}

// lookup is the sigv4.Verifier's.
func (k keyring) lookup(accessKeyID string) (sigv4.Key, bool) {
	c, ok := k.credentials[accessKeyID]
	return sigv4.Key{Credentials: c.Credentials, ExpiresAt: c.ExpiresAt}, ok
}
