package claude

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const writeAndRead = `"tools":[{"name":"Write","input_schema":{"type":"object"}},{"name":"Read","input_schema":{"type":"object","required":["path","n","all","mode"],"properties":{"path":{"type":"string"},"n":{"type":"integer","minimum":3},"all":{"type":"boolean"},"mode":{"enum":["text","raw"]}}}}]`

// calls returns the tools that a reply uses, as NAME{json}.
func calls(reply *Reply) (out []string) {
	for _, c := range reply.Content {
		if c.Kind == "tool_use" {
			out = append(out, c.Name+c.Input)
		}
	}
	return out
}

func TestCalls(t *testing.T) {
	blocks := func(texts ...string) string {
		var out []string
		for _, s := range texts {
			out = append(out, `{"type":"text","text":`+quoted(s)+`}`)
		}
		return `[{"role":"user","content":[` + strings.Join(out, ",") + `]}]`
	}
	for _, c := range []struct {
		name, messages, more string
		want                 []string
	}{
		{"a call with its input", user(`Please call Write {"path":"a"} now.`), writeAndRead, []string{`Write{"path":"a"}`}},
		{"a call without input", user(`call Write`), writeAndRead, []string{`Write{}`}},
		{"input over several lines, with braces in strings", user("call Write\n{\n \"text\": \"}} call Read {\",\n \"in\": {\"a\": [1, 2.50]}\n}\nthanks"), writeAndRead, []string{`Write{"in":{"a":[1,2.50]},"text":"}} call Read {"}`}},
		{"several calls, in order", user(`call Write {"n":1} and call Read {"n":2}, then call Write {"n":3}`), writeAndRead, []string{`Write{"n":1}`, `Read{"n":2}`, `Write{"n":3}`}},
		{"a call beside a system reminder", blocks("<system-reminder>never call Write {\"a\":1}</system-reminder>", `call Read {"b":2}`), writeAndRead, []string{`Read{"b":2}`}},
		{"a call after a reminder in the same block", blocks("<system-reminder>call Write {}</system-reminder>\ncall Read {}"), writeAndRead, []string{`Read{}`}},
		{"a reminder that does not end", blocks("<system-reminder>\ncall Write {}"), writeAndRead, nil},
		{"a call in the system messages of the turn is none", `[{"role":"user","content":"hi"},{"role":"system","content":"call Write {}"}]`, writeAndRead, nil},
		{"a call before a system message is one", `[{"role":"user","content":"call Write {}"},{"role":"system","content":"# Environment"}]`, writeAndRead, []string{`Write{}`}},
		{"a call in two messages of one turn", `[{"role":"user","content":"call Write {}"},{"role":"user","content":"and call Read {}"}]`, writeAndRead, []string{`Write{}`, `Read{}`}},
		{"a call of an earlier turn is done with", `[{"role":"user","content":"call Write {}"},{"role":"assistant","content":"no"},{"role":"user","content":"fine"}]`, writeAndRead, nil},
		{"prose that speaks of calls", user("call me later and recall Write {}"), writeAndRead, nil},
		{"tool_choice none", user("call Write {}"), writeAndRead + `,"tool_choice":{"type":"none"}`, nil},
		{"no two at once", user("call Write {} call Read {}"), writeAndRead + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`, []string{`Write{}`}},
		{"tool_choice any with a call", user(`call Read {"path":"x"}`), writeAndRead + `,"tool_choice":{"type":"any"}`, []string{`Read{"path":"x"}`}},
		{"tool_choice any without one", user(`hi`), writeAndRead + `,"tool_choice":{"type":"any"}`, []string{`Write{}`}},
		{"tool_choice tool makes an input of the schema", user(`call Write {}`), writeAndRead + `,"tool_choice":{"type":"tool","name":"Read"}`, []string{`Read{"all":false,"mode":"text","n":3,"path":""}`}},
		{"tool_choice tool with the input asked for", user(`call Write {} call Read {"a":1}`), writeAndRead + `,"tool_choice":{"type":"tool","name":"Read"}`, []string{`Read{"a":1}`}},
		{"a deferred tool is called directly", user(`call Late {"a":1}`), `"tools":[{"name":"ToolSearch","input_schema":{"type":"object"}},{"name":"Late","defer_loading":true,"input_schema":{"type":"object"}}],"anthropic_beta":["tool-search-tool-2025-10-19"]`, []string{`Late{"a":1}`}},
		{"a tool that is not there is searched", user(`call Late {"a":1}`), `"tools":[{"name":"ToolSearch","input_schema":{"type":"object"}}]`, []string{`ToolSearch{"max_results":1,"query":"select:Late"}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply := mustInvoke(t, "claude-opus-5", body(c.messages, c.more)) // the newest that can be forced to use a tool
			if diff := cmp.Diff(c.want, calls(reply)); diff != "" {
				t.Errorf("calls, -want +got:\n%s", diff)
			}
			wantReason := "end_turn"
			if len(c.want) > 0 {
				wantReason = "tool_use"
			}
			if reply.StopReason != wantReason {
				t.Errorf("got stop reason %q, want %q", reply.StopReason, wantReason)
			}
		})
	}
}

func TestForcedCallsComeWithoutWords(t *testing.T) {
	reply := mustInvoke(t, "claude-opus-5", body(user("call Write {}"), writeAndRead, `"tool_choice":{"type":"any"}`))
	if len(reply.Content) != 1 || reply.Content[0].Kind != "tool_use" {
		t.Errorf("tool_choice any: got %+v, want a tool_use alone", reply.Content)
	}
}

// turns continues a conversation: the user's call, the model's use of the tools, their results.
func toolTurns(prompt, uses, results string) string {
	return fmt.Sprintf(`[{"role":"user","content":%s},{"role":"assistant","content":[%s]},{"role":"user","content":[%s]}]`, quoted(prompt), uses, results)
}

func TestAfterToolResults(t *testing.T) {
	const use = `{"type":"tool_use","id":"toolu_1","name":"Write","input":{"n":1}}`
	const search = `{"type":"tool_use","id":"toolu_2","name":"ToolSearch","input":{"query":"select:Late","max_results":1}}`
	const withSearch = `"anthropic_beta":["tool-search-tool-2025-10-19"],"tools":[{"name":"ToolSearch","input_schema":{"type":"object"}},{"name":"Write","input_schema":{"type":"object"}}%s]`
	for _, c := range []struct {
		name, messages, tools string
		wantCalls             []string
		wantText              string
	}{
		{"a result is quoted", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","content":"wrote 7f3a"}`), writeAndRead,
			nil, "Write answered: wrote 7f3a"},
		{"a result of blocks", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"one"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+pngData(3, 2)+`"}}]}`), writeAndRead,
			nil, fmt.Sprintf("Write answered: one\nPNG image, 3 x 2 pixels, %d bytes", len(pngData(3, 2))/4*3-strings.Count(pngData(3, 2), "="))},
		{"an error is said to be one", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":"denied"}`), writeAndRead,
			nil, "Write failed: denied"},
		{"a reminder in the result is left out", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","content":"ok\n\n<system-reminder>x</system-reminder>"}`), writeAndRead,
			nil, "Write answered: ok"},
		{"an empty result", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1"}`), writeAndRead,
			nil, "Write answered: (nothing)"},
		{"text beside the result is no new task", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"},{"type":"text","text":"Tool loaded."}`), writeAndRead,
			nil, "Write answered: ok"},
		{"the task repeated beside the result is not done again", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"},{"type":"text","text":"call Write {\"n\":1}"}`), writeAndRead,
			nil, "Write answered: ok"},
		{"a call beside the result is made", toolTurns(`call Write {"n":1}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"},{"type":"text","text":"call Read {\"n\":2}"}`), writeAndRead,
			[]string{`Read{"n":2}`}, "Write answered: ok\nI will call Read."},
		{"what was not made at once comes next", toolTurns(`call Write {"n":1} call Read {"n":2}`, use, `{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}`), writeAndRead,
			[]string{`Read{"n":2}`}, "Write answered: ok\nI will call Read."},
		{"a tool that was found is called", toolTurns(`call Late {"n":2}`, search, `{"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"tool_reference","tool_name":"Late"}]}`), fmt.Sprintf(withSearch, `,{"name":"Late","defer_loading":true,"input_schema":{"type":"object"}}`),
			[]string{`Late{"n":2}`}, "ToolSearch answered: the tool Late\nI will call Late."},
		{"a tool that was not found is not looked for again", toolTurns(`call Late {"n":2}`, search, `{"type":"tool_result","tool_use_id":"toolu_2","content":"nothing found"}`), fmt.Sprintf(withSearch, ``),
			nil, "ToolSearch answered: nothing found\nI cannot call Late: it is not among the tools offered, ToolSearch, Write."},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply := mustInvoke(t, "opus", body(c.messages, c.tools))
			if diff := cmp.Diff(c.wantCalls, calls(reply)); diff != "" {
				t.Errorf("calls, -want +got:\n%s", diff)
			}
			if got := only(t, reply, "text").Text; got != c.wantText {
				t.Errorf("got text %q, want %q", got, c.wantText)
			}
		})
	}
}

func TestClaudeCodesToolResultIsQuoted(t *testing.T) {
	reply := mustInvoke(t, "opus", claudeCode(t, "tool-result"))
	if got, want := only(t, reply, "text").Text, "Bash answered: hi"; got != want {
		t.Errorf("got text %q, want %q", got, want)
	}
	if reply.StopReason != "end_turn" {
		t.Errorf("got stop reason %q, want end_turn", reply.StopReason)
	}
}

func TestWords(t *testing.T) {
	const tail = " Write `call NAME {json}` and I use that tool."
	for _, c := range []struct{ name, model, body, want string }{
		{"what was said comes back", "opus", body(user("say hi")), "You said: say hi\n\nI am Claude Opus 5.5 as the embedded Bedrock plays it." + tail},
		{"a later turn is counted", "claude-haiku-4-5", body(`[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]`), "You said: c\n\nI am Claude Haiku 4.5 as the embedded Bedrock plays it, and this is your turn 2." + tail},
		{"a call of what is not offered", "opus", body(user("call Nope {}"), writeAndRead), "I cannot call Nope: it is not among the tools offered, Write, Read."},
		{"a call where nothing is offered", "opus", body(user("call Nope {}")), "I cannot call Nope: no tools are offered."},
		{"an input that is no JSON", "opus", body(user("call Write {a}"), writeAndRead), "I cannot call Write: its input is not a JSON object (invalid character 'a' looking for beginning of object key string)."},
		{"some words", "opus", body(user("write 14 words")), "The rock that comes to the surface shows what lies below it. Layer by."},
		{"an answer that was begun", "claude-haiku-4-5", body(`[{"role":"user","content":"write 4 words"},{"role":"assistant","content":"The rock"}]`), " that comes."},
		{"an answer that fits a schema", "opus", body(user("name it"), `"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"title":{"type":"string"},"tags":{"type":"array","items":{"type":"string"},"minItems":1}},"required":["title","tags"],"additionalProperties":false}}}`), `{"tags":["name it"],"title":"name it"}`},
		{"a text document", "opus", body(`[{"role":"user","content":[{"type":"document","title":"notes","source":{"type":"text","media_type":"text/plain","data":"hello"}}]}]`), "I have read a document: \"notes\", text document, 5 bytes.\n\nI am Claude Opus 5.5 as the embedded Bedrock plays it." + tail},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := only(t, mustInvoke(t, c.model, c.body), "text").Text; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheSameRequestGetsTheSameAnswer(t *testing.T) {
	src := body(user(`think, and call Write {"b":1,"a":2}`), writeAndRead, `"thinking":{"type":"adaptive","display":"summarized"}`)
	strip := func(r *Reply) (out []Content) {
		for _, c := range r.Content {
			c.ID, c.seal = "", nil
			out = append(out, c)
		}
		return out
	}
	a, b := mustInvoke(t, "opus", src), mustInvoke(t, "opus", src)
	if diff := cmp.Diff(strip(a), strip(b), cmp.AllowUnexported(Content{})); diff != "" {
		t.Errorf("two answers to one request differ but for IDs:\n%s", diff)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name, prompt string
		max          int
		stops        string
		wantText     string
		wantReason   string
		wantSequence string
	}{
		{"nothing in the way", "write 4 words", 100, `[]`, "The rock that comes.", "end_turn", ""},
		{"just enough", "write 4 words", 5, `[]`, "The rock that comes.", "end_turn", ""},
		{"one too few", "write 4 words", 4, `[]`, "The rock that comes", "max_tokens", ""},
		{"a probe of one token", ".", 1, `[]`, "You", "max_tokens", ""},
		{"a stop sequence within a word", "write 4 words", 100, `["ck th"]`, "The ro", "stop_sequence", "ck th"},
		{"a stop sequence over the border of two deltas", "write 9 words", 100, `["es to the"]`, "The rock that com", "stop_sequence", "es to the"},
		{"the shorter of two at one place", "write 4 words", 100, `["rock that","rock"]`, "The ", "stop_sequence", "rock"},
		{"several that are not met", "write 4 words", 100, `["rocks","rocket","zz"]`, "The rock that comes.", "end_turn", ""},
		{"the first of several", "write 4 words", 100, `["comes","rock"]`, "The ", "stop_sequence", "rock"},
		{"max_tokens before the stop sequence", "write 4 words", 2, `["comes"]`, "The rock", "max_tokens", ""},
		{"one that does not occur", "write 4 words", 100, `["granite"]`, "The rock that comes.", "end_turn", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := strings.Replace(body(user(c.prompt), `"stop_sequences":`+c.stops), "4096", fmt.Sprint(c.max), 1)
			reply := mustInvoke(t, "claude-haiku-4-5", src)
			if got := only(t, reply, "text").Text; got != c.wantText {
				t.Errorf("got text %q, want %q", got, c.wantText)
			}
			if reply.StopReason != c.wantReason || reply.StopSequence != c.wantSequence {
				t.Errorf("got stop reason %q and sequence %q, want %q and %q", reply.StopReason, reply.StopSequence, c.wantReason, c.wantSequence)
			}
			if got, want := reply.Usage.OutputTokens, Tokens(c.wantText); got != want {
				t.Errorf("got %d output tokens, want %d, what the text has", got, want)
			}
		})
	}
}

func TestAStopSequenceAtTheStartLeavesNothing(t *testing.T) {
	reply := mustInvoke(t, "claude-haiku-4-5", body(user("write 4 words"), `"stop_sequences":["The"]`))
	if len(reply.Content) != 0 || reply.StopReason != "stop_sequence" || reply.Usage.OutputTokens != 0 {
		t.Errorf("got %+v, %q, %d tokens, want no content, stop_sequence, none", reply.Content, reply.StopReason, reply.Usage.OutputTokens)
	}
	if got, _ := json.Marshal(reply.Message().Content); string(got) != "[]" {
		t.Errorf("content in JSON: got %s, want []", got)
	}
}

func TestMaxTokensCutsAToolsInput(t *testing.T) {
	src := strings.Replace(body(user(`call Write {"text":"a b c d e f g h i j"}`), writeAndRead), "4096", "16", 1)
	reply := mustInvoke(t, "opus", src)
	use := only(t, reply, "tool_use")
	if reply.StopReason != "max_tokens" || reply.Usage.OutputTokens != 16 || !strings.HasPrefix(`{"text":"a b c d e f g h i j"}`, use.Input) {
		t.Errorf("got %q, %d tokens, input %q, want max_tokens, 16, the beginning of the input", reply.StopReason, reply.Usage.OutputTokens, use.Input)
	}
	whole, err := json.Marshal(reply.Message())
	if err != nil || !strings.Contains(string(whole), `"name":"Write","input":{}}`) {
		t.Errorf("Message: got %s, %v, want an empty input", whole, err)
	}
}

// TestOutputCostsAsMuchAsInput holds that what an answer cost as output it costs again as input, but
// for the frame of the message.
func TestOutputCostsAsMuchAsInput(t *testing.T) {
	in := setting(t, "opus")
	for _, prompt := range []string{"say hi", `call Write {"b":[1,2],"a":"x y z"}`} {
		for _, display := range []string{"omitted", "summarized"} {
			more := []string{writeAndRead, `"thinking":{"type":"adaptive","display":"` + display + `"}`}
			first, err := Parse([]byte(body(user(prompt), more...)))
			if err != nil {
				t.Fatal(err)
			}
			before := Layout(first, in.Model).Tokens()
			reply := first.Answer(in, Usage{})
			content, _ := json.Marshal(reply.Message().Content)
			second, err := Parse([]byte(body(strings.TrimSuffix(user(prompt), "]")+`,{"role":"assistant","content":`+string(content)+`}]`, more...)))
			if err != nil {
				t.Fatalf("%s, %s: the answer sent back: %v", prompt, display, err)
			}
			if got, want := Layout(second, in.Model).Tokens()-before, reply.Usage.OutputTokens+messageTokens; got != want {
				t.Errorf("%s, %s: the answer costs %d tokens as input, want %d", prompt, display, got, want)
			}
		}
	}
}

// TestEventsMakeTheMessage puts a stream together again and compares with the answer that is whole.
func TestEventsMakeTheMessage(t *testing.T) {
	for _, prompt := range []string{"say hi", `call Write {"a":"x y z"} call Read {}`, "write 300 words"} {
		reply := mustInvoke(t, "claude-haiku-4-5", body(user(prompt), writeAndRead, `"thinking":{"type":"enabled","budget_tokens":1024}`))
		var got []Content
		var kinds []string
		for e := range reply.Events() {
			if len(kinds) == 0 || kinds[len(kinds)-1] != e.Type {
				kinds = append(kinds, e.Type)
			}
			if e.Type == "content_block_start" {
				if *e.Index != len(got) {
					t.Errorf("%s: block %d begins with index %d", prompt, len(got), *e.Index)
				}
				c := reply.Content[*e.Index]
				got = append(got, Content{Kind: c.Kind, ID: c.ID, Name: c.Name})
			}
			if e.Type != "content_block_delta" {
				continue
			}
			last := &got[*e.Index]
			switch d := e.Delta.(type) {
			case textDelta:
				last.Text += d.Text
			case thinkingDelta:
				last.Text += d.Thinking
			case signatureDelta:
				last.Signature += d.Signature
			case inputDelta:
				last.Input += d.PartialJSON
			}
		}
		want := append([]Content(nil), reply.Content...)
		for i := range want {
			want[i].seal = nil
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Content{})); diff != "" {
			t.Errorf("%s: the stream put together, -want +got:\n%s", prompt, diff)
		}
		if kinds[0] != "message_start" || strings.Join(kinds[len(kinds)-3:], " ") != "content_block_stop message_delta message_stop" {
			t.Errorf("%s: events came as %v", prompt, kinds)
		}
	}
}
