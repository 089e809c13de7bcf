package chat

import (
	"io"
	"time"

	"github.com/outcrop-dev/outcrop/internal/terminal"
)

// patience is how long nothing may happen until the user is told what is waited for.
const patience = time.Second

// A View shows an answer on a terminal as it comes: thinking dimmed, then the text.
type View struct {
	w        io.Writer
	style    terminal.Style
	width    func() int
	plain    bool
	status   *terminal.Status
	thinking *terminal.Markdown
	text     *terminal.Markdown
}

// NewView writes to w, which has width columns, not always the same. What is waited for it says on
// progress; a nil one, nowhere.
func NewView(w, progress io.Writer, style terminal.Style, width func() int, plain bool, model string) *View {
	return &View{w: w, style: style, width: width, plain: plain, status: Waiting(progress, style, width, model)}
}

// Waiting says on w that a model has not begun to answer, once that takes long; on a nil w nothing.
func Waiting(w io.Writer, style terminal.Style, width func() int, model string) *terminal.Status {
	return terminal.NewStatus(w, style, width, patience, "waiting for "+modelName(model)+"…")
}

// Reader is to be told what comes.
func (v *View) Reader() Reader { return Reader{Text: v.write, Thinking: v.think} }

func (v *View) write(text string) {
	v.status.Clear()
	if v.text == nil {
		v.endThinking()
		v.text = terminal.NewMarkdown(v.w, v.style, v.width(), v.plain)
	}
	v.text.SetWidth(v.width())
	v.text.WriteString(text)
}

func (v *View) think(text string) {
	if text == "" {
		return
	}
	v.status.Clear()
	if v.thinking == nil {
		v.thinking = terminal.NewPlain(v.w, v.style, v.width(), terminal.Aside)
	}
	v.thinking.SetWidth(v.width())
	v.thinking.WriteString(text)
}

func (v *View) endThinking() {
	if v.thinking == nil {
		return
	}
	v.thinking.Close()
	v.thinking = nil
	io.WriteString(v.w, "\n")
}

// Close ends the last line.
func (v *View) Close() {
	v.status.Clear()
	v.endThinking()
	if v.text != nil {
		v.text.Close()
	}
}
