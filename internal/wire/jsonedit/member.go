package jsonedit

import (
	"bytes"
	"iter"
)

// Member returns the value at the end of path, a member's name at each level: the first of that name in
// the object src, in that member's value, and so on. An empty path is src itself.
//
// It is for text that has been checked or is trusted, such as one event of a stream: it allocates nothing
// (unless for names of over 64 bytes written with escapes) and reads no further than the member found, so
// that `type`, which stands first, costs next to nothing. In other text the answer may be any part of src;
// out of bounds it never reads.
func Member(src []byte, path ...string) (raw []byte, ok bool) {
	for _, name := range path {
		if src, ok = firstMember(src, name); !ok {
			return nil, false
		}
	}
	return src, true
}

func firstMember(s []byte, name string) (raw []byte, ok bool) {
	i := space(s, 0)
	if at(s, i) != '{' {
		return nil, false
	}
	for {
		i = space(s, i+1)
		if at(s, i) != '"' {
			return nil, false
		}
		end := skipString(s, i)
		if end < 0 {
			return nil, false
		}
		found := same(s[i+1:end-1], name)
		if i = space(s, end); at(s, i) != ':' {
			return nil, false
		}
		i = space(s, i+1)
		if end = skip(s, i); end < 0 {
			return nil, false
		}
		if found {
			return s[i:end:end], true
		}
		if i = space(s, end); at(s, i) != ',' {
			return nil, false
		}
	}
}

// Elements yields the elements of raw, a JSON array that has been checked or is trusted. Of any other value
// it yields nothing, and of a broken array what can be told apart before the break.
func Elements(raw []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := space(raw, 0)
		if at(raw, i) != '[' {
			return
		}
		for {
			i = space(raw, i+1)
			end := skip(raw, i)
			if end < 0 || !yield(raw[i:end:end]) {
				return
			}
			if i = space(raw, end); at(raw, i) != ',' {
				return
			}
		}
	}
}

// same reports whether the string content raw stands for name.
func same(raw []byte, name string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == name
	}
	var room [64]byte
	return string(appendDecoded(room[:0], raw)) == name
}

// skip returns the offset after the value at s[i], or -1 if there is none or it does not end. It matches
// brackets and quotes and trusts the rest.
func skip(s []byte, i int) int {
	switch at(s, i) {
	case '"':
		return skipString(s, i)
	case '{', '[':
		return skipContainer(s, i)
	}
	start := i
	for i < len(s) && !isDelimiter(s[i]) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func isDelimiter(c byte) bool {
	return c <= ' ' || c == ',' || c == ']' || c == '}'
}

// skipContainer takes any bracket for any other: in valid JSON they pair up.
func skipContainer(s []byte, i int) int {
	for depth := 0; i >= 0 && i < len(s); {
		switch s[i] {
		case '"':
			i = skipString(s, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// skipString returns the offset after the string whose opening quote is s[i], or -1 if it does not end.
func skipString(s []byte, i int) int {
	for start := i + 1; ; {
		n := bytes.IndexByte(s[start:], '"')
		if n < 0 {
			return -1
		}
		quote := start + n
		// A quote after an odd number of backslashes is part of the string. Those before it
		// are counted once: they end at the quote before.
		before := quote
		for before > i+1 && s[before-1] == '\\' {
			before--
		}
		if (quote-before)%2 == 0 {
			return quote + 1
		}
		start = quote + 1
	}
}
