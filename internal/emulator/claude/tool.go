package claude

import (
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
)

// A tool is one member of tools.
type tool struct {
	object
	path     string
	name     string
	kind     string // custom, or the name and version of a tool that Anthropic defines
	deferred bool   // not in the prompt until a tool_reference names it
	cache    *cacheControl
}

// A definedTool is a type of tool that Anthropic defines and the client runs.
type definedTool struct {
	kind, name  string
	beta        string // without which the type is unknown; "" for none
	from, until string // the first models that have it, and the first that have it no more, by release date; "" for no bound
	fields      record
}

// definedTools are those that Bedrock takes. Which models have which version: Anthropic's tool
// reference (2026-08) and the refusal "'claude-opus-4-6' does not support tool types:
// text_editor_20250429" (UKGovernmentBEIS/inspect_ai issue 3179); computer_20251124 from Opus 4.5 on,
// on Bedrock up to 5.5 and 5.2 (features.json).
var definedTools = []definedTool{
	{kind: "bash_20241022", name: "bash", beta: "computer-use-2024-10-22", until: "2025-02-24"},
	{kind: "bash_20250124", name: "bash", from: "2025-02-24"},
	{kind: "computer_20241022", name: "computer", beta: "computer-use-2024-10-22", until: "2025-02-24", fields: screenFields},
	{kind: "computer_20250124", name: "computer", beta: "computer-use-2025-01-24", from: "2025-02-24", until: "2025-11-24", fields: screenFields},
	{kind: "computer_20251124", name: "computer", beta: "computer-use-2025-11-24", from: "2025-11-24",
		fields: append(record{{name: "enable_zoom", shape: boolean{}}}, screenFields...)},
	{kind: "memory_20250818", name: "memory", from: claude4},
	{kind: "text_editor_20241022", name: "str_replace_editor", beta: "computer-use-2024-10-22", until: "2025-02-24"},
	{kind: "text_editor_20250124", name: "str_replace_editor", from: "2025-02-24", until: claude4},
	{kind: "text_editor_20250429", name: "str_replace_based_edit_tool", from: claude4, until: claude46},
	{kind: "text_editor_20250728", name: "str_replace_based_edit_tool", from: claude4,
		fields: record{{name: "max_characters", shape: integer{1}}}},
	{kind: "tool_search_tool_bm25", name: "tool_search_tool_bm25", beta: toolSearchBeta, from: claude4},
	{kind: "tool_search_tool_bm25_20251119", name: "tool_search_tool_bm25", beta: toolSearchBeta, from: claude4},
	{kind: "tool_search_tool_regex", name: "tool_search_tool_regex", beta: toolSearchBeta, from: claude4},
	{kind: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex", beta: toolSearchBeta, from: claude4},
}

var screenFields = record{
	{name: "display_width_px", shape: integer{1}, need: true},
	{name: "display_height_px", shape: integer{1}, need: true},
	{name: "display_number", shape: integer{0}},
}

// serverTools are the tools that Anthropic's servers run, by how their type begins. They are not on
// Bedrock.
var serverTools = []string{"web_search_", "web_fetch_", "code_execution_", "advisor_", "mcp_toolset", "computer_toolset_"}

func (d definedTool) open() gate {
	if d.beta == "" {
		return nil
	}
	return withBeta(d.beta)
}

// on reports whether models released on a day have the type.
func (d definedTool) on(released string) bool {
	return released >= d.from && (d.until == "" || released < d.until)
}

func (r *Request) readTools(o object) {
	for i, v := range o.list("tools") {
		t := tool{object: v.(map[string]any), path: (&place{name: "tools"}).item(i).String()}
		t.name, t.kind, t.deferred = t.text("name"), t.text("type"), t.is("defer_loading")
		if t.kind == "" {
			t.kind = "custom"
		}
		t.cache = readCacheControl(t.object)
		r.tools = append(r.tools, t)
	}
	r.named = make(map[string]int, len(r.tools))
	for i, t := range slices.Backward(r.tools) {
		r.named[t.name] = i
	}
}

// tool returns the offered tool of that name, nil if there is none.
func (r *Request) tool(name string) *tool {
	i, ok := r.named[name]
	if !ok {
		return nil
	}
	return &r.tools[i]
}

// callable reports whether the model may use the tool by itself; tool search runs on the server.
func (t tool) callable() bool { return !strings.HasPrefix(t.kind, "tool_search_tool_") }

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// tokens counts what the tool's definition costs in a prompt.
func (t tool) tokens() int {
	return callFrame + Tokens(t.name) + Tokens(t.text("description")) + Tokens(string(compact(t.object["input_schema"])))
}

// writeTo writes what the tool means to h, as block.writeTo does.
func (t tool) writeTo(h hash.Hash) {
	o := maps.Clone(t.object)
	delete(o, "cache_control")
	fmt.Fprintf(h, "tool %s", compact(o))
}
