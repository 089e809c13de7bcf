package terminal

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shown renders text in pieces of n bytes, with <code> in place of escapes.
func shown(text string, width, n int, plain bool) string {
	var b strings.Builder
	m := NewMarkdown(&b, Style{true}, width+1, plain)
	for r := []rune(text); len(r) > 0; r = r[min(n, len(r)):] {
		m.WriteString(string(r[:min(n, len(r))]))
	}
	m.Close()
	return strings.NewReplacer("\x1b[0m", "</>", "\x1b[1m", "<b>", "\x1b[36m", "<code>", "\x1b[1;36m", "<h>").Replace(b.String())
}

func TestMarkdown(t *testing.T) {
	f := func(name, in, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			for _, n := range []int{1, 3, 1000} {
				if got := shown(in, 20, n, false); got != want {
					t.Errorf("%q in pieces of %d:\ngot  %q\nwant %q", in, n, got, want)
				}
			}
		})
	}
	f("text as it is", "Hello, world.\n", "Hello, world.\n")
	f("a last line without a newline gets one", "Hello", "Hello\n")
	f("nothing stays nothing", "", "")
	f("empty lines stay", "a\n\nb\n", "a\n\nb\n")
	f("long lines break between words", "one two three four five six\n", "one two three four \nfive six\n")
	f("a word longer than a row is broken", strings.Repeat("x", 45), strings.Repeat("x", 20)+"\n"+strings.Repeat("x", 20)+"\nxxxxx\n")
	f("wide characters count two, and break anywhere", "日本語日本語日本語日本語", "日本語日本語日本語日\n本語\n")
	f("bold", "a **bold word** b\n", "a </><b>bold word</> b\n")
	f("stars that are not bold", "2 * 3 ** 4\n", "2 * 3 ** 4\n")
	f("bold that is not closed ends with the line", "**a\nb\n", "</><b>a\n</>b\n")
	f("code", "run `go test **` now\n", "run </><code>go test **</> now\n")
	f("a heading", "## Title\ntext\n", "</><h>Title\n</>text\n")
	f("no heading without a space", "#hash\n", "#hash\n")
	f("a list, its rows in line", "- one two three four five\n* b\n", "• one two three four\n  five\n• b\n")
	f("a numbered list", "1. one two three four\n10. b\n", "1. one two three \n   four\n10. b\n")
	f("a quote", "> said\n", "│ said\n")
	f("a code block", "```go\nx := **y\n# no\n```\nafter\n", "</><code>x := **y\n</></><code># no\n</>after\n")
	f("a code block that is cut", "```\nx := 1", "</><code>x := 1\n</>")
	f("a line of nothing but a mark", "#\n-\n", "#\n-\n")
	f("control characters go", "a\x1b]0;evil\x07b\r\u009bc\n", "a]0;evilbc\n")
	f("so do overrides of the direction, and not Hebrew", "a\u202egpj.exe\u202c \u2066b\u2069 \u05d0\n", "agpj.exe b \u05d0\n")
}

func TestMarkdownPlain(t *testing.T) {
	in := "# Title\n**bold** `code`\n- list\n```\nx\n```\n"
	if got := shown(in, 40, 2, true); got != in {
		t.Errorf("plain: got %q, want %q", got, in)
	}
}

// TestMarkdownPieces holds that it does not matter where text is cut, and that no row is too long.
func TestMarkdownPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab *`#->1.\n日 ")), 0, 120, -1).Draw(t, "text")
		whole := shown(text, 20, 1000, false)
		if got := shown(text, 20, rapid.IntRange(1, 7).Draw(t, "n"), false); got != whole {
			t.Fatalf("in pieces %q, whole %q", got, whole)
		}
	})
}

func TestMarkdownFollowsTheWidth(t *testing.T) {
	var b strings.Builder
	m := NewMarkdown(&b, Style{}, 41, false)
	m.WriteString("one two three four five\n")
	m.SetWidth(21)
	m.WriteString("one two three four five\none two three fourth ")
	m.SetWidth(41)
	m.WriteString("five six\n")
	m.Close()
	if want := "one two three four five\none two three four \nfive\none two three fourth\nfive six\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestMarkdownEntry(t *testing.T) {
	f := func(name string, width int, want string) {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			m := NewPlain(&b, Style{}, width, "")
			m.Entry("/cost", 6, "what it has cost until now")
			m.Entry("/x", 6, "leaves")
			m.Close()
			if b.String() != want {
				t.Errorf("got  %q\nwant %q", b.String(), want)
			}
		})
	}
	f("side by side", 35, "  /cost  what it has cost until \n         now\n  /x     leaves\n")
	f("one below the other on a narrow terminal", 27, "  /cost\n      what it has cost \n      until now\n  /x\n      leaves\n")
}
