package claude

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// A ruling is a body and what becomes of it.
type ruling struct {
	name, model, body string
	want              string // the refusal; "" for an answer
}

func rule(t *testing.T, all []ruling) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			_, err := invoke(setting(t, c.model), &Cache{}, c.body, epoch)
			switch {
			case c.want != "":
				wantRefusal(t, err, c.want)
			case err != nil:
				t.Errorf("got %v, want an answer", err)
			}
		})
	}
}

// The models that stand for their class: the newest, one that thinks if it is asked to, one of 4.6,
// and two before it.
const (
	opus55, opus5, opus48, opus46 = "claude-opus-5-5", "claude-opus-5", "claude-opus-4-8", "claude-opus-4-6"
	sonnet55, sonnet5, haiku55    = "claude-sonnet-5-5", "claude-sonnet-5", "claude-haiku-5-5"
	haiku45, opus45, opus41       = "claude-haiku-4-5", "claude-opus-4-5", "claude-opus-4-1"
)

// with makes a body of the user's hi and further members.
func with(more ...string) string { return body(user("hi"), more...) }

// newer is a body of the API version of October 2026.
func newer(messages string, more ...string) string {
	return strings.Replace(body(messages, more...), "bedrock-2023-05-31", version2026, 1)
}

func betas(names ...string) string {
	return `"anthropic_beta":["` + strings.Join(names, `","`) + `"]`
}

// content makes messages of one turn of the user with these blocks.
func content(blocks ...string) string {
	return `[{"role":"user","content":[` + strings.Join(blocks, ",") + `]}]`
}

const extra = ": Extra inputs are not permitted"

func TestMembers(t *testing.T) {
	const aTool, schema = `"tools":[{"name":"a","input_schema":{"type":"object"},%s}]`, `"input_schema":{"type":"object"}`
	tool := func(member string) string { return strings.Replace(aTool, "%s", member, 1) }
	rule(t, []ruling{
		{"an unknown member", opus55, with(`"something":{}`), "something" + extra},
		{"one that is null", opus55, with(`"something":null`), "something" + extra},
		{"the first of two, by name", opus55, with(`"zeta":1`, `"alpha":1`), "alpha" + extra},
		{"a member of a message", opus55, body(`[{"role":"user","content":"hi","name":"me"}]`), "messages.0.name" + extra},
		{"a member of a text", opus55, body(content(`{"type":"text","text":"a","id":1}`)), "messages.0.content.0.text.id" + extra},
		{"a member of a system text", opus55, with(`"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","scope":"global"}}]`), "system.0.cache_control.ephemeral.scope" + extra},
		{"a cache mark on thinking", opus55, body(`[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"","cache_control":{"type":"ephemeral"}}]}]`), "messages.1.content.0.thinking.cache_control" + extra},
		{"a member of an image's source", opus55, body(content(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pngData(1, 1) + `","url":"x"}}`)), "messages.0.content.0.image.source.base64.url" + extra},
		{"a member of citations", opus55, body(content(`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"},"citations":{"enabled":true,"style":"x"}}`)), "messages.0.content.0.document.citations.style" + extra},
		{"a document with all it may have", opus55, body(content(`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"},"title":null,"context":"c","citations":{"enabled":true},"cache_control":{"type":"ephemeral"}}`)), ""},
		{"a document by URL", opus55, body(content(`{"type":"document","source":{"type":"url","url":"https://example.com"}}`)), "messages.0.content.0.document.source: Input tag 'url' found using 'type' does not match any of the expected tags: 'base64', 'content', 'text'"},
		{"a search result", opus55, body(content(`{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"a"}],"citations":{"enabled":true}}`)), ""},
		{"a search result without title", opus55, body(content(`{"type":"search_result","source":"s","content":[]}`)), "messages.0.content.0.search_result.title: Field required"},
		{"a member of a tool", opus55, with(tool(`"parameters":{}`)), "tools.0.custom.parameters" + extra},
		{"a tool called from code", opus55, with(tool(`"allowed_callers":["direct"]`)), "tools.0.custom.allowed_callers" + extra},
		{"a strict tool", opus55, with(`"tools":[{"name":"a","strict":true,"input_schema":{"type":"object","additionalProperties":false}}]`), ""},
		{"eager input streaming where it is", opus55, with(tool(`"eager_input_streaming":true`)), ""},
		{"eager input streaming where it is not", haiku45, with(tool(`"eager_input_streaming":true`)), "tools.0.custom.eager_input_streaming" + extra},
		{"a deferred tool without the beta", opus55, with(`"tools":[{"name":"b",` + schema + `},{"name":"a",` + schema + `,"defer_loading":true}]`), "tools.1.custom.defer_loading" + extra},
		{"and with it", haiku45, with(`"tools":[{"name":"b",`+schema+`},{"name":"a",`+schema+`,"defer_loading":true}]`, betas(toolSearchBeta)), ""},
		{"input examples without the beta", opus45, with(tool(`"input_examples":[{}]`)), "tools.0.custom.input_examples" + extra},
		{"and with it", opus45, with(tool(`"input_examples":[{}]`), betas("tool-examples-2025-10-29")), ""},
		{"context management without the beta", opus55, with(`"context_management":{"edits":[]}`), "context_management" + extra},
		{"an edit with all it may have", opus55, with(betas("context-management-2025-06-27"), `"context_management":{"edits":[{"type":"clear_tool_uses_20250919","trigger":{"type":"input_tokens","value":5},"keep":{"type":"tool_uses","value":1},"clear_at_least":{"type":"input_tokens","value":1},"exclude_tools":["a"],"clear_tool_inputs":true}]}`), ""},
		{"an unknown edit", opus55, with(betas("context-management-2025-06-27"), `"context_management":{"edits":[{"type":"forget"}]}`), "context_management.edits.0: Input tag 'forget' found using 'type' does not match any of the expected tags: 'clear_thinking_20251015', 'clear_tool_uses_20250919'"},
		{"compaction without its beta", opus55, with(betas("context-management-2025-06-27"), `"context_management":{"edits":[{"type":"compact_20260112"}]}`), "context_management.edits.0: Input tag 'compact_20260112' found using 'type' does not match any of the expected tags: 'clear_thinking_20251015', 'clear_tool_uses_20250919'"},
		{"compaction before 4.6", opus45, with(betas("compact-2026-01-12"), `"context_management":{"edits":[{"type":"compact_20260112"}]}`), "context_management.edits.0: Input tag 'compact_20260112' found using 'type' does not match any of the expected tags: 'clear_thinking_20251015', 'clear_tool_uses_20250919'"},
		{"and with it", opus55, with(betas("compact-2026-01-12"), `"context_management":{"edits":[{"type":"compact_20260112"}]}`), ""},
		{"clearing thinking that there is not", haiku45, with(betas("context-management-2025-06-27"), `"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]}`), "`clear_thinking_20251015` strategy requires `thinking` to be enabled or adaptive"},
		{"metadata", opus55, with(`"metadata":{"user_id":"{\"device_id\":\"x\"}"}`), ""},
		{"a member of metadata", opus55, with(`"metadata":{"team":"x"}`), "metadata.team" + extra},
		{"a task budget", opus55, with(`"output_config":{"task_budget":{"type":"tokens","total":1}}`), "output_config.task_budget" + extra},
		{"updates without their beta", opus55, with(`"thinking":{"type":"adaptive","display":"updates"}`), "thinking.adaptive.display: Input should be 'summarized', 'omitted'"},
		{"a display that there is not", opus55, with(`"thinking":{"type":"adaptive","display":"all"}`), "thinking.adaptive.display: Input should be 'summarized', 'omitted'"},
		{"a block binding without its beta", opus55, with(`"thinking":{"type":"adaptive","block_binding":{"prefix_mismatch_behavior":"error"}}`), "thinking.adaptive.block_binding" + extra},
		{"a member of disabled thinking", opus48, with(`"thinking":{"type":"disabled","budget_tokens":1024}`), "thinking.disabled.budget_tokens" + extra},
		{"effort for one message without its beta", opus55, body(`[{"role":"user","content":"hi"},{"role":"system","content":"x","output_config":{"effort":"low"}}]`), "messages.1.output_config" + extra},
		{"effort for one message that is not of role system", opus55, body(`[{"role":"user","content":"hi","output_config":{"effort":"low"}}]`, betas("mid-conversation-output-config-2026-07-01")), "messages.0.output_config: output_config is only permitted on role 'system' messages"},
		{"clear_at without its beta", opus55, body(`[{"role":"user","content":"hi"},{"role":"system","content":"x","clear_at":"next_user_message"}]`), "messages.1.clear_at" + extra},
		{"and with it", opus55, body(`[{"role":"user","content":"hi"},{"role":"system","content":"x","clear_at":"next_user_message"}]`, betas("mid-conversation-system-clear-at-2026-08-21")), ""},
		{"a change of tools, which is Converse's", opus55, body(`[{"role":"user","content":"hi"},{"role":"system","content":[{"type":"tool_addition","tool":{}}]}]`), "messages.1.content.0: Input tag 'tool_addition' found using 'type' does not match any of the expected tags: 'bash_code_execution_tool_result', 'code_execution_tool_result', 'document', 'image', 'redacted_thinking', 'search_result', 'server_tool_use', 'text', 'text_editor_code_execution_tool_result', 'thinking', 'tool_result', 'tool_search_tool_result', 'tool_use', 'web_fetch_tool_result', 'web_search_tool_result'"},
		{"what answers have in their texts and calls", opus55, body(`[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b","citations":[{"type":"char_location","cited_text":"c","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":1,"file_id":null}]},{"type":"tool_use","id":"x","name":"Write","input":{},"caller":{"type":"direct"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"x"}]}]`, writeAndRead), ""},
	})
}

func TestTypes(t *testing.T) {
	rule(t, []ruling{
		{"a version that is a number", opus55, strings.Replace(with(), `"bedrock-2023-05-31"`, "5", 1), "anthropic_version: Input should be a valid string"},
		{"a beta that is a number", opus55, with(`"anthropic_beta":[5]`), "anthropic_beta.0: Input should be a valid string"},
		{"a role that is a number", opus55, body(`[{"role":5,"content":"hi"}]`), "messages.0.role: Input should be 'user', 'assistant' or 'system'"},
		{"a block that is a string", opus55, body(content(`"hi"`)), "messages.0.content.0: Input should be an object"},
		{"a type that is a list", opus55, body(content(`{"type":[]}`)), "messages.0.content.0.type: Input should be a valid string"},
		{"a text that is an object", opus55, body(content(`{"type":"text","text":{}}`)), "messages.0.content.0.text.text: Input should be a valid string"},
		{"a cache mark that is true", opus55, body(content(`{"type":"text","text":"a","cache_control":true}`)), "messages.0.content.0.text.cache_control: Input should be an object"},
		{"a cache mark of no type", opus55, body(content(`{"type":"text","text":"a","cache_control":{}}`)), "messages.0.content.0.text.cache_control.type: Field required"},
		{"system as an object", opus55, with(`"system":{}`), "system: Input should be a valid array"},
		{"tools as an object", opus55, with(`"tools":{}`), "tools: Input should be a valid array"},
		{"a tool that is a string", opus55, with(`"tools":["a"]`), "tools.0: Input should be an object"},
		{"tool_choice as a string", opus55, with(`"tool_choice":"auto"`), "tool_choice: Input should be an object"},
		{"tool_choice in OpenAI's terms", opus55, with(`"tool_choice":{"type":"required"}`), "tool_choice: Input tag 'required' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"},
		{"tool_choice tool without a name", opus55, with(`"tool_choice":{"type":"tool"}`), "tool_choice.tool.name: Field required"},
		{"parallel tools as a string", opus55, with(`"tool_choice":{"type":"auto","disable_parallel_tool_use":"yes"}`), "tool_choice.auto.disable_parallel_tool_use: Input should be a valid boolean"},
		{"thinking as true", opus55, with(`"thinking":true`), "thinking: Input should be an object"},
		{"a budget as a string", haiku45, with(`"thinking":{"type":"enabled","budget_tokens":"2048"}`), "thinking.enabled.budget_tokens: Input should be a valid integer"},
		{"an effort that there is not", opus55, with(`"output_config":{"effort":"ultra"}`), "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"},
		{"an effort that is a number", opus55, with(`"output_config":{"effort":1}`), "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"},
		{"a format of no kind", opus55, with(`"output_config":{"format":{"type":"text"}}`), "output_config.format: Input tag 'text' found using 'type' does not match any of the expected tags: 'json_schema'"},
		{"a temperature as a string", haiku45, with(`"temperature":"hot"`), "temperature: Input should be a valid number"},
		{"a temperature out of range", haiku45, with(`"temperature":2`), "temperature: range: 0..1"},
		{"a top_k of a half", haiku45, with(`"top_k":0.5`), "top_k: Input should be a valid integer"},
		{"a top_k below nothing", haiku45, with(`"top_k":-1`), "top_k: Input should be greater than or equal to 0"},
		{"stop sequences as a string", opus55, with(`"stop_sequences":"x"`), "stop_sequences: Input should be a valid array"},
		{"an input that is a list", opus55, body(toolTurns("a", `{"type":"tool_use","id":"a","name":"b","input":[]}`, `{"type":"tool_result","tool_use_id":"a"}`)), "messages.1.content.0.tool_use.input: Input should be a valid dictionary"},
		{"an ID with a blank", opus55, body(toolTurns("a", `{"type":"tool_use","id":"a b","name":"b","input":{}}`, `{"type":"tool_result","tool_use_id":"a b"}`)), "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"},
		{"an error flag as a string", opus55, body(content(`{"type":"tool_result","tool_use_id":"a","is_error":"no"}`)), "messages.0.content.0.tool_result.is_error: Input should be a valid boolean"},
		{"a title that is a number", opus55, body(content(`{"type":"document","title":5,"source":{"type":"text","media_type":"text/plain","data":"a"}}`)), "messages.0.content.0.document.title: Input should be a valid string"},
		{"a picture in a result of another type", opus55, body(toolTurns("a", `{"type":"tool_use","id":"a","name":"b","input":{}}`, `{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"base64","media_type":"image/tiff","data":"aGk="}}]}`)), "messages.2.content.0.tool_result.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"},
	})
}

func TestVersionsAndBetas(t *testing.T) {
	document := `{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"}}`
	assistants := `[{"role":"user","content":"a"},{"role":"assistant","content":[` + document + `]},{"role":"user","content":"b"}]`
	cited := content(`{"type":"text","text":"a","citations":[{"type":"char_location","cited_text":"c","document_index":0,"start_char_index":0,"end_char_index":1}]}`)
	rule(t, []ruling{
		{"the newer version from 4.7 on", opus48, newer(user("hi")), ""},
		{"the newer version at 4.6", opus46, newer(user("hi")), "Invalid API version: 2026-10-21"},
		{"a default temperature", opus48, with(`"temperature":1`), ""},
		{"a default temperature in the newer version", opus48, newer(user("hi"), `"temperature":1`), "temperature" + extra},
		{"top_k in the newer version", haiku55, newer(user("hi"), `"top_k":5`), "top_k" + extra},
		{"the assistant's document", opus48, body(assistants), ""},
		{"the assistant's document in the newer version", opus48, newer(assistants), "messages.1: `document` blocks can only be in `user` messages"},
		{"the user's citations", opus48, body(cited), ""},
		{"the user's citations in the newer version", opus48, newer(cited), "messages.0.content.0.text.citations" + extra},
		{"no citations in the newer version", opus48, newer(content(`{"type":"text","text":"a","citations":[]}`)), ""},
		{"a beta that Bedrock takes", opus48, with(betas("effort-2025-11-24")), ""},
		{"one that has become general", opus48, with(betas("prompt-caching-2024-07-31")), ""},
		{"one that nobody has heard of", opus48, with(betas("effort-2025-11-24", "something-2027-01-01")), "invalid beta flag"},
		{"one that is not on Bedrock", opus48, with(betas("skills-2025-10-02")), "invalid beta flag"},
		{"Claude Code's betas of auto mode", opus55, with(betas("afk-mode-2026-01-31", "dangerous-tool-use-2026-09-03")), ""},
	})
}

func TestMaxTokens(t *testing.T) {
	of := func(n string) string { return strings.Replace(with(), "4096", n, 1) }
	rule(t, []ruling{
		{"as much as a model gives", haiku45, of("64000"), ""},
		{"one more", haiku45, of("64001"), "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001"},
		{"more of a newer one", opus55, of("128000"), ""},
		{"too much of it", opus55, of("300000"), "max_tokens: 300000 > 128000, which is the maximum allowed number of output tokens for claude-opus-5-5"},
		{"Claude 3.7", "claude-3-7-sonnet", of("128000"), "max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens for claude-3-7-sonnet-20250219"},
		{"Claude 3.7 with its beta", "claude-3-7-sonnet", strings.Replace(with(betas(longOutputBeta)), "4096", "128000", 1), ""},
	})
}

func TestRoles(t *testing.T) {
	const u, a, s = `{"role":"user","content":"a"}`, `{"role":"assistant","content":"b"}`, `{"role":"system","content":"c"}`
	list := func(messages ...string) string { return body("[" + strings.Join(messages, ",") + "]") }
	const first, after, before = "messages.0: use the top-level 'system' parameter for the initial system prompt",
		"role 'system' must follow a 'user' message or an 'assistant' message ending in a server tool result; the directive-only form (content: [] with output_config) is accepted at any position",
		"role 'system' must precede an 'assistant' message or end the array; the directive-only form (content: [] with output_config) is accepted at any position"
	directive := func(rest string) string {
		return body(`[{"role":"system","content":[],"output_config":{"effort":"low"}},`+rest+`]`, betas("mid-conversation-output-config-2026-07-01"))
	}
	const searched = `{"role":"assistant","content":[{"type":"server_tool_use","id":"srv","name":"tool_search_tool_regex","input":{}},{"type":"tool_search_tool_result","tool_use_id":"srv","content":{"type":"tool_search_tool_search_result","tool_references":[]}}]}`
	rule(t, []ruling{
		{"two of the user's in a row", opus55, list(u, u, a, a, u), ""},
		{"settings of role system alone", opus55, body(`[{"role":"system","content":[],"output_config":{"effort":"low"}}]`, betas("mid-conversation-output-config-2026-07-01")), "messages: at least one message is required"},
		{"the assistant first", opus55, list(a, u), `messages: first message must use the "user" role`},
		{"system at the end", opus55, list(u, s), ""},
		{"system before the assistant", opus55, list(u, s, a, u), ""},
		{"two of system", opus55, list(u, s, s, a, u), ""},
		{"system first", opus55, list(s, u), first},
		{"system behind the assistant", opus55, list(u, a, s, u), "messages.2: " + after},
		{"system between two of the assistant", opus55, list(u, a, s, a, u), "messages.2: " + after},
		{"system between two of the user", opus55, list(u, s, u), "messages.1: " + before},
		{"system behind a search on the server", opus55, list(u, searched, s, a, u), ""},
		{"a change of effort, anywhere", opus55, directive(u), ""},
		{"a picture in system", opus55, list(u, `{"role":"system","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+pngData(1, 1)+`"}}]}`), "messages.1: role 'system' messages may only contain text blocks"},
		{"system at 4.7", "claude-opus-4-7", list(u, s), "role 'system' is not supported on this model"},
		{"system on Sonnet 5", sonnet5, list(u, s), "role 'system' is not supported on this model"},
		{"the assistant's results", opus55, list(u, `{"role":"assistant","content":[{"type":"tool_result","tool_use_id":"x"}]}`, u), "messages.1: `tool_result` blocks can only be in `user` messages"},
		{"the user's calls", opus55, body(content(`{"type":"tool_use","id":"a","name":"b","input":{}}`)), "messages.0: `tool_use` blocks can only be in `assistant` messages"},
		{"the user's thinking", opus55, body(content(`{"type":"thinking","thinking":"a","signature":"b"}`)), "messages.0: `thinking` blocks can only be in `assistant` messages"},
	})
}

func TestContentIsThere(t *testing.T) {
	const empty, blank = "messages: text content blocks must be non-empty", "messages: text content blocks must contain non-whitespace text"
	all := func(n string) string {
		return "messages." + n + ": all messages must have non-empty content except for the optional final assistant message"
	}
	ending := func(assistant string) string {
		return body(`[{"role":"user","content":"a"},{"role":"assistant","content":` + assistant + `}]`)
	}
	rule(t, []ruling{
		{"an empty string", opus55, body(user("")), all("0")},
		{"no blocks", opus55, body(content()), all("0")},
		{"an empty text", opus55, body(content(`{"type":"text","text":""}`)), empty},
		{"a blank text", opus55, body(content(`{"type":"text","text":" \n"}`)), blank},
		{"a blank string", opus55, body(user(" ")), blank},
		{"an assistant without content on the way", opus55, body(`[{"role":"user","content":"a"},{"role":"assistant","content":[]},{"role":"user","content":"b"}]`), all("1")},
		{"an empty beginning of the answer", haiku45, ending(`[]`), ""},
		{"a blank one", haiku45, ending(`" "`), blank},
		{"a beginning that ends with a blank", haiku45, ending(`"so "`), "messages: final assistant content cannot end with trailing whitespace"},
		{"a good beginning", haiku45, ending(`"so"`), ""},
		{"a beginning at 4.6", opus46, ending(`"so"`), "This model does not support assistant message prefill. The conversation must end with a user message."},
		{"a beginning at 5.5", opus55, ending(`"so"`), "This model does not support assistant message prefill. The conversation must end with a user message."},
		{"a beginning of JSON of a schema", haiku45, strings.TrimSuffix(ending(`"{"`), "}") + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}}`, "Your API request included an `assistant` message in the final position, which would pre-fill the `assistant` response. When using output format, pre-filling the `assistant` response is not supported."},
		{"an empty system prompt", opus55, with(`"system":""`), ""},
		{"an empty system block", opus55, with(`"system":[{"type":"text","text":""}]`), "system: text content blocks must be non-empty"},
		{"an empty text with a cache mark", opus55, body(content(`{"type":"text","text":"","cache_control":{"type":"ephemeral"}}`)), "messages.0.content.0.text: cache_control cannot be set for empty text blocks"},
		{"an empty result", opus55, body(toolTurns("a", `{"type":"tool_use","id":"a","name":"Write","input":{}}`, `{"type":"tool_result","tool_use_id":"a","content":""}`), writeAndRead), ""},
	})
}

func TestPairing(t *testing.T) {
	use := func(id string) string { return `{"type":"tool_use","id":"` + id + `","name":"Write","input":{}}` }
	result := func(id string) string { return `{"type":"tool_result","tool_use_id":"` + id + `","content":"ok"}` }
	const words = `{"type":"text","text":"b"}`
	turns := func(uses, results string) string { return body(toolTurns("a", uses, results), writeAndRead) }
	missing := func(n, ids string) string {
		return "messages." + n + ": `tool_use` ids were found without `tool_result` blocks immediately after: " + ids + ". Each `tool_use` block must have a corresponding `tool_result` block in the next message."
	}
	unexpected := func(path, id string) string {
		return "messages." + path + ": unexpected `tool_use_id` found in `tool_result` blocks: " + id + ". Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
	}
	rule(t, []ruling{
		{"a call and its result", opus55, turns(use("x"), result("x")), ""},
		{"two, in another order", opus55, turns(use("x")+","+use("y"), result("y")+","+result("x")), ""},
		{"words behind the results", opus55, turns(use("x"), result("x")+","+words), ""},
		{"words before the results", opus55, turns(use("x"), words+","+result("x")), missing("1", "x")},
		{"no result", opus55, turns(use("x"), words), missing("1", "x")},
		{"one result of two", opus55, turns(use("x")+","+use("y"), result("y")), missing("1", "x")},
		{"no results of two", opus55, turns(use("x")+","+use("y"), words), missing("1", "x, y")},
		{"a call at the end", haiku45, body(`[{"role":"user","content":"a"},{"role":"assistant","content":[`+use("x")+`]}]`, writeAndRead), missing("1", "x")},
		{"results over two messages of the user", opus55, body(`[{"role":"user","content":"a"},{"role":"assistant","content":[`+use("x")+`,`+use("y")+`]},{"role":"user","content":[`+result("x")+`]},{"role":"user","content":[`+result("y")+`]}]`, writeAndRead), ""},
		{"a result without a call", opus55, body(content(result("x"))), unexpected("0.content.0", "x")},
		{"a result of nothing asked", opus55, turns(use("x"), result("x")+","+result("y")), unexpected("2.content.1", "y")},
		{"two results of one call", opus55, turns(use("x"), result("x")+","+result("x")), "messages.2.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with id: x"},
		{"two calls of one ID", opus55, turns(use("x")+","+use("x"), result("x")), "messages.1.content.1: `tool_use` ids must be unique"},
		{"a search's result without the search", opus55, body(`[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_search_tool_result","tool_use_id":"s","content":{"type":"tool_search_tool_result_error","error_code":"unavailable"}}]},{"role":"user","content":"b"}]`), "messages.1.content.0: unexpected `tool_use_id` found in `tool_search_tool_result` blocks: s. Each `tool_search_tool_result` block must have a corresponding `server_tool_use` block before it."},
		{"a reference to a tool that is not there", opus55, turns(use("x"), `{"type":"tool_result","tool_use_id":"x","content":[{"type":"tool_reference","tool_name":"Late"}]}`), "Tool reference 'Late' not found in available tools"},
	})
}

func TestTools(t *testing.T) {
	const o = `"input_schema":{"type":"object"}`
	tools := func(list string, more ...string) string { return with(append(more, `"tools":[`+list+`]`)...) }
	schema := func(members string) string {
		return tools(`{"name":"a","input_schema":{"type":"object",` + members + `}}`)
	}
	const invalid = "tools.0.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use."
	const open = ": For 'object' type, 'additionalProperties' must be explicitly set to false"
	const computer = `{"type":"computer_%s","name":"computer","display_width_px":800,"display_height_px":600}`
	screen := func(version string) string { return strings.Replace(computer, "%s", version, 1) }
	const tags = "'bash_20250124', 'custom', 'memory_20250818', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728'"
	tag := func(kind string) string {
		return "tools.0: Input tag '" + kind + "' found using 'type' does not match any of the expected tags: " + tags
	}
	rule(t, []ruling{
		{"a name of 64", opus55, tools(`{"name":"` + strings.Repeat("a", 64) + `",` + o + `}`), ""},
		{"a name of 65", opus55, tools(`{"name":"` + strings.Repeat("a", 65) + `",` + o + `}`), "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"},
		{"Anthropic's tools of the client", opus55, tools(`{"type":"bash_20250124","name":"bash"},{"type":"text_editor_20250728","name":"str_replace_based_edit_tool","max_characters":9},{"type":"memory_20250818","name":"memory"}`), ""},
		{"one under another name", opus55, tools(`{"type":"bash_20250124","name":"sh"}`), "tools.0.bash_20250124.name: Input should be 'bash'"},
		{"one of the future", opus55, tools(`{"type":"bash_20990101","name":"bash"}`), tag("bash_20990101")},
		{"an editor of another model's", opus46, tools(`{"type":"text_editor_20250429","name":"str_replace_based_edit_tool"}`), "'claude-opus-4-6' does not support tool types: text_editor_20250429. Did you mean one of bash_20250124, memory_20250818, text_editor_20250728?"},
		{"the same of its own", haiku45, tools(`{"type":"text_editor_20250429","name":"str_replace_based_edit_tool"}`), ""},
		{"computer use without its beta", opus55, tools(screen("20251124")), tag("computer_20251124")},
		{"computer use", opus55, tools(screen("20251124"), betas("computer-use-2025-11-24")), ""},
		{"computer use without a screen", opus55, tools(`{"type":"computer_20251124","name":"computer"}`), "tools.0.computer_20251124.display_width_px: Field required"},
		{"computer use of the year before", haiku45, tools(screen("20250124"), betas("computer-use-2025-01-24")), ""},
		{"the newer one there", haiku45, tools(screen("20251124"), betas("computer-use-2025-11-24")), "'claude-haiku-4-5-20251001' does not support tool types: computer_20251124. Did you mean one of bash_20250124, memory_20250818, text_editor_20250429, text_editor_20250728?"},
		{"a computer toolset, which is not on Bedrock", opus55, tools(`{"type":"computer_toolset_20260801"}`), "tool type 'computer_toolset_20260801' is not supported for this model"},
		{"code execution", opus55, tools(`{"type":"code_execution_20250825","name":"code_execution"}`), "tool type 'code_execution_20250825' is not supported for this model"},
		{"tool search without its beta", opus55, tools(`{"type":"tool_search_tool_regex_20251119","name":"tool_search_tool_regex"}`), tag("tool_search_tool_regex_20251119")},
		{"all tools deferred", opus55, tools(`{"name":"a",`+o+`,"defer_loading":true}`, betas(toolSearchBeta)), "At least one tool must have defer_loading=false. All tools cannot be deferred."},
		{"a deferred tool that is cached", opus55, tools(`{"name":"b",`+o+`},{"name":"a",`+o+`,"defer_loading":true,"cache_control":{"type":"ephemeral"}}`, betas(toolSearchBeta)), "Tool 'a' cannot have both defer_loading=true and cache_control set. Tools with defer_loading cannot use prompt caching."},
		{"a schema of many words", opus55, schema(`"properties":{"a.b":{"type":["string","null"],"minLength":1},"c":{"anyOf":[{"const":1},true]},"d":{"type":"array","items":{"$ref":"#/$defs/x"},"minItems":0}},"required":["c"],"$defs":{"x":{"exclusiveMinimum":1}},"x-ours":5`), ""},
		{"a choice at the top", opus55, schema(`"anyOf":[{}]`), "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"},
		{"a type that there is not", opus55, schema(`"properties":{"a":{"type":"str"}}`), invalid},
		{"required twice", opus55, schema(`"required":["a","a"]`), invalid},
		{"required at a member", opus55, schema(`"properties":{"a":{"required":true}}`), invalid},
		{"an older draft's limit", opus55, schema(`"properties":{"a":{"type":"number","minimum":0,"exclusiveMinimum":true}}`), invalid},
		{"an older draft's items", opus55, schema(`"properties":{"a":{"type":"array","items":[{}]}}`), invalid},
		{"a member whose name has a blank", opus55, schema(`"properties":{"a b":{}}`), "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'"},
		{"a strict tool that is open", opus55, tools(`{"name":"a","strict":true,"input_schema":{"type":"object"}}`), "tools.0.custom" + open},
		{"an answer's schema that is open inside", opus55, with(`"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"object"}}}}}`), "output_config.format.schema" + open},
		{"one that only speaks of objects", opus55, with(`"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false,"properties":{"a":{"enum":[{"type":"object"}]}}}}}`), ""},
	})
}

func TestToolChoice(t *testing.T) {
	const forced = `"tool_choice":{"type":"any"}`
	const never, thinks = `tool_choice: type "tool" and "any" are not supported for this model.`, "Thinking may not be enabled when tool_choice forces tool use."
	rule(t, []ruling{
		{"auto on the newest", opus55, with(writeAndRead, `"tool_choice":{"type":"auto"}`), ""},
		{"any on the newest", opus55, with(writeAndRead, forced), never},
		{"one tool on the newest", sonnet55, with(writeAndRead, `"tool_choice":{"type":"tool","name":"Read"}`), never},
		{"any while thinking, where both go", opus5, with(writeAndRead, forced, think), ""},
		{"any while thinking at 4.6", opus46, with(writeAndRead, forced, think), thinks},
		{"any without thinking at 4.6", opus46, with(writeAndRead, forced), ""},
		{"any with a budget", haiku45, with(writeAndRead, forced, `"thinking":{"type":"enabled","budget_tokens":1024}`), thinks},
		{"any on Sonnet 5, which thinks by default", sonnet5, with(writeAndRead, forced), thinks},
		{"and when it is kept from it", sonnet5, with(writeAndRead, forced, `"thinking":{"type":"disabled"}`), ""},
	})
}

func TestThinkingByModel(t *testing.T) {
	kind := func(k string, more ...string) string { return with(append(more, `"thinking":{"type":"`+k+`"}`)...) }
	budget := func(n string, more ...string) string {
		return with(append(more, `"thinking":{"type":"enabled","budget_tokens":`+n+`}`)...)
	}
	effort := func(e string) string { return `"output_config":{"effort":"` + e + `"}` }
	const instead = `is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.`
	const over = "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
	rule(t, []ruling{
		{"adaptive on the newest", opus55, kind("adaptive"), ""},
		{"adaptive before 4.6", haiku45, kind("adaptive"), "adaptive thinking is not supported on this model"},
		{"a budget at 4.5", haiku45, budget("2048"), ""},
		{"a budget at 4.6", opus46, budget("2048"), ""},
		{"a budget at 4.8", opus48, budget("2048"), `"thinking.type.enabled" ` + instead},
		{"a budget on Sonnet 5.5", sonnet55, budget("2048"), `"thinking.type.enabled" ` + instead},
		{"thinking before there was", "claude-3-haiku", budget("2048"), `"thinking.type.enabled" is not supported for this model.`},
		{"a small budget", haiku45, budget("1023"), "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"},
		{"a budget of the whole answer", haiku45, budget("4096"), over},
		{"the same between tools", haiku45, budget("4096", betas(interleavedBeta)), ""},
		{"the same before Claude 4, which does not think between tools", "claude-3-7-sonnet", budget("4096", betas(interleavedBeta)), over},
		{"disabled at 4.8", opus48, kind("disabled"), ""},
		{"disabled on Fable", "claude-fable-5-1", kind("disabled"), `"thinking.type.disabled" ` + instead},
		{"disabled on Opus 5.5", opus55, kind("disabled"), `"thinking.type.disabled" ` + instead},
		{"disabled on Sonnet 5.5", sonnet55, kind("disabled"), `"thinking.type.disabled" is not supported for this model. Use "thinking.type.between_tools" for the lowest thinking setting, or "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.`},
		{"between tools on Sonnet 5.5", sonnet55, kind("between_tools"), ""},
		{"between tools with much effort", sonnet55, kind("between_tools", effort("xhigh")), "output_config.effort 'xhigh' is not supported with thinking.type 'between_tools' on this model. Use effort 'high' or below."},
		{"between tools on Opus 5.5", opus55, kind("between_tools"), `"thinking.type.between_tools" is not supported for this model.`},
		{"disabled with some effort", opus5, kind("disabled", effort("high")), ""},
		{"disabled with much", opus5, kind("disabled", effort("max")), "output_config.effort 'max' is not supported when thinking is disabled on this model. Use effort 'high' or below, or enable thinking."},
		{"effort at 4.5", haiku45, with(effort("low")), "This model does not support the effort parameter."},
		{"effort of Opus 4.5", opus45, with(effort("high")), ""},
		{"too much for it", opus45, with(effort("max")), "This model does not support effort level 'max'. Supported levels: high, low, medium."},
		{"xhigh at 4.6", opus46, with(effort("xhigh")), "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium."},
		{"xhigh at 4.8", opus48, with(effort("xhigh")), ""},
	})
}

func TestThinkingComesFirst(t *testing.T) {
	const on = `"thinking":{"type":"enabled","budget_tokens":1024}`
	in := setting(t, haiku45)
	reply, err := invoke(in, &Cache{}, body(user("call Write {}"), writeAndRead, on), epoch)
	if err != nil {
		t.Fatal(err)
	}
	thought := string(compact(reply.Message().Content))
	result := `{"type":"tool_result","tool_use_id":"` + only(t, reply, "tool_use").ID + `","content":"ok"}`
	const use, second = `{"type":"tool_use","id":"y","name":"Read","input":{}}`, `{"type":"tool_result","tool_use_id":"y","content":"ok"}`
	first := func(found string) string {
		return "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `" + found + "`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
	}
	loop := func(assistant, results string) string {
		return `[{"role":"user","content":"call Write {}"},{"role":"assistant","content":` + assistant + `},{"role":"user","content":[` + results + `]}`
	}
	rule(t, []ruling{
		{"as it was", haiku45, body(loop(thought, result)+"]", writeAndRead, on), ""},
		{"without the thinking", haiku45, body(loop("["+use+"]", second)+"]", writeAndRead, on), first("tool_use")},
		{"without the thinking, which is off", haiku45, body(loop("["+use+"]", second)+"]", writeAndRead), ""},
		{"without the thinking of a model that adapts", opus46, body(loop("["+use+"]", second)+"]", writeAndRead, think), ""},
		{"a second call after the same thinking", haiku45, body(loop(thought, result)+`,{"role":"assistant","content":[`+use+`]},{"role":"user","content":[`+second+`]}]`, writeAndRead, on), ""},
		{"without the thinking of what is past", haiku45, body(loop("["+use+"]", second+`,{"type":"text","text":"x"}`)+`,{"role":"assistant","content":"done"},{"role":"user","content":"thanks"}]`, writeAndRead, on), ""},
		{"the beginning of an answer", haiku45, body(`[{"role":"user","content":"a"},{"role":"assistant","content":"so"}]`, on), first("text")},
	})
}

func TestSampling(t *testing.T) {
	const on = `"thinking":{"type":"enabled","budget_tokens":1024}`
	const where = " Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking"
	rule(t, []ruling{
		{"temperature before 4.7", opus46, with(`"temperature":0.3`), ""},
		{"top_k beside it", haiku45, with(`"temperature":0.3`, `"top_k":5`), ""},
		{"temperature and top_p", haiku45, with(`"temperature":0.3`, `"top_p":0.9`), "`temperature` and `top_p` cannot both be specified for this model. Please use only one."},
		{"both on Sonnet 4", "claude-sonnet-4-0", with(`"temperature":0.3`, `"top_p":0.9`), ""},
		{"temperature from 4.7 on", opus48, with(`"temperature":0.3`), "`temperature` is deprecated for this model."},
		{"its default", opus48, with(`"temperature":1.0`), ""},
		{"top_p", haiku55, with(`"top_p":0.9`), "`top_p` is deprecated for this model."},
		{"top_k", sonnet5, with(`"top_k":5`), "`top_k` is deprecated for this model."},
		{"temperature while thinking", haiku45, with(`"temperature":0.3`, on), "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode." + where},
		{"its default while thinking", haiku45, with(`"temperature":1`, on), ""},
		{"temperature while thinking adapts", opus46, with(`"temperature":0`, think), "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode." + where},
		{"top_k while thinking", haiku45, with(`"top_k":5`, on), "`top_k` must be unset when thinking is enabled or in adaptive mode." + where},
		{"a small top_p while thinking", haiku45, with(`"top_p":0.9`, on), "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled or in adaptive mode." + where},
		{"a large one", haiku45, with(`"top_p":0.95`, on), ""},
	})
}

func TestCaching(t *testing.T) {
	mark := func(text, ttl string) string {
		return `{"type":"text","text":"` + text + `","cache_control":{"type":"ephemeral","ttl":"` + ttl + `"}}`
	}
	const order = ": a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
	const tool = `"tools":[{"name":"a","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}]`
	rule(t, []ruling{
		{"an hour before five minutes", opus55, body(content(mark("a", "1h"), mark("b", "5m"))), ""},
		{"five minutes before an hour", opus55, body(content(mark("a", "5m"), mark("b", "1h"))), "messages.0.content.1.cache_control.ttl" + order},
		{"an hour in system behind tools", opus55, with(tool, `"system":[`+mark("a", "1h")+`]`), "system.0.cache_control.ttl" + order},
		{"an hour in messages behind system", opus55, body(content(mark("a", "1h")), `"system":[`+mark("a", "5m")+`]`), "messages.0.content.0.cache_control.ttl" + order},
		{"an automatic hour behind five minutes", opus55, body(content(mark("a", "5m"), `{"type":"text","text":"b"}`), `"cache_control":{"type":"ephemeral","ttl":"1h"}`), "cache_control.ttl" + order},
		{"an hour on Opus 4.1", opus41, body(content(mark("a", "1h"))), "messages.0.content.0.cache_control.ephemeral.ttl" + extra},
		{"five minutes there", opus41, body(content(mark("a", "5m"))), ""},
		{"four marks", opus55, body(content(mark("a", "5m"), mark("b", "5m"), mark("c", "5m")), tool), ""},
		{"five with the automatic one", opus55, body(content(mark("a", "5m"), mark("b", "5m"), mark("c", "5m")), tool, `"cache_control":{"type":"ephemeral"}`), "A maximum of 4 blocks with cache_control may be provided. Found 5."},
	})
}

func TestMediaLimits(t *testing.T) {
	picture := func(w, h int) string {
		return `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pngData(w, h) + `"}}`
	}
	pictures := func(n, w int) string { return strings.Repeat(","+picture(w, 1), n)[1:] }
	pdf := func(pages int) string {
		return `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + encoded("%PDF-1.4\n<< /Type /Pages /Count "+strconv.Itoa(pages)+" >>") + `"}}`
	}
	heavy := encoded(decoded(pngData(1, 1)) + strings.Repeat("\x00", 4<<20))
	const path = "messages.0.content.0.image.source.base64"
	rule(t, []ruling{
		{"a hundred pictures", haiku45, body(content(pictures(100, 1))), ""},
		{"one more", haiku45, body(content(pictures(101, 1))), "messages: A maximum of 100 images may be provided. Found 101."},
		{"more of a long context", opus55, body(content(pictures(101, 1))), ""},
		{"too many of it", opus55, body(content(pictures(601, 1))), "messages: A maximum of 600 images may be provided. Found 601."},
		{"a large picture", haiku45, body(content(picture(8000, 1))), ""},
		{"a larger one", haiku45, body(content(picture(1, 8001))), path + ".data: At least one of the image dimensions exceed max allowed size: 8000 pixels"},
		{"twenty large pictures", haiku45, body(content(pictures(20, 2001))), ""},
		{"twenty-one", haiku45, body(content(pictures(21, 2001))), path + ".data: At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels"},
		{"a heavy picture", haiku45, body(content(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + heavy + `"}}`)), path + ": image exceeds 5 MB maximum: " + strconv.Itoa(len(heavy)) + " bytes > 5242880 bytes"},
		{"a picture of another type", haiku45, body(content(`{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"` + pngData(1, 1) + `"}}`)), path + ": The image was specified using the image/jpeg media type, but the image appears to be a image/png image"},
		{"a picture in a tool's result", haiku45, body(toolTurns("a", `{"type":"tool_use","id":"x","name":"Read","input":{}}`, `{"type":"tool_result","tool_use_id":"x","content":[`+picture(8001, 1)+`]}`), writeAndRead), "messages.2.content.0.tool_result.content.0.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels"},
		{"a hundred pages in two PDFs", haiku45, body(content(pdf(60), pdf(40))), ""},
		{"one more", haiku45, body(content(pdf(60), pdf(41))), "A maximum of 100 PDF pages may be provided."},
		{"more of a long context by beta", "claude-sonnet-4-5", body(content(pdf(101)), betas(longContextBeta)), ""},
		{"too many of it", opus55, body(content(pdf(601))), "A maximum of 600 PDF pages may be provided."},
	})
}

// TestCountingIsMilder: what a client counts is often a part, without the betas and the room that the
// whole has.
func TestCountingIsMilder(t *testing.T) {
	in := setting(t, haiku45)
	in.Counting = true
	src := strings.Replace(with(`"tools":[{"name":"a","input_schema":{"type":"object"},"defer_loading":true}]`, `"thinking":{"type":"enabled","budget_tokens":31999}`), "4096", "1", 1)
	if _, err := invoke(in, &Cache{}, src, epoch); err != nil {
		t.Errorf("counting: got %v, want an answer", err)
	}
	in.Counting = false
	if _, err := invoke(in, &Cache{}, src, epoch); err == nil {
		t.Error("the same body, not for counting: got an answer, want a refusal")
	}
}

// TestConverseHasMore: what is translated from Converse may change tools on the way.
func TestConverseHasMore(t *testing.T) {
	in := setting(t, opus55)
	in.Converse = true
	if _, err := invoke(in, &Cache{}, body(`[{"role":"user","content":"hi"},{"role":"system","content":[{"type":"tool_removal","tool":{"type":"tool_reference","tool_name":"Write"}}]}]`, writeAndRead), epoch); err != nil {
		t.Errorf("got %v, want an answer", err)
	}
}

// TestEveryModelTakesAPlainRequest goes over the catalogue, with each API version.
func TestEveryModelTakesAPlainRequest(t *testing.T) {
	for _, m := range catalog.Claude() {
		taken := 0
		for version, src := range map[string]string{"bedrock-2023-05-31": with(), version2026: newer(user("hi")), "2023-06-01": strings.Replace(with(), "bedrock-2023-05-31", "2023-06-01", 1)} {
			want := ""
			for _, v := range m.AnthropicVersions {
				if v == version {
					taken++
					want = "an answer"
				}
			}
			_, err := invoke(setting(t, m.ID), &Cache{}, src, epoch)
			if want == "" {
				wantRefusal(t, err, "Invalid API version: "+version)
			} else if err != nil {
				t.Errorf("%s with %s: got %v, want an answer", m.ID, version, err)
			}
		}
		if taken == 0 {
			t.Errorf("%s takes no version at all", m.ID)
		}
	}
}

// TestEveryRefusalHasItsSentence reads the source: refuse is called with keys that the data has, and
// with every value that the sentence wants.
func TestEveryRefusalHasItsSentence(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "refuse" {
				calls++
				checkSentence(t, name, call.Args)
			}
			return true
		})
	}
	if calls < len(rules) {
		t.Errorf("found %d calls of refuse, want more than the %d rules", calls, len(rules))
	}
}

func checkSentence(t *testing.T, file string, args []ast.Expr) {
	t.Helper()
	var names []string
	for i, arg := range args {
		if lit, ok := arg.(*ast.BasicLit); ok && (i == 0 || i%2 == 1) {
			s, _ := strconv.Unquote(lit.Value)
			names = append(names, s)
		}
	}
	if len(names) == 0 {
		t.Errorf("%s: refuse without a literal key", file)
		return
	}
	sentence, ok := wording.All()[names[0]]
	if !ok {
		t.Errorf("%s: no sentence %s", file, names[0])
	}
	said := sentence.Text
	for _, name := range names[1:] {
		if !strings.Contains(said, "{"+name+"}") {
			t.Errorf("%s: sentence %s has no {%s}", file, names[0], name)
		}
		said = strings.ReplaceAll(said, "{"+name+"}", "")
	}
	for _, name := range []string{"path", "id", "ids", "kind", "type", "member", "limit", "model", "name", "effort", "tag", "values"} {
		if strings.Contains(said, "{"+name+"}") {
			t.Errorf("%s: sentence %s is said without its {%s}", file, names[0], name)
		}
	}
}
