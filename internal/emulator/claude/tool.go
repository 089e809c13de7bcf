package claude

import (
	"fmt"
	"regexp"
	"strings"
)

// A tool is one member of tools.
type tool struct {
	object
	name     string
	kind     string // custom, or the name and version of a tool that Anthropic defines
	deferred bool   // not in the prompt until a tool_reference names it
	cache    *cacheControl
}

// toolName is Bedrock's pattern (service model of Converse; InvokeModel goes by it too).
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// Anthropic-defined tools by how their type begins. Those that the client runs are accepted, those
// that Anthropic's servers run are not on Bedrock, but for tool search.
var (
	clientTools = []string{"bash_", "text_editor_", "computer_", "memory_", "tool_search_tool_"}
	serverTools = []string{"web_search_", "web_fetch_", "code_execution_", "advisor_", "mcp_toolset"}
)

func (r *Request) readTools(o object) error {
	if !o.has("tools") {
		return nil
	}
	list, ok := o["tools"].([]any)
	if !ok {
		return refuse("tools", "Input should be a valid array")
	}
	seen := map[string]bool{}
	for i, v := range list {
		t, err := readTool(v, fmt.Sprintf("tools.%d", i))
		if err != nil {
			return err
		}
		if seen[t.name] {
			return refuse("tools", "Tool names must be unique.")
		}
		seen[t.name] = true
		r.tools = append(r.tools, t)
	}
	return nil
}

func readTool(v any, path string) (tool, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return tool{}, refuse(path, "Input should be a valid dictionary or object to extract fields from")
	}
	t := tool{object: o, name: object(o).text("name"), kind: object(o).text("type"), deferred: object(o).is("defer_loading")}
	if t.kind == "" {
		t.kind = "custom"
	}
	switch {
	case hasPrefix(t.kind, serverTools):
		return t, &Refusal{fmt.Sprintf("tool type '%s' is not supported for this model", t.kind)}
	case t.kind != "custom" && !hasPrefix(t.kind, clientTools):
		return t, refuse(path, "Input tag '%s' found using 'type' does not match any of the expected tags: 'bash_20250124', 'custom', 'memory_20250818', 'text_editor_20250728', 'tool_search_tool_bm25_20251119', 'tool_search_tool_regex_20251119'", t.kind)
	case !t.has("name"):
		return t, refuse(path+"."+t.kind+".name", "Field required")
	case !toolName.MatchString(t.name):
		return t, refuse(path+"."+t.kind+".name", "String should match pattern '%s'", toolName)
	}
	if t.kind == "custom" {
		if err := t.checkSchema(path + ".custom.input_schema"); err != nil {
			return t, err
		}
	}
	var err error
	t.cache, err = readCacheControl(o, path+"."+t.kind+".cache_control")
	return t, err
}

func (t tool) checkSchema(path string) error {
	if !t.has("input_schema") {
		return refuse(path, "Field required")
	}
	schema := t.object.object("input_schema")
	if schema == nil {
		return refuse(path, "Input should be a valid dictionary")
	}
	if !schema.has("type") {
		return refuse(path+".type", "Field required")
	}
	if schema.text("type") != "object" {
		return refuse(path+".type", "Input should be 'object'")
	}
	return nil
}

// tool returns the offered tool of that name, nil if there is none.
func (r *Request) tool(name string) *tool {
	for i := range r.tools {
		if r.tools[i].name == name {
			return &r.tools[i]
		}
	}
	return nil
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
