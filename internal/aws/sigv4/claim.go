package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What a request may claim at most. The largest seen from a real client is 500 bytes and 20 headers.
const (
	maxAuthorization = 8 << 10 // bytes; also of X-Amz-SignedHeaders in a query
	maxSignedHeaders = 100
	maxAccessKeyID   = 128           // bytes, AWS's own limit
	maxExpires       = 7 * 24 * 3600 // seconds, AWS's own limit for presigned requests
)

// A claim is what a request says of its own signature. Nothing in it is proven.
type claim struct {
	accessKeyID   string
	scope         scope
	signedHeaders []string // lower case, in order, without duplicates
	signature     string

	stamp     string // the time signed, in stampFormat
	at        time.Time
	token     string
	presigned bool
	expires   time.Duration // presigned only; 0 if the request does not say
	params    []param       // of the query, without X-Amz-Signature if presigned
}

// AccessKeyID returns the access key ID that r claims to be signed with, in its Authorization header or, if
// presigned, in its query. Nothing is verified; it is for looking at a request before its body is read.
func AccessKeyID(r *http.Request) (string, bool) {
	c, err := readClaim(r)
	return c.accessKeyID, err == nil
}

// Signed reports whether r carries a Signature Version 4 of whatever quality, as against a bearer token, another
// scheme or nothing.
func Signed(r *http.Request) bool {
	if auth := r.Header.Get("Authorization"); auth != "" {
		return strings.HasPrefix(auth, "AWS4-")
	}
	return isPresigned(parseQuery(rawQuery(r)))
}

func readClaim(r *http.Request) (claim, error) {
	params := parseQuery(rawQuery(r))
	values := r.Header["Authorization"]
	switch {
	case len(values) > 1:
		return claim{}, refuse(IncompleteSignature, "Authorization header must be sent once, got %d.", len(values))
	case len(values) == 1 && values[0] != "":
		return headerClaim(r, values[0], params)
	case isPresigned(params):
		return queryClaim(r, params)
	}
	return claim{}, refuse(MissingAuthenticationToken, "Missing Authentication Token")
}

func headerClaim(r *http.Request, auth string, params []param) (claim, error) {
	c, err := parseAuthorization(auth)
	if err != nil {
		return claim{}, err
	}
	c.params = params
	if c.token, err = single(r, "X-Amz-Security-Token"); err != nil {
		return claim{}, err
	}
	return c, c.readDate(r)
}

// single returns the header's one value, "" if there is none. Of two, each side of a proxy might see another.
func single(r *http.Request, name string) (string, error) {
	switch values := r.Header[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", refuse(IncompleteSignature, "%s header must be sent once, got %d.", name, len(values))
	}
}

// parseAuthorization reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…". The three may stand in
// any order, with or without spaces around the commas; each once, and nothing else.
func parseAuthorization(auth string) (claim, error) {
	if len(auth) > maxAuthorization {
		return claim{}, refuse(IncompleteSignature, "Authorization header is longer than %d bytes.", maxAuthorization)
	}
	scheme, rest, _ := strings.Cut(auth, " ")
	if scheme != algorithm {
		if strings.HasPrefix(scheme, "AWS4-") {
			return claim{}, refuse(IncompleteSignature, "Unsupported AWS 'algorithm'; must be '%s'.", algorithm)
		}
		rest = ""
	}
	var found [3]string
	names := [3]string{"Credential", "Signature", "SignedHeaders"}
	for part := range strings.SplitSeq(rest, ",") {
		part = strings.Trim(part, " \t")
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return claim{}, refuse(IncompleteSignature, "Invalid key=value pair (missing equal-sign) in "+
				"Authorization header (hashed with SHA-256 and encoded with Base64): '%s'.", fingerprint(auth))
		}
		i := index(names, name)
		if i < 0 || found[i] != "" {
			return claim{}, refuse(IncompleteSignature, "Authorization header takes 'Credential', 'Signature' and "+
				"'SignedHeaders', each once.")
		}
		found[i] = value
	}
	var missing strings.Builder
	for i, name := range names {
		if found[i] == "" {
			missing.WriteString("Authorization header requires '" + name + "' parameter. ")
		}
	}
	if missing.Len() > 0 {
		return claim{}, refuse(IncompleteSignature, "%s(Hashed with SHA-256 and encoded with Base64) Authorization=%s",
			missing.String(), fingerprint(auth))
	}
	return newClaim(found[0], found[1], found[2])
}

func index(names [3]string, name string) int {
	for i := range names {
		if names[i] == name {
			return i
		}
	}
	return -1
}

// fingerprint lets a client recognise the header that it sent without the message repeating it: a header that
// was not understood may well be somebody's API key.
func fingerprint(auth string) string {
	sum := sha256.Sum256([]byte(auth))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func newClaim(credential, signature, signedHeaders string) (claim, error) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		// AWS repeats the credential here. The usual cause is a secret in the place of the key ID, so we do not.
		return claim{}, refuse(IncompleteSignature, "Credential must have exactly 5 slash-delimited elements, "+
			"e.g. keyid/date/region/service/term, got %d.", len(parts))
	}
	if !validAccessKeyID(parts[0]) {
		return claim{}, errUnrecognized()
	}
	if parts[4] != terminator {
		return claim{}, refuse(InvalidSignature, "Credential should be scoped with a valid terminator: '%s'.", terminator)
	}
	headers, err := parseSignedHeaders(signedHeaders)
	if err != nil {
		return claim{}, err
	}
	return claim{
		accessKeyID:   parts[0],
		scope:         scope{parts[1], parts[2], parts[3]},
		signature:     signature,
		signedHeaders: headers,
	}, nil
}

// validAccessKeyID keeps to bytes that can go into logs and look-ups as they are.
func validAccessKeyID(id string) bool {
	for i := 0; i < len(id); i++ {
		if !unreserved(id[i]) {
			return false
		}
	}
	return id != "" && len(id) <= maxAccessKeyID
}

// parseSignedHeaders reads the list of names, which must be in lower case, in order and without duplicates, as
// every signer writes them: an honest list has one spelling only.
func parseSignedHeaders(list string) ([]string, error) {
	if len(list) > maxAuthorization || strings.Count(list, ";") >= maxSignedHeaders {
		return nil, refuse(IncompleteSignature, "SignedHeaders lists more than %d headers.", maxSignedHeaders)
	}
	names := strings.Split(list, ";")
	for i, name := range names {
		if !validHeaderName(name) || i > 0 && names[i-1] >= name {
			return nil, refuse(IncompleteSignature,
				"SignedHeaders must list header names in lower case, sorted, each once.")
		}
	}
	return names, nil
}

// validHeaderName reports whether name is ":authority" or a lower-case token of RFC 9110.
func validHeaderName(name string) bool {
	if name == ":authority" {
		return true
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		lowerOrDigit := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !lowerOrDigit && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

// readDate takes the time from X-Amz-Date or else from Date, which may also be in HTTP's own format.
func (c *claim) readDate(r *http.Request) error {
	stamp, err := single(r, "X-Amz-Date")
	if err != nil {
		return err
	}
	if stamp == "" {
		if stamp, err = single(r, "Date"); err != nil {
			return err
		}
		if at, err := http.ParseTime(stamp); err == nil {
			stamp = at.UTC().Format(stampFormat)
		}
	}
	if stamp == "" {
		return refuse(IncompleteSignature,
			"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	return c.setStamp(stamp)
}

func (c *claim) setStamp(stamp string) error {
	at, err := time.Parse(stampFormat, stamp)
	if err != nil || len(stamp) != len(stampFormat) { // Parse accepts fractions of a second
		return refuse(IncompleteSignature, "Date must be in ISO-8601 'basic format'. "+
			"See http://en.wikipedia.org/wiki/ISO_8601")
	}
	if c.scope.date != stamp[:dateLen] {
		return refuse(InvalidSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "+
			"date from HTTP: '%.16s' != '%s', from '%s'.", c.scope.date, stamp[:dateLen], stamp)
	}
	c.stamp, c.at = stamp, at
	return nil
}

func isPresigned(params []param) bool {
	for _, p := range params {
		if p.name == "X-Amz-Algorithm" || p.name == "X-Amz-Signature" {
			return true
		}
	}
	return false
}

// queryClaim reads the claim of a presigned request, whose session token may stand in the query or in a header.
func queryClaim(r *http.Request, params []param) (claim, error) {
	c, err := parsePresigned(params)
	if err != nil {
		return claim{}, err
	}
	if c.token == "" {
		c.token, err = single(r, "X-Amz-Security-Token")
	}
	return c, err
}

// parsePresigned reads a claim from the parameters of a presigned query.
func parsePresigned(params []param) (claim, error) {
	found := make(map[string]string, 8)
	rest := make([]param, 0, len(params))
	for _, p := range params {
		if strings.HasPrefix(p.name, "X-Amz-") {
			if _, twice := found[p.name]; twice {
				return claim{}, refuse(IncompleteSignature, "AWS query-string parameters must be given once each.")
			}
			found[p.name] = p.value
		}
		if p.name != "X-Amz-Signature" {
			rest = append(rest, p)
		}
	}
	var missing strings.Builder
	for _, name := range [...]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if found[name] == "" {
			missing.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if missing.Len() > 0 {
		return claim{}, refuse(IncompleteSignature, "%sRe-examine the query-string parameters.", missing.String())
	}
	if found["X-Amz-Algorithm"] != algorithm {
		return claim{}, refuse(IncompleteSignature, "Unsupported AWS 'algorithm'; must be '%s'.", algorithm)
	}
	c, err := newClaim(found["X-Amz-Credential"], found["X-Amz-Signature"], found["X-Amz-SignedHeaders"])
	if err != nil {
		return claim{}, err
	}
	c.presigned, c.params, c.token = true, rest, found["X-Amz-Security-Token"]
	if value, ok := found["X-Amz-Expires"]; ok {
		seconds, err := strconv.ParseUint(value, 10, 32)
		if err != nil || seconds < 1 || seconds > maxExpires {
			return claim{}, refuse(IncompleteSignature, "X-Amz-Expires must be between 1 and %d seconds.", maxExpires)
		}
		c.expires = time.Duration(seconds) * time.Second
	}
	return c, c.setStamp(found["X-Amz-Date"])
}

// rawPath returns the path as it was received. http.Request.RequestURI has it even where a handler in between has
// cut a prefix off the URL; requests that came by no server have the URL only.
func rawPath(r *http.Request) string {
	if r.RequestURI == "" {
		return r.URL.EscapedPath()
	}
	target, _, _ := strings.Cut(r.RequestURI, "?")
	if strings.HasPrefix(target, "/") {
		return target
	}
	// Absolute form, as a proxy is asked: http://host/path
	if _, rest, ok := strings.Cut(target, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return target
}

func rawQuery(r *http.Request) string {
	if r.RequestURI == "" {
		return r.URL.RawQuery
	}
	_, query, _ := strings.Cut(r.RequestURI, "?")
	return query
}
