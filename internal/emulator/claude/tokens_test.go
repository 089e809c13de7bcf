package claude

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"words take the space before them", "say hi", []string{"say", " hi"}},
		{"long words are cut at six", "international", []string{"intern", "ationa", "l"}},
		{"digits are letters", "20260101", []string{"202601", "01"}},
		{"punctuation stands alone", "a, (b)", []string{"a", ",", " (", "b", ")"}},
		{"white space in runs", "a\n\n  b", []string{"a", "\n\n  ", "b"}},
		{"two spaces before a word", "a  b", []string{"a", "  ", "b"}},
		{"a space at the end", "a ", []string{"a", " "}},
		{"letters with marks", "Übergröße", []string{"Übergr", "öße"}},
		{"scripts without spaces", "你好 世", []string{"你", "好", " 世"}},
		{"an emoji", "ok 👍", []string{"ok", " 👍"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Tokens(c.text); got != len(c.want) {
				t.Errorf("Tokens(%q) = %d, want %d", c.text, got, len(c.want))
			}
			for i := range len(c.want) + 1 {
				if got, want := firstTokens(c.text, i), strings.Join(c.want[:i], ""); got != want {
					t.Errorf("firstTokens(%q, %d) = %q, want %q", c.text, i, got, want)
				}
			}
		})
	}
}

func TestTokensOfAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, n := rapid.String().Draw(t, "text"), rapid.IntRange(0, 20).Draw(t, "n")
		first := firstTokens(text, n)
		if !strings.HasPrefix(text, first) || utf8.ValidString(text) && !utf8.ValidString(first) {
			t.Fatalf("firstTokens(%q, %d) = %q, which is no beginning of it", text, n, first)
		}
		if got, want := Tokens(first), min(n, Tokens(text)); got != want {
			t.Fatalf("Tokens(firstTokens(%q, %d)) = %d, want %d", text, n, got, want)
		}
	})
}
