package claude

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// A Reply is an answer, whole.
type Reply struct {
	Model        catalog.Model
	Content      []Content
	StopReason   string // end_turn, tool_use, max_tokens, stop_sequence or model_context_window_exceeded; scripted ones may have others
	StopSequence string // the one met; "" for none
	Usage        Usage
}

// A Content is a block of an answer.
type Content struct {
	Kind      string // thinking, text or tool_use
	Text      string // of thinking and text
	Signature string // of thinking
	ID, Name  string // of tool_use
	Input     string // of tool_use: a JSON object, or its beginning if max_tokens cut it

	// seal turns what was thought into what is shown of it and its signature.
	seal func(thought string) (shown, signature string)
}

// Usage is what an invocation cost, as the Messages API reports it.
type Usage struct {
	InputTokens   int `json:"input_tokens"` // without those below
	CacheWrite    int `json:"cache_creation_input_tokens"`
	CacheRead     int `json:"cache_read_input_tokens"`
	CacheCreation struct {
		FiveMinutes int `json:"ephemeral_5m_input_tokens"`
		Hour        int `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	OutputTokens  int            `json:"output_tokens"`
	OutputDetails *OutputDetails `json:"output_tokens_details,omitempty"`
}

// prompt is the length of the prompt, which cached tokens are part of.
func (u Usage) prompt() int { return u.InputTokens + u.CacheWrite + u.CacheRead }

// OutputDetails are the part of the output tokens that was thinking.
type OutputDetails struct {
	ThinkingTokens int `json:"thinking_tokens"`
}

func newID(prefix string) string { return prefix + rand.Text()[:22] }

// cut ends the reply where a stop sequence or max_tokens ends it, and counts its tokens.
func (r *Reply) cut(maxTokens int, stops []string) {
	whole := r.Content
	r.Content = nil
	left := maxTokens
	for i, c := range whole {
		stopped := false
		if c.Kind == "text" {
			c.Text, stopped = r.stop(c.Text, stops)
		}
		ended := c.cut(&left)
		if c.Kind == "thinking" {
			r.Usage.OutputDetails = &OutputDetails{Tokens(c.Text)}
			c.Text, c.Signature = c.seal(c.Text)
		}
		if c.Kind != "text" || c.Text != "" {
			r.Content = append(r.Content, c)
		}
		if ended {
			r.StopReason, r.StopSequence = "max_tokens", ""
		}
		if ended || stopped {
			break
		}
		if left == 0 && i < len(whole)-1 {
			r.StopReason = "max_tokens"
			break
		}
	}
	r.Usage.OutputTokens = maxTokens - left
}

// shortestStops returns stop sequences sorted, without those that begin with another one, which is
// always met before them.
func shortestStops(stops []string) []string {
	var out []string
	for _, s := range slices.Sorted(slices.Values(stops)) {
		if len(out) == 0 || !strings.HasPrefix(s, out[len(out)-1]) {
			out = append(out, s)
		}
	}
	return out
}

// stop returns text up to the first stop sequence in it. stops are shortestStops: at any place of the
// text only the last of those that sort before the rest can stand there, however many there are.
func (r *Reply) stop(text string, stops []string) (string, bool) {
	for at := range text {
		i, found := slices.BinarySearch(stops, text[at:])
		if !found {
			i--
		}
		if i >= 0 && strings.HasPrefix(text[at:], stops[i]) {
			r.StopReason, r.StopSequence = "stop_sequence", stops[i]
			return text[:at], true
		}
	}
	return text, false
}

// cut shortens the block to the tokens that are left, takes what it costs from them, and reports
// whether it had to be shortened.
func (c *Content) cut(left *int) bool {
	if c.Kind == "tool_use" {
		frame := callTokens(c.Name, "")
		input := firstTokens(c.Input, max(0, *left-frame))
		*left = max(0, *left-frame-Tokens(input))
		shortened := input != c.Input
		c.Input = input
		return shortened
	}
	text := firstTokens(c.Text, *left)
	*left -= Tokens(text)
	shortened := text != c.Text
	c.Text = text
	return shortened
}

// A Message is the JSON of an answer.
type Message struct {
	Model        string  `json:"model"`
	ID           string  `json:"id"`
	Type         string  `json:"type"`
	Role         string  `json:"role"`
	Content      []any   `json:"content"`
	StopReason   *string `json:"stop_reason"`
	StopSequence *string `json:"stop_sequence"`
	Usage        Usage   `json:"usage"`
}

type textBlock struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type thinkingBlock struct {
	Type      string `json:"type"`
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"`
}

type toolUseBlock struct {
	Type  string          `json:"type"`
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

// block returns the JSON of a block, or of its beginning in a stream.
func (c Content) block(begin bool) any {
	if begin {
		c.Text, c.Signature, c.Input = "", "", "{}"
	}
	switch c.Kind {
	case "thinking":
		return thinkingBlock{c.Kind, c.Text, c.Signature}
	case "tool_use":
		if !json.Valid([]byte(c.Input)) { // cut short
			c.Input = "{}"
		}
		return toolUseBlock{c.Kind, c.ID, c.Name, json.RawMessage(c.Input)}
	}
	return textBlock{c.Kind, c.Text}
}

// Message returns the answer as InvokeModel gives it.
func (r *Reply) Message() Message {
	m := r.opening()
	for _, c := range r.Content {
		m.Content = append(m.Content, c.block(false))
	}
	m.StopReason, m.StopSequence, m.Usage = r.stopReason()
	return m
}

// opening is the message before there is anything of it.
func (r *Reply) opening() Message {
	name := r.Model.FirstPartyID
	if name == "" {
		name = r.Model.ID
	}
	return Message{Model: name, ID: newID("msg_bdrk_01"), Type: "message", Role: "assistant", Content: []any{}}
}

func (r *Reply) stopReason() (reason, sequence *string, u Usage) {
	if r.StopSequence != "" {
		sequence = &r.StopSequence
	}
	return &r.StopReason, sequence, r.Usage
}
