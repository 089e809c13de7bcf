package terminal

import (
	"slices"
	"strings"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// An editor is the line being typed, which may have several lines.
type editor struct {
	text   string
	cursor int // byte offset in text, between two characters as people see them

	history *[]string
	at      int    // place in history; len(*history) is the line being typed
	draft   string // that line, while another is shown
	killed  string // for ctrl-y

	complete func(line string) (start int, words []string)
	hint     []string // what tab found
}

// An outcome is what a key does to the line as a whole.
type outcome int

const (
	going       outcome = iota
	submitted           // enter
	interrupted         // ctrl-c on an empty line
	ended               // ctrl-d on an empty line
)

// press edits the line by one key. width is that of the terminal, for moving between rows.
func (e *editor) press(k Key, width int) outcome {
	e.hint = nil
	switch k.Name {
	case "":
		e.insert(k.Text)
	case "enter":
		if e.cursor == len(e.text) && strings.HasSuffix(e.text, `\`) { // as in a shell
			e.text, e.cursor = e.text[:len(e.text)-1], e.cursor-1
			e.insert("\n")
			return going
		}
		return submitted
	case "ctrl-c":
		if e.text == "" {
			return interrupted
		}
		e.kill(0, len(e.text))
	case "ctrl-d":
		if e.text == "" {
			return ended
		}
		e.remove(e.cursor, e.after(e.cursor))
	case "tab":
		e.tab()
	default:
		e.move(k.Name, width)
	}
	return going
}

// move is for the keys that go somewhere or take something away.
func (e *editor) move(name string, width int) {
	switch name {
	case "newline":
		e.insert("\n")
	case "left":
		e.cursor = e.before(e.cursor)
	case "right":
		e.cursor = e.after(e.cursor)
	case "home":
		e.cursor = e.lineStart()
	case "end":
		e.cursor = e.lineEnd()
	case "alt-b":
		e.cursor = e.wordStart()
	case "alt-f":
		e.cursor = e.wordEnd()
	case "up", "down":
		e.vertical(name == "up", width)
	case "previous":
		e.recall(e.at - 1)
	case "next":
		e.recall(e.at + 1)
	case "backspace":
		e.remove(e.before(e.cursor), e.cursor)
	case "delete":
		e.remove(e.cursor, e.after(e.cursor))
	case "ctrl-w":
		e.kill(e.wordStart(), e.cursor)
	case "alt-d":
		e.kill(e.cursor, e.wordEnd())
	case "ctrl-k":
		e.kill(e.cursor, e.lineEnd())
	case "ctrl-u":
		e.kill(e.lineStart(), e.cursor)
	case "ctrl-y":
		e.insert(e.killed)
	}
}

func (e *editor) insert(s string) {
	e.text = e.text[:e.cursor] + s + e.text[e.cursor:]
	e.cursor += len(s)
}

func (e *editor) remove(from, to int) {
	e.text = e.text[:from] + e.text[to:]
	e.cursor = from
}

func (e *editor) kill(from, to int) {
	if from < to {
		e.killed = e.text[from:to]
		e.remove(from, to)
	}
}

// before and after are the neighbours of an offset: characters as people see them (an accent, a
// skin tone or a joined emoji belong to the one they follow).
func (e *editor) before(offset int) int {
	start, at := strings.LastIndexByte(e.text[:max(offset-1, 0)], '\n')+1, 0
	at = start
	for g := displaywidth.StringGraphemes(e.text[start:offset]); g.Next(); {
		if at+len(g.Value()) >= offset {
			return at
		}
		at += len(g.Value())
	}
	return at
}

func (e *editor) after(offset int) int {
	if g := displaywidth.StringGraphemes(e.text[offset:]); g.Next() {
		return offset + len(g.Value())
	}
	return offset
}

func (e *editor) lineStart() int { return strings.LastIndexByte(e.text[:e.cursor], '\n') + 1 }

func (e *editor) lineEnd() int {
	if i := strings.IndexByte(e.text[e.cursor:], '\n'); i >= 0 {
		return e.cursor + i
	}
	return len(e.text)
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

func (e *editor) wordStart() int {
	head := strings.TrimRightFunc(e.text[:e.cursor], func(r rune) bool { return !inWord(r) })
	return len(strings.TrimRightFunc(head, inWord))
}

func (e *editor) wordEnd() int {
	tail := strings.TrimLeftFunc(e.text[e.cursor:], func(r rune) bool { return !inWord(r) })
	return len(e.text) - len(strings.TrimLeftFunc(tail, inWord))
}

// vertical moves to the row above or below, and from the first or last one through the history.
func (e *editor) vertical(up bool, width int) {
	l := lay(e.text, e.cursor, width)
	row := l.row + 1
	if up {
		row = l.row - 1
	}
	if row >= 0 && row < len(l.rows) {
		e.cursor = l.offset(row, l.col)
		return
	}
	if up {
		e.recall(e.at - 1)
	} else {
		e.recall(e.at + 1)
	}
}

// recall shows entry i of the history in place of the line.
func (e *editor) recall(i int) {
	entries := *e.history
	if i < 0 || i > len(entries) || i == e.at {
		return
	}
	if e.at == len(entries) {
		e.draft = e.text
	}
	e.at, e.text = i, e.draft
	if i < len(entries) {
		e.text = entries[i]
	}
	e.cursor = len(e.text)
}

// tab completes the word before the cursor as far as it is clear, and shows what it could be.
func (e *editor) tab() {
	if e.complete == nil {
		return
	}
	start, words := e.complete(e.text[:e.cursor])
	if len(words) == 0 || start < 0 || start > e.cursor {
		return
	}
	common := words[0]
	for _, w := range words[1:] {
		common = commonPrefix(common, w)
	}
	if len(words) == 1 && !strings.HasSuffix(common, "/") {
		common += " "
	}
	if typed := e.text[start:e.cursor]; strings.HasPrefix(common, typed) && common != typed || len(words) == 1 {
		e.remove(start, e.cursor)
		e.insert(common)
	}
	if len(words) > 1 {
		e.hint = apart(words, common)
	}
}

// apart is where words that all begin with common differ: the folder that files share is left out.
func apart(words []string, common string) []string {
	shared := strings.LastIndexAny(common, `/\`) + 1
	if shared <= 1 { // no folder: commands begin with a slash
		return slices.Clone(words)
	}
	var out []string
	for _, w := range words {
		out = append(out, w[shared:])
	}
	return out
}

func commonPrefix(a, b string) string {
	n := 0
	for i, r := range a {
		if !strings.HasPrefix(b[min(i, len(b)):], string(r)) {
			break
		}
		n = i + len(string(r))
	}
	return a[:n]
}
