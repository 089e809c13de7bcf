package claude

import (
	"fmt"
	"slices"
	"strings"
)

// A Request is the body of InvokeModel for Claude, its shape checked. It does not change and is safe
// for concurrent use.
type Request struct {
	version   string
	betas     []string
	maxTokens int
	system    []block
	messages  []message
	tools     []tool
	choice    choice
	thinking  thinking
	stops     []string
	schema    any    // of the answer asked for; nil for text
	effort    string // output_config.effort, the last one of the conversation
	autoCache *cacheControl
}

// A message is one member of messages. A string as content is one text block.
type message struct {
	role   string // user, assistant or system
	blocks []block
}

// A choice is tool_choice; the zero choice is auto.
type choice struct {
	kind   string // auto, any, tool or none
	name   string // of the tool, for kind tool
	single bool   // disable_parallel_tool_use
}

// A thinking is the member of that name; the zero thinking is an absent one.
type thinking struct {
	kind     string // enabled, adaptive, disabled, between_tools
	budget   int
	display  string // summarized, omitted, updates; "" for the model's default
	dropping bool   // block_binding.prefix_mismatch_behavior is drop_block
}

// Parse reads a body and checks its shape: what has to hold for any model. The error is a *Refusal.
func Parse(body []byte) (*Request, error) {
	o, err := readObject(body)
	if err != nil {
		return nil, err
	}
	r := &Request{}
	for _, read := range []func(object) error{
		refuseMembers, r.readVersion, r.readBetas, r.readMaxTokens, r.readMessages, r.readSystem, r.readTools,
		r.readChoice, r.readThinking, r.readStops, r.readOutput, r.readAutoCache,
	} {
		if err := read(o); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// LastTurn returns the kinds of the blocks of the last turn, each once, in order, and the IDs of the
// tools whose results it brings. It holds nothing of what the user wrote.
func (r *Request) LastTurn() (kinds, toolResults []string) {
	for _, b := range r.lastTurn().blocks {
		if !slices.Contains(kinds, b.kind()) {
			kinds = append(kinds, b.kind())
		}
		if b.kind() == "tool_result" {
			toolResults = append(toolResults, b.text("tool_use_id"))
		}
	}
	return kinds, toolResults
}

func (r *Request) readVersion(o object) error {
	if !o.has("anthropic_version") {
		return refuse("anthropic_version", "Field required")
	}
	version, ok := o["anthropic_version"].(string)
	if !ok {
		return refuse("anthropic_version", "Input should be a valid string")
	}
	r.version = version
	return nil
}

func (r *Request) readBetas(o object) (err error) {
	r.betas, err = texts(o, "anthropic_beta")
	return err
}

func (r *Request) readMaxTokens(o object) error {
	if !o.has("max_tokens") {
		return refuse("max_tokens", "Field required")
	}
	n, ok := o.number("max_tokens")
	if !ok {
		return refuse("max_tokens", "Input should be a valid integer")
	}
	if n < 1 {
		return refuse("max_tokens", "Input should be greater than or equal to 1")
	}
	r.maxTokens = n
	return nil
}

func (r *Request) readMessages(o object) error {
	if !o.has("messages") {
		return refuse("messages", "Field required")
	}
	list, ok := o["messages"].([]any)
	if !ok {
		return refuse("messages", "Input should be a valid array")
	}
	if len(list) == 0 {
		return refuse("messages", "at least one message is required")
	}
	for i, v := range list {
		m, err := readMessage(v, fmt.Sprintf("messages.%d", i))
		if err != nil {
			return err
		}
		r.messages = append(r.messages, m)
		if effort := object(v.(map[string]any)).object("output_config").text("effort"); effort != "" {
			r.effort = effort
		}
	}
	return nil
}

func readMessage(v any, path string) (message, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return message{}, refuse(path, "Input does not match the expected shape.")
	}
	m := message{role: object(o).text("role")}
	if !object(o).has("role") {
		return m, refuse(path+".role", "Field required")
	}
	if !slices.Contains([]string{"user", "assistant", "system"}, m.role) {
		return m, refuse(path+".role", "Input should be 'user', 'assistant' or 'system'")
	}
	if !object(o).has("content") {
		return m, refuse(path+".content", "Field required")
	}
	var err error
	m.blocks, err = readBlocks(o["content"], path+".content", inMessage)
	return m, err
}

func (r *Request) readSystem(o object) (err error) {
	if o.has("system") {
		r.system, err = readBlocks(o["system"], "system", inSystem)
	}
	return err
}

func (r *Request) readChoice(o object) error {
	if !o.has("tool_choice") {
		return nil
	}
	c := o.object("tool_choice")
	r.choice = choice{kind: c.text("type"), name: c.text("name"), single: c.is("disable_parallel_tool_use")}
	switch {
	case !slices.Contains([]string{"auto", "any", "tool", "none"}, r.choice.kind):
		return refuse("tool_choice", "Input tag '%s' found using 'type' does not match any of the expected tags: 'any', 'auto', 'none', 'tool'", r.choice.kind)
	case len(r.tools) == 0 && r.choice.kind != "none":
		return refuse("tool_choice", "may only be specified while providing tools")
	case r.choice.kind == "tool" && r.choice.name == "":
		return refuse("tool_choice.tool.name", "Field required")
	case r.choice.kind == "tool" && r.tool(r.choice.name) == nil:
		return refuse("tool_choice", "Tool '%s' not found in provided tools", r.choice.name)
	}
	return nil
}

func (r *Request) readThinking(o object) error {
	if !o.has("thinking") {
		return nil
	}
	t := o.object("thinking")
	r.thinking.kind, r.thinking.display = t.text("type"), t.text("display")
	r.thinking.dropping = t.object("block_binding").text("prefix_mismatch_behavior") == "drop_block"
	if !slices.Contains([]string{"adaptive", "between_tools", "disabled", "enabled"}, r.thinking.kind) {
		return refuse("thinking", "Input tag '%s' found using 'type' does not match any of the expected tags: 'adaptive', 'between_tools', 'disabled', 'enabled'", r.thinking.kind)
	}
	if r.thinking.kind == "enabled" {
		budget, ok := t.number("budget_tokens")
		if !ok {
			return refuse("thinking.enabled.budget_tokens", "Field required")
		}
		r.thinking.budget = budget
	}
	return nil
}

func (r *Request) readStops(o object) (err error) {
	r.stops, err = texts(o, "stop_sequences")
	for _, stop := range r.stops {
		if strings.TrimSpace(stop) == "" {
			return refuse("stop_sequences", "each stop sequence must contain non-whitespace")
		}
	}
	return err
}

// readOutput reads output_config. An effort within the conversation stands over the one beside it.
func (r *Request) readOutput(o object) error {
	c := o.object("output_config")
	if r.effort == "" {
		r.effort = c.text("effort")
	}
	format := c.object("format")
	if format == nil {
		return nil
	}
	if kind := format.text("type"); kind != "json_schema" {
		return refuse("output_config.format", "Input tag '%s' found using 'type' does not match any of the expected tags: 'json_schema'", kind)
	}
	schema, ok := format["schema"].(map[string]any)
	if !ok {
		return refuse("output_config.format.json_schema.schema", "Field required")
	}
	r.schema = schema
	return nil
}

func (r *Request) readAutoCache(o object) (err error) {
	r.autoCache, err = readCacheControl(o, "cache_control")
	return err
}

// texts reads an optional array of strings.
func texts(o object, name string) ([]string, error) {
	if !o.has(name) {
		return nil, nil
	}
	list, ok := o[name].([]any)
	if !ok {
		return nil, refuse(name, "Input should be a valid array")
	}
	out := make([]string, len(list))
	for i, v := range list {
		if out[i], ok = v.(string); !ok {
			return nil, refuse(fmt.Sprintf("%s.%d", name, i), "Input should be a valid string")
		}
	}
	return out, nil
}
