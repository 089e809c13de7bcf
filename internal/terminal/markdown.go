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
	w     io.Writer
	style Style
	plain bool
	base  string // style of all text
	width int

	head    string // the beginning of a line, until it says what the line is
	inBody  bool   // the line has said so
	skip    bool   // the rest of the line is not shown
	fenced  bool   // in a code block
	bold    bool
	code    bool
	heading bool
	stars   string // held back: may be the beginning of **

	shown  string          // the style that is on
	word   strings.Builder // held back: may have to go to the next row
	cells  int             // its width
	col    int
	indent int // of further rows
	out    strings.Builder
}

// NewMarkdown writes to w, which has width columns. plain leaves Markdown's marks in place.
func NewMarkdown(w io.Writer, style Style, width int, plain bool) *Markdown {
	return &Markdown{w: w, style: style, width: max(width-1, 20), plain: plain || !style.On()}
}

// A Tone is the style of a whole text.
type Tone string

const (
	Aside Tone = dimCode // what stands beside the matter
	Alarm Tone = redCode // what went wrong
)

// NewPlain is one that only breaks lines and sets a tone.
func NewPlain(w io.Writer, style Style, width int, tone Tone) *Markdown {
	return &Markdown{w: w, style: style, width: max(width-1, 20), plain: true, base: string(tone)}
}

// WriteString takes the next piece of text.
func (m *Markdown) WriteString(text string) (int, error) {
	for g := displaywidth.StringGraphemes(Printable(text)); g.Next(); {
		s, width := cell(&g)
		m.take(s, width)
	}
	return len(text), m.flush()
}

// Close writes what was held back and ends the line that was begun.
func (m *Markdown) Close() error {
	if !m.inBody {
		m.begin()
	}
	m.star("")
	m.space("", 0)
	if m.col > 0 {
		m.newline()
	}
	if m.shown != "" {
		m.out.WriteString("\x1b[0m")
		m.shown = ""
	}
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
		m.raw(s, width)
	case m.plain:
		m.text(s, width)
	case s == "*" && !m.code && len(m.stars) < 2:
		m.stars += s
	default:
		m.star(s)
		if s == "`" {
			m.code = !m.code
			return
		}
		m.text(s, width)
	}
}

// star decides what stars that were held back are, now that s follows.
func (m *Markdown) star(s string) {
	switch {
	case m.stars == "**" && (m.bold || s != " " && s != ""):
		m.bold = !m.bold
	case m.stars != "":
		m.text(m.stars, len(m.stars))
	}
	m.stars = ""
}

// text adds to the word, or ends it.
func (m *Markdown) text(s string, width int) {
	if strings.TrimLeft(s, " ") == "" {
		m.space(s, width)
		return
	}
	if m.cells+width > m.width-m.indent { // longer than a row
		m.space("", 0)
	}
	if width > 1 { // scripts without spaces break anywhere
		m.space("", 0)
	}
	m.shade(&m.word)
	m.word.WriteString(s)
	m.cells += width
}

// space writes the word, on the next row if this one is full, and then the space.
func (m *Markdown) space(s string, width int) {
	if m.cells > 0 && m.col+m.cells > m.width && m.col > m.indent {
		m.newline()
		m.out.WriteString(strings.Repeat(" ", m.indent))
		m.col = m.indent
	}
	m.raw(m.word.String(), m.cells)
	m.word.Reset()
	m.cells = 0
	if s != "" && m.col+width <= m.width {
		m.shade(&m.out)
		m.raw(s, width)
	}
}

// raw writes text as it stands.
func (m *Markdown) raw(s string, width int) {
	if m.fenced && s != "" {
		m.shade(&m.out)
	}
	m.out.WriteString(s)
	m.col += width
}

// shade changes the style where the next character has another one. What is held back comes out in
// the order in which it came, so there is one style to keep.
func (m *Markdown) shade(to *strings.Builder) {
	code := m.base
	switch {
	case m.code, m.fenced:
		code = cyanCode
	case m.heading:
		code = headCode
	case m.bold:
		code = boldCode
	}
	if code == m.shown || !m.style.On() {
		return
	}
	m.shown = code
	to.WriteString("\x1b[0m")
	if code != "" {
		to.WriteString("\x1b[" + code + "m")
	}
}

func (m *Markdown) endLine() {
	if !m.inBody {
		m.begin()
	}
	m.star("")
	m.space("", 0)
	if !m.skip {
		m.newline()
	}
	m.inBody, m.skip, m.bold, m.code, m.heading, m.indent = false, false, false, false, false, 0
	if m.shown != "" && m.shown != m.base {
		m.out.WriteString("\x1b[0m")
		m.shown = ""
	}
}

func (m *Markdown) newline() {
	m.out.WriteByte('\n')
	m.col = 0
}

// flush writes all that is not held back.
func (m *Markdown) flush() error {
	_, err := io.WriteString(m.w, m.out.String())
	m.out.Reset()
	return err
}
