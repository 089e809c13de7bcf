package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Signer signs requests for one service in one Region. It keeps the keys it derived. Safe for concurrent use.
type Signer struct {
	service, region string
	keys            keyCache
}

// NewSigner returns a Signer for the service's signing name ("bedrock" for Bedrock's runtime and control plane)
// and the Region that the requests are sent to.
func NewSigner(service, region string) *Signer {
	return &Signer{service: service, region: region}
}

// Sign signs r, which must be complete and must then be sent as it is: it sets Authorization, X-Amz-Date and,
// if the credentials are temporary, X-Amz-Security-Token, in place of any that r had. It does not look at the
// body, whose SHA-256 in hex is payloadHash ("" for an empty one). It drops a port from r.Host that is the
// scheme's own, as AWS's clients do.
//
// Signed are Host, Accept, Content-Type and every X-Amz-*, Amz-Sdk-* and X-Amzn-Bedrock-* header. The others
// are left free for what stands between client and AWS to change: hop-by-hop headers, User-Agent, trace headers
// (Traceparent, X-Amzn-Trace-Id). X-Amz-Content-Sha256 is not sent, since Bedrock does not ask for it; if r has
// it, it is signed, and it must be payloadHash.
func (s *Signer) Sign(r *http.Request, payloadHash string, c Credentials, at time.Time) {
	stamp := at.UTC().Format(stampFormat)
	sc := scope{stamp[:dateLen], s.region, s.service}
	values := prepare(r, stamp, c.SessionToken.Reveal())
	if payloadHash == "" {
		payloadHash = EmptyHash
	}

	// Sized so that a usual request needs no more; longer ones grow onto the heap.
	var nameStore [24]string
	var canonicalStore [2048]byte
	var listStore, toSignStore [512]byte

	names := append(nameStore[:0], "host")
	for name := range r.Header {
		if signs(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, compareNames)

	canonical := append(append(canonicalStore[:0], r.Method...), '\n')
	if r.Method == "" {
		canonical = append(append(canonicalStore[:0], http.MethodGet...), '\n')
	}
	canonical = append(appendPath(canonical, sentPath(r.URL)), '\n')
	canonical = append(appendQuery(canonical, parseQuery(r.URL.RawQuery)), '\n')
	canonical, list := appendSent(canonical, listStore[:0], r, names)
	canonical = append(append(append(append(canonical, '\n'), list...), '\n'), payloadHash...)

	key := s.keys.get(c.SecretAccessKey.Reveal(), sc)
	toSign := appendStringToSign(toSignStore[:0], stamp, sc, canonical)

	auth := append(append(canonicalStore[:0], algorithm+" Credential="...), c.AccessKeyID...)
	auth = sc.append(append(auth, '/'))
	auth = append(append(auth, ", SignedHeaders="...), list...)
	auth = appendSignature(append(auth, ", Signature="...), key, toSign)
	values[0] = string(auth)
	r.Header["Authorization"] = values[:1:1]
}

// prepare sets the headers that belong to the signature and drops what an earlier one left, in whatever case.
// The header values share one array, whose first element is left for Authorization.
func prepare(r *http.Request, stamp, token string) (values []string) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	for name := range r.Header {
		if foldAny(name, "authorization", "x-amz-date", "x-amz-security-token") {
			delete(r.Header, name)
		}
	}
	values = []string{"", stamp, token}
	r.Header["X-Amz-Date"] = values[1:2:2]
	if token != "" {
		r.Header["X-Amz-Security-Token"] = values[2:3:3]
	}
	r.Host = sentHost(r)
	return values
}

// signs reports whether Sign signs the header.
func signs(name string) bool {
	return foldAny(name, "accept", "content-type") || hasPrefixFold(name, "x-amz-") ||
		hasPrefixFold(name, "amz-sdk-") || hasPrefixFold(name, "x-amzn-bedrock-")
}

func foldAny(name string, lowers ...string) bool {
	for _, l := range lowers {
		if len(name) == len(l) && compareFold(name, l) == 0 {
			return true
		}
	}
	return false
}

// compareNames orders as the canonical request does and, where a map holds one name in two spellings, as
// net/http writes them.
func compareNames(a, b string) int {
	if d := compareFold(a, b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// appendSent appends the canonical headers to canonical and their names to list.
func appendSent(canonical, list []byte, r *http.Request, names []string) ([]byte, []byte) {
	for i, name := range names {
		values := r.Header[name]
		if i > 0 && compareFold(name, names[i-1]) == 0 { // another spelling of the same name
			canonical = appendValues(append(canonical[:len(canonical)-1], ','), values)
			canonical = append(canonical, '\n')
			continue
		}
		if i > 0 {
			list = append(list, ';')
		}
		list = appendLower(list, name)
		canonical = append(appendLower(canonical, name), ':')
		if name == "host" {
			canonical = appendValue(canonical, r.Host)
		} else {
			canonical = appendValues(canonical, values)
		}
		canonical = append(canonical, '\n')
	}
	return canonical, list
}

// sentHost returns the Host header that AWS will see: no port that the scheme implies.
func sentHost(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	switch r.URL.Scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

// sentPath returns the path as net/http puts it on the wire.
func sentPath(u *url.URL) string {
	if u.Opaque == "" {
		return u.EscapedPath()
	}
	path, _, _ := strings.Cut(u.Opaque, "?")
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	return path
}
