package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/terminal"
)

// A Session is a conversation on a terminal.
type Session struct {
	Client   *outcrop.Client
	Terminal Lines
	Style    terminal.Style
	Plain    bool   // leave Markdown's marks in answers
	Place    string // where the answers come from: a Region, a gateway
	Now      func() time.Time
	Advice   func(error) string // what to do about an error, "" for nothing

	Conversation
	Files []Attachment // that go with the next prompt

	failed  Prompt // what /retry sends
	answers int
	dollars float64
	unknown bool // an answer's cost is not known
}

// Lines is the terminal of a Session: a *terminal.Terminal.
type Lines interface {
	io.Writer
	ReadLine(ctx context.Context, complete func(line string) (start int, words []string)) (string, error)
	Interruptible(ctx context.Context, f func(context.Context))
	Width() int
}

// Run talks until the user leaves, and returns nil then, or ctx ends.
func (s *Session) Run(ctx context.Context) error {
	s.say("%s, %s\n/help for commands, ctrl-d to leave", s.modelName(), s.Place)
	for {
		io.WriteString(s.Terminal, "\n")
		line, err := s.Terminal.ReadLine(ctx, s.complete)
		switch {
		case errors.Is(err, terminal.ErrInterrupted):
			s.say("ctrl-d or /exit to leave")
		case errors.Is(err, io.EOF):
			s.total()
			return nil
		case err != nil:
			return err
		case s.isCommand(line):
			if leave := s.command(ctx, line); leave {
				s.total()
				return nil
			}
		case strings.TrimSpace(line) != "":
			s.ask(ctx, Prompt{Text: line, Files: s.Files})
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// modelName is the model's, and what is called for it.
func (s *Session) modelName() string {
	name, id := modelName(s.Model), s.Model
	if resolved, err := s.Client.Resolve(s.Model); err == nil {
		id = resolved
	}
	if name == id {
		return name
	}
	return name + " (" + id + ")"
}

// ask sends a prompt and shows the answer. What fails stays out of the conversation.
func (s *Session) ask(ctx context.Context, p Prompt) {
	inv, err := s.Invocation(p)
	if err != nil {
		s.fail(p, err)
		return
	}
	view := NewView(s.Terminal, s.Terminal, s.Style, s.Terminal.Width, s.Plain, s.Model)
	io.WriteString(s.Terminal, "\n")
	var answer *Answer
	s.Terminal.Interruptible(ctx, func(ctx context.Context) {
		answer, err = Ask(ctx, s.Client, inv, view.Reader())
	})
	view.Close()
	if err != nil {
		s.broken(p, answer, err)
		return
	}
	s.note(answer)
	s.failed = p // for another answer
	s.Files = nil
	if remark := answer.Remark(s.Settings); remark != "" {
		s.complain("%s", remark)
	}
	if !s.Add(p, answer) {
		s.complain("that answer is not kept in the conversation")
	}
}

// broken is for an answer that was stopped or broke off.
func (s *Session) broken(p Prompt, answer *Answer, err error) {
	stopped := Stopped(err)
	if !stopped {
		s.complain("%s", err.Error())
		if advice := s.Advice(err); advice != "" {
			s.complain("%s", advice)
		}
	}
	s.failed = p
	switch kept := s.Add(p, answer); {
	case kept && stopped:
		s.say("stopped; what came stays in the conversation")
	case kept:
		s.say("what came stays in the conversation")
	case stopped:
		s.say("stopped; nothing came, so that your message is not in the conversation: /retry sends it again")
	default:
		s.say("your message is not in the conversation: /retry sends it again")
		return
	}
	s.Files = nil
	s.note(answer)
}

func (s *Session) fail(p Prompt, err error) {
	s.failed = p
	s.complain("%s", err.Error())
	s.say("your message is not in the conversation")
}

// note adds up what was used.
func (s *Session) note(a *Answer) {
	s.say("%s", a.Summary())
	s.answers++
	dollars, known := a.Cost()
	s.dollars += dollars
	s.unknown = s.unknown || !known
}

// total says what the session has cost.
func (s *Session) total() {
	if s.answers == 0 {
		return
	}
	text := fmt.Sprintf("%d answers", s.answers)
	if s.answers == 1 {
		text = "1 answer"
	}
	switch {
	case s.unknown && s.dollars > 0:
		text += ", " + Dollars(s.dollars) + " and what has no known price"
	case !s.unknown:
		text += ", " + Dollars(s.dollars) + " by list prices"
	}
	s.say("%s", text)
}

// say writes what stands beside the conversation, complain what went wrong.
func (s *Session) say(format string, args ...any) { s.print(terminal.Aside, format, args) }

func (s *Session) complain(format string, args ...any) { s.print(terminal.Alarm, format, args) }

func (s *Session) print(tone terminal.Tone, format string, args []any) {
	w := terminal.NewPlain(s.Terminal, s.Style, s.Terminal.Width(), tone)
	w.WriteString(fmt.Sprintf(format, args...))
	w.Close()
}
