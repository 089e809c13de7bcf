package sigv4

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// checkRefusal holds what a client gets to read when it is refused.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %T %v, want *Error", err, err)
	}
	codes := []string{MissingAuthenticationToken, IncompleteSignature, UnrecognizedClient, ExpiredToken, InvalidSignature, AccessDenied}
	if !slices.Contains(codes, e.Code) || e.Message == "" || len(e.Message) > 10_000 {
		t.Fatalf("refused with code %q and %d bytes of message", e.Code, len(e.Message))
	}
	if strings.Contains(e.Message, exampleSecret) {
		t.Fatalf("the message holds the secret: %s", e.Message)
	}
}

// FuzzVerify holds that no request makes the Verifier panic, that what it accepts is what one of the vectors
// means, and that it then refuses the same under another secret.
func FuzzVerify(f *testing.F) {
	vectors := readVectors(f)
	for _, c := range vectors {
		var header strings.Builder
		c.request.Header.Write(&header)
		f.Add(c.request.Method, c.request.RequestURI, c.request.Host, header.String(), []byte(c.body))
	}
	p := presigned("3600", "")
	f.Add(p.Method, p.RequestURI, p.Host, "", []byte{})
	f.Fuzz(func(t *testing.T, method, target, host, header string, body []byte) {
		r := newRequest(method, target, host, len(body))
		parsed, err := textproto.NewReader(bufio.NewReader(strings.NewReader(header + "\r\n"))).ReadMIMEHeader()
		if err != nil {
			return
		}
		r.Header = http.Header(parsed)
		sum := sha256.Sum256(body)
		if id, ok := AccessKeyID(r); ok && (!Signed(r) || !validAccessKeyID(id)) {
			t.Fatalf("AccessKeyID = %q of a request that is not signed, or with bytes that an ID has not", id)
		}
		at := noon
		if strings.Contains(header, "20150830T") {
			at = stampTime(t, "20150830T123600Z")
		}
		v := &Verifier{Lookup: only(Key{Credentials: exampleKey})}
		if _, err := v.Verify(r, sum, at); err != nil {
			checkRefusal(t, err)
			return
		}
		known := method == p.Method && host == p.Host && sameTarget(target, p.RequestURI)
		for _, c := range vectors {
			// The suite's signatures are of the path without its dot segments, which is then a path that may stand there.
			meant := sameTarget(target, c.request.RequestURI) || sameTarget(target, withoutDots(c.request.RequestURI))
			known = known || method == c.request.Method && host == c.request.Host && meant && string(body) == c.body
		}
		if !known {
			t.Fatalf("accepted %q %q for host %q with a body of %d bytes, which nobody signed", method, target, host, len(body))
		}
		other := &Verifier{Lookup: only(Key{Credentials: NewCredentials(exampleID, "other", "")})}
		if _, err := other.Verify(r, sum, at); err == nil {
			t.Fatal("accepted under another secret too")
		}
	})
}

func withoutDots(target string) string {
	raw, query, _ := strings.Cut(target, "?")
	return path.Clean(raw) + "?" + query
}

// FuzzVerifyAPIKey holds that no token makes the Verifier panic and that none is accepted that nobody made.
// Tokens are tried as they are and as the text inside one.
func FuzzVerifyAPIKey(f *testing.F) {
	var made []string
	for _, c := range readAPIKeys(f) {
		if c.SessionToken == "" {
			made = append(made, decodeAPIKey(f, c.Token))
		}
		f.Add(c.Token)
		f.Add(decodeAPIKey(f, c.Token))
	}
	f.Add("ABSKQmVkcm9ja0FQSUtleS1hYmNkLWF0LTEyMzQ1Njc4OTAxMjpzZWNyZXQ=")
	f.Fuzz(func(t *testing.T, text string) {
		v := &Verifier{Region: "us-east-1", Lookup: only(Key{Credentials: exampleKey})}
		for _, token := range []string{text, encodeAPIKey(text)} {
			if _, err := v.VerifyAPIKey(token, noon); err != nil {
				checkRefusal(t, err)
			} else if !slices.ContainsFunc(made, func(m string) bool { return sameAPIKey(decodeAPIKey(t, token), m) }) {
				t.Fatalf("accepted %q, which nobody made", token)
			}
		}
	})
}

// FuzzParseAuthorization holds that what is taken has the one form that a signer writes.
func FuzzParseAuthorization(f *testing.F) {
	for _, c := range readVectors(f) {
		f.Add(c.authorization)
	}
	f.Add("AWS4-HMAC-SHA256 Signature=a,SignedHeaders=:authority;host , Credential=A/20261120/r/s/aws4_request,")
	f.Add("Bearer abc")
	f.Fuzz(func(t *testing.T, auth string) {
		c, err := parseAuthorization(auth)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if !validAccessKeyID(c.accessKeyID) || c.signature == "" || len(c.signedHeaders) == 0 || len(c.signedHeaders) > maxSignedHeaders {
			t.Fatalf("parseAuthorization(%q) = %+v", auth, c)
		}
		for i, name := range c.signedHeaders {
			if name == "" || name != strings.ToLower(name) || strings.ContainsAny(name, " ,;=\r\n") || i > 0 && c.signedHeaders[i-1] >= name {
				t.Fatalf("parseAuthorization(%q) has signed headers %q", auth, c.signedHeaders)
			}
		}
		again := algorithm + " Credential=" + c.accessKeyID + "/" + string(c.scope.append(nil)) + ", SignedHeaders=" +
			strings.Join(c.signedHeaders, ";") + ", Signature=" + c.signature
		if d, err := parseAuthorization(again); err != nil || d.scope != c.scope || d.signature != c.signature || !slices.Equal(d.signedHeaders, c.signedHeaders) {
			t.Fatalf("parseAuthorization(%q) = %+v, %v, want %+v", again, d, err, c)
		}
	})
}

// FuzzCanonical holds the canonical path and query to net/url, and both to be plain ASCII that can be read back.
func FuzzCanonical(f *testing.F) {
	f.Add("/model/a%3A0/invoke", "b=2&a=x+y&c&%zz=%2f;d")
	f.Add("//a///b/", "&&=&=a&a=")
	f.Fuzz(func(t *testing.T, path, query string) {
		canonical := string(appendPath(nil, path))
		if back, err := url.PathUnescape(canonical); err != nil || back != slashes(path) {
			t.Fatalf("appendPath(%q) = %q, which decodes to %q (%v)", path, canonical, back, err)
		}
		canonical = string(appendQuery(nil, parseQuery(query)))
		if strings.ContainsFunc(canonical, func(r rune) bool { return r >= utf8.RuneSelf || r <= ' ' }) {
			t.Fatalf("appendQuery(%q) = %q, which is not plain ASCII", query, canonical)
		}
		want, err := url.ParseQuery(query)
		if err != nil {
			return // net/url drops what it cannot read, we keep it
		}
		if back, err := url.ParseQuery(canonical); err != nil || back.Encode() != sortedValues(want).Encode() {
			t.Fatalf("appendQuery(%q) = %q, which net/url reads as %v (%v), want %v", query, canonical, back, err, want)
		}
		if again := string(appendQuery(nil, parseQuery(canonical))); again != canonical {
			t.Fatalf("appendQuery(%q) = %q, want it unchanged", canonical, again)
		}
	})
}

// sortedValues sorts each name's values as they are sorted once encoded.
func sortedValues(v url.Values) url.Values {
	for _, values := range v {
		slices.SortFunc(values, func(a, b string) int { return strings.Compare(escape(a), escape(b)) })
	}
	return v
}
