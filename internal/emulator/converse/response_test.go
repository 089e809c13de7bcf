package converse_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
)

func TestResponse(t *testing.T) {
	reply := &claude.Reply{StopReason: "tool_use", Content: []claude.Content{
		{Kind: "thinking", Text: "hm", Signature: "sig"},
		{Kind: "redacted_thinking", Text: "opaque"},
		{Kind: "text", Text: "I will"},
		{Kind: "tool_use", ID: "toolu_bdrk_01ABC", Name: "look", Input: `{"n":10000000000000001}`},
		{Kind: "tool_use", ID: "mine", Name: "cut", Input: `{"n":`},
	}}
	reply.Usage.InputTokens, reply.Usage.OutputTokens, reply.Usage.CacheRead, reply.Usage.CacheWrite = 1, 2, 30, 400
	reply.Usage.CacheCreation.Hour, reply.Usage.CacheCreation.FiveMinutes = 300, 100
	answer := converse.Answer{
		Reply: reply, Traits: converse.Traits{CachePoints: true, Signatures: true},
		Native: map[string]any{"stop_sequence": nil, "usage": map[string]any{"input_tokens": 1}, "a/b": "c"},
		Input: map[string]any{
			"additionalModelResponseFieldPaths": []any{"/stop_sequence", "/usage/input_tokens", "/a~1b", "/absent", "/stop_sequence/deeper"},
			"guardrailConfig":                   map[string]any{"guardrailIdentifier": "g1", "guardrailVersion": "1", "trace": "enabled"},
			"serviceTier":                       map[string]any{"type": "priority"},
			"messages":                          []any{map[string]any{"role": "user", "content": []any{map[string]any{"text": "häh"}}}},
		},
	}
	got, err := json.MarshalIndent(answer.Response(1500*time.Millisecond), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "additionalModelResponseFields": {"a/b": "c", "stop_sequence": null, "usage": {"input_tokens": 1}},
 "metrics": {"latencyMs": 1500},
 "output": {"message": {"role": "assistant", "content": [
  {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
  {"reasoningContent": {"redactedContent": "b3BhcXVl"}},
  {"text": "I will"},
  {"toolUse": {"toolUseId": "tooluse_ABC", "name": "look", "input": {"n": 10000000000000001}}},
  {"toolUse": {"toolUseId": "mine", "name": "cut", "input": {}}}]}},
 "serviceTier": {"type": "priority"},
 "stopReason": "tool_use",
 "trace": {"guardrail": {"inputAssessment": {"g1": {"invocationMetrics": {
  "guardrailProcessingLatency": 0, "guardrailCoverage": {"textCharacters": {"guarded": 3, "total": 3}},
  "usage": {"topicPolicyUnits": 0, "contentPolicyUnits": 0, "wordPolicyUnits": 0, "sensitiveInformationPolicyUnits": 0,
   "sensitiveInformationPolicyFreeUnits": 0, "contextualGroundingPolicyUnits": 0}}}},
  "outputAssessments": {"g1": [{"invocationMetrics": {
  "guardrailProcessingLatency": 0, "guardrailCoverage": {"textCharacters": {"guarded": 6, "total": 6}},
  "usage": {"topicPolicyUnits": 0, "contentPolicyUnits": 0, "wordPolicyUnits": 0, "sensitiveInformationPolicyUnits": 0,
   "sensitiveInformationPolicyFreeUnits": 0, "contextualGroundingPolicyUnits": 0}}}]}}},
 "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 433, "cacheReadInputTokens": 30, "cacheReadInputTokenCount": 30,
  "cacheWriteInputTokens": 400, "cacheWriteInputTokenCount": 400, "serverToolUsage": {},
  "cacheDetails": [{"ttl": "1h", "inputTokens": 300}, {"ttl": "5m", "inputTokens": 100}]}
}`
	if diff := cmp.Diff(tree(t, []byte(want)), tree(t, got)); diff != "" {
		t.Errorf("Response, -want +got:\n%s", diff)
	}
}

func TestStopReasons(t *testing.T) {
	for reason, want := range map[string]string{
		"end_turn": "end_turn", "tool_use": "tool_use", "max_tokens": "max_tokens", "stop_sequence": "stop_sequence",
		"refusal": "content_filtered", "pause_turn": "end_turn", "model_context_window_exceeded": "model_context_window_exceeded",
		"malformed_tool_use": "malformed_tool_use", "guardrail_intervened": "guardrail_intervened", "": "end_turn",
	} {
		answer := converse.Answer{Reply: &claude.Reply{StopReason: reason}}
		if got := answer.Response(0)["stopReason"]; got != want {
			t.Errorf("stop reason %q: got %v, want %s", reason, got, want)
		}
	}
}

// tree reads JSON with numbers as they stand.
func tree(t *testing.T, text []byte) map[string]any {
	t.Helper()
	v, err := readTree(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
