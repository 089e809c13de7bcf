package terminal

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// typed is an editor after those bytes have come, on a terminal of 40 columns.
func typed(t *testing.T, input string, history ...string) (*editor, outcome) {
	t.Helper()
	e := &editor{history: &history, at: len(history), complete: func(line string) (int, []string) {
		words := []string{"/help", "/model", "/mouse"}
		return 0, slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, line) })
	}}
	var d decoder
	last := going
	for _, k := range d.feed([]byte(input)) {
		last = e.press(k, 40)
	}
	return e, last
}

func TestEditor(t *testing.T) {
	const (
		left, right, up, down = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
		home, end             = "\x1b[H", "\x1b[F"
		wordLeft, wordRight   = "\x1b[1;5D", "\x1bf"
	)
	f := func(name, input, want string) { // | is the cursor
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			e, _ := typed(t, input, "first", "two\nlines")
			if got := e.text[:e.cursor] + "|" + e.text[e.cursor:]; got != want {
				t.Errorf("after %q: %q, want %q", input, got, want)
			}
		})
	}
	f("typing", "hello", "hello|")
	f("going back, and typing there", "helo"+left+"l", "hell|o")
	f("not beyond either end", "a"+right+right+left+left+left, "|a")
	f("home and end", "ab"+home+"x"+end+"y", "xaby|")
	f("home and end as control keys", "ab\x01x\x05y", "xaby|")
	f("home and end are those of the line, if there are several", "ab\x1b\rcd"+home+"x", "ab\nx|cd")
	f("by words", "one two.three"+wordLeft+wordLeft, "one |two.three")
	f("and forth", "one two"+home+wordRight, "one| two")
	f("backspace takes a whole character", "ae\u0301\x7f", "a|")
	f("whatever it is made of", "a👍🏽👨‍👩‍👧\x7f", "a👍🏽|")
	f("left goes over a whole character", "a👨‍👩‍👧"+left, "a|👨‍👩‍👧")
	f("delete", "abc"+home+"\x1b[3~", "|bc")
	f("ctrl-d in a line deletes", "abc"+home+"\x04", "|bc")
	f("ctrl-w and alt-backspace take words", "one two three\x17\x1b\x7f", "one |")
	f("ctrl-k, and ctrl-y brings it back", "one two"+wordLeft+"\x0b"+home+"\x19 ", "two |one ")
	f("ctrl-u", "one two"+left+"\x15", "|o")
	f("ctrl-c empties the line, and ctrl-y brings it back", "one\x03\x19", "one|")
	f("alt-enter begins a line", "a\x1b\rb", "a\nb|")
	f("so does a backslash at the end", "a\\\rb", "a\nb|")
	f("up within the text", "abc\x1b\rd"+up, "a|bc\nd")
	f("down within the text", "abc\x1b\rdef"+up+down, "abc\ndef|")
	f("up and down between rows of a long line", strings.Repeat("x", 50)+up, strings.Repeat("x", 13)+"|"+strings.Repeat("x", 37))
	f("up from the first row brings the last message", up, "two\nlines|")
	f("ctrl-p and ctrl-n go through messages whatever rows there are", "\x10\x10", "first|")
	f("and back to what was being typed", "new\x10\x10\x0e\x0e", "new|")
	f("up and up again", up+up+up, "first|")
	f("a paste is no command", "\x1b[200~one\rtwo\x03\x1b[201~!", "one\ntwo!|")
	f("Windows' newlines in a paste", "\x1b[200~one\r\ntwo\x1b[201~", "one\ntwo|")
	f("keys that mean nothing", "a\x1b[15~\x1b[I\x1bz\x00\x1a\x1b[1;2Pb", "ab|")
	f("invalid UTF-8 goes", "a\xff\xc3b", "ab|")
	f("tab completes what is clear", "/h\t", "/help |")
	f("as far as it is", "/m\t", "/mo|")
	f("and nothing where there is nothing", "x\t", "x|")
}

func TestEditorOutcome(t *testing.T) {
	f := func(name, input string, want outcome) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			if _, got := typed(t, input); got != want {
				t.Errorf("after %q: outcome %d, want %d", input, got, want)
			}
		})
	}
	f("enter submits", "a\r", submitted)
	f("also from the middle", "ab\x1b[D\r", submitted)
	f("ctrl-c on an empty line", "\x03", interrupted)
	f("ctrl-c after an escape that was nothing", "\x1b\x03", interrupted)
	f("ctrl-c on a line", "a\x03", going)
	f("ctrl-d on an empty line", "\x04", ended)
}

func TestTabShowsWhatThereIs(t *testing.T) {
	e, _ := typed(t, "/mo\t")
	f := e.frame(40, 10, Style{}, false)
	if want := []string{"> /mo", "/model  /mouse"}; !slices.Equal(f.rows, want) {
		t.Errorf("rows %q, want %q", f.rows, want)
	}
	if e.press(Key{Text: "d"}, 40); len(e.hint) > 0 {
		t.Error("the next key leaves it on the screen")
	}
}

func TestTabLeavesOutTheFolderThatFilesShare(t *testing.T) {
	f := func(name, common string, words []string, want ...string) {
		t.Helper()
		if got := apart(words, common); !slices.Equal(got, want) {
			t.Errorf("%s: apart(%q, %q) = %q, want %q", name, words, common, got, want)
		}
	}
	f("a folder", "papers/b", []string{"papers/b1", "papers/b2/"}, "b1", "b2/")
	f("all of a folder", "/a/papers/", []string{"/a/papers/x", "/a/papers/y"}, "x", "y")
	f("Windows' folders", `C:\a\`, []string{`C:\a\x`, `C:\a\y`}, "x", "y")
	f("no folder", "pl", []string{"plan", "plot"}, "plan", "plot")
	f("commands", "/", []string{"/file", "/model"}, "/file", "/model")
}

func TestFrameShowsRowsAroundTheCursor(t *testing.T) {
	e, _ := typed(t, strings.Repeat("x\x1b\r", 50)+"end")
	if f := e.frame(40, 10, Style{}, false); len(f.rows) != 9 || f.rows[8] != "  end" || f.row != 8 || f.col != 5 {
		t.Errorf("frame %+v", f)
	}
	if f := e.frame(40, 10, Style{}, true); len(f.rows) != 51 || f.rows[0] != "> x" {
		t.Errorf("all of it: %d rows from %q", len(f.rows), f.rows[0])
	}
}

// TestDecoderPieces holds that it does not matter where input is cut.
func TestDecoderPieces(t *testing.T) {
	join := func(keys []Key) (out string) {
		for _, k := range keys {
			out += "<" + k.Name + ">" + k.Text
		}
		return strings.ReplaceAll(out, "<>", "")
	}
	pieces := []string{"a", "é", "👍🏽", "\x1b[D", "\x1bOH", "\x1b[1;5C", "\r", "\n", "\x1b\r", "\x1b[200~", "\x1b[201~", "\x1b", "\x03", "\xff", "[", "\t"}
	rapid.Check(t, func(t *rapid.T) {
		input := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "input"), "")
		var whole, cut decoder
		want := join(whole.feed([]byte(input)))
		var got string
		for rest := []byte(input); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			got += join(cut.feed(rest[:n]))
			rest = rest[n:]
		}
		if got != want {
			t.Fatalf("%q in pieces: %q, whole: %q", input, got, want)
		}
	})
}

// FuzzEditor types whatever comes, on a terminal of whatever width.
func FuzzEditor(f *testing.F) {
	f.Add([]byte("héllo\x1b[D\x7f\x1b[A"), 20)
	f.Add([]byte("\x1b[200~日本\r\n語\t\x1b[201~\x1b[B\x17\x19"), 1)
	f.Fuzz(func(t *testing.T, input []byte, width int) {
		width = min(max(width, 1), 500)
		history := []string{"one", "two\nlines"}
		e := &editor{history: &history, at: 2}
		var d decoder
		var old frame
		for _, k := range d.feed(input) {
			if e.press(k, width); e.cursor < 0 || e.cursor > len(e.text) {
				t.Fatalf("cursor %d in %q", e.cursor, e.text)
			}
			next := e.frame(width, 10, Style{}, false)
			if next.row < 0 || next.row >= len(next.rows) || next.col < 0 || len(next.rows) > 9 {
				t.Fatalf("frame %+v", next)
			}
			next.replace(old, width)
			old = next
		}
	})
}
