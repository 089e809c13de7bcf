// Package family is the model behind the embedded Bedrock for all families but Claude: a small,
// deterministic stand-in that reads Converse's input and answers in the neutral form of package claude.
//
//	input tree -> Read -> Prompt -> (the prompt cache) -> Answer -> claude.Reply
//
// It says what Claude's stand-in says, in fewer words: it repeats what it is told, uses a tool where the
// last turn has `call NAME {json}` and quotes the result when it comes back, describes images and
// documents, writes `write N words`, fills in a JSON schema, and reasons where the model does. What the
// model does not take is refused before, by package converse.
package family

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// A Conversation is an input of Converse, read. It does not change and is safe for concurrent use.
type Conversation struct {
	model     catalog.Other
	turns     []turn
	prompt    claude.Prompt
	tokens    int            // of the prompt
	budget    *claude.Budget // for documents
	tools     []tool
	choice    string // auto, any or tool
	chosen    string // the tool's name, for tool
	maxTokens int
	stops     []string
	schema    any // of the answer asked for; nil for text
	reasons   bool
}

// A turn is a message as the model reads it.
type turn struct {
	role    string
	said    []string // texts
	seen    []string // what else there was, described
	results []string // what tools answered
	called  []string // names of the tools used
}

// A tool is a toolSpec.
type tool struct {
	name   string
	schema any
}

// Read reads an input that package converse has passed.
func Read(input map[string]any, m catalog.Other) *Conversation {
	in := object(input)
	c := &Conversation{model: m, choice: "auto", maxTokens: m.MaxOutputTokens, budget: claude.NewBudget()}
	c.readTools(in.object("toolConfig"))
	for _, v := range in.list("system") {
		c.add("system", asObject(v))
	}
	names := map[string]string{} // of tools, by toolUseId
	for _, v := range in.list("messages") {
		c.turns = append(c.turns, c.readTurn(asObject(v), names))
	}
	c.tokens += frameTokens
	c.prompt.Append(nil, frameTokens, "")
	c.readInference(in)
	return c
}

// frameTokens is what the frame of a message, of a tool and of the answer costs.
const frameTokens = 4

// Tokens is what the prompt costs.
func (c *Conversation) Tokens() int { return c.tokens }

// Prompt is the prompt for the cache.
func (c *Conversation) Prompt() *claude.Prompt { return &c.prompt }

// Model is the model in the form that answers carry.
func Model(m catalog.Other) catalog.Model {
	return catalog.Model{
		ID: m.ID, Name: m.Name, BedrockID: m.ID, Lifecycle: m.Lifecycle, ContextTokens: m.ContextTokens,
		MaxOutputTokens: m.MaxOutputTokens, CacheMinTokens: m.CacheMinTokens, Prices: m.Prices,
	}
}

func (c *Conversation) readTools(config object) {
	for _, v := range config.list("tools") {
		if point := asObject(v).object("cachePoint"); point != nil {
			c.add("tool", asObject(v))
			continue
		}
		spec := asObject(v).object("toolSpec")
		c.tools = append(c.tools, tool{spec.text("name"), spec.object("inputSchema")["json"]})
		text := spec.text("name") + " " + spec.text("description") + " " + claude.JSON(spec.object("inputSchema")["json"])
		c.count("tool "+text, frameTokens+claude.Tokens(text))
	}
	for name, value := range config.object("toolChoice") {
		c.choice, c.chosen = name, asObject(value).text("name")
	}
}

func (c *Conversation) readInference(in object) {
	config := in.object("inferenceConfig")
	if n, _ := config["maxTokens"].(json.Number); n != "" {
		if tokens, err := n.Int64(); err == nil && tokens > 0 {
			c.maxTokens = int(min(tokens, int64(c.model.MaxOutputTokens)))
		}
	}
	for _, v := range config.list("stopSequences") {
		if s, _ := v.(string); s != "" {
			c.stops = append(c.stops, s)
		}
	}
	definition := in.object("outputConfig").object("textFormat").object("structure").object("jsonSchema")
	d := json.NewDecoder(strings.NewReader(definition.text("schema")))
	d.UseNumber()
	if d.Decode(&c.schema) != nil {
		c.schema = nil
	}
	c.reasons = c.model.Reasoning == catalog.ReasoningAlways ||
		c.model.Reasoning == catalog.ReasoningAsked && asksToReason(in)
}

// asksToReason reports whether additionalModelRequestFields switch reasoning on, in the form of any
// family: Nova's reasoningConfig, OpenAI's reasoning_effort, and the like.
func asksToReason(in object) bool {
	fields := in.object("additionalModelRequestFields")
	for _, name := range []string{"reasoningConfig", "reasoning_config", "thinking"} {
		if fields.object(name).text("type") == "enabled" || fields.text(name) != "" {
			return true
		}
	}
	effort := effort(in)
	return effort != "" && effort != "none"
}

// effort returns the reasoning effort asked for, "" for none.
func effort(in object) string {
	if e := in.object("additionalModelRequestFields").text("reasoning_effort"); e != "" {
		return e
	}
	return in.object("outputConfig").text("effort")
}

// Check holds an input to what the model itself asks of it, and the prompt to its context. The error is
// a *converse.Refusal.
func (c *Conversation) Check(input map[string]any) error {
	if e := effort(input); slices.Contains(c.model.RefusedEfforts, e) {
		return converse.Returned(wording.Say("converse_effort_refused", "effort", e))
	}
	if err := c.checkTools(); err != nil {
		return err
	}
	if c.tokens > c.model.ContextTokens {
		return converse.Returned(wording.Say("converse_prompt_too_long"))
	}
	return nil
}

// checkTools: each tool has a name of its own, and the one that is asked for is there.
func (c *Conversation) checkTools() error {
	seen := map[string]bool{}
	for _, t := range c.tools {
		if seen[t.name] {
			return converse.Returned(wording.Say("converse_tool_name_twice"))
		}
		seen[t.name] = true
	}
	if c.choice == "tool" && !seen[c.chosen] {
		return converse.Returned(wording.Say("converse_choice_unknown", "name", c.chosen))
	}
	return nil
}

// readTurn reads one message.
func (c *Conversation) readTurn(m object, names map[string]string) turn {
	t := turn{role: m.text("role")}
	c.count("", frameTokens)
	for _, v := range m.list("content") {
		b := asObject(v)
		text, other := c.add(t.role, b)
		if text != "" {
			t.said = append(t.said, text)
		}
		if other != "" {
			t.seen = append(t.seen, other)
		}
		if use := b.object("toolUse"); use != nil {
			names[use.text("toolUseId")] = use.text("name")
			t.called = append(t.called, use.text("name"))
		}
		if result := b.object("toolResult"); result != nil {
			t.results = append(t.results, c.quote(names[result.text("toolUseId")], result))
		}
	}
	return t
}

// add counts a block and tells what it says and what else it shows.
func (c *Conversation) add(role string, b object) (text, other string) {
	if point := b.object("cachePoint"); point != nil {
		ttl := point.text("ttl")
		if ttl == "" {
			ttl = "5m"
		}
		c.prompt.Append(nil, 0, ttl)
		return "", ""
	}
	text, other, tokens := c.look(b)
	c.count(role+" "+text+" "+other+" "+claude.JSON(b), tokens)
	return text, other
}

func (c *Conversation) count(content string, tokens int) {
	c.tokens += tokens
	c.prompt.Append([]byte(content), tokens, "")
}

// asked returns what the user wrote last, with the calls that have been made since.
func (c *Conversation) asked() (text string, made []string) {
	for _, t := range slices.Backward(c.turns) {
		if t.role == "user" && len(t.results) == 0 {
			return strings.Join(t.said, "\n"), made
		}
		made = append(made, t.called...)
	}
	return "", made
}

// Answer answers the conversation. input is what its prompt costs.
func (c *Conversation) Answer(input claude.Usage) *claude.Reply {
	asked, made := c.asked()
	calls, complaints := c.calls(asked, made)
	text := c.text(asked, calls, complaints)

	var content []claude.Content
	if c.reasons {
		content = append(content, claude.Content{Kind: "thinking", Text: "The user wrote: " + claude.Shorten(asked, 120)})
	}
	if text != "" {
		content = append(content, claude.Content{Kind: "text", Text: text})
	}
	reason := "end_turn"
	for _, call := range calls {
		content = append(content, claude.Content{Kind: "tool_use", ID: claude.NewToolUseID(), Name: call.Name, Input: call.Input})
		reason = "tool_use"
	}
	return claude.NewReply(Model(c.model), content, reason, c.maxTokens, c.stops, input)
}

// text is what is said beside the calls. A model that does not mix the two in one turn says nothing.
func (c *Conversation) text(asked string, calls []claude.Call, complaints []string) string {
	last := turn{}
	if n := len(c.turns); n > 0 {
		last = c.turns[n-1]
	}
	switch {
	case len(calls) > 0 && (!c.model.MixedTurns || c.choice != "auto"):
		return ""
	case len(calls) > 0:
		complaints = append(complaints, "I will call "+names(calls)+".")
	case c.schema != nil:
		return claude.JSON(claude.Sample(c.schema, claude.Shorten(asked, 60)))
	}
	if said := slices.Concat(last.results, complaints); len(said) > 0 {
		return strings.Join(said, "\n")
	}
	return c.converse(asked, last)
}

func (c *Conversation) converse(asked string, last turn) string {
	if words := claude.Words(asked); words != "" {
		return words
	}
	var out []string
	for _, what := range last.seen {
		out = append(out, "I see: "+what+".")
	}
	if asked != "" {
		out = append(out, "You said: "+claude.Shorten(asked, 400))
	}
	return strings.Join(append(out, fmt.Sprintf("I am %s as the embedded Bedrock plays it.", c.model.Name)), "\n\n")
}

// calls returns the tools to be used now, and what is to be said about those that cannot be.
func (c *Conversation) calls(asked string, made []string) (calls []claude.Call, complaints []string) {
	for _, call := range claude.Calls(asked) {
		offered := c.tool(call.Name) != nil
		if i := slices.Index(made, call.Name); i >= 0 {
			made = slices.Delete(slices.Clone(made), i, i+1)
			continue
		}
		switch {
		case call.Bare && !offered: // "call me later" is no instruction
		case call.Fault != "":
			complaints = append(complaints, fmt.Sprintf("I cannot call %s: its input is not a JSON object (%s).", call.Name, call.Fault))
		case !offered:
			complaints = append(complaints, fmt.Sprintf("I cannot call %s: it is not among the tools offered.", call.Name))
		default:
			calls = append(calls, call)
		}
	}
	return c.force(calls), complaints
}

// force keeps of the calls what toolChoice asks for, and makes one up if there is none.
func (c *Conversation) force(calls []claude.Call) []claude.Call {
	wanted := c.chosen
	switch {
	case c.choice == "any" && len(calls) == 0 && len(c.tools) > 0:
		wanted = c.tools[0].name
	case c.choice != "tool":
		return calls
	}
	calls = slices.DeleteFunc(calls, func(call claude.Call) bool { return call.Name != wanted })
	if t := c.tool(wanted); t != nil && len(calls) == 0 {
		input, ok := claude.Sample(t.schema, "").(map[string]any)
		if !ok {
			input = map[string]any{}
		}
		calls = []claude.Call{{Name: wanted, Input: claude.JSON(input)}}
	}
	return calls
}

func (c *Conversation) tool(name string) *tool {
	for i := range c.tools {
		if c.tools[i].name == name {
			return &c.tools[i]
		}
	}
	return nil
}

func names(calls []claude.Call) string {
	var out []string
	for _, c := range calls {
		out = append(out, c.Name)
	}
	return strings.Join(out, ", ")
}
