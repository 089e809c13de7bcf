package claude

import (
	"slices"
	"strconv"
)

// A Request is the body of InvokeModel for Claude, its shape checked. It does not change and is safe
// for concurrent use.
type Request struct {
	object    object // the body
	gated     []gated
	version   string
	betas     []string
	maxTokens int
	system    []block
	messages  []message
	turns     []turn // of the messages
	tools     []tool
	named     map[string]int // tools by name, their places in tools
	choice    choice
	thinking  thinking
	stops     []string
	schema    any    // of the answer asked for; nil for text
	effort    string // output_config.effort, the last one of the conversation
	autoCache *cacheControl
}

// A message is one member of messages. A string as content is one text block.
type message struct {
	object
	path   string
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
	var w walk
	if err := bodyShape.look(map[string]any(o), nil, &w); err != nil {
		return nil, err
	}
	r := &Request{object: o, gated: w.gated, version: o.text("anthropic_version"), betas: once(o.texts("anthropic_beta"))}
	r.maxTokens, _ = o.number("max_tokens")
	budget := NewBudget()
	if err := r.readMessages(o, budget); err != nil {
		return nil, err
	}
	r.turns = byTurns(r.messages)
	if o.has("system") {
		if r.system, err = readBlocks(o["system"], "system", budget); err != nil {
			return nil, err
		}
	}
	r.readTools(o)
	r.readChoice(o.object("tool_choice"))
	r.readThinking(o.object("thinking"))
	r.readOutput(o.object("output_config"))
	r.stops = shortestStops(o.texts("stop_sequences"))
	r.autoCache = readCacheControl(o)
	return r, nil
}

// once returns names sorted, each once: what is told by its name is looked up many times.
func once(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// LastTurn returns the kinds of the blocks of the last turn, each once, in order, and the IDs of the
// tools whose results it brings, as far as a line of a log holds them. It holds nothing of what the
// user wrote.
func (r *Request) LastTurn() (kinds, toolResults []string) {
	for _, b := range r.lastTurn().blocks {
		if !slices.Contains(kinds, b.kind()) {
			kinds = append(kinds, b.kind())
		}
		if b.kind() == "tool_result" && len(toolResults) < maxLoggedResults {
			toolResults = append(toolResults, b.text("tool_use_id"))
		}
	}
	return kinds, toolResults
}

// maxLoggedResults is how many IDs LastTurn returns at most.
const maxLoggedResults = 32

func (r *Request) readMessages(o object, budget *Budget) error {
	for i, v := range o.list("messages") {
		m := message{object: v.(map[string]any), path: "messages." + strconv.Itoa(i)}
		m.role = m.text("role")
		var err error
		if m.blocks, err = readBlocks(m.object["content"], m.path+".content", budget); err != nil {
			return err
		}
		r.messages = append(r.messages, m)
		if effort := m.object.object("output_config").text("effort"); effort != "" {
			r.effort = effort
		}
	}
	return nil
}

func (r *Request) readChoice(o object) {
	r.choice = choice{kind: o.text("type"), name: o.text("name"), single: o.is("disable_parallel_tool_use")}
}

func (r *Request) readThinking(o object) {
	r.thinking.kind, r.thinking.display = o.text("type"), o.text("display")
	r.thinking.dropping = o.object("block_binding").text("prefix_mismatch_behavior") == "drop_block"
	r.thinking.budget, _ = o.number("budget_tokens")
}

// readOutput reads output_config. An effort within the conversation stands over the one beside it.
func (r *Request) readOutput(o object) {
	if r.effort == "" {
		r.effort = o.text("effort")
	}
	if schema := o.object("format").object("schema"); schema != nil {
		r.schema = map[string]any(schema)
	}
}
