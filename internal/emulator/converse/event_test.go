package converse_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
)

// An event is one of a stream.
type event struct {
	Event   string
	Payload map[string]any
}

// TestRecordedStreams says again what recorded streams of the live service say: the same events with the
// same members in the same order, but for where a text is cut into deltas, and padding.
func TestRecordedStreams(t *testing.T) {
	for file, traits := range map[string]converse.Traits{
		"claude-text-and-tool.jsonl": {Signatures: true},  // Claude, and a model that caches nothing
		"claude-cache.jsonl":         {CachePoints: true}, // recorded before serverToolUsage
		"nova-two-tools.jsonl":       {},                  // recorded before Nova cached
	} {
		t.Run(file, func(t *testing.T) {
			recorded := readStream(t, filepath.Join("testdata", "streams", file))
			reply, latency := replyOf(t, recorded)
			answer := converse.Answer{Reply: reply, Traits: traits}
			var got []event
			for name, payload := range answer.Events(func() time.Duration { return latency }) {
				got = append(got, event{name, asRead(t, payload)})
			}
			if diff := cmp.Diff(joined(recorded), joined(got)); diff != "" {
				t.Errorf("recorded -, ours +:\n%s", diff)
			}
		})
	}
}

func readStream(t *testing.T, file string) (out []event) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Payload["p"] == nil {
			t.Errorf("%s has no padding", line)
		}
		delete(e.Payload, "p")
		out = append(out, e)
	}
	return out
}

// asRead returns v as a client reads it.
func asRead(t *testing.T, v any) (out map[string]any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// joined returns events with consecutive deltas of one block made one.
func joined(events []event) (out []event) {
	for _, e := range events {
		text, input := deltaText(e)
		if n := len(out); e.Event == "contentBlockDelta" && n > 0 && out[n-1].Event == e.Event {
			before, inputBefore := deltaText(out[n-1])
			delta := map[string]any{"text": before + text}
			if e.Payload["delta"].(map[string]any)["toolUse"] != nil {
				delta = map[string]any{"toolUse": map[string]any{"input": inputBefore + input}}
			}
			out[n-1] = event{e.Event, map[string]any{"contentBlockIndex": e.Payload["contentBlockIndex"], "delta": delta}}
			continue
		}
		out = append(out, e)
	}
	return out
}

func deltaText(e event) (text, input string) {
	delta, _ := e.Payload["delta"].(map[string]any)
	text, _ = delta["text"].(string)
	use, _ := delta["toolUse"].(map[string]any)
	input, _ = use["input"].(string)
	return text, input
}

// replyOf returns the reply that makes a recorded stream.
func replyOf(t *testing.T, events []event) (*claude.Reply, time.Duration) {
	t.Helper()
	r, latency := &claude.Reply{}, 0.0
	for _, e := range joined(events) {
		p := e.Payload
		switch e.Event {
		case "contentBlockStart":
			use := p["start"].(map[string]any)["toolUse"].(map[string]any)
			r.Content = append(r.Content, claude.Content{Kind: "tool_use", ID: use["toolUseId"].(string), Name: use["name"].(string)})
		case "contentBlockDelta":
			text, input := deltaText(e)
			if n := len(r.Content); n > 0 && r.Content[n-1].Kind == "tool_use" && text == "" {
				r.Content[n-1].Input = input
			} else {
				r.Content = append(r.Content, claude.Content{Kind: "text", Text: text})
			}
		case "messageStop":
			r.StopReason = p["stopReason"].(string)
		case "metadata":
			usage := p["usage"].(map[string]any)
			count := func(name string) int { n, _ := usage[name].(float64); return int(n) }
			r.Usage.InputTokens, r.Usage.OutputTokens = count("inputTokens"), count("outputTokens")
			r.Usage.CacheRead, r.Usage.CacheWrite = count("cacheReadInputTokens"), count("cacheWriteInputTokens")
			latency = p["metrics"].(map[string]any)["latencyMs"].(float64)
		}
	}
	if len(r.Content) == 0 || r.StopReason == "" {
		t.Fatalf("a recording without an answer: %+v", r)
	}
	return r, time.Duration(latency) * time.Millisecond
}

func TestEventsOfReasoning(t *testing.T) {
	answer := converse.Answer{Traits: converse.Traits{Signatures: true}, Reply: &claude.Reply{StopReason: "refusal", Content: []claude.Content{
		{Kind: "thinking", Text: "hm", Signature: "sig"},
		{Kind: "thinking", Signature: "only"},
		{Kind: "redacted_thinking", Text: "opaque"},
		{Kind: "text", Text: "so"},
	}}}
	var got []string
	for name, payload := range answer.Events(func() time.Duration { return 0 }) {
		if name == "metadata" {
			continue
		}
		text, _ := json.Marshal(payload)
		got = append(got, name+" "+string(text))
	}
	want := `messageStart {"role":"assistant"}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"sig"}}}
contentBlockStop {"contentBlockIndex":0}
contentBlockDelta {"contentBlockIndex":1,"delta":{"reasoningContent":{"signature":"only"}}}
contentBlockStop {"contentBlockIndex":1}
contentBlockDelta {"contentBlockIndex":2,"delta":{"reasoningContent":{"redactedContent":"b3BhcXVl"}}}
contentBlockStop {"contentBlockIndex":2}
contentBlockDelta {"contentBlockIndex":3,"delta":{"text":"so"}}
contentBlockStop {"contentBlockIndex":3}
messageStop {"stopReason":"content_filtered"}`
	if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
		t.Errorf("events, -want +got:\n%s", diff)
	}
}

func TestEventsEndWithTheReader(t *testing.T) {
	answer := converse.Answer{Reply: &claude.Reply{Content: []claude.Content{{Kind: "tool_use", Input: `{"a":1}`}, {Kind: "text", Text: "a b c"}}}}
	all := 0
	for range answer.Events(func() time.Duration { return 0 }) {
		all++
	}
	for stop := range all {
		n := 0
		for range answer.Events(func() time.Duration { return 0 }) {
			if n++; n > stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("the reader stopped at event %d and got %d", stop, n)
		}
	}
}
