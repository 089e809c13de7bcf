package terminal

import (
	"io"
	"regexp"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// A Markdown writes text to a terminal as it streams in: broken between words and, with a style that
// is on, with headings, bold text, code, lists and quotes as such. What it does not know it writes as
// it came. Control characters are left out. Text may be cut anywhere.
type Markdown struct {
	rows
	plain bool

	head    string // the beginning of a line, until it says what the line is
	inBody  bool   // the line has said so
	skip    bool   // the rest of the line is not shown
	fenced  bool   // in a code block
	bold    bool
	code    bool
	heading bool
	stars   string // held back: may be the beginning of **
}

// NewMarkdown writes to w, which has width columns. plain leaves Markdown's marks in place.
func NewMarkdown(w io.Writer, style Style, width int, plain bool) *Markdown {
	return &Markdown{rows: newRows(w, style, width, ""), plain: plain || !style.On()}
}

// NewPlain is one that only breaks lines and sets a tone.
func NewPlain(w io.Writer, style Style, width int, tone Tone) *Markdown {
	return &Markdown{rows: newRows(w, style, width, tone), plain: true}
}

// WriteString takes the next piece of text.
func (m *Markdown) WriteString(text string) (int, error) {
	for g := displaywidth.StringGraphemes(Printable(text)); g.Next(); {
		s, width := cell(&g)
		m.take(s, width)
	}
	return len(text), m.flush()
}

// minEntry is how narrow the text of an entry may become beside its name.
const minEntry = 24

// Entry writes what something is called, in a column as wide as column, and beside it what it is; below
// it where the terminal is narrow.
func (m *Markdown) Entry(name string, column int, text string) {
	m.inBody = true
	m.shade(&m.out, boldCode)
	m.raw("  "+name, 2+displaywidth.String(name))
	if m.indent = 2 + column + 1; m.width-m.indent < minEntry {
		m.newline()
		m.indent = 6
	}
	m.raw(strings.Repeat(" ", m.indent-m.col), m.indent-m.col)
	m.WriteString(text + "\n")
}

// Close writes what was held back and ends the line that was begun.
func (m *Markdown) Close() error {
	if !m.inBody {
		m.begin()
	}
	m.star("")
	m.endWord()
	if m.col > 0 {
		m.newline()
	}
	m.unshade("")
	return m.flush()
}

// maybe matches what may be on its way to become a mark, block the marks.
var (
	maybe = regexp.MustCompile("^ {0,12}(#{0,6}|[-*+>]?|[0-9]{0,3}[.)]?|`{0,3})$")
	block = regexp.MustCompile("^( *)(```|#{1,6} |[-*+] |[0-9]{1,3}[.)] |> ?)(.*)$")
)

// take takes one character, as wide as width.
func (m *Markdown) take(s string, width int) {
	if s == "\n" {
		m.endLine()
		return
	}
	if m.inBody {
		m.inline(s, width)
		return
	}
	m.head += s
	if !maybe.MatchString(m.head) {
		m.begin()
	}
}

// begin writes the beginning of a line as what it is.
func (m *Markdown) begin() {
	head := m.head
	m.head, m.inBody = "", true
	match := block.FindStringSubmatch(head)
	if match == nil || m.plain || m.fenced && match[2] != "```" {
		m.put(head)
		return
	}
	lead, mark, rest := match[1], match[2], match[3]
	switch mark[0] {
	case '`':
		m.fenced, m.skip = !m.fenced, true
		return
	case '#':
		m.heading, lead, mark = true, "", ""
	case '-', '*', '+':
		mark = "• "
	case '>':
		mark = "│ "
	}
	m.raw(lead+mark, displaywidth.String(lead+mark))
	m.indent = m.col
	m.put(rest)
}

func (m *Markdown) put(text string) {
	for g := displaywidth.StringGraphemes(text); g.Next(); {
		m.inline(g.Value(), g.Width())
	}
}

// inline writes a character of a line's text.
func (m *Markdown) inline(s string, width int) {
	switch {
	case m.skip:
	case m.fenced: // code is for copying: not broken, but by the terminal
		m.shade(&m.out, cyanCode)
		m.raw(s, width)
	case m.plain:
		m.text(s, width, "")
	case s == "*" && !m.code && len(m.stars) < 2:
		m.stars += s
	default:
		m.star(s)
		if s == "`" {
			m.code = !m.code
			return
		}
		m.text(s, width, m.tone())
	}
}

// star decides what stars that were held back are, now that s follows.
func (m *Markdown) star(s string) {
	switch {
	case m.stars == "**" && (m.bold || s != " " && s != ""):
		m.bold = !m.bold
	case m.stars != "":
		m.text(m.stars, len(m.stars), m.tone())
	}
	m.stars = ""
}

// tone is the style of what comes now.
func (m *Markdown) tone() string {
	switch {
	case m.code:
		return cyanCode
	case m.heading:
		return headCode
	case m.bold:
		return boldCode
	}
	return ""
}

func (m *Markdown) endLine() {
	if !m.inBody {
		m.begin()
	}
	m.star("")
	m.endWord()
	if !m.skip {
		m.newline()
	}
	m.inBody, m.skip, m.bold, m.code, m.heading, m.indent = false, false, false, false, false, 0
	m.unshade(m.base)
}
