package claude

import (
	"slices"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) {
	image := func(source string) string {
		return body(`[{"role":"user","content":[{"type":"image","source":` + source + `}]}]`)
	}
	tools := func(list string) string { return body(user("hi"), `"tools":`+list) }
	const object = `"input_schema":{"type":"object"}`
	for _, c := range []struct{ name, model, body, want string }{
		{"an empty body", "opus", ``, "Malformed input request, please reformat your input and try again. (empty body)"},
		{"no JSON", "opus", `{"a":`, "Malformed input request, please reformat your input and try again. (unexpected EOF)"},
		{"an array", "opus", `[]`, "Malformed input request: #: expected type: JSONObject, found: JSONArray, please reformat your input and try again."},
		{"something after the object", "opus", body(user("hi")) + `x`, "Malformed input request, please reformat your input and try again. (more than one JSON value)"},
		{"nesting without end", "opus", body(user("hi"), `"a":`+strings.Repeat("[", 20_000)), "Malformed input request, please reformat your input and try again. (invalid character '[' exceeded max depth)"},
		{"Claude Code's safeguards", "opus", claudeCode(t, "safeguards"), "safeguards: Extra inputs are not permitted"},
		{"the model in the body", "opus", body(user("hi"), `"model":"claude-opus-5-5"`), "model: Extra inputs are not permitted"},
		{"stream in the body", "opus", body(user("hi"), `"stream":true`), "stream: Extra inputs are not permitted"},
		{"no version", "opus", `{"max_tokens":1,"messages":` + user("hi") + `}`, "anthropic_version: Field required"},
		{"an unknown version", "opus", strings.Replace(body(user("hi")), "bedrock-2023-05-31", "2023-06-01", 1), "Invalid API version: 2023-06-01"},
		{"the new version on a model before 4.7", "claude-haiku-4-5", strings.Replace(body(user("hi")), "bedrock-2023-05-31", "2026-10-21", 1), "Invalid API version: 2026-10-21"},
		{"no max_tokens", "opus", `{"anthropic_version":"bedrock-2023-05-31","messages":` + user("hi") + `}`, "max_tokens: Field required"},
		{"max_tokens of zero", "opus", strings.Replace(body(user("hi")), "4096", "0", 1), "max_tokens: Input should be greater than or equal to 1"},
		{"max_tokens that is no whole number", "opus", strings.Replace(body(user("hi")), "4096", "1.5", 1), "max_tokens: Input should be a valid integer"},
		{"max_tokens beyond numbers", "opus", strings.Replace(body(user("hi")), "4096", "1e999", 1), "max_tokens: Input should be a valid integer"},
		{"max_tokens as text", "opus", strings.Replace(body(user("hi")), "4096", `"5"`, 1), "max_tokens: Input should be a valid integer"},
		{"messages that are not there", "opus", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":1}`, "messages: Field required"},
		{"messages that are none", "opus", body(`[]`), "messages: at least one message is required"},
		{"messages that are no array", "opus", body(`"hi"`), "messages: Input should be a valid array"},
		{"a message that is none", "opus", body(`["hi"]`), "messages.0: Input does not match the expected shape."},
		{"an unknown role", "opus", body(`[{"role":"tool","content":"hi"}]`), "messages.0.role: Input should be 'user', 'assistant' or 'system'"},
		{"no content", "opus", body(`[{"role":"user"}]`), "messages.0.content: Field required"},
		{"content that is a number", "opus", body(`[{"role":"user","content":5}]`), "messages.0.content: Input should be a valid array"},
		{"a block without type", "opus", body(`[{"role":"user","content":[{"text":"hi"}]}]`), "messages.0.content.0.type: Field required"},
		{"a text block without text", "opus", body(`[{"role":"user","content":[{"type":"text"}]}]`), "messages.0.content.0.text.text: Field required"},
		{"an unknown kind of system block", "opus", body(user("hi"), `"system":[{"type":"image"}]`), "system.0.type: Input should be 'text'"},
		{"a refused beta", "opus", body(user("hi"), `"anthropic_beta":["files-api-2025-04-14"]`), "invalid beta flag"},
		{"a beta of other models only", "claude-haiku-4-5", body(user("hi"), `"anthropic_beta":["mid-conversation-output-config-2026-07-01"]`), "invalid beta flag"},
		{"Claude Code's own beta outside CountTokens", "opus", body(user("hi"), `"anthropic_beta":["claude-code-20250219"]`), "invalid beta flag"},
		{"betas that are no array", "opus", body(user("hi"), `"anthropic_beta":"x"`), "anthropic_beta: Input should be a valid array"},
		{"a tool of Anthropic's servers", "opus", tools(`[{"type":"web_search_20250305","name":"web_search"}]`), "tool type 'web_search_20250305' is not supported for this model"},
		{"a tool without name", "opus", tools(`[{` + object + `}]`), "tools.0.custom.name: Field required"},
		{"a tool with a bad name", "opus", tools(`[{"name":"a b",` + object + `}]`), "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"},
		{"a tool without schema", "opus", tools(`[{"name":"a"}]`), "tools.0.custom.input_schema: Field required"},
		{"a tool whose input is no object", "opus", tools(`[{"name":"a","input_schema":{"type":"array"}}]`), "tools.0.custom.input_schema.type: Input should be 'object'"},
		{"two tools of one name", "opus", tools(`[{"name":"a",` + object + `},{"name":"a",` + object + `}]`), "tools: Tool names must be unique."},
		{"tool_choice without tools", "opus", body(user("hi"), `"tool_choice":{"type":"any"}`), "tool_choice.any may only be specified while providing tools"},
		{"tool_choice of a tool that is not offered", "opus", body(user("hi"), `"tools":[{"name":"a",`+object+`}]`, `"tool_choice":{"type":"tool","name":"b"}`), "Tool 'b' not found in provided tools"},
		{"thinking of an unknown type", "opus", body(user("hi"), `"thinking":{"type":"deep"}`), "thinking: Input tag 'deep' found using 'type' does not match any of the expected tags: 'adaptive', 'between_tools', 'disabled', 'enabled'"},
		{"thinking without its budget", "claude-haiku-4-5", body(user("hi"), `"thinking":{"type":"enabled"}`), "thinking.enabled.budget_tokens: Field required"},
		{"a blank stop sequence", "opus", body(user("hi"), `"stop_sequences":[" "]`), "stop_sequences: each stop sequence must contain non-whitespace"},
		{"base64 that is none", "opus", image(`{"type":"base64","media_type":"image/png","data":"*"}`), "messages.0.content.0.image.source.base64: invalid base64 data"},
		{"an image that is none", "opus", image(`{"type":"base64","media_type":"image/png","data":"aGk="}`), "messages.0.content.0.image.source.base64.data: Could not process image"},
		{"an image by URL", "opus", image(`{"type":"url","url":"https://example.com/a.png"}`), "messages.0.content.0.image.source: Input tag 'url' found using 'type' does not match any of the expected tags: 'base64'"},
		{"a PDF that is none", "opus", body(`[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"aGk="}}]}]`), "messages.0.content.0.document.source.base64.data: The PDF specified was not valid."},
		{"five breakpoints", "opus", body(`[{"role":"user","content":[` + strings.TrimSuffix(strings.Repeat(`{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},`, 5), ",") + `]}]`), "A maximum of 4 blocks with cache_control may be provided. Found 5."},
		{"a cache for a day", "opus", body(`[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1d"}}]}]`), "messages.0.content.0.text.cache_control.ephemeral.ttl: Input should be '5m' or '1h'"},
		{"automatic caching up to 4.6", "claude-haiku-4-5", body(user("hi"), `"cache_control":{"type":"ephemeral"}`), "cache_control: Extra inputs are not permitted"},
		{"a prompt longer than the context", "claude-haiku-4-5", body(user(strings.Repeat("word ", 200_000))), "prompt is too long: 200007 tokens > 200000 maximum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := invoke(setting(t, c.model), &Cache{}, c.body, epoch)
			wantRefusal(t, err, c.want)
		})
	}
}

func TestUnknownBlocksAreNamed(t *testing.T) {
	_, err := Parse([]byte(body(`[{"role":"user","content":[{"type":"picture"}]}]`)))
	if err == nil || !strings.HasPrefix(err.Error(), "messages.0.content.0: Input tag 'picture' found using 'type' does not match any of the expected tags: 'bash_code_execution_tool_result', ") {
		t.Errorf("Parse with a block of type picture: got %v, want a refusal that names the path and the tag", err)
	}
}

func TestAccepted(t *testing.T) {
	for _, c := range []struct{ name, model, body string }{
		{"Claude Code on Opus 5.5", "opus", claudeCode(t, "opus-5-5")},
		{"Claude Code on Sonnet 4.5", "claude-sonnet-4-5", claudeCode(t, "sonnet-4-5")},
		{"Claude Code's tool result", "opus", claudeCode(t, "tool-result")},
		{"Claude Code's tool search", "opus", claudeCode(t, "tool-reference")},
		{"Claude Code reading a PDF", "opus", claudeCode(t, "pdf-in-tool-result")},
		{"Claude Code with a million tokens", "claude-sonnet-4-6", claudeCode(t, "sonnet-4-6-1m")},
		{"Claude Code's auto mode, once safeguards was refused", "opus", claudeCode(t, "auto-mode")},
		{"Claude Code's title", "claude-sonnet-4-5", claudeCode(t, "title")},
		{"Anthropic's SDK for TypeScript 1.1, to a model of 4.7", "claude-opus-4-7", `{"max_tokens":64,"messages":[{"role":"user","content":"hi"}],"anthropic_version":"2026-10-21"}`},
		{"Claude Code's probe", "claude-haiku-4-5", claudeCode(t, "probe")},
		{"context management", "opus", body(user("hi"), `"anthropic_beta":["context-management-2025-06-27"]`, `"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]}`)},
		{"effort for one message", "opus", body(`[{"role":"user","content":"hi"},{"role":"system","content":"be brief","output_config":{"effort":"low"}}]`, `"anthropic_beta":["mid-conversation-output-config-2026-07-01"]`)},
		{"eager input streaming", "opus", body(user("hi"), `"tools":[{"name":"a","input_schema":{"type":"object"},"eager_input_streaming":true}]`)},
		{"Anthropic's client tools", "opus", body(user("hi"), `"anthropic_beta":["tool-search-tool-2025-10-19"]`, `"tools":[{"type":"bash_20250124","name":"bash"},{"type":"tool_search_tool_regex_20251119","name":"tool_search_tool_regex"}]`)},
		{"a beta that nobody has confirmed", "opus", body(user("hi"), `"anthropic_beta":["compact-2026-09-04"]`)},
		{"null where a member may be left out", "opus", body(user("hi"), `"system":null`, `"tools":null`, `"thinking":null`, `"stop_sequences":null`)},
		{"automatic caching from 4.7 on", "opus", body(user("hi"), `"cache_control":{"type":"ephemeral"}`)},
		{"a whole number in another spelling", "opus", strings.Replace(body(user("hi")), "4096", "4.096e3", 1)},
		{"a million tokens by beta on Sonnet 4.5", "claude-sonnet-4-5", body(user(strings.Repeat("word ", 200_000)), `"anthropic_beta":["context-1m-2025-08-07"]`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := invoke(setting(t, c.model), &Cache{}, c.body, epoch); err != nil {
				t.Errorf("invoke %s: got %v, want an answer", c.model, err)
			}
		})
	}
}

func TestCountingTakesClaudeCodesBeta(t *testing.T) {
	in := setting(t, "claude-haiku-4-5")
	in.Counting = true
	r, err := Parse([]byte(claudeCode(t, "count-tokens")))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(in); err != nil {
		t.Errorf("Check for CountTokens: got %v, want nil", err)
	}
}

func TestLastTurn(t *testing.T) {
	r, err := Parse([]byte(claudeCode(t, "tool-reference")))
	if err != nil {
		t.Fatal(err)
	}
	kinds, results := r.LastTurn()
	if want := []string{"tool_result", "text"}; !slices.Equal(kinds, want) {
		t.Errorf("LastTurn: got kinds %v, want %v", kinds, want)
	}
	if want := []string{"toolu_bdrk_01TT"}; !slices.Equal(results, want) {
		t.Errorf("LastTurn: got tool results %v, want %v", results, want)
	}
}
