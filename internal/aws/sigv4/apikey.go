package sigv4

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// A short-term Bedrock API key is a presigned request, held to be sent one day, in base64:
//
//	"bedrock-api-key-" + base64("bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-…&Version=1")
//
// It is POST, its body empty, "host" its only signed header; Version=1 is added after signing.
// (github.com/aws/aws-bedrock-token-generator-js)
const (
	apiKeyPrefix  = "bedrock-api-key-"
	apiKeyHost    = "bedrock.amazonaws.com"
	apiKeyService = "bedrock"
	apiKeyAction  = "CallWithBearerToken"

	// MaxAPIKeyLifetime is how long a short-term API key can live. It dies with its credentials before that.
	MaxAPIKeyLifetime = 12 * time.Hour

	maxAPIKey = 16 << 10 // bytes; session tokens are the only long part, of up to some 3 KiB
)

// IsAPIKey reports whether a bearer token has the form of a short-term Bedrock API key.
func IsAPIKey(token string) bool { return strings.HasPrefix(token, apiKeyPrefix) }

// PresignAPIKey makes a short-term Bedrock API key for the Region, valid from at on. The lifetime is held to
// between a second and MaxAPIKeyLifetime. The key can do what c can do, and so is a secret as c is.
func PresignAPIKey(c Credentials, region string, lifetime time.Duration, at time.Time) string {
	stamp := at.UTC().Format(stampFormat)
	sc := scope{stamp[:dateLen], region, apiKeyService}
	lifetime = min(max(lifetime, time.Second), MaxAPIKeyLifetime)
	params := []param{
		{"Action", apiKeyAction},
		{"X-Amz-Algorithm", algorithm},
		{"X-Amz-Credential", c.AccessKeyID + "/" + string(sc.append(nil))},
		{"X-Amz-Date", stamp},
		{"X-Amz-Expires", strconv.Itoa(int(lifetime / time.Second))},
		{"X-Amz-SignedHeaders", "host"},
	}
	if !c.SessionToken.IsZero() {
		params = append(params, param{"X-Amz-Security-Token", c.SessionToken.Reveal()})
	}
	key := deriveKey(c.SecretAccessKey.Reveal(), sc)
	signature := string(appendSignature(nil, key, appendStringToSign(nil, stamp, sc, apiKeyCanonical(params))))
	request := appendQuery([]byte(apiKeyHost+"/?"), append(params, param{"X-Amz-Signature", signature}))
	return apiKeyPrefix + base64.StdEncoding.EncodeToString(append(request, "&Version=1"...))
}

// apiKeyCanonical returns the canonical request of an API key.
func apiKeyCanonical(params []param) []byte {
	canonical := appendQuery([]byte("POST\n/\n"), params)
	return append(canonical, "\nhost:"+apiKeyHost+"\n\nhost\n"+EmptyHash...)
}

// VerifyAPIKey verifies a short-term Bedrock API key, given without "Bearer ", and returns the access key ID
// that made it. If the Verifier has a Region, the key must be of that Region; the service is always "bedrock".
// A key that is not good is refused with AccessDenied; the message tells an expired one from all others.
func (v *Verifier) VerifyAPIKey(token string, now time.Time) (accessKeyID string, err error) {
	c, ok := parseAPIKey(token)
	if !ok {
		return "", errAPIKey()
	}
	key, ok := v.Lookup(c.accessKeyID)
	if !ok || c.scope.service != apiKeyService || v.Region != "" && c.scope.region != v.Region ||
		!equal(key.SessionToken.Reveal(), c.token) {
		return "", errAPIKey()
	}
	signing := v.keys.get(key.SecretAccessKey.Reveal(), c.scope)
	toSign := appendStringToSign(nil, c.stamp, c.scope, apiKeyCanonical(c.params))
	if !equal(c.signature, string(appendSignature(nil, signing, toSign))) {
		return "", errAPIKey()
	}
	if c.at.After(now.Add(v.skew())) {
		return "", errAPIKey()
	}
	if key.expired(now) || now.After(c.at.Add(c.expires)) {
		return "", &Error{AccessDenied, "Bearer Token has expired"}
	}
	return c.accessKeyID, nil
}

func errAPIKey() error {
	return &Error{AccessDenied, "Authentication failed: Please make sure your API Key is valid."}
}

// parseAPIKey reads a short-term API key. The claim's params are those that were signed.
func parseAPIKey(token string) (claim, bool) {
	encoded, ok := strings.CutPrefix(token, apiKeyPrefix)
	if !ok || len(token) > maxAPIKey || strings.ContainsAny(encoded, "\r\n") { // which the decoder would skip
		return claim{}, false
	}
	request, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return claim{}, false
	}
	query, ok := strings.CutPrefix(string(request), apiKeyHost+"/?")
	if !ok {
		return claim{}, false
	}
	params, ok := takeOnce(parseQuery(query), param{"Version", "1"})
	if !ok {
		return claim{}, false
	}
	if _, ok := takeOnce(params, param{"Action", apiKeyAction}); !ok {
		return claim{}, false
	}
	c, err := parsePresigned(params)
	if err != nil || len(c.signedHeaders) != 1 || c.signedHeaders[0] != "host" ||
		c.expires == 0 || c.expires > MaxAPIKeyLifetime {
		return claim{}, false
	}
	return c, true
}

// takeOnce returns params without the one that must be there, once and with that value.
func takeOnce(params []param, want param) ([]param, bool) {
	rest := make([]param, 0, len(params))
	for _, p := range params {
		if p.name != want.name {
			rest = append(rest, p)
		} else if p != want {
			return nil, false
		}
	}
	return rest, len(rest) == len(params)-1
}
