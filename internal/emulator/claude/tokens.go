package claude

import (
	"unicode"
	"unicode/utf8"
)

// The tokenizer is made up, but consistent: CountTokens, usage, max_tokens and the limits all count
// by it, and what an answer costs as output it costs again as input when it comes back.
//
// A token is a run of at most six letters or digits together with one space before it; any other
// visible character, again with one space before it; a character of a script that writes without
// spaces; or a run of at most four white space characters. English comes out at about four
// characters a token, as with Claude's own.
const (
	wordLen  = 6
	spaceLen = 4
)

// messageTokens is what the frame of a message costs, and replyTokens what the opening of the
// answer does. It stands after the last block, so that it is never read from the cache.
const (
	messageTokens = 3
	replyTokens   = 3
)

// Tokens counts the tokens of a text.
func Tokens(text string) int {
	n := 0
	for text != "" {
		text = text[tokenLen(text):]
		n++
	}
	return n
}

// firstTokens returns the first n tokens of text. The whole text has at most n if it comes back whole.
func firstTokens(text string, n int) string {
	end := 0
	for ; n > 0 && end < len(text); n-- {
		end += tokenLen(text[end:])
	}
	return text[:end]
}

// tokenLen returns the length in bytes of the first token of text, which is not empty.
func tokenLen(text string) int {
	i := 0
	if text[0] == ' ' && len(text) > 1 {
		if r, _ := utf8.DecodeRuneInString(text[1:]); !unicode.IsSpace(r) {
			i = 1
		}
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	switch {
	case isWord(r):
		return i + runLen(text[i:], wordLen, isWord)
	case unicode.IsSpace(r):
		return i + runLen(text[i:], spaceLen, unicode.IsSpace)
	}
	return i + size
}

// runLen returns the length of the run of at most limit runes of a kind with which text begins.
func runLen(text string, limit int, kind func(rune) bool) int {
	end := 0
	for n := 0; n < limit && end < len(text); n++ {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !kind(r) {
			break
		}
		end += size
	}
	return end
}

// isWord reports whether r is a letter or digit of a script that puts spaces between words.
// From U+2E80 on stand mostly those that do not.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return r < 0x2e80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}
