package emulator

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

// signingName is the service in a signature's scope, for the data plane and the control plane alike.
const signingName = "bedrock"

// An identity is who makes a request.
type identity struct {
	account string
	key     string // access key ID, or an API key's public part
}

// authenticate finds out who makes the request and reads its body: a signature is good only together
// with the body it covers. An unknown key is refused before the body is read.
func (s *Server) authenticate(c *call) error {
	if token, ok := bearerToken(c.r); ok {
		id, err := s.verifyToken(token)
		if err != nil {
			return err
		}
		c.who = id
		return c.readBody()
	}
	pending, err := s.verifier.Begin(c.r, s.cfg.Now())
	if err != nil {
		return err
	}
	if err := c.readBody(); err != nil {
		return err
	}
	if err := pending.Finish(sha256.Sum256(c.body)); err != nil {
		return err
	}
	c.who = s.keys.signer(pending.AccessKeyID())
	return nil
}

func (s *Server) verifyToken(token string) (identity, error) {
	if sigv4.IsAPIKey(token) {
		id, err := s.verifier.VerifyAPIKey(token, s.cfg.Now())
		return s.keys.signer(id), err
	}
	if id, ok := s.keys.apiKeys[sha256.Sum256([]byte(token))]; ok {
		return id, nil
	}
	return identity{}, &sigv4.Error{Code: sigv4.AccessDenied, Message: "Authentication failed: Please make sure your API Key is valid."}
}

func (k keyring) signer(accessKeyID string) identity {
	return identity{account: k.credentials[accessKeyID].AccountID, key: accessKeyID}
}

// bearerToken returns the token of "Authorization: Bearer TOKEN".
func bearerToken(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// ShortTermAPIKey makes a short-term Bedrock API key of a credential, as AWS's token generators do: a
// presigned request of the Region, good for lifetime (at most twelve hours) from at.
func ShortTermAPIKey(c Credential, region string, lifetime time.Duration, at time.Time) string {
	return sigv4.PresignAPIKey(c.Credentials, region, lifetime, at)
}
