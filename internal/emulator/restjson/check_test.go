package restjson

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// model reads one of the embedded service models.
func model(t testing.TB, name string) *Service {
	t.Helper()
	raw, err := os.ReadFile("../data/" + name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(o *Operation, id, body string) (map[string]any, error) {
	r := &http.Request{URL: &url.URL{}, Header: http.Header{}}
	return o.Read(map[string]string{"modelId": id}, r, []byte(body))
}

func TestCheck(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("Converse")
	long := strings.Repeat("a", 65)
	f := func(name, body, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			in, err := read(o, "anthropic.claude-haiku-4-5", body)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := o.Check(in); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("Check(%s)\n got %s\nwant %s", body, got, want)
			}
		})
	}
	f("nothing is wrong", `{"messages":[{"role":"user","content":[{"text":"hi"}]}]}`, "")
	f("a required member is missing", `{"messages":[{"role":"user"}]}`,
		"1 validation error detected: Value null at 'messages.1.member.content' failed to satisfy constraint: Member must not be null")
	f("null is missing", `{"messages":[{"role":"user","content":null}]}`,
		"1 validation error detected: Value null at 'messages.1.member.content' failed to satisfy constraint: Member must not be null")
	f("an enum repeats the value", `{"messages":[{"role":"tool","content":[]}]}`,
		"1 validation error detected: Value 'tool' at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum value set: [user, assistant, system]")
	f("three violations of one tool, as in litellm issue 19384", `{"toolConfig":{"tools":[{"toolSpec":{"name":"","description":"","inputSchema":{"json":{}}}}]}}`,
		"3 validation errors detected: Value '' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+; "+
			"Value '' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must have length greater than or equal to 1; "+
			"Value '' at 'toolConfig.tools.1.member.toolSpec.description' failed to satisfy constraint: Member must have length greater than or equal to 1")
	f("below a content block no value is repeated, as in openclaw issue 12892",
		`{"messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"`+long+`.","input":{}}}]}]}`,
		"2 validation errors detected: Value at 'messages.1.member.content.1.member.toolUse.name' failed to satisfy constraint: Member must have length less than or equal to 64; "+
			"Value at 'messages.1.member.content.1.member.toolUse.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
	f("a list of structures is not repeated", `{"toolConfig":{"tools":[]}}`,
		"1 validation error detected: Value at 'toolConfig.tools' failed to satisfy constraint: Member must have length greater than or equal to 1")
	f("a list of strings is", `{"additionalModelResponseFieldPaths":["/a","/b","/c","/d","/e","/f","/g","/h","/i","/j","/k"]}`,
		"1 validation error detected: Value '[/a, /b, /c, /d, /e, /f, /g, /h, /i, /j, /k]' at 'additionalModelResponseFieldPaths' failed to satisfy constraint: Member must have length less than or equal to 10")
	f("members of a list of strings", `{"inferenceConfig":{"stopSequences":["x",""]}}`,
		"1 validation error detected: Value '[x, ]' at 'inferenceConfig.stopSequences' failed to satisfy constraint: Member must satisfy constraint: [Member must have length greater than or equal to 1]")
	f("a float is repeated as Java prints it", `{"inferenceConfig":{"temperature":32424}}`,
		"1 validation error detected: Value '32424.0' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1")
	f("not-a-number is no temperature", `{"inferenceConfig":{"temperature":"NaN"}}`,
		"2 validation errors detected: Value 'NaN' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1; "+
			"Value 'NaN' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value greater than or equal to 0")
	f("an integer", `{"inferenceConfig":{"maxTokens":0}}`,
		"1 validation error detected: Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1")
	f("a sensitive map", `{"requestMetadata":{"user":"{}"}}`,
		`1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: [a-zA-Z0-9\s:_@$#=/+,-.]{0,256}]`)
	f("a map's keys", `{"requestMetadata":{"{}":"user"}}`,
		`1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-zA-Z0-9\s:_@$#=/+,-.]{1,256}]`)
	f("a union with no member", `{"messages":[{"role":"user","content":[{"text":"a"},{}]}]}`,
		"ContentBlock object at messages.0.content.1 must set one of the following keys: text, image, document, video, audio, toolUse, toolResult, guardContent, cachePoint, reasoningContent, citationsContent, searchResult, toolAddition, toolRemoval.")
	f("a union with a member that is not known", `{"messages":[{"role":"user","content":[{"txt":"a"}]}]}`,
		"ContentBlock object at messages.0.content.0 must set one of the following keys: text, image, document, video, audio, toolUse, toolResult, guardContent, cachePoint, reasoningContent, citationsContent, searchResult, toolAddition, toolRemoval.")
	f("a union with two members", `{"system":[{"text":"a","cachePoint":{"type":"default"}}]}`,
		"SystemContentBlock object at system.0 must set only one of the following keys: text, guardContent, cachePoint.")
	f("a union comes after what the front end refuses", `{"system":[{}],"messages":[{"role":"user"}]}`,
		"1 validation error detected: Value null at 'messages.1.member.content' failed to satisfy constraint: Member must not be null")
	f("a document is not looked into", `{"additionalModelRequestFields":{"a":[null,{"b":""}]}}`, "")
}

func TestCheckOfBodyRepeatsNothing(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("InvokeModel")
	in := map[string]any{"modelId": "m", "body": make([]byte, 25_000_001)}
	const want = "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or equal to 25000000"
	if err := o.Check(in); err == nil || err.Error() != want {
		t.Errorf("Check = %v, want %s", err, want)
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("Converse")
	f := func(name, body string, prefix string) {
		t.Helper()
		in, err := read(o, "m", body)
		if err != nil {
			t.Fatal(err)
		}
		err = o.Check(in)
		if err == nil || !strings.HasPrefix(err.Error(), prefix) || len(err.Error()) > 20*valueLimit {
			t.Errorf("%s: Check is not refused as %s in short: %.200v", name, prefix, err)
		}
	}
	f("many violations", `{"messages":[`+strings.Repeat(`{"role":"user"},`, 300_000)+`{"role":"user"}]}`, "300001 validation errors detected: ")
	f("a long value", `{"messages":[{"role":"`+strings.Repeat("é", 5_000_000)+`","content":[]}]}`, "1 validation error detected: Value 'éé")
	f("a long list", `{"inferenceConfig":{"stopSequences":[`+strings.Repeat(`"ab",`, 1_000_000)+`""]}}`, "2 validation errors detected: Value '[ab, ab")
}

// TestPatterns: Go compiles every pattern of both models; notInGo is for those that it will not.
func TestPatterns(t *testing.T) {
	notInGo := map[string]string{} // shape -> how it is treated
	for _, name := range []string{"api-bedrock-runtime.json", "api-bedrock-control.json"} {
		count := 0
		for _, s := range model(t, name).shapes {
			if s.pattern == nil {
				continue
			}
			count++
			_, err := s.pattern.compile()
			if _, listed := notInGo[s.name]; listed != (err != nil) {
				t.Errorf("%s: pattern of %s: %v; listed: %v", name, s.name, err, listed)
			}
		}
		t.Logf("%s: %d patterns", name, count)
		if count == 0 {
			t.Errorf("%s has no patterns", name)
		}
	}
}

// TestTraits holds Parse to everything that the models say: a trait that is new must be looked at.
func TestTraits(t *testing.T) {
	known := map[string]bool{}
	for _, trait := range []string{
		"type", "members", "member", "key", "value", "required", "payload", "union", "document", "sensitive", "eventstream",
		"event", "exception", "fault", "timestampFormat", "enum", "pattern", "min", "max", "error",
		"shape", "location", "locationName",
		"box", "retryable", "deprecated", // nothing on the wire
		"idempotencyToken", // filled in by clients
	} {
		known[trait] = true
	}
	for _, name := range []string{"api-bedrock-runtime.json", "api-bedrock-control.json"} {
		raw, err := os.ReadFile("../data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Shapes map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		for shape, traits := range file.Shapes {
			all := []map[string]json.RawMessage{traits}
			if raw := traits["members"]; raw != nil {
				var members map[string]map[string]json.RawMessage
				if err := json.Unmarshal(raw, &members); err != nil {
					t.Fatal(err)
				}
				all = slices.AppendSeq(all, maps.Values(members))
			}
			for _, traits := range all {
				for trait := range traits {
					if !known[trait] {
						t.Errorf("%s: %s has the trait %s, which nobody reads", name, shape, trait)
					}
				}
			}
		}
	}
}
