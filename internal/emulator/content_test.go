package emulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A content is a block of an answer, the Messages API's or Converse's; if streamed, put together from its
// deltas.
type content struct {
	kind, name string // kind as in the Messages API
	text       string
	input      any
}

// contents returns the blocks of an answer whose order of events has been checked.
func (o outcome) contents(t *testing.T) (out []content) {
	t.Helper()
	if o.events != nil {
		return streamedContents(t, o.events)
	}
	body, _ := o.body.(map[string]any)
	blocks, _ := body["content"].([]any)
	if message, ok := member(body, "output", "message", "content").([]any); ok {
		blocks = message
	}
	for _, block := range blocks {
		out = append(out, newContent(block.(map[string]any)))
	}
	return out
}

// newContent reads a block, or what its start or first delta says of it.
func newContent(block map[string]any) content {
	if kind, ok := block["type"].(string); ok {
		return content{kind: kind, name: text(block["name"]), text: text(block["text"]), input: block["input"]}
	}
	if tool, ok := block["toolUse"].(map[string]any); ok {
		return content{kind: "tool_use", name: text(tool["name"]), input: tool["input"]}
	}
	if block["reasoningContent"] != nil {
		return content{kind: "thinking"}
	}
	return content{kind: "text", text: text(block["text"])}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func streamedContents(t *testing.T, events []event) (out []content) {
	t.Helper()
	var written []string
	begin := func(block any) {
		c := newContent(block.(map[string]any))
		c.text, c.input = "", nil
		out, written = append(out, c), append(written, "")
	}
	for _, e := range events {
		switch e["type"] {
		case "content_block_start":
			begin(e["content_block"])
		case "contentBlockStart":
			begin(e["start"])
		case "content_block_delta", "contentBlockDelta":
			if e["contentBlockIndex"] == float64(len(out)) { // text has no start in Converse
				begin(e["delta"])
			}
			written[len(written)-1] += pieceOf(e)
		}
	}
	for i := range out {
		switch out[i].kind {
		case "text":
			out[i].text = written[i]
		case "tool_use":
			unmarshal(t, written[i], &out[i].input)
		}
	}
	return out
}

// pieceOf is what a delta adds to a text or a tool's input.
func pieceOf(e event) string {
	return text(member(e, "delta", "text")) + text(member(e, "delta", "partial_json")) + text(member(e, "delta", "toolUse", "input"))
}

// deltaKinds are the deltas of a stream by the kind of block that they belong to.
func deltaKinds(events []event) map[string]map[string]bool {
	out, open := map[string]map[string]bool{}, ""
	for _, e := range events {
		switch e["type"] {
		case "content_block_start":
			if open = kindOf(e["content_block"]); out[open] == nil {
				out[open] = map[string]bool{}
			}
		case "content_block_delta":
			out[open][kindOf(e["delta"])] = true
		}
	}
	return out
}

func (o outcome) has(t *testing.T, kind string) bool {
	return slices.ContainsFunc(o.contents(t), func(c content) bool { return c.kind == kind })
}

// usage returns the counts of an answer: those of the whole, in a stream those at its end.
func (o outcome) usage() map[string]any {
	var at any
	if body, ok := o.body.(map[string]any); ok {
		at = body["usage"]
	}
	out := map[string]any{}
	for _, e := range o.events { // the later ones stand over the earlier
		for _, usage := range []any{member(e, "message", "usage"), e["usage"]} {
			u, _ := usage.(map[string]any)
			for name, n := range u {
				out[name] = n
			}
		}
	}
	if u, ok := at.(map[string]any); ok {
		return u
	}
	return out
}

// count sums up the counts of these names, of which the Messages API has one and Converse another.
func (o outcome) count(names ...string) (n int) {
	for _, name := range names {
		if v, ok := o.usage()[name].(float64); ok {
			n += int(v)
		}
	}
	return n
}

// cached is how many tokens were read from the prompt cache or written to it.
func (o outcome) cached() int {
	return o.count("cache_read_input_tokens", "cache_creation_input_tokens", "cacheReadInputTokens", "cacheWriteInputTokens")
}

// shortened reports whether the cassette was edited, so that its request is not what the cache's tokens
// were counted of: a text has some four bytes for each, and no model caches less than 1024 or 512 tokens.
func (r recording) shortened(o outcome) bool {
	return o.cached() > 0 && (o.cached() < 512 || len(r.Request) < 3*o.cached())
}

// compareContents holds the answer to what does not depend on which model gave it: whether it thinks,
// whether it caches, that it stays within max_tokens, and that JSON asked for is JSON of that schema.
func (o outcome) compareContents(t *testing.T, got outcome, r recording) (faults []string) {
	t.Helper()
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	have := deltaKinds(got.events)
	for block, kinds := range deltaKinds(o.events) {
		if have[block] != nil && !maps.Equal(kinds, have[block]) {
			fault("deltas of a block of %s: got %v, recorded %v", block, have[block], kinds)
		}
	}
	if o.has(t, "thinking") && !got.has(t, "thinking") {
		fault("no thinking, which was recorded")
	}
	if !r.shortened(o) && (o.cached() > 0) != (got.cached() > 0) {
		fault("usage of the cache: got %v, recorded %v", got.usage(), o.usage())
	}
	limit, _ := r.members()["max_tokens"].(json.Number)
	if r.maxTokens(limit) < got.count("output_tokens", "outputTokens") || got.count("output_tokens", "outputTokens") < 1 {
		fault("usage %v, want output tokens up to %s", got.usage(), limit)
	}
	if r.wantsJSON() {
		if diff := cmp.Diff(jsonShape(t, o), jsonShape(t, got)); diff != "" {
			fault("the JSON asked for (-recorded +got):\n%s", diff)
		}
	}
	return faults
}

// maxTokens is what the request allows, however it says so.
func (r recording) maxTokens(limit json.Number) int {
	if config, ok := r.members()["inferenceConfig"].(map[string]any); ok {
		limit, _ = config["maxTokens"].(json.Number)
	}
	if n, err := limit.Int64(); err == nil {
		return int(n)
	}
	return 1 << 30
}

// wantsJSON reports whether a schema is given for the answer.
func (r recording) wantsJSON() bool {
	o := r.members()
	return o["output_format"] != nil || member(o, "output_config", "format") != nil || member(o, "outputConfig", "textFormat") != nil
}

// jsonShape is the shape of the answer's text, which is JSON.
func jsonShape(t *testing.T, o outcome) map[string]string {
	t.Helper()
	var all strings.Builder
	for _, c := range o.contents(t) {
		all.WriteString(c.text)
	}
	var v any
	unmarshal(t, all.String(), &v)
	return shape(v)
}

// testToolUse tells the emulator's model to use the tools that the recorded one has used, so that the
// blocks and events of tools can be compared.
func testToolUse(t *testing.T, b *bedrock, allowed *allowances) {
	played := tally{}
	for _, set := range []string{"anthropic", "bedrock"} {
		for _, r := range readRecordings(t, set) {
			if !slices.Contains(served, r.operation()) || r.Status != http.StatusOK || excepted(r) || again(r) {
				continue
			}
			want := recordedOutcome(t, r)
			calls := toolUses(t, want)
			if len(calls) == 0 {
				continue
			}
			t.Run(r.Name(), func(t *testing.T) {
				got := playedOutcome(t, b.play(r, r.telling(t, calls)), r)
				for _, fault := range want.compare(t, got, r, allowed) {
					t.Error(fault)
				}
				if diff := cmp.Diff(calls, toolUses(t, got), cmp.AllowUnexported(content{})); diff != "" {
					t.Errorf("tools used (-recorded +got):\n%s", diff)
				}
				if !t.Failed() {
					played.add(r, "with the same tools and inputs")
				}
			})
		}
	}
	t.Log(played)
}

// again matches where the recorded model uses a tool a second time in one turn with the same input: ours
// takes the call as made.
var again = cassettes("cassettes/test_converse_stream_tool_call_parsing_errors.yaml#1")

func toolUses(t *testing.T, o outcome) (out []content) {
	for _, c := range o.contents(t) {
		if c.kind == "tool_use" {
			out = append(out, c)
		}
	}
	return out
}

// telling returns the request's body, with `call NAME {json}` for each call at the end of its last turn.
func (r recording) telling(t *testing.T, calls []content) string {
	t.Helper()
	var o map[string]any
	unmarshal(t, r.body(t), &o)
	var say []string
	for _, c := range calls {
		input, err := json.Marshal(c.input)
		if err != nil {
			t.Fatal(err)
		}
		say = append(say, "call "+c.name+" "+string(input))
	}
	block := map[string]any{"text": strings.Join(say, "\n")}
	if strings.HasPrefix(r.operation(), "Invoke") {
		block["type"] = "text"
	}
	messages := o["messages"].([]any)
	last := messages[len(messages)-1].(map[string]any)
	switch before := last["content"].(type) {
	case string:
		last["content"] = []any{map[string]any{"type": "text", "text": before}, block}
	case []any:
		last["content"] = append(before, block)
	}
	body, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// testUnderBedrocksNames plays what was recorded with a beta of Anthropic's API as Bedrock's clients have
// to ask for it.
func testUnderBedrocksNames(t *testing.T, b *bedrock, allowed *allowances) {
	played := tally{}
	for _, r := range readRecordings(t, "anthropic") {
		if !underAnotherName(r) {
			continue
		}
		t.Run(r.Name(), func(t *testing.T) {
			r.Beta = strings.ReplaceAll(r.Beta, "advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19")
			for _, needless := range []string{"structured-outputs-2025-11-13", "tools-2024-04-04"} {
				r.Beta = strings.ReplaceAll(r.Beta, needless, "")
			}
			if r.Beta == "" && strings.Contains(r.Request, `"defer_loading"`) {
				r.Beta = "tool-search-tool-2025-10-19"
			}
			o := r.members()
			if format := o["output_format"]; format != nil {
				delete(o, "output_format")
				o["output_config"] = map[string]any{"format": format}
			}
			request, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			r.Request = string(request)
			want := recordedOutcome(t, r)
			for _, fault := range want.compare(t, playedOutcome(t, b.play(r, r.body(t)), r), r, allowed) {
				t.Error(fault)
			}
			if !t.Failed() {
				played.add(r, "under Bedrock's names")
			}
		})
	}
	t.Log(played)
}
