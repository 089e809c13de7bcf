package converse

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// An Answer is a reply on its way back through Converse.
type Answer struct {
	Reply  *claude.Reply
	Input  map[string]any // of the request
	Traits Traits

	// Native is what the model itself answered, or the end of its stream: what
	// additionalModelResponseFieldPaths point into. nil if the model has no form of its own here.
	Native any
}

// Response returns the output of Converse.
func (a Answer) Response(latency time.Duration) map[string]any {
	content := []any{}
	for _, c := range a.content() {
		content = append(content, outputBlock(c))
	}
	out := map[string]any{
		"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": content}},
		"stopReason": stopReason(a.Reply.StopReason),
		"usage":      a.usage(),
		"metrics":    map[string]any{"latencyMs": latency.Milliseconds()},
	}
	if fields := a.fields(); fields != nil {
		out["additionalModelResponseFields"] = fields
	}
	a.addServing(out)
	return out
}

// content returns the reply's blocks, without signatures where the model signs nothing.
func (a Answer) content() []claude.Content {
	out := slices.Clone(a.Reply.Content)
	for i := range out {
		if !a.Traits.Signatures {
			out[i].Signature = ""
		}
	}
	return out
}

// addServing adds how the request was served, which is as it asked to be, and what a guardrail found,
// which is nothing.
func (a Answer) addServing(out map[string]any) {
	for _, name := range []string{"performanceConfig", "serviceTier"} {
		if v := a.Input[name]; v != nil {
			out[name] = v
		}
	}
	if trace := a.trace(); trace != nil {
		out["trace"] = map[string]any{"guardrail": trace}
	}
}

func outputBlock(c claude.Content) map[string]any {
	switch c.Kind {
	case "thinking":
		text := map[string]any{"text": c.Text}
		if c.Signature != "" {
			text["signature"] = c.Signature
		}
		return map[string]any{"reasoningContent": map[string]any{"reasoningText": text}}
	case "redacted_thinking":
		return map[string]any{"reasoningContent": map[string]any{"redactedContent": []byte(c.Text)}}
	case "tool_use":
		return map[string]any{"toolUse": map[string]any{"toolUseId": toolUseID(c.ID), "name": c.Name, "input": toolInput(c.Input)}}
	}
	return map[string]any{"text": c.Text}
}

// toolInput reads a tool's input; one that max_tokens has cut short is empty.
func toolInput(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var input map[string]any
	if err := d.Decode(&input); err != nil || input == nil {
		return map[string]any{}
	}
	return input
}

// toolUseID returns Claude's ID as Converse shows it: recorded answers have tooluse_ where InvokeModel's
// have toolu_bdrk_01.
func toolUseID(id string) string {
	if rest, ok := strings.CutPrefix(id, "toolu_bdrk_01"); ok {
		return "tooluse_" + rest
	}
	return id
}

// stopReasons are those of Converse (service model: StopReason).
var stopReasons = []string{"end_turn", "tool_use", "max_tokens", "stop_sequence", "guardrail_intervened", "content_filtered",
	"malformed_model_output", "malformed_tool_use", "model_context_window_exceeded"}

func stopReason(reason string) string {
	switch {
	case reason == "refusal":
		return "content_filtered"
	case slices.Contains(stopReasons, reason):
		return reason
	}
	return "end_turn"
}

// usage returns TokenUsage. Models that cache have the counts of the cache also when they are zero, and
// each under two names, as recorded.
func (a Answer) usage() map[string]any {
	u := a.Reply.Usage
	out := map[string]any{
		"inputTokens": u.InputTokens, "outputTokens": u.OutputTokens,
		"totalTokens": u.InputTokens + u.OutputTokens + u.CacheRead + u.CacheWrite,
	}
	if a.Traits.CachePoints {
		out["cacheReadInputTokens"], out["cacheReadInputTokenCount"] = u.CacheRead, u.CacheRead
		out["cacheWriteInputTokens"], out["cacheWriteInputTokenCount"] = u.CacheWrite, u.CacheWrite
	}
	var details []any
	for _, d := range []struct {
		ttl    string
		tokens int
	}{{"1h", u.CacheCreation.Hour}, {"5m", u.CacheCreation.FiveMinutes}} {
		if d.tokens > 0 {
			details = append(details, map[string]any{"ttl": d.ttl, "inputTokens": d.tokens})
		}
	}
	if details != nil {
		out["cacheDetails"] = details
	}
	if a.Traits.Signatures { // Claude
		out["serverToolUsage"] = map[string]any{}
	}
	return out
}

// fields answers additionalModelResponseFieldPaths: what is there, under its own path; nil for nothing.
func (a Answer) fields() map[string]any {
	var out map[string]any
	native := plainJSON(a.Native)
	for _, v := range object(a.Input).list("additionalModelResponseFieldPaths") {
		pointer, _ := v.(string)
		names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
		for i := range names {
			names[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(names[i])
		}
		value, ok := follow(native, names)
		if !ok {
			continue
		}
		if out == nil {
			out = map[string]any{}
		}
		put(out, names, value)
	}
	return out
}

// plainJSON returns v as encoding/json reads it back.
func plainJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return nil
	}
	return out
}

func follow(v any, names []string) (any, bool) {
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

func put(into map[string]any, names []string, value any) {
	for _, name := range names[:len(names)-1] {
		next, ok := into[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			into[name] = next
		}
		into = next
	}
	into[names[len(names)-1]] = value
}

// trace is what a guardrail says that has found nothing, nil if none was asked to say so.
func (a Answer) trace() map[string]any {
	g := object(a.Input).object("guardrailConfig")
	if t := g.text("trace"); t != "enabled" && t != "enabled_full" {
		return nil
	}
	said := 0
	for _, m := range readMessages(a.Input) {
		for _, b := range m.of("text") {
			said += utf8.RuneCountInString(b.text())
		}
	}
	answered := 0
	for _, c := range a.Reply.Content {
		if c.Kind == "text" {
			answered += utf8.RuneCountInString(c.Text)
		}
	}
	id := g.text("guardrailIdentifier")
	return map[string]any{
		"inputAssessment":   map[string]any{id: assessment(said)},
		"outputAssessments": map[string]any{id: []any{assessment(answered)}},
	}
}

// assessment is what a guardrail says of so many characters in which it has found nothing.
func assessment(characters int) map[string]any {
	usage := map[string]any{}
	for _, name := range []string{"topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits",
		"sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits"} {
		usage[name] = 0
	}
	return map[string]any{"invocationMetrics": map[string]any{
		"guardrailProcessingLatency": 0, "usage": usage,
		"guardrailCoverage": map[string]any{"textCharacters": map[string]any{"guarded": characters, "total": characters}},
	}}
}
