package jsonedit

import (
	"encoding/binary"
	"math/bits"
)

// MaxDepth is how deep objects and arrays may be nested in each other, the outermost counted. Messages need
// about ten levels, JSON schemas of tools some more; readers differ in what they take beyond some hundreds.
const MaxDepth = 512

// Valid reports whether src is one JSON value, of any type, with nothing but white space around it, nested
// no deeper than [MaxDepth]. Like encoding/json it lets members of one name and invalid UTF-8 through.
func Valid(src []byte) bool {
	var n nesting
	i, f := n.value(src, space(src, 0))
	return f == faultNone && space(src, i) == len(src)
}

// The scanner's functions take a text and an offset and return the offset after what they found there, or
// the offset of the first byte that cannot stand and why. They never look beyond the text.

// nesting is the brackets that must close what is open, outermost first. A loop with this stack takes the
// place of recursion: depth is bounded and costs nothing.
type nesting struct {
	closers [MaxDepth]byte
	depth   int
}

// value checks the value at s[i].
func (n *nesting) value(s []byte, i int) (int, fault) {
	outer := n.depth
	for {
		var f fault
		switch c := at(s, i); c {
		case '"':
			i, f = stringEnd(s, i+1)
		case '{', '[':
			if n.depth == MaxDepth {
				return i, faultDepth
			}
			n.closers[n.depth] = c + 2 // in ASCII both brackets close two further on
			n.depth++
			i = space(s, i+1)
			if at(s, i) == c+2 {
				break // empty: it closes below
			}
			if c == '{' {
				i, f = nameEnd(s, i)
			}
			if f != faultNone {
				return i, f
			}
			continue
		case 't':
			i, f = literalEnd(s, i, "true")
		case 'f':
			i, f = literalEnd(s, i, "false")
		case 'n':
			i, f = literalEnd(s, i, "null")
		default:
			i, f = numberEnd(s, i)
		}
		if f != faultNone {
			return i, f
		}
		// A value ends at i, or an empty container closes there: close all that ends with it.
		for {
			if n.depth == outer {
				return i, faultNone
			}
			i = space(s, i)
			closer := n.closers[n.depth-1]
			c := at(s, i)
			if c == ',' {
				i = space(s, i+1)
				if closer == '}' {
					i, f = nameEnd(s, i)
				}
				break
			}
			if c != closer {
				return i, faultComma
			}
			n.depth--
			i++
		}
		if f != faultNone {
			return i, f
		}
	}
}

// nameEnd checks the member name at s[i] and the colon after it, and returns where the value begins.
func nameEnd(s []byte, i int) (int, fault) {
	i, f := quotedEnd(s, i)
	if f != faultNone {
		return i, f
	}
	return colonEnd(s, i)
}

func quotedEnd(s []byte, i int) (int, fault) {
	if at(s, i) != '"' {
		return i, faultName
	}
	return stringEnd(s, i+1)
}

func colonEnd(s []byte, i int) (int, fault) {
	i = space(s, i)
	if at(s, i) != ':' {
		return i, faultColon
	}
	return space(s, i+1), faultNone
}

// stringEnd checks a string from the byte after its opening quote and returns the offset after the closing
// one.
func stringEnd(s []byte, i int) (int, fault) {
	for {
		i = plainEnd(s, i)
		if i >= len(s) {
			return len(s), faultControl
		}
		switch s[i] {
		case '"':
			return i + 1, faultNone
		case '\\':
			next, f := escapeEnd(s, i)
			if f != faultNone {
				return next, f
			}
			i = next
		default:
			return i, faultControl
		}
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, by its high bit, the first byte of x (in memory; the lowest of a little-endian word) that
// is a quote, a backslash or a control character. Bytes after the first may be marked wrongly, by a borrow.
// Flipping the bit 0x02 puts the quote right behind the control characters, so that one subtraction finds
// both.
func special(x uint64) uint64 {
	below := (x ^ 0x02*ones) - ('"'^0x02+1)*ones
	backslash := (x ^ '\\'*ones) - ones
	return (below | backslash) &^ x & highs
}

// plainEnd returns the offset of the first quote, backslash or control character in s[i:], or len(s). Most
// of a body is read here, sixteen bytes at a time; more would cost where strings are short (see
// BenchmarkParse).
func plainEnd(s []byte, i int) int {
	for i+16 <= len(s) {
		p := (*[16]byte)(s[i:]) // so that bounds are checked once
		a, b := special(binary.LittleEndian.Uint64(p[0:])), special(binary.LittleEndian.Uint64(p[8:]))
		if a|b != 0 {
			if a != 0 {
				return i + bits.TrailingZeros64(a)/8
			}
			return i + 8 + bits.TrailingZeros64(b)/8
		}
		i += 16
	}
	if i+8 <= len(s) {
		if m := special(binary.LittleEndian.Uint64(s[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		i += 8
	}
	for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// escapeEnd checks the escape whose backslash is s[i]. A faulty one is reported at the byte that is wrong.
func escapeEnd(s []byte, i int) (int, fault) {
	switch at(s, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, faultNone
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if !isHex(at(s, k)) {
				return min(k, len(s)), faultHex
			}
		}
		return i + 6, faultNone
	}
	return i + 1, faultEscape
}

func isHex(c byte) bool { return isDigit(c) || (c|0x20)-'a' < 6 }

func literalEnd(s []byte, i int, literal string) (int, fault) {
	for k := range len(literal) {
		if at(s, i+k) != literal[k] {
			return i + k, faultLiteral
		}
	}
	return i + len(literal), faultNone
}

// numberEnd checks the number at s[i]. What may follow it is not looked at: 01 is the number 0, and then a
// digit where none can stand.
func numberEnd(s []byte, i int) (int, fault) {
	f := faultValue // no number at all, unless a minus came
	if at(s, i) == '-' {
		i++
		f = faultDigit
	}
	switch c := at(s, i); {
	case c == '0':
		i++
	case isDigit(c):
		i = digitsEnd(s, i)
	default:
		return i, f
	}
	if at(s, i) == '.' {
		if i++; !isDigit(at(s, i)) {
			return i, faultDigit
		}
		i = digitsEnd(s, i)
	}
	if at(s, i)|0x20 == 'e' {
		i++
		if c := at(s, i); c == '+' || c == '-' {
			i++
		}
		if !isDigit(at(s, i)) {
			return i, faultDigit
		}
		i = digitsEnd(s, i)
	}
	return i, faultNone
}

func digitsEnd(s []byte, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c-'0' < 10 }

// at returns s[i], or NUL, which nothing in JSON begins with, beyond the end.
func at(s []byte, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// space returns the offset of the first byte of s[i:] that is not white space, or len(s).
func space(s []byte, i int) int {
	if i < len(s) && s[i] > ' ' {
		return i
	}
	return spaceEnd(s, i)
}

func spaceEnd(s []byte, i int) int {
	for i+8 <= len(s) && binary.LittleEndian.Uint64(s[i:]) == ' '*ones {
		i += 8 // indented text
	}
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}
