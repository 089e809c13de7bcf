package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// An Answer is a model's turn as it came, whole or as far as it came.
type Answer struct {
	ID         string
	Model      string // as the model names itself
	StopReason string // "" if the answer is not whole
	Usage      outcrop.Usage
	Target     outcrop.Target
	RequestID  string
	Took       time.Duration

	begun bool // there was a message_start
	parts []*part
}

// A part is a content block in the making.
type part struct {
	start json.RawMessage // the block as content_block_start had it
	kind  string
	text  strings.Builder // of text, or of thinking
	sign  strings.Builder
	whole bool
}

// nothing stands for a block that is none.
var nothing = []byte("{}")

// A Reader is told what comes, as it comes.
type Reader struct {
	Text     func(string)
	Thinking func(string) // "" when thinking begins
}

// Ask sends an invocation and reads the answer. With an error the Answer is what came before it,
// never nil.
func Ask(ctx context.Context, client *outcrop.Client, inv *outcrop.Invocation, to Reader) (*Answer, error) {
	a, begun := &Answer{}, time.Now()
	defer func() { a.Took = time.Since(begun) }()
	stream, err := client.InvokeModelWithResponseStream(ctx, inv)
	if err != nil {
		return a, err
	}
	defer stream.Close()
	a.Target, a.RequestID = stream.Target, stream.RequestID
	for event, err := range stream.All() {
		a.Usage = stream.Usage()
		if err != nil {
			return a, err
		}
		a.read(string(event.Type), event.Data, to)
	}
	a.Usage = stream.Usage()
	if !a.begun {
		return a, &outcrop.Error{Kind: outcrop.Interrupted, Message: "the answer has no message_start", RequestID: a.RequestID}
	}
	return a, nil
}

// Stopped reports whether err is that the user, or the system, stopped an answer.
func Stopped(err error) bool {
	return errors.Is(err, context.Canceled) || outcrop.KindOf(err) == outcrop.Canceled
}

// read takes an event in. Events and deltas that are not known are passed over.
func (a *Answer) read(kind string, data []byte, to Reader) {
	switch kind {
	case "message_start":
		a.begun = true
		a.ID, a.Model = member(data, "message", "id"), member(data, "message", "model")
	case "content_block_start":
		raw, _ := jsonedit.Member(data, "content_block")
		if !json.Valid(raw) || raw[0] != '{' {
			raw = nothing // no block of Claude's, and none to send back
		}
		p := &part{start: bytes.Clone(raw), kind: member(raw, "type")}
		a.parts = append(a.parts, p)
		if p.kind == "thinking" || p.kind == "redacted_thinking" {
			to.Thinking("")
		}
		a.delta(p, "text_delta", member(raw, "text"), to) // empty with Claude, but need not be
		a.delta(p, "thinking_delta", member(raw, "thinking"), to)
	case "content_block_delta":
		if n := len(a.parts); n > 0 {
			raw, _ := jsonedit.Member(data, "delta")
			delta := member(raw, "type")
			a.delta(a.parts[n-1], delta, member(raw, strings.TrimSuffix(delta, "_delta")), to)
		}
	case "content_block_stop":
		if n := len(a.parts); n > 0 {
			a.parts[n-1].whole = true
		}
	case "message_delta":
		a.StopReason = member(data, "delta", "stop_reason")
	}
}

func (a *Answer) delta(p *part, kind, text string, to Reader) {
	switch {
	case text == "":
	case kind == "text_delta" && p.kind == "text":
		p.text.WriteString(text)
		to.Text(text)
	case kind == "thinking_delta" && p.kind == "thinking":
		p.text.WriteString(text)
		to.Thinking(text)
	case kind == "signature_delta":
		p.sign.WriteString(text)
	}
}

// Text is what the answer says.
func (a *Answer) Text() string { return a.join("text") }

// Thinking is what the model let be seen of its thinking.
func (a *Answer) Thinking() string { return a.join("thinking") }

func (a *Answer) join(kind string) string {
	var out []string
	for _, p := range a.parts {
		if p.kind == kind && p.text.Len() > 0 {
			out = append(out, p.text.String())
		}
	}
	return strings.Join(out, "\n\n")
}

// Content is the answer's content blocks as the model sent them.
func (a *Answer) Content() []json.RawMessage {
	out := []json.RawMessage{}
	for _, p := range a.parts {
		out = append(out, p.block())
	}
	return out
}

// sendable is the content that may be sent back: of a block that was cut only text is of use, and
// thinking without its whole signature would be refused.
func (a *Answer) sendable() []json.RawMessage {
	out := []json.RawMessage{}
	for _, p := range a.parts {
		switch {
		case p.kind == "":
		case p.kind == "text" && strings.TrimSpace(p.text.String()) == "":
		case p.kind != "text" && !p.whole:
		case p.kind == "thinking" && p.sign.Len() == 0 && member(p.start, "signature") == "":
		default:
			out = append(out, p.block())
		}
	}
	for len(out) > 0 && isThinking(out[len(out)-1]) { // a turn must not end in thinking
		out = out[:len(out)-1]
	}
	return out
}

// block is the block with what its deltas added.
func (p *part) block() json.RawMessage {
	b := p.start
	switch p.kind {
	case "text":
		b = with(b, "text", mustMarshal(p.text.String()))
	case "thinking":
		b = with(b, "thinking", mustMarshal(p.text.String()))
		if p.sign.Len() > 0 {
			b = with(b, "signature", mustMarshal(p.sign.String()))
		}
	}
	return b
}

// Cost is what the answer costs by the list prices, in dollars, if they are known. What was cut has
// no count of its output.
func (a *Answer) Cost() (float64, bool) {
	if a.StopReason == "" {
		return 0, false
	}
	return catalog.Cost(a.Target.ModelID, catalog.Tokens{
		Input: a.Usage.InputTokens, Output: a.Usage.OutputTokens,
		CacheRead: a.Usage.CacheReadTokens, CacheWrite5m: a.Usage.CacheWriteTokens,
	})
}

// Remark says what is to be known of how the answer ended; "" if it ended as answers do.
func (a *Answer) Remark(s Settings) string {
	switch a.StopReason {
	case "", "end_turn", "stop_sequence":
		return ""
	case "max_tokens":
		return fmt.Sprintf("the answer is cut at %d tokens; --max-tokens allows for more", s.maxTokens())
	case "refusal":
		return "the model refused to go on"
	case "model_context_window_exceeded":
		return "the answer is cut: the conversation fills the model's context"
	}
	return "the answer ended with " + a.StopReason
}

// Summary says what the answer used: 1,204 in (1,100 cached) · 310 out · $0.0041 · 2.1 s.
func (a *Answer) Summary() string {
	u := a.Usage
	in := count(u.InputTokens+u.CacheReadTokens+u.CacheWriteTokens) + " in"
	if u.CacheReadTokens > 0 {
		in += " (" + count(u.CacheReadTokens) + " cached)"
	}
	out := []string{in, count(u.OutputTokens) + " out"}
	if a.StopReason == "" {
		out[1] = "output not counted"
	}
	if dollars, ok := a.Cost(); ok {
		out = append(out, Dollars(dollars))
	}
	return strings.Join(append(out, fmt.Sprintf("%.1f s", a.Took.Seconds())), " · ")
}

// count writes a number with commas between thousands.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Dollars writes an amount as exactly as it matters.
func Dollars(d float64) string {
	switch {
	case d >= 1:
		return fmt.Sprintf("$%.2f", d)
	case d >= 0.0001:
		return fmt.Sprintf("$%.4f", d)
	case d > 0:
		return "under $0.0001"
	}
	return "$0"
}
