package chat

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// Default bounds of an answer. Bedrock sets max_tokens aside from the token quota when a call begins,
// so the model's own maximum would throttle where nothing is near its limit. Thinking counts too.
const (
	defaultMaxTokens         = 8192
	defaultMaxTokensThinking = 16384
	minBudget                = 1024 // of thinking, where the caller sets it
)

// Settings are what is asked for with every turn.
type Settings struct {
	Model     string // as the user names it
	System    string
	Think     bool   // think, and show it; else as the model does by itself
	Effort    string // "" for the model's default
	MaxTokens int    // 0 for a default
	Cache     bool   // the conversation goes on: keep it in the prompt cache
}

// Check refuses what the catalogue knows that the model does not take.
func (s Settings) Check() error {
	m, known := catalog.Lookup(s.Model)
	switch {
	case !known && !mayBeClaude(s.Model):
		return fmt.Errorf("%s is not a Claude model: chat speaks Claude's Messages API", s.Model)
	case !known:
		return nil
	case s.Think && thinkingKind(m) == "":
		return fmt.Errorf("%s does not think", m.Name)
	case s.Effort != "" && len(m.Efforts) == 0:
		return fmt.Errorf("%s takes no effort", m.Name)
	case s.Effort != "" && !slices.Contains(m.Efforts, s.Effort):
		return fmt.Errorf("%s has no effort %q: it takes %s", m.Name, s.Effort, strings.Join(m.Efforts, ", "))
	case s.MaxTokens > m.MaxOutputTokens:
		return fmt.Errorf("%s answers with %d tokens at most", m.Name, m.MaxOutputTokens)
	case s.Think && thinkingKind(m) == "enabled" && s.maxTokens() <= minBudget:
		return fmt.Errorf("%s thinks with %d tokens at least: more than that must be allowed", m.Name, minBudget)
	}
	return nil
}

// mayBeClaude reports whether an ID that the catalogue does not know could be one of Claude's: an
// ARN does not say what it stands for. A name without a vendor is the client's to refuse, or the
// gateway's to know.
func mayBeClaude(id string) bool {
	return strings.HasPrefix(id, "arn:") || strings.Contains(id, "anthropic.") || !strings.Contains(id, ".")
}

// thinkingKind is the value of thinking.type by which a model is asked to think; "" if it does not.
func thinkingKind(m catalog.Model) string {
	for _, kind := range []string{"adaptive", "enabled"} {
		if slices.Contains(m.Thinking, kind) {
			return kind
		}
	}
	return ""
}

func (s Settings) maxTokens() int {
	m, known := catalog.Lookup(s.Model)
	n := cmp.Or(s.MaxTokens, defaultMaxTokens)
	if s.MaxTokens == 0 && (s.Think || m.ThinkingDefault == "adaptive") {
		n = defaultMaxTokensThinking
	}
	if known {
		n = min(n, m.MaxOutputTokens)
	}
	return n
}

type thinking struct {
	Type    string `json:"type"`
	Budget  int    `json:"budget_tokens,omitempty"`
	Display string `json:"display,omitempty"`
}

// thinking is the member of that name: nil for the model's own default.
func (s Settings) thinking() *thinking {
	if !s.Think {
		return nil
	}
	m, _ := catalog.Lookup(s.Model)
	switch {
	case thinkingKind(m) == "enabled":
		return &thinking{Type: "enabled", Budget: max(minBudget, s.maxTokens()/2)}
	case slices.Contains(m.Thinking, "enabled"): // up to 4.6 thinking is shown without asking
		return &thinking{Type: "adaptive"}
	}
	return &thinking{Type: "adaptive", Display: "summarized"}
}

// A Conversation is what was said. Its Settings may change between turns. The zero Conversation is
// an empty one.
type Conversation struct {
	Settings
	turns []turn
}

// A turn is a message, of the user or of the model.
type turn struct {
	role    string
	content []json.RawMessage
	names   []string // of the files in it
	bound   string   // what signatures in it are bound to; for the model's turns
	model   string   // by its name; likewise
}

// Len is how many answers the conversation has.
func (c *Conversation) Len() int { return len(c.turns) / 2 }

// Clear forgets what was said.
func (c *Conversation) Clear() { c.turns = nil }

// A Prompt is a user's turn: files first, then the text, as Anthropic's documentation advises.
type Prompt struct {
	Text  string
	Files []Attachment
}

func (p Prompt) turn() turn {
	t := turn{role: "user"}
	for _, f := range p.Files {
		t.content = append(t.content, f.Block)
		t.names = append(t.names, f.Name)
	}
	if strings.TrimSpace(p.Text) != "" { // Claude refuses blank text
		t.content = append(t.content, textBlock(p.Text))
	}
	return t
}

// Invocation asks for the answer to p after what was said. The error is an *outcrop.Error.
func (c *Conversation) Invocation(p Prompt) (*outcrop.Invocation, error) {
	next := p.turn()
	if len(next.content) == 0 {
		return nil, outcrop.Errorf(outcrop.Invalid, "there is nothing to send")
	}
	body := c.body(append(slices.Clip(c.turns), next), true)
	if len(body) > maxBody {
		return nil, outcrop.Errorf(outcrop.TooLarge, "the conversation with its files has %.1f MB; Bedrock takes %d MB", float64(len(body))/1e6, maxBody/1_000_000)
	}
	return outcrop.MessagesInvocation(http.Header{"Anthropic-Version": {"2023-06-01"}}, body)
}

// Add takes a question and its answer into the conversation. It reports false, and takes nothing,
// if the answer has nothing that could be sent back.
func (c *Conversation) Add(p Prompt, a *Answer) bool {
	if strings.TrimSpace(a.Text()) == "" || a.StopReason == "refusal" { // what was refused once would be again
		return false
	}
	c.turns = append(c.turns, p.turn(), turn{role: "assistant", content: a.sendable(), bound: c.binding(), model: c.Model})
	return true
}

// binding is what a model binds the signatures of its thinking to besides the conversation.
func (c *Conversation) binding() string {
	m, _ := catalog.Lookup(c.Model)
	hash := sha256.Sum256([]byte(c.System))
	return cmp.Or(m.ID, c.Model) + " " + hex.EncodeToString(hash[:])
}

type message struct {
	Role    string            `json:"role"`
	Content []json.RawMessage `json:"content"`
}

type request struct {
	Model     string            `json:"model"`
	Stream    bool              `json:"stream,omitempty"`
	MaxTokens int               `json:"max_tokens"`
	Thinking  *thinking         `json:"thinking,omitempty"`
	Output    *outputConfig     `json:"output_config,omitempty"`
	System    []json.RawMessage `json:"system,omitempty"`
	Messages  []message         `json:"messages"`
}

type outputConfig struct {
	Effort string `json:"effort"`
}

// body is a request body of the Messages API for those turns, to be sent or to be kept.
func (c *Conversation) body(turns []turn, send bool) []byte {
	r := request{Model: c.Model, Stream: send, MaxTokens: c.maxTokens(), Thinking: c.thinking(), Messages: []message{}}
	if c.Effort != "" {
		r.Output = &outputConfig{c.Effort}
	}
	if c.System != "" {
		r.System = []json.RawMessage{textBlock(c.System)}
	}
	for _, t := range turns {
		content := t.content
		if t.role == "assistant" && t.bound != c.binding() {
			content = slices.DeleteFunc(slices.Clone(content), isThinking)
		}
		r.Messages = append(r.Messages, message{t.role, content})
	}
	if send && c.caches() {
		mark(r.Messages)
	}
	return mustMarshal(r)
}

// isThinking reports whether a block is thinking: bound to the model that thought it, and to be left
// out for any other.
func isThinking(block json.RawMessage) bool {
	kind := member(block, "type")
	return kind == "thinking" || kind == "redacted_thinking"
}

// caches reports whether cache_control is to be sent.
func (c *Conversation) caches() bool {
	m, known := catalog.Lookup(c.Model)
	return c.Cache && (!known || len(m.CacheTTLs) > 0)
}

// mark sets breakpoints of the prompt cache at the end of the last two user turns: the first of them
// finds what the last call has written, the second writes for the next one. A breakpoint on a block
// works on every model; the automatic one does not (refused up to 4.6).
func mark(messages []message) {
	marks := 2
	for i := len(messages) - 1; i >= 0 && marks > 0; i-- {
		m := &messages[i]
		if m.Role != "user" || len(m.Content) == 0 {
			continue
		}
		marks--
		m.Content = slices.Clone(m.Content)
		last := &m.Content[len(m.Content)-1]
		*last = with(*last, "cache_control", []byte(`{"type":"ephemeral"}`))
	}
}

// with sets a member of an object of our own, or as it came from the model; of anything else it
// changes nothing.
func with(object json.RawMessage, name string, value []byte) json.RawMessage {
	o, err := jsonedit.Parse(object)
	if err != nil {
		return object
	}
	o.Set(name, value)
	return o.AppendTo(nil)
}

// member is a string in an object.
func member(object []byte, path ...string) string {
	raw, _ := jsonedit.Member(object, path...)
	s, _ := jsonedit.String(raw)
	return s
}
