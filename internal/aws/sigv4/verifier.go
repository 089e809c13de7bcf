package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultSkew is how far AWS lets a client's clock be off.
const defaultSkew = 5 * time.Minute

// A Verifier verifies requests as AWS does, and refuses them in AWS's words (*Error).
//
// A request may be signed in its Authorization header or in its query. Signed must be: Host, or ":authority",
// which HTTP/2 clients sign in its place; the date; the session token; and every other X-Amz-* header that is
// there, except X-Amz-Cf-Id, which CloudFront adds on the way. The Host that the client signed must still be in
// r.Host.
//
// Set the fields before the first use and do not copy a Verifier after it. Safe for concurrent use.
type Verifier struct {
	Service string        // the scope's service must be this one; "" for any
	Region  string        // the scope's Region must be this one; "" for any
	Skew    time.Duration // how far the client's clock may be off, both ways; 0 for AWS's five minutes

	// Lookup returns the key of an access key ID. It is called with up to 128 letters, digits and "-._~".
	Lookup func(accessKeyID string) (Key, bool)

	keys keyCache
}

// A Pending is a request of which all is verified but its body: see Verifier.Begin.
// It does not refer to the request any more.
type Pending struct {
	accessKeyID string
	signature   string
	stamp       string
	scope       scope
	key         signingKeyFunc
	canonical   []byte // all but the body's hash
	shown       []byte // canonical as it may be shown, without secrets
	declared    string // X-Amz-Content-Sha256
}

// signingKeyFunc keeps the key out of any print of a Pending.
type signingKeyFunc func() signingKey

// Verify is Begin and Finish at once, for a request whose body has been read. body is the SHA-256 of the body,
// decoded from nothing but the transfer encoding. It returns the access key ID that signed.
func (v *Verifier) Verify(r *http.Request, body [sha256.Size]byte, now time.Time) (accessKeyID string, err error) {
	p, err := v.Begin(r, now)
	if err != nil {
		return "", err
	}
	if err := p.Finish(body); err != nil {
		return "", err
	}
	return p.accessKeyID, nil
}

// Begin verifies what can be verified before the body is read, so that an unknown key, an expired one or a
// stale date costs nothing: it looks the key up, and checks scope, token, date and which headers are signed.
// Whether the signature is right is known only after Finish.
func (v *Verifier) Begin(r *http.Request, now time.Time) (*Pending, error) {
	c, err := readClaim(r)
	if err != nil {
		return nil, err
	}
	key, ok := v.Lookup(c.accessKeyID)
	if !ok {
		return nil, errUnrecognized()
	}
	if err := v.checkScope(c.scope); err != nil {
		return nil, err
	}
	if !equal(key.SessionToken.Reveal(), c.token) {
		return nil, errUnrecognized()
	}
	if key.expired(now) {
		return nil, errExpiredToken()
	}
	if err := c.checkTime(now, v.skew()); err != nil {
		return nil, err
	}
	if err := c.checkSigned(r); err != nil {
		return nil, err
	}
	declared, err := declaredHash(r)
	if err != nil {
		return nil, err
	}
	signing := v.keys.get(key.SecretAccessKey.Reveal(), c.scope)
	p := &Pending{
		accessKeyID: c.accessKeyID,
		signature:   c.signature,
		stamp:       c.stamp,
		scope:       c.scope,
		key:         func() signingKey { return signing },
		canonical:   c.appendCanonical(nil, r, verbatim),
		declared:    declared,
	}
	p.shown = p.canonical
	if c.token != "" || slices.ContainsFunc(c.signedHeaders, isSecret) {
		p.shown = c.appendCanonical(nil, r, redact)
	}
	return p, nil
}

// AccessKeyID returns the access key ID that the request claims. It is known to the Verifier's Lookup.
func (p *Pending) AccessKeyID() string { return p.accessKeyID }

// Finish verifies the signature, given the SHA-256 of the request's body. It may be called more than once.
func (p *Pending) Finish(body [sha256.Size]byte) error {
	hash := hex.EncodeToString(body[:])
	if p.declared != "" && !equal(p.declared, hash) {
		return refuse(InvalidSignature, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	canonical := append(slices.Clip(p.canonical), hash...)
	toSign := appendStringToSign(nil, p.stamp, p.scope, canonical)
	if equal(p.signature, string(appendSignature(nil, p.key(), toSign))) {
		return nil
	}
	return refuse(InvalidSignature, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n"+
		"The Canonical String for this request should have been\n'%s'\n\nThe String-to-Sign should have been\n'%s'",
		shorten(append(slices.Clip(p.shown), hash...)), toSign)
}

// maxShown bounds what an error repeats of a request.
const maxShown = 8 << 10

func shorten(b []byte) []byte {
	if len(b) > maxShown {
		return append(slices.Clip(b[:maxShown]), "..."...)
	}
	return b
}

func (v *Verifier) skew() time.Duration {
	if v.Skew == 0 {
		return defaultSkew
	}
	return v.Skew
}

func (v *Verifier) checkScope(s scope) error {
	if v.Region != "" && s.region != v.Region {
		return refuse(InvalidSignature, "Credential should be scoped to a valid region, not '%.64s'. ", s.region)
	}
	if v.Service != "" && s.service != v.Service {
		return refuse(InvalidSignature, "Credential should be scoped to correct service: '%s'. ", v.Service)
	}
	return nil
}

// checkTime holds the time signed to now, give or take skew, and a presigned request to its own expiry.
func (c *claim) checkTime(now time.Time, skew time.Duration) error {
	now = now.UTC().Truncate(time.Second)
	if latest := now.Add(skew); c.at.After(latest) {
		return refuse(InvalidSignature, "Signature not yet current: %s is still later than %s (%s + %s.)",
			c.stamp, latest.Format(stampFormat), now.Format(stampFormat), minutes(skew))
	}
	lifetime := skew
	if c.expires != 0 {
		lifetime = c.expires
	}
	if earliest := now.Add(-lifetime); c.at.Before(earliest) {
		return refuse(InvalidSignature, "Signature expired: %s is now earlier than %s (%s - %s.)",
			c.stamp, earliest.Format(stampFormat), now.Format(stampFormat), minutes(lifetime))
	}
	return nil
}

// minutes formats d as AWS does: "5 min".
func minutes(d time.Duration) string {
	return strconv.FormatFloat(d.Minutes(), 'f', -1, 64) + " min"
}

// checkSigned refuses a request that leaves unsigned what a signature must cover.
func (c *claim) checkSigned(r *http.Request) error {
	if !c.signs("host") && !c.signs(":authority") {
		return errUnsigned("Host' or ':authority")
	}
	if !c.presigned && r.Header.Get("X-Amz-Date") == "" && !c.signs("date") {
		return errUnsigned("Date")
	}
	for name := range r.Header {
		if hasPrefixFold(name, "x-amz-") && name != "X-Amz-Cf-Id" && !c.signs(strings.ToLower(name)) {
			return errUnsigned(name)
		}
	}
	return nil
}

func errUnsigned(name string) error {
	return refuse(InvalidSignature, "'%.128s' must be a 'SignedHeader' in the AWS Authorization.", name)
}

func (c *claim) signs(name string) bool {
	_, ok := slices.BinarySearch(c.signedHeaders, name)
	return ok
}

// declaredHash returns X-Amz-Content-Sha256, which may say nothing but the hash of the body.
func declaredHash(r *http.Request) (string, error) {
	declared, err := single(r, "X-Amz-Content-Sha256")
	if err != nil || declared == "" {
		return "", err
	}
	if declared == "UNSIGNED-PAYLOAD" || strings.HasPrefix(declared, "STREAMING-") {
		return "", refuse(InvalidSignature, "The body must be signed: the 'x-amz-content-sha256' header must be "+
			"the SHA-256 of the body, not UNSIGNED-PAYLOAD or STREAMING-*.")
	}
	return declared, nil
}

// appendCanonical appends the canonical request up to the body's hash, each value of a header or of the query
// as show has it.
func (c *claim) appendCanonical(dst []byte, r *http.Request, show func(name, value string) string) []byte {
	dst = append(append(dst, r.Method...), '\n')
	dst = append(appendPath(dst, rawPath(r)), '\n')
	params := make([]param, len(c.params))
	for i, p := range c.params {
		params[i] = param{p.name, show(p.name, p.value)}
	}
	dst = append(appendQuery(dst, params), '\n')
	for _, name := range c.signedHeaders {
		dst = append(append(dst, name...), ':')
		for i, value := range received(r, name) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, show(name, value))
		}
		dst = append(dst, '\n')
	}
	for i, name := range c.signedHeaders {
		sep := byte(';')
		if i == 0 {
			sep = '\n'
		}
		dst = append(append(dst, sep), name...)
	}
	return append(dst, '\n')
}

func verbatim(_, value string) string { return value }

// redact hides the values that are credentials. AWS repeats them, to the client alone; ours end up in logs too.
func redact(name, value string) string {
	if isSecret(name) {
		return redacted
	}
	return value
}

// isSecret reports whether a header or parameter of that name holds a credential.
func isSecret(name string) bool {
	return foldAny(name, "x-amz-security-token", "authorization", "proxy-authorization", "cookie", "x-api-key")
}

// received returns a header's values as the client sent them. net/http keeps some of them outside the map.
func received(r *http.Request, name string) []string {
	switch name {
	case "host", ":authority":
		return []string{r.Host}
	case "content-length":
		if r.ContentLength < 0 {
			return nil
		}
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	case "transfer-encoding":
		return r.TransferEncoding
	}
	return r.Header.Values(name)
}
