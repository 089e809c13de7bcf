package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"sync/atomic"
)

// A signingKey is derived from a secret for one scope. It is shared and never written to.
type signingKey []byte

// A scope is what a signature is bound to besides the request. The signing key is derived from it.
type scope struct{ date, region, service string }

// append appends the scope as it stands in the string to sign and, after the access key ID, in the credential.
func (s scope) append(dst []byte) []byte {
	for _, part := range [...]string{s.date, s.region, s.service} {
		dst = append(append(dst, part...), '/')
	}
	return append(dst, terminator...)
}

func deriveKey(secret string, s scope) signingKey {
	key := []byte("AWS4" + secret)
	for _, part := range [...]string{s.date, s.region, s.service, terminator} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return key
}

// A keyCache keeps the signing keys derived last, for deriving one costs four HMACs and it changes once a day.
// Reads take no lock. The zero keyCache is ready and safe for concurrent use.
type keyCache struct {
	mu   sync.Mutex // held while adding
	keys atomic.Pointer[[]cachedKey]
}

// A cachedKey answers for one secret and scope. It is a function so that printing a Signer or a Verifier,
// by whatever means, prints no key.
type cachedKey func(secret string, s scope) (signingKey, bool)

// maxKeys is more than the secrets that are in use at one time in one Region around a change of day.
const maxKeys = 8

func (c *keyCache) get(secret string, s scope) signingKey {
	if keys := c.keys.Load(); keys != nil {
		for _, cached := range *keys {
			if key, ok := cached(secret, s); ok {
				return key
			}
		}
	}
	key := deriveKey(secret, s)
	c.add(secret, s, key)
	return key
}

// add puts the key first and drops the oldest beyond maxKeys. Two goroutines that miss at once add it twice,
// which costs a place and nothing else.
func (c *keyCache) add(secret string, s scope, key signingKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := make([]cachedKey, 1, maxKeys)
	keys[0] = func(otherSecret string, other scope) (signingKey, bool) {
		return key, s == other && secret == otherSecret
	}
	if old := c.keys.Load(); old != nil {
		keys = append(keys, (*old)[:min(len(*old), maxKeys-1)]...)
	}
	c.keys.Store(&keys)
}

// appendStringToSign appends what is signed: the canonical request's hash bound to the time and the scope.
func appendStringToSign(dst []byte, stamp string, s scope, canonical []byte) []byte {
	dst = append(append(append(dst, algorithm...), '\n'), stamp...)
	dst = append(s.append(append(dst, '\n')), '\n')
	sum := sha256.Sum256(canonical)
	return hex.AppendEncode(dst, sum[:])
}

// appendSignature appends the signature in lower-case hex.
func appendSignature(dst []byte, key signingKey, stringToSign []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(stringToSign)
	var sum [sha256.Size]byte
	return hex.AppendEncode(dst, mac.Sum(sum[:0]))
}
