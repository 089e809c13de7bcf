package converse

import (
	"iter"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// Events returns the events of ConverseStream by their names in the service model, from messageStart to
// metadata. latency is asked when the stream ends.
func (a Answer) Events(latency func() time.Duration) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) {
		if !yield("messageStart", map[string]any{"role": "assistant"}) {
			return
		}
		for i, c := range a.content() {
			for name, event := range blockEvents(c) {
				event["contentBlockIndex"] = i
				if !yield(name, event) {
					return
				}
			}
		}
		stop := map[string]any{"stopReason": stopReason(a.Reply.StopReason)}
		if fields := a.fields(); fields != nil {
			stop["additionalModelResponseFields"] = fields
		}
		if !yield("messageStop", stop) {
			return
		}
		metadata := map[string]any{"usage": a.usage(), "metrics": map[string]any{"latencyMs": latency().Milliseconds()}}
		a.addServing(metadata)
		yield("metadata", metadata)
	}
}

// blockEvents returns the events of one block. Only tool use has one for its start.
func blockEvents(c claude.Content) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) {
		if c.Kind == "tool_use" {
			start := map[string]any{"toolUse": map[string]any{"toolUseId": toolUseID(c.ID), "name": c.Name}}
			if !yield("contentBlockStart", map[string]any{"start": start}) {
				return
			}
		}
		for delta := range deltas(c) {
			if !yield("contentBlockDelta", map[string]any{"delta": delta}) {
				return
			}
		}
		yield("contentBlockStop", map[string]any{})
	}
}

func deltas(c claude.Content) iter.Seq[map[string]any] {
	return func(yield func(map[string]any) bool) {
		reasoning := func(name string, value any) map[string]any {
			return map[string]any{"reasoningContent": map[string]any{name: value}}
		}
		text, wrap := c.Text, func(s string) map[string]any { return map[string]any{"text": s} }
		switch c.Kind {
		case "thinking":
			wrap = func(s string) map[string]any { return reasoning("text", s) }
		case "redacted_thinking":
			yield(reasoning("redactedContent", []byte(c.Text)))
			return
		case "tool_use":
			text, wrap = c.Input, func(s string) map[string]any { return map[string]any{"toolUse": map[string]any{"input": s}} }
			if !yield(wrap("")) { // as recorded
				return
			}
		}
		for piece := range claude.Pieces(text) {
			if !yield(wrap(piece)) {
				return
			}
		}
		if c.Kind == "thinking" && c.Signature != "" {
			yield(reasoning("signature", c.Signature))
		}
	}
}
