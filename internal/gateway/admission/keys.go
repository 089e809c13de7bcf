// Package admission says who may use the gateway: the virtual keys that Outcrop issues, as bearer
// tokens and as AWS key pairs.
//
//	oc_<id>_<secret>          Authorization: Bearer, or x-api-key
//	OUTC<id> / <secret key>   Signature Version 4, for AWS's SDKs
//
// Of a key only a SHA-256 is held. The secret of its AWS face cannot be hashed, since a signature
// is verified with the secret itself; it is an HMAC of the key's ID under a root key, so that one
// secret in one file stands behind all of them.
package admission

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

// MinKeyLength is the fewest characters of a key that the operator sets.
const MinKeyLength = 16

// A Key is a virtual key, without its secret.
type Key struct {
	ID   string   `json:"id"`
	Name string   `json:"name"`
	Hash [32]byte `json:"-"` // SHA-256 of the whole key
}

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base64.NoPadding)

// NewKey makes a key with 256 random bits and returns it with its secret form, which is shown once
// and not kept.
func NewKey(name string) (Key, sigv4.Secret) {
	var id [5]byte
	var secret [32]byte
	rand.Read(id[:])
	rand.Read(secret[:])
	text := "oc_" + lower.EncodeToString(id[:]) + "_" + lower.EncodeToString(secret[:])
	return Key{ID: lower.EncodeToString(id[:]), Name: name, Hash: sha256.Sum256([]byte(text))}, sigv4.NewSecret(text)
}

// ErrKeyTooShort refuses a key of the operator's that is too easy to guess.
var ErrKeyTooShort = errors.New("a key must have at least 16 characters, all of them printable ASCII without spaces")

// KeyOf takes a key that the operator sets. Its ID is part of a hash, or what stands in it if it
// has the form of Outcrop's own.
func KeyOf(name, text string) (Key, error) {
	if len(text) < MinKeyLength || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Key{}, ErrKeyTooShort
	}
	hash := sha256.Sum256([]byte(text))
	id := lower.EncodeToString(hash[:5])
	if parts := strings.Split(text, "_"); len(parts) == 3 && parts[0] == "oc" && parts[1] != "" {
		id = parts[1]
	}
	return Key{ID: id, Name: name, Hash: hash}, nil
}

// Keys are the keys that may use a gateway. It is safe for concurrent use.
type Keys struct {
	keys     []Key
	byAccess map[string]int // access key ID -> index
	root     sigv4.Secret
	verifier *sigv4.Verifier
	now      func() time.Time
}

// NewKeys returns Keys whose AWS faces are made under root.
func NewKeys(root sigv4.Secret, keys ...Key) *Keys {
	k := &Keys{keys: keys, byAccess: map[string]int{}, root: root, now: time.Now}
	for i, key := range keys {
		k.byAccess[AccessKeyID(key)] = i
	}
	k.verifier = &sigv4.Verifier{Service: "bedrock", Lookup: func(id string) (sigv4.Key, bool) {
		i, ok := k.byAccess[id]
		if !ok {
			return sigv4.Key{}, false
		}
		return sigv4.Key{Credentials: k.AWS(keys[i])}, true
	}}
	return k
}

// AccessKeyID is the AWS face's public half: 20 characters, as AWS's are.
func AccessKeyID(key Key) string {
	sum := sha256.Sum256([]byte("outcrop access key\x00" + key.ID))
	return "OUTC" + strings.ToUpper(lower.EncodeToString(sum[:10]))
}

// AWS returns the key pair with which AWS's SDKs sign for key.
func (k *Keys) AWS(key Key) sigv4.Credentials {
	mac := hmac.New(sha256.New, []byte(k.root.Reveal()))
	mac.Write([]byte("outcrop secret access key\x00" + key.ID))
	return sigv4.NewCredentials(AccessKeyID(key), base64.RawStdEncoding.EncodeToString(mac.Sum(nil)[:30]), "")
}

// A Finish verifies what needs the body: its SHA-256.
type Finish func(body [sha256.Size]byte) error

// Authenticate finds the key that r carries: Authorization: Bearer, x-api-key (either may be the
// right one: some clients send both), or a signature, which holds only after finish. The error is
// an *outcrop.Error of kind Unauthenticated; it never says "expired", which makes Claude Code ask
// AWS for new credentials for minutes.
func (k *Keys) Authenticate(r *http.Request) (key Key, finish Finish, err error) {
	if sigv4.Signed(r) {
		return k.signed(r)
	}
	presented := false
	for _, text := range bearers(r.Header) {
		presented = true
		if key, ok := k.find(text); ok {
			return key, nil, nil
		}
	}
	if presented {
		return Key{}, nil, refuse(sigv4.UnrecognizedClient, "this is not a key of this Outcrop gateway")
	}
	return Key{}, nil, refuse(sigv4.MissingAuthenticationToken,
		"an Outcrop key is required: send it as Authorization: Bearer, as x-api-key, or sign with its AWS key pair")
}

// bearers returns what r presents as keys.
func bearers(h http.Header) []string {
	var out []string
	if scheme, text, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		out = append(out, strings.TrimSpace(text))
	}
	if text := h.Get("X-Api-Key"); text != "" {
		out = append(out, text)
	}
	return out
}

// find compares with every key, in time that does not depend on which one matches.
func (k *Keys) find(text string) (Key, bool) {
	hash := sha256.Sum256([]byte(text))
	found := -1
	for i := range k.keys {
		if subtle.ConstantTimeCompare(hash[:], k.keys[i].Hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Key{}, false
	}
	return k.keys[found], true
}

func (k *Keys) signed(r *http.Request) (Key, Finish, error) {
	pending, err := k.verifier.Begin(r, k.now())
	if err != nil {
		return Key{}, nil, unauthenticated(err)
	}
	key := k.keys[k.byAccess[pending.AccessKeyID()]]
	return key, func(body [sha256.Size]byte) error {
		if err := pending.Finish(body); err != nil {
			return unauthenticated(err)
		}
		return nil
	}, nil
}

// unauthenticated takes AWS's exception name and words over, but for those on which clients fetch
// AWS credentials anew: here it is the signature's date or the key that is wrong.
func unauthenticated(err error) error {
	var e *sigv4.Error
	if !errors.As(err, &e) {
		return refuse(sigv4.InvalidSignature, err.Error())
	}
	message := e.Message
	switch {
	case e.Code == sigv4.UnrecognizedClient:
		message = "this access key is not one of this Outcrop gateway's; sign with the key pair that it prints, not with AWS credentials"
	case strings.Contains(strings.ToLower(message), "expired"):
		message = "the signature's date is too old: the client's clock is behind, or the request was signed more than its lifetime ago"
	}
	return refuse(e.Code, message)
}

func refuse(code, message string) *outcrop.Error {
	return &outcrop.Error{Kind: outcrop.Unauthenticated, Code: code, Message: message}
}
