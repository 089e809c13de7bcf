package converse_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
	"github.com/outcrop-dev/outcrop/internal/emulator/restjson"
)

// TestOutputsAreOfTheModel holds every member of every output and event to AWS's service model: it is
// written whole, and by the model's constraints it could be an input.
func TestOutputsAreOfTheModel(t *testing.T) {
	service := turned(t)
	reply := &claude.Reply{StopReason: "tool_use", Content: []claude.Content{
		{Kind: "thinking", Text: "hm", Signature: "sig"}, {Kind: "redacted_thinking", Text: "opaque"}, {Kind: "text", Text: "so"},
		{Kind: "tool_use", ID: "toolu_bdrk_01" + strings.Repeat("a", 22), Name: "look", Input: `{"n":[1,null]}`},
	}}
	reply.Usage.CacheRead, reply.Usage.CacheWrite, reply.Usage.CacheCreation.Hour = 1, 2, 2
	answer := converse.Answer{
		Reply: reply, Traits: converse.Traits{CachePoints: true, Signatures: true}, Native: map[string]any{"stop_sequence": "x"},
		Input: map[string]any{
			"additionalModelResponseFieldPaths": []any{"/stop_sequence"},
			"guardrailConfig":                   map[string]any{"guardrailIdentifier": "abcdef123456", "guardrailVersion": "1", "trace": "enabled"},
			"serviceTier":                       map[string]any{"type": "flex"}, "performanceConfig": map[string]any{"latency": "optimized"},
		},
	}
	fits := func(shape string, value map[string]any) {
		t.Helper()
		operation := service.Operation("Take" + shape)
		if err := operation.Check(read(t, operation, value)); err != nil {
			t.Errorf("%s: %v", shape, err)
		}
		_, body, err := service.Operation("Give"+shape).Write(http.Header{}, value)
		if err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		whole, _ := json.Marshal(value)
		if diff := cmp.Diff(tree(t, whole), tree(t, body)); diff != "" {
			t.Errorf("%s: what we say -, what the model lets us say +:\n%s", shape, diff)
		}
	}
	fits("ConverseResponse", answer.Response(time.Second))
	seen := map[string]bool{}
	for name, event := range answer.Events(func() time.Duration { return time.Second }) {
		fits(eventShapes[name], event)
		seen[name] = true
	}
	if len(seen) != len(eventShapes) {
		t.Errorf("only %v were seen of all events", seen)
	}
}

var eventShapes = map[string]string{
	"messageStart": "MessageStartEvent", "contentBlockStart": "ContentBlockStartEvent", "contentBlockDelta": "ContentBlockDeltaEvent",
	"contentBlockStop": "ContentBlockStopEvent", "messageStop": "MessageStopEvent", "metadata": "ConverseStreamMetadataEvent",
}

// turned returns the service model with an operation Take… that has each output as its input, for Read
// and Check, and one Give… that has it as its output.
func turned(t *testing.T) *restjson.Service {
	t.Helper()
	data, err := os.ReadFile("../data/api-bedrock-runtime.json")
	if err != nil {
		t.Fatal(err)
	}
	var model map[string]json.RawMessage
	if err := json.Unmarshal(data, &model); err != nil {
		t.Fatal(err)
	}
	operations := map[string]any{}
	for _, shape := range append([]string{"ConverseResponse"}, mapValues(eventShapes)...) {
		operations["Take"+shape] = map[string]any{"http": map[string]any{"method": "POST", "requestUri": "/"}, "input": shape}
		operations["Give"+shape] = map[string]any{"http": map[string]any{"method": "POST", "requestUri": "/"}, "output": shape}
	}
	model["operations"], _ = json.Marshal(operations)
	whole, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	service, err := restjson.Parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func mapValues(m map[string]string) (out []string) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func read(t *testing.T, operation *restjson.Operation, value map[string]any) map[string]any {
	t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := operation.Read(nil, r, body)
	if err != nil {
		t.Fatal(err)
	}
	return in
}
