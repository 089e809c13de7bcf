package terminal

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// A Style colours text. The zero Style leaves text as it is.
type Style struct{ on bool }

// NewStyle returns the style for w: none where w is no terminal that takes escape sequences (which this
// switches on where they are a setting, on Windows), or where the environment wants none
// (NO_COLOR, CLICOLOR=0, TERM=dumb).
func NewStyle(w io.Writer, getenv func(string) string) Style {
	file, ok := w.(*os.File)
	return Style{ok && takesEscapes(file) && getenv("NO_COLOR") == "" && getenv("CLICOLOR") != "0" && getenv("TERM") != "dumb"}
}

// On reports whether the style does anything.
func (s Style) On() bool { return s.on }

const (
	boldCode  = "1"
	dimCode   = "2"
	redCode   = "31"
	greenCode = "32"
	cyanCode  = "36"
	headCode  = "1;36"
)

// Dim is for what stands beside the matter.
func (s Style) Dim(text string) string { return s.paint(dimCode, text) }

// Green is for what the user types after.
func (s Style) Green(text string) string { return s.paint(greenCode, text) }

func (s Style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Printable takes control characters, but newline and tab, out of text that comes from outside: a
// terminal would take them for commands. So it does with overrides of the direction of writing, which
// show text as another than it is.
func Printable(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, text)
}

func unprintable(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // embeddings, overrides and isolates
		return true
	}
	return unicode.IsControl(r)
}

// A Status is a line that says what is waited for and goes away again. It may be used concurrently
// with itself, not with other writers of the same terminal: Clear it before they write.
type Status struct {
	w     io.Writer
	style Style
	width func() int
	mu    sync.Mutex
	shown bool
	timer *time.Timer
}

// NewStatus shows text on w, which has width columns, after a while; a nil w never.
func NewStatus(w io.Writer, style Style, width func() int, after time.Duration, text string) *Status {
	s := &Status{w: w, style: style, width: width}
	if w == nil {
		return s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(after, func() { s.show(text) })
	return s
}

func (s *Status) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		return
	}
	s.shown = true
	text = displaywidth.TruncateString(text, s.width()-1, "…") // only one row can be taken away
	io.WriteString(s.w, s.style.Dim(text))
}

// Clear takes the line away, or sees to it that it does not come.
func (s *Status) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		return
	}
	s.timer.Stop()
	s.timer = nil
	if s.shown {
		io.WriteString(s.w, "\r\x1b[K")
	}
}
