package terminal

import (
	"io"
	"strings"
)

// A Tone is the style of a whole text.
type Tone string

const (
	Aside Tone = dimCode // what stands beside the matter
	Alarm Tone = redCode // what went wrong
)

// rows writes text broken between words.
type rows struct {
	w     io.Writer
	style Style
	width int
	base  string // style of what has none of its own

	out    strings.Builder
	shown  string          // the style that is on
	word   strings.Builder // held back: may have to go to the next row
	cells  int             // its width
	col    int
	full   bool // a space had no room in the row
	indent int  // of the rows after the first of a line
}

func newRows(w io.Writer, style Style, width int, tone Tone) rows {
	r := rows{w: w, style: style, base: string(tone)}
	r.SetWidth(width)
	return r
}

// SetWidth says that the terminal has another width now.
func (r *rows) SetWidth(width int) { r.width = max(width-1, 20) }

// text adds to the word, or ends it. code is its style, "" for none of its own.
func (r *rows) text(s string, width int, code string) {
	if strings.TrimLeft(s, " ") == "" {
		r.space(s, width, code)
		return
	}
	if r.cells+width > r.width-r.indent { // longer than a row
		r.endWord()
	}
	if width > 1 { // scripts without spaces break anywhere
		r.endWord()
	}
	r.shade(&r.word, code)
	r.word.WriteString(s)
	r.cells += width
}

// endWord writes the word, on the next row if this one is full.
func (r *rows) endWord() {
	if r.cells > 0 && (r.full || r.col+r.cells > r.width) && r.col > r.indent {
		r.newline()
		r.raw(strings.Repeat(" ", r.indent), r.indent)
	}
	r.raw(r.word.String(), r.cells)
	r.word.Reset()
	r.cells = 0
}

// space writes the word and what is between it and the next: nothing at the end of a row.
func (r *rows) space(s string, width int, code string) {
	r.endWord()
	if r.col+width <= r.width {
		r.shade(&r.out, code)
		r.raw(s, width)
		return
	}
	r.full = true
}

// raw writes text where it stands.
func (r *rows) raw(s string, width int) {
	r.out.WriteString(s)
	r.col += width
}

// shade changes the style where what follows has another one. What is held back comes out in the
// order in which it came, so there is one style to keep.
func (r *rows) shade(to *strings.Builder, code string) {
	if code == "" {
		code = r.base
	}
	if code == r.shown || !r.style.On() {
		return
	}
	r.shown = code
	to.WriteString("\x1b[0m")
	if code != "" {
		to.WriteString("\x1b[" + code + "m")
	}
}

func (r *rows) newline() {
	r.out.WriteByte('\n')
	r.col, r.full = 0, false
}

// unshade ends every style but keep.
func (r *rows) unshade(keep string) {
	if r.shown != "" && r.shown != keep {
		r.out.WriteString("\x1b[0m")
		r.shown = ""
	}
}

// flush writes all that is not held back.
func (r *rows) flush() error {
	_, err := io.WriteString(r.w, r.out.String())
	r.out.Reset()
	return err
}
