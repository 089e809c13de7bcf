package converse_test

import (
	"encoding/json"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
)

// FuzzMessages checks and translates any tree, whether or not it fits the service model.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"role":"user","content":[{"text":"hi"},{"cachePoint":{"type":"default"}}]}]}`,
		`{"messages":[{"role":"user","content":[{"document":{"format":"docx","name":"n","source":{"bytes":"UEsDBA=="}}},{"text":"x"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"t","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"json":{}},{"image":{"format":"png","source":{"bytes":"AA=="}}}]}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":{}}}},{"cachePoint":{}}],"toolChoice":{"tool":{"name":"t"}}}}`,
		`{"messages":[{"role":"user","content":[{"citationsContent":{"content":[{"text":"a"}],"citations":[{"location":{"web":{}}}]}},{"guardContent":{"image":{}}},{"toolRemoval":{"tool":{}}}]}],"outputConfig":{"textFormat":{"structure":{"jsonSchema":{"schema":"{}"}}}},"additionalModelRequestFields":{"tools":[1,{}],"output_config":{}},"additionalModelResponseFieldPaths":["/a/b",1],"guardrailConfig":{"trace":"enabled"}}`,
	} {
		f.Add([]byte(seed))
	}
	opus, _ := catalog.Lookup("claude-opus-5-5")
	nova, _ := catalog.LookupOther("amazon.nova-lite-v1:0")
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := readTree(data)
		if err != nil {
			return
		}
		withBlobs(in)
		converse.Check(in, converse.OfOther(nova), true)
		traits := converse.OfClaude(opus)
		checked := converse.Check(in, traits, false)
		body, err := converse.Messages(in, traits)
		if err == nil && !json.Valid(body) {
			t.Errorf("Messages made %q, which is no JSON", body)
		}
		if err == nil && checked == nil {
			claude.Parse(body)
		}
		answer := converse.Answer{Reply: &claude.Reply{Content: []claude.Content{{Kind: "text", Text: "x"}}}, Input: in, Native: in}
		if _, err := json.Marshal(answer.Response(0)); err != nil {
			t.Error(err)
		}
	})
}
