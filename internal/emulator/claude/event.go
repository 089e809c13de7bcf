package claude

import "iter"

// An Event is one event of a stream.
type Event struct {
	Type         string   `json:"type"`
	Message      *Message `json:"message,omitempty"`
	Index        *int     `json:"index,omitempty"`
	ContentBlock any      `json:"content_block,omitempty"`
	Delta        any      `json:"delta,omitempty"`
	Usage        *Usage   `json:"usage,omitempty"`
}

type textDelta struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type thinkingDelta struct {
	Type     string `json:"type"`
	Thinking string `json:"thinking"`
}

type signatureDelta struct {
	Type      string `json:"type"`
	Signature string `json:"signature"`
}

type inputDelta struct {
	Type        string `json:"type"`
	PartialJSON string `json:"partial_json"`
}

type stopDelta struct {
	StopReason   *string `json:"stop_reason"`
	StopSequence *string `json:"stop_sequence"`
}

// deltaTokens is how many tokens a delta has: a few words.
const deltaTokens = 4

// Events returns the answer as a stream, from message_start to message_stop.
func (r *Reply) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		m := r.opening()
		m.Usage = r.Usage
		m.Usage.OutputTokens, m.Usage.OutputDetails = min(1, r.Usage.OutputTokens), nil
		if !yield(Event{Type: "message_start", Message: &m}) {
			return
		}
		for i, c := range r.Content {
			for e := range c.events() {
				e.Index = &i
				if !yield(e) {
					return
				}
			}
		}
		reason, sequence, usage := r.stopReason()
		if yield(Event{Type: "message_delta", Delta: stopDelta{reason, sequence}, Usage: &usage}) {
			yield(Event{Type: "message_stop"})
		}
	}
}

// events returns the events of one block, their index to be filled in.
func (c Content) events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		if !yield(Event{Type: "content_block_start", ContentBlock: c.block(true)}) {
			return
		}
		for delta := range c.deltas() {
			if !yield(Event{Type: "content_block_delta", Delta: delta}) {
				return
			}
		}
		yield(Event{Type: "content_block_stop"})
	}
}

func (c Content) deltas() iter.Seq[any] {
	return func(yield func(any) bool) {
		text, wrap := c.Text, func(s string) any { return textDelta{"text_delta", s} }
		switch c.Kind {
		case "thinking":
			wrap = func(s string) any { return thinkingDelta{"thinking_delta", s} }
		case "tool_use":
			text, wrap = c.Input, func(s string) any { return inputDelta{"input_json_delta", s} }
			if !yield(wrap("")) { // Claude's first one is empty
				return
			}
		}
		for text != "" {
			piece := firstTokens(text, deltaTokens)
			if text = text[len(piece):]; !yield(wrap(piece)) {
				return
			}
		}
		if c.Kind == "thinking" {
			yield(signatureDelta{"signature_delta", c.Signature})
		}
	}
}
