package terminal

import (
	"fmt"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Both have the same width, so that rows line up.
const (
	promptText   = "> "
	continuation = "  "
)

// hintRows is how many rows of completions are shown.
const hintRows = 6

// A layout is text broken into rows of a terminal.
type layout struct {
	text     string
	rows     []span
	row, col int // of the cursor; col counts cells, without the prompt
}

// A span is the part of the text that stands in a row.
type span struct{ from, to, width int }

// cell returns how a character is shown and how wide that is.
func cell(g *displaywidth.Graphemes[string]) (string, int) {
	switch s := g.Value(); s {
	case "\t":
		return "    ", 4
	default:
		return s, g.Width()
	}
}

// lay breaks text at newlines and at the terminal's width. The last column stays empty: what happens
// to a cursor behind it differs between terminals.
func lay(text string, cursor, width int) layout {
	room := max(width-len(promptText)-1, 4)
	l := layout{text: text}
	row, at := span{}, 0
	place := func() {
		if at == cursor {
			l.row, l.col = len(l.rows), row.width
		}
	}
	for g := displaywidth.StringGraphemes(text); g.Next(); {
		_, w := cell(&g)
		if g.Value() != "\n" && row.width+w > room {
			row.to = at
			l.rows = append(l.rows, row)
			row = span{from: at}
		}
		place()
		at += len(g.Value())
		if g.Value() == "\n" {
			row.to = at - 1
			l.rows = append(l.rows, row)
			row = span{from: at}
			continue
		}
		row.width += w
	}
	place()
	row.to = len(text)
	l.rows = append(l.rows, row)
	return l
}

// offset is the place in the text that stands at a row and column, or the nearest before it.
func (l layout) offset(row, col int) int {
	r := l.rows[row]
	at, x := r.from, 0
	for g := displaywidth.StringGraphemes(l.text[r.from:r.to]); g.Next(); {
		_, w := cell(&g)
		if x+w > col {
			break
		}
		x += w
		at += len(g.Value())
	}
	return at
}

// A frame is what the editor has on the screen.
type frame struct {
	rows     []string
	widths   []int
	row, col int
}

// frame draws the editor into a terminal of that size. Text of more rows than the terminal has is
// shown around the cursor, unless all of it is asked for.
func (e *editor) frame(width, height int, style Style, all bool) frame {
	l := lay(e.text, e.cursor, width)
	first, last := 0, len(l.rows)
	if room := max(height-1, 1); !all && last > room {
		first = min(max(0, l.row-room/2), last-room)
		last = first + room
	}
	f := frame{row: l.row - first, col: l.col + len(promptText)}
	for i, r := range l.rows[first:last] {
		lead := continuation
		if first+i == 0 {
			lead = style.Green(promptText)
		}
		f.add(lead+strings.ReplaceAll(l.text[r.from:r.to], "\t", "    "), r.width+len(promptText))
	}
	if !all && len(e.hint) > 0 {
		f.hints(e.hint, width, min(hintRows, height-1-len(f.rows)), style)
	}
	return f
}

func (f *frame) add(row string, width int) {
	f.rows = append(f.rows, row)
	f.widths = append(f.widths, width)
}

// hints adds words in columns.
func (f *frame) hints(words []string, width, rows int, style Style) {
	cellWidth := 0
	for _, w := range words {
		cellWidth = max(cellWidth, displaywidth.String(w)+2)
	}
	columns := max(1, (width-1)/cellWidth)
	for i := 0; i < len(words) && rows > 0; i, rows = i+columns, rows-1 {
		line := ""
		for _, w := range words[i:min(i+columns, len(words))] {
			line += w + strings.Repeat(" ", cellWidth-displaywidth.String(w))
		}
		if rows == 1 && i+columns < len(words) {
			line = fmt.Sprintf("… and %d more", len(words)-i)
		}
		line = displaywidth.TruncateString(strings.TrimRight(line, " "), width-1, "…")
		f.add(style.Dim(line), displaywidth.String(line))
	}
}

// replace returns what turns the screen from old into f: up to the first row of old, all below
// cleared, the new rows, the cursor to its place. A terminal that has become narrower since has
// broken old's rows.
func (f frame) replace(old frame, width int) string {
	var b strings.Builder
	up := old.col / width
	for _, w := range old.widths[:min(old.row, len(old.widths))] {
		up += 1 + max(0, w-1)/width
	}
	if up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	b.WriteString("\r\x1b[J")
	b.WriteString(strings.Join(f.rows, "\r\n"))
	if down := len(f.rows) - 1 - f.row; down > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", down)
	}
	b.WriteString("\r")
	if f.col > 0 {
		fmt.Fprintf(&b, "\x1b[%dC", f.col)
	}
	return b.String()
}
