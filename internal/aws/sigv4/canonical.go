package sigv4

import (
	"cmp"
	"slices"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// unreserved reports whether c stands for itself in a canonical path or query (RFC 3986, 2.3).
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func appendEscaped(dst []byte, c byte) []byte {
	if unreserved(c) {
		return append(dst, c)
	}
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// appendPath appends the canonical form of a path that is given as it stands on the wire: runs of slashes
// collapsed, all else percent-encoded once more.
//
// AWS's documentation has relative segments removed as well. That is left out: no client signs such a path, and
// a request for "/a/../b" that verifies as "/b" invites a router that sees something else.
func appendPath(dst []byte, raw string) []byte {
	if raw == "" || raw[0] != '/' {
		dst = append(dst, '/')
	}
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] != '/':
			dst = appendEscaped(dst, raw[i])
		case i == 0 || raw[i-1] != '/':
			dst = append(dst, '/')
		}
	}
	return dst
}

// A param is a query parameter, name and value decoded.
type param struct{ name, value string }

// parseQuery splits a raw query. A "+" is a space, as net/url and therefore the handlers behind a Verifier read
// it. Unlike net/url it drops nothing: a malformed escape stands for itself, so that no byte escapes the
// signature.
func parseQuery(raw string) []param {
	if raw == "" {
		return nil
	}
	params := make([]param, 0, strings.Count(raw, "&")+1)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		params = append(params, param{unescape(name), unescape(value)})
	}
	return params
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			c = fromHex(s[i+1])<<4 | fromHex(s[i+2])
			i += 2
		}
		b = append(b, c)
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// fromHex returns the value of a hex digit.
func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// appendQuery appends the canonical query: names and values encoded, then sorted by name and by value.
func appendQuery(dst []byte, params []param) []byte {
	encoded := make([]param, len(params))
	for i, p := range params {
		encoded[i] = param{escape(p.name), escape(p.value)}
	}
	// Sorted after encoding: "a/b" stands before "a-b" although "/" stands after "-".
	slices.SortFunc(encoded, func(a, b param) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	for i, p := range encoded {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(append(append(dst, p.name...), '='), p.value...)
	}
	return dst
}

func escape(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		plain = plain && unreserved(s[i])
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); i++ {
		b = appendEscaped(b, s[i])
	}
	return string(b)
}

// appendValue appends a header's value: outer white space trimmed, runs of spaces made one.
func appendValue(dst []byte, value string) []byte {
	value = strings.TrimSpace(value)
	for i := 0; i < len(value); i++ {
		if value[i] != ' ' || value[i-1] != ' ' { // a trimmed value does not begin with a space
			dst = append(dst, value[i])
		}
	}
	return dst
}

// appendValues appends a header's values in the order in which they came, joined by commas.
func appendValues(dst []byte, values []string) []byte {
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, value)
	}
	return dst
}

// appendLower appends an HTTP header's name in lower case.
func appendLower(dst []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		dst = append(dst, lower(name[i]))
	}
	return dst
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// compareFold orders header names as their lower-case forms are ordered, without making these.
func compareFold(a, b string) int {
	for i := 0; i < min(len(a), len(b)); i++ {
		if d := int(lower(a[i])) - int(lower(b[i])); d != 0 {
			return d
		}
	}
	return len(a) - len(b)
}

// hasPrefixFold reports whether name begins with prefix, which is in lower case.
func hasPrefixFold(name, prefix string) bool {
	return len(name) >= len(prefix) && compareFold(name[:len(prefix)], prefix) == 0
}
