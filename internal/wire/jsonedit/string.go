package jsonedit

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// String decodes a JSON string, quotes included, as encoding/json does: invalid UTF-8 and unpaired
// surrogates become U+FFFD. It reports false if raw is anything else than one valid JSON string.
func String(raw []byte) (string, bool) {
	if at(raw, 0) != '"' {
		return "", false
	}
	if i, f := stringEnd(raw, 1); f != faultNone || i != len(raw) {
		return "", false
	}
	return string(decoded(raw[1 : len(raw)-1])), true
}

// decoded returns what stands for the valid string content raw: itself if it needs no decoding.
func decoded(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return raw[:len(raw):len(raw)]
	}
	return appendDecoded(make([]byte, 0, len(raw)), raw)
}

// appendDecoded appends what stands for the valid string content raw.
func appendDecoded(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] == '\\' {
			var r rune
			r, i = escaped(raw, i)
			dst = utf8.AppendRune(dst, r)
			continue
		}
		run := raw[i:]
		if n := bytes.IndexByte(run, '\\'); n >= 0 {
			run = run[:n]
		}
		dst = appendValid(dst, run)
		i += len(run)
	}
	return dst
}

// appendValid appends text with U+FFFD for each byte of it that is not UTF-8.
func appendValid(dst, text []byte) []byte {
	if utf8.Valid(text) {
		return append(dst, text...)
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return dst
}

// escaped returns the rune that the escape at raw[i], or the pair of them, stands for and the offset after
// it.
func escaped(raw []byte, i int) (rune, int) {
	switch c := at(raw, i+1); c {
	case 'b':
		return '\b', i + 2
	case 'f':
		return '\f', i + 2
	case 'n':
		return '\n', i + 2
	case 'r':
		return '\r', i + 2
	case 't':
		return '\t', i + 2
	case 'u':
		r := unit(raw, i)
		if utf16.IsSurrogate(r) {
			if pair := utf16.DecodeRune(r, unit(raw, i+6)); pair != utf8.RuneError {
				return pair, i + 12
			}
			r = utf8.RuneError
		}
		return r, i + 6
	default:
		return rune(c), i + 2
	}
}

// unit returns the UTF-16 code unit that \uXXXX at raw[i] stands for, or 0 if there is no such escape.
func unit(raw []byte, i int) rune {
	if at(raw, i) != '\\' || at(raw, i+1) != 'u' {
		return 0
	}
	var r rune
	for k := i + 2; k < i+6; k++ {
		r = r<<4 | hexValue(at(raw, k))
	}
	return r
}

func hexValue(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case isHex(c):
		return rune((c | 0x20) - 'a' + 10)
	}
	return 0
}

// AppendString appends s to dst as a JSON string. It escapes what JSON requires and nothing else, HTML
// included; invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0 // s[:done] is written
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = utf8.AppendRune(append(dst, s[done:i]...), r)
				done = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = append(dst, s[done:i]...)
			done = i + 1
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, `\n`...)
			case '\r':
				dst = append(dst, `\r`...)
			case '\t':
				dst = append(dst, `\t`...)
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
		}
		i++
	}
	return append(append(dst, s[done:]...), '"')
}

// Int returns the value of a JSON number that is an integer, written without fraction and exponent. It
// reports false for anything else and for what an int64 does not hold.
func Int(raw []byte) (int64, bool) {
	if i, f := numberEnd(raw, 0); f != faultNone || i != len(raw) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}
