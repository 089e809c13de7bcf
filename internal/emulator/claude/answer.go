package claude

import (
	"fmt"
	"slices"
	"strings"
)

// Answer answers a request that Check has passed. input is what its prompt costs.
func (r *Request) Answer(in Setting, input Usage) *Reply {
	t := r.task()
	calls, complaints := r.calls(t)
	reply := &Reply{Model: in.Model, StopReason: "end_turn", Usage: input}
	if r.thinks(len(t.last.of("tool_result")) > 0) && t.prefill == "" {
		reply.Content = append(reply.Content, r.think(in, thought(t, calls)))
	}
	if text := goOn(r.text(t, calls, complaints, in), t.prefill); text != "" {
		reply.Content = append(reply.Content, Content{Kind: "text", Text: text})
	}
	for _, c := range calls {
		reply.Content = append(reply.Content, Content{Kind: "tool_use", ID: newID("toolu_bdrk_01"), Name: c.name, Input: string(compact(c.input))})
		reply.StopReason = "tool_use"
	}
	r.end(reply, contextTokens(r, in.Model)-input.prompt())
	return reply
}

// text is what is said beside the calls.
func (r *Request) text(t task, calls []instruction, complaints []string, in Setting) string {
	said := append(r.quote(t.last.of("tool_result")), complaints...)
	switch {
	case len(calls) > 0 && r.choice.forced():
		return "" // forced to use a tool, Claude says nothing before it does
	case len(calls) > 0:
		said = append(said, "I will call "+names(calls)+".")
	case r.schema != nil:
		return string(compact(sample(r.schema, shorten(t.asked, 60))))
	}
	if len(said) > 0 {
		return strings.Join(said, "\n")
	}
	return r.converse(t, in)
}

// end ends a reply by stop_sequences, max_tokens or the room that the prompt leaves in the context.
func (r *Request) end(reply *Reply, room int) {
	reply.cut(min(r.maxTokens, room), r.stops)
	if reply.StopReason == "max_tokens" && room < r.maxTokens {
		reply.StopReason = "model_context_window_exceeded"
	}
}

// searchTool is the tool by which Claude Code loads tools that it has not put into the request.
const searchTool = "ToolSearch"

// calls returns the tools to be used now, and what is to be said about those that cannot be.
func (r *Request) calls(t task) (calls []instruction, complaints []string) {
	for _, do := range t.todo {
		offered := r.tool(do.name)
		switch {
		case do.bare && offered == nil: // "call me later" is no instruction
		case do.fault != "":
			complaints = append(complaints, fmt.Sprintf("I cannot call %s: its input is not a JSON object (%s).", do.name, do.fault))
		case r.choice.kind == "none":
			complaints = append(complaints, fmt.Sprintf("I may not call %s: tool_choice is none.", do.name))
		case offered != nil && offered.callable():
			calls = append(calls, do)
		case r.tool(searchTool) != nil && !searched(t, do.name):
			calls = append(calls, instruction{name: searchTool, input: object{"query": "select:" + do.name, "max_results": 1}})
		default:
			complaints = append(complaints, fmt.Sprintf("I cannot call %s: %s.", do.name, r.offer()))
		}
	}
	if r.choice.forced() {
		calls = r.force(calls)
	}
	if r.choice.single && len(calls) > 1 {
		calls = calls[:1]
	}
	return calls, complaints
}

// force keeps of the calls what tool_choice asks for, and makes one up if there is none: with what
// the tool's schema requires, and no more.
func (r *Request) force(calls []instruction) []instruction {
	wanted := r.choice.name
	if r.choice.kind == "any" {
		if len(calls) > 0 {
			return calls
		}
		if i := slices.IndexFunc(r.tools, func(t tool) bool { return t.callable() && !t.deferred }); i >= 0 {
			wanted = r.tools[i].name
		}
	}
	calls = slices.DeleteFunc(calls, func(in instruction) bool { return in.name != wanted })
	if t := r.tool(wanted); len(calls) == 0 && t != nil {
		input, _ := sample(t.object["input_schema"], "").(map[string]any)
		if input == nil {
			input = object{}
		}
		calls = []instruction{{name: wanted, input: input}}
	}
	return calls
}

// searched reports whether the tool has been looked for already.
func searched(t task, name string) bool {
	return slices.ContainsFunc(t.made, func(b block) bool {
		return b.text("name") == searchTool && b.object.object("input").text("query") == "select:"+name
	})
}

// maxNamed is how many of the tools offered an answer names.
const maxNamed = 50

func (r *Request) offer() string {
	if len(r.tools) == 0 {
		return "no tools are offered"
	}
	var out []string
	for _, t := range r.tools[:min(len(r.tools), maxNamed)] {
		out = append(out, t.name)
	}
	if more := len(r.tools) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return "it is not among the tools offered, " + strings.Join(out, ", ")
}

func names(calls []instruction) string {
	var out []string
	for _, c := range calls {
		out = append(out, c.name)
	}
	return strings.Join(out, ", ")
}

// thought is what the model thinks before it answers.
func thought(t task, calls []instruction) string {
	plan := "I can answer that directly."
	switch {
	case len(calls) > 0:
		plan = "For that I use " + names(calls) + "."
	case len(t.last.of("tool_result")) > 0:
		plan = "The tools have answered, so I report what they said."
	}
	return "The user wrote: " + shorten(t.asked, 120) + "\n" + plan
}

// goOn takes from an answer what the client has begun it with.
func goOn(text, prefill string) string {
	if rest, ok := strings.CutPrefix(text, prefill); ok {
		return rest
	}
	return text
}
