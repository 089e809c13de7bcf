package claude

import (
	"regexp"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// This file is the table of shapes: what a body of InvokeModel for Claude looks like on Bedrock. It
// follows Anthropic's SDKs (beta members among them), less what Anthropic's platform availability
// table of November 2026 says is not on Bedrock: model and stream (they stand in the path there),
// service_tier, inference_geo, fallbacks, container, mcp_servers, speed, betas, URL and file sources.
// safeguards, which Claude Code's auto mode sends, is refused by name, and Claude Code leaves it away.
var bodyShape = record{
	{name: "anthropic_version", shape: text{}, need: true},
	{name: "anthropic_beta", shape: listOf{text{}}},
	{name: "max_tokens", shape: integer{1}, need: true},
	{name: "messages", shape: messagesShape{}, need: true},
	{name: "system", shape: textOr{listOf{textOnly}}},
	{name: "tools", shape: listOf{toolShape{toolKinds}}},
	{name: "tool_choice", shape: choiceShape},
	{name: "thinking", shape: thinkingShape},
	{name: "stop_sequences", shape: listOf{text{}}},
	{name: "temperature", shape: fraction{}},
	{name: "top_p", shape: fraction{}},
	{name: "top_k", shape: integer{0}},
	{name: "output_config", shape: record{
		{name: "effort", shape: effortShape},
		{name: "format", shape: tagged{cases: []variant{{tag: "json_schema", fields: record{{name: "schema", shape: mapping{}, need: true}}}}}},
	}},
	{name: "context_management", shape: record{{name: "edits", shape: listOf{editKinds}}}, open: withBeta("context-management-2025-06-27", "compact-2026-01-12", "compact-2026-09-04")},
	{name: "metadata", shape: record{{name: "user_id", shape: text{}}}},
	{name: "cache_control", shape: cacheShape, open: since47Only}, // automatic caching
}

// Patterns of names and IDs (features.json and public issue threads; Bedrock's own service model has
// the same for Converse).
var (
	toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	callID   = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
)

var effortShape = oneOf("low", "medium", "high", "xhigh", "max")

var cacheShape = tagged{cases: []variant{{tag: "ephemeral", fields: record{{name: "ttl", shape: oneOf("5m", "1h")}}}}}

// cached is the member of everything that may end a cached prefix; thinking may not.
var cached = field{name: "cache_control", shape: cacheShape}

// messageShape is one member of messages. output_config and clear_at go with role system only, which
// roles.go holds them to.
var messageShape = record{
	{name: "role", shape: oneOf("user", "assistant", "system"), need: true},
	{name: "content", shape: textOr{listOf{messageKinds}}, need: true},
	{name: "output_config", shape: record{{name: "effort", shape: effortShape}}, open: withBeta("mid-conversation-output-config-2026-07-01")},
	{name: "clear_at", shape: oneOf("next_user_message", "never"), open: withBeta("mid-conversation-system-clear-at-2026-08-21")},
}

// messagesShape is messages: not empty, and with a sentence of its own for what is no message.
type messagesShape struct{}

func (messagesShape) look(v any, at *place, w *walk) error {
	list, ok := v.([]any)
	switch {
	case !ok:
		return refuse("valid_array", "path", at)
	case len(list) == 0:
		return refuse("no_messages")
	}
	for i, m := range list {
		if _, ok := m.(map[string]any); !ok {
			return refuse("not_a_message", "path", at.item(i))
		}
		if err := messageShape.look(m, at.item(i), w); err != nil {
			return err
		}
	}
	return nil
}

// textOnly is a text block where no other kind may stand, so that its path has no tag.
var textOnly = append(record{{name: "type", shape: oneOf("text"), need: true}}, textFields...)

var textFields = record{
	{name: "text", shape: text{}, need: true},
	cached,
	{name: "citations", shape: listOf{citationKinds}},
}

// messageKinds are the content blocks of messages.
var messageKinds = tagged{cases: []variant{
	resultOf("bash_code_execution_tool_result"),
	resultOf("code_execution_tool_result"),
	{tag: "compaction", open: withBeta("compact-2026-01-12", "compact-2026-09-04"), fields: record{
		{name: "content", shape: textOr{listOf{anything{}}}}, {name: "encrypted_content", shape: text{}}, cached}},
	{tag: "document", fields: documentFields},
	{tag: "image", fields: imageFields},
	{tag: "redacted_thinking", fields: record{{name: "data", shape: text{}, need: true}}},
	{tag: "search_result", fields: searchFields},
	{tag: "server_tool_use", fields: callFields},
	{tag: "text", fields: textFields},
	resultOf("text_editor_code_execution_tool_result"),
	{tag: "thinking", fields: record{{name: "thinking", shape: text{}, need: true}, {name: "signature", shape: text{}, need: true}}},
	{tag: "tool_addition", open: byConverse, fields: record{{name: "tool", shape: mapping{}, need: true}, cached}},
	{tag: "tool_removal", open: byConverse, fields: record{{name: "tool", shape: mapping{}, need: true}, cached}},
	{tag: "tool_result", fields: record{
		{name: "tool_use_id", shape: text{callID}, need: true},
		{name: "content", shape: textOr{listOf{resultKinds}}},
		{name: "is_error", shape: boolean{}},
		cached}},
	{tag: "tool_search_tool_result", fields: record{
		{name: "tool_use_id", shape: text{callID}, need: true},
		{name: "content", shape: searchedKinds, need: true},
		cached}},
	{tag: "tool_use", fields: callFields},
	resultOf("web_fetch_tool_result"),
	resultOf("web_search_tool_result"),
}}

// resultOf is the result of one of Anthropic's server tools. Those tools are not on Bedrock, but a
// conversation that began elsewhere may hold their results, as they came.
func resultOf(tag string) variant {
	return variant{tag: tag, fields: record{
		{name: "tool_use_id", shape: text{callID}, need: true},
		{name: "content", shape: anything{}, need: true},
		{name: "caller", shape: mapping{}},
		cached}}
}

var callFields = record{
	{name: "id", shape: text{callID}, need: true},
	{name: "name", shape: text{toolName}, need: true},
	{name: "input", shape: mapping{}, need: true},
	{name: "caller", shape: mapping{}}, // as answers have it
	cached,
}

// resultKinds are the content blocks of a tool's result.
var resultKinds = tagged{cases: []variant{
	{tag: "document", fields: documentFields},
	{tag: "image", fields: imageFields},
	{tag: "search_result", fields: searchFields},
	{tag: "text", fields: textFields},
	{tag: "tool_reference", fields: referenceFields},
}}

var referenceFields = record{{name: "tool_name", shape: text{toolName}, need: true}, cached}

// searchedKinds are what tool search answers.
var searchedKinds = tagged{cases: []variant{
	{tag: "tool_search_tool_result_error", fields: record{{name: "error_code", shape: text{}, need: true}, {name: "error_message", shape: text{}}}},
	{tag: "tool_search_tool_search_result", fields: record{{name: "tool_references", need: true,
		shape: listOf{tagged{cases: []variant{{tag: "tool_reference", fields: referenceFields}}}}}}},
}}

// On Bedrock images and PDFs come as base64 only.
var imageFields = record{
	{name: "source", need: true, shape: tagged{cases: []variant{{tag: "base64", fields: record{
		{name: "data", shape: text{}, need: true},
		{name: "media_type", shape: oneOf(imageTypes...), need: true}}}}}},
	cached,
}

var documentFields = record{
	{name: "source", need: true, shape: tagged{cases: []variant{
		{tag: "base64", fields: record{{name: "data", shape: text{}, need: true}, {name: "media_type", shape: oneOf("application/pdf"), need: true}}},
		{tag: "content", fields: record{{name: "content", need: true, shape: textOr{listOf{tagged{cases: []variant{
			{tag: "image", fields: imageFields}, {tag: "text", fields: textFields}}}}}}}},
		{tag: "text", fields: record{{name: "data", shape: text{}, need: true}, {name: "media_type", shape: oneOf("text/plain"), need: true}}},
	}}},
	{name: "title", shape: text{}},
	{name: "context", shape: text{}},
	{name: "citations", shape: citingShape},
	cached,
}

var searchFields = record{
	{name: "source", shape: text{}, need: true},
	{name: "title", shape: text{}, need: true},
	{name: "content", shape: listOf{textOnly}, need: true},
	{name: "citations", shape: citingShape},
	cached,
}

var citingShape = record{{name: "enabled", shape: boolean{}}}

// citationKinds are the citations of a text, as answers have them.
var citationKinds = tagged{cases: []variant{
	citation("char_location", "start_char_index", "end_char_index"),
	citation("content_block_location", "start_block_index", "end_block_index"),
	citation("page_location", "start_page_number", "end_page_number"),
	{tag: "search_result_location", fields: record{
		{name: "cited_text", shape: text{}, need: true}, {name: "search_result_index", shape: integer{0}, need: true},
		{name: "source", shape: text{}, need: true}, {name: "title", shape: text{}},
		{name: "start_block_index", shape: integer{0}, need: true}, {name: "end_block_index", shape: integer{0}, need: true}}},
	{tag: "web_search_result_location", fields: record{
		{name: "cited_text", shape: text{}, need: true}, {name: "encrypted_index", shape: text{}, need: true},
		{name: "title", shape: text{}}, {name: "url", shape: text{}, need: true}}},
}}

func citation(tag, start, end string) variant {
	return variant{tag: tag, fields: record{
		{name: "cited_text", shape: text{}, need: true}, {name: "document_index", shape: integer{0}, need: true},
		{name: "document_title", shape: text{}}, {name: "file_id", shape: text{}},
		{name: start, shape: integer{0}, need: true}, {name: end, shape: integer{0}, need: true}}}
}

var choiceShape = tagged{cases: []variant{
	{tag: "auto", fields: record{{name: "disable_parallel_tool_use", shape: boolean{}}}},
	{tag: "any", fields: record{{name: "disable_parallel_tool_use", shape: boolean{}}}},
	{tag: "tool", fields: record{{name: "name", shape: text{}, need: true}, {name: "disable_parallel_tool_use", shape: boolean{}}}},
	{tag: "none"},
}}

// leastBudget is the smallest thinking budget (features.json, thinking_budget_min).
const leastBudget = 1024

var thinkingShape = tagged{cases: []variant{
	{tag: "adaptive", fields: thinkingFields},
	{tag: "between_tools", fields: thinkingFields},
	{tag: "disabled"},
	{tag: "enabled", fields: append(record{{name: "budget_tokens", shape: integer{leastBudget}, need: true}}, thinkingFields...)},
}}

var thinkingFields = record{
	{name: "display", shape: displayShape{}},
	{name: "block_binding", open: withBeta("thinking-binding-controls-2026-08-01"),
		shape: record{{name: "prefix_mismatch_behavior", shape: oneOf("error", "drop_block"), need: true}}},
}

// displayShape is thinking.display, of which one value has a beta.
type displayShape struct{}

func (displayShape) look(v any, at *place, w *walk) error {
	always := choiceOf{[]string{"summarized", "omitted"}, ", "}
	err := always.look(v, at, w)
	if v == "updates" {
		w.gated = append(w.gated, gated{withBeta("thinking-display-updates-2026-08-18"), func() error { return err }})
		return nil
	}
	return err
}

// editKinds are the strategies of context_management.
var editKinds = tagged{cases: []variant{
	{tag: "clear_thinking_20251015", fields: record{{name: "keep", shape: textOr{tagged{cases: []variant{{tag: "all"}, {tag: "thinking_turns", fields: valueFields}}}}}}},
	{tag: "clear_tool_uses_20250919", fields: record{
		{name: "trigger", shape: amountOf("input_tokens", "tool_uses")},
		{name: "keep", shape: amountOf("tool_uses")},
		{name: "clear_at_least", shape: amountOf("input_tokens")},
		{name: "exclude_tools", shape: listOf{text{}}},
		{name: "clear_tool_inputs", shape: anything{}}}},
	{tag: "compact_20260112", open: since46(withBeta("compact-2026-01-12")), fields: compactFields},
	{tag: "compact_20260904", open: since46(withBeta("compact-2026-09-04")), fields: compactFields},
}}

var compactFields = record{
	{name: "trigger", shape: amountOf("input_tokens")},
	{name: "pause_after_compaction", shape: boolean{}},
	{name: "instructions", shape: text{}},
}

var valueFields = record{{name: "value", shape: integer{0}, need: true}}

func amountOf(tags ...string) tagged {
	var t tagged
	for _, tag := range tags {
		t.cases = append(t.cases, variant{tag: tag, fields: valueFields})
	}
	return t
}

// toolSearchBeta opens tool search and what goes with it, on Bedrock under this name.
const toolSearchBeta = "tool-search-tool-2025-10-19"

// customFields are the members of a tool that the client defines.
var customFields = append(record{
	{name: "name", shape: text{toolName}, need: true},
	{name: "description", shape: text{}},
	{name: "input_schema", shape: schemaShape{}, need: true},
	{name: "input_examples", shape: listOf{mapping{}}, open: withBeta("tool-examples-2025-10-29")},
	{name: "eager_input_streaming", shape: boolean{}, open: func(_ *Request, in Setting) bool { return in.Model.EagerInputStreaming }},
}, toolFields...)

// toolFields are the members of every tool that is run by the client.
var toolFields = record{
	cached,
	{name: "defer_loading", shape: boolean{}, open: withBeta(toolSearchBeta)},
	{name: "strict", shape: boolean{}},
}

// toolKinds are the types of tools.
var toolKinds = func() tagged {
	t := tagged{fallback: "custom", cases: []variant{{tag: "custom", fields: customFields}}}
	for _, d := range definedTools {
		fields := append(record{{name: "name", shape: oneOf(d.name), need: true}}, d.fields...)
		t.cases = append(t.cases, variant{tag: d.kind, fields: append(fields, toolFields...), open: d.open()})
	}
	slices.SortFunc(t.cases, func(a, b variant) int { return strings.Compare(a.tag, b.tag) })
	return t
}()

// toolShape is one of tools. The types of tools that Anthropic's servers run have a sentence of their own.
type toolShape struct{ tagged }

func (t toolShape) look(v any, at *place, w *walk) error {
	o, _ := v.(map[string]any)
	if kind := object(o).text("type"); hasPrefix(kind, serverTools) {
		return refuse("server_tool", "type", kind)
	}
	return t.tagged.look(v, at, w)
}

// schemaShape is an input_schema as far as it is a shape: an object of type object. schemasAreSound
// looks at the rest.
type schemaShape struct{}

func (schemaShape) look(v any, at *place, _ *walk) error {
	o, ok := v.(map[string]any)
	switch schema := object(o); {
	case !ok:
		return refuse("valid_dictionary", "path", at)
	case !schema.has("type"):
		return refuse("field_required", "path", at.member("type"))
	case schema.text("type") != "object":
		return refuse("one_of", "path", at.member("type"), "values", "'object'")
	}
	return nil
}

// withBeta opens for requests with one of the betas. CountTokens is not asked for betas: Claude Code
// counts tools that have their members without the betas they need, and Bedrock answers.
func withBeta(names ...string) gate {
	return func(r *Request, in Setting) bool {
		return in.Counting || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(r.betas, name) })
	}
}

// since46 opens a gate for the models of 4.6 and later.
func since46(open gate) gate {
	return func(r *Request, in Setting) bool { return in.Model.Released >= claude46 && open(r, in) }
}

// since47Only opens for the models of 4.7 and later.
func since47Only(_ *Request, in Setting) bool { return since47(in.Model) }

// byConverse opens for what Converse has and InvokeModel has not.
func byConverse(_ *Request, in Setting) bool { return in.Converse }

// since47 reports whether the model is of 4.7 or later, of which several rules change: those are the
// models that take more than one anthropic_version.
func since47(m catalog.Model) bool { return len(m.AnthropicVersions) > 1 }
