package claude

import (
	"crypto/sha256"
	"encoding/json"
)

// Complete fills in what an answer from outside leaves open, as if Claude had given it to a request: the IDs
// of tool uses, the signatures of thinking, the stop reason and the output tokens. to may be
// nil, for a request that was not read; a signature is then accepted nowhere.
func (r *Reply) Complete(to *Request, in Setting) {
	var prefix [sha256.Size]byte
	if to != nil {
		prefix = to.prefixes()[len(to.messages)]
	}
	if r.StopReason == "" {
		r.StopReason = r.ending()
	}
	thought := 0
	for i := range r.Content {
		c := &r.Content[i]
		n := c.tokens()
		r.Usage.OutputTokens += n
		switch {
		case c.Kind == "tool_use" && c.ID == "":
			c.ID = newID("toolu_bdrk_01")
		case c.Kind == "thinking":
			thought += n
			if c.Signature == "" {
				c.Signature = sign(in, prefix, c.Text, n)
			}
		}
	}
	if thought > 0 {
		r.Usage.OutputDetails = &OutputDetails{thought}
	}
}

// ending is the stop reason that goes with what the answer holds.
func (r *Reply) ending() string {
	if r.StopSequence != "" {
		return "stop_sequence"
	}
	for _, c := range r.Content {
		if c.Kind == "tool_use" {
			return "tool_use"
		}
	}
	return "end_turn"
}

// tokens is what a block costs as output.
func (c *Content) tokens() int {
	if c.Kind == "tool_use" {
		return callTokens(c.Name, "") + Tokens(c.Input)
	}
	return Tokens(c.Text)
}

// LastText returns what the user wrote in the last turn of a body of the Messages API or of
// Converse, without the reminders that clients put between; "" if that turn is not the user's. It
// takes any bytes, for the body need not have been checked.
func LastText(body []byte) string {
	var b struct {
		Messages []struct {
			Role    string
			Content json.RawMessage
		}
	}
	if json.Unmarshal(body, &b) != nil {
		return ""
	}
	last := len(b.Messages)
	for last > 0 && b.Messages[last-1].Role != "assistant" {
		last--
	}
	var t turn
	for _, m := range b.Messages[last:] {
		if m.Role == "user" {
			t.blocks = append(t.blocks, textBlocks(m.Content)...)
		}
	}
	return t.written()
}

// textBlocks returns the text of a message's content: a string, or blocks of which some are text. In
// Converse's they have no type.
func textBlocks(content json.RawMessage) (out []block) {
	var whole string
	if json.Unmarshal(content, &whole) == nil {
		return []block{textOf(whole)}
	}
	var blocks []json.RawMessage
	if json.Unmarshal(content, &blocks) != nil {
		return nil
	}
	for _, raw := range blocks {
		var b struct {
			Type string
			Text *string
		}
		if json.Unmarshal(raw, &b) == nil && b.Text != nil && (b.Type == "" || b.Type == "text") {
			out = append(out, textOf(*b.Text))
		}
	}
	return out
}

func textOf(s string) block {
	return block{object: object{"type": "text", "text": s}}
}
