package converse_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
)

// readTree reads JSON as package restjson does, strings under bytes and redactedContent as base64.
func readTree(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

// withBlobs replaces what stands for blobs in a tree.
func withBlobs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if s, ok := inner.(string); ok && (name == "bytes" || name == "redactedContent") {
				if data, err := base64.StdEncoding.DecodeString(s); err == nil {
					v[name] = data
					continue
				}
			}
			v[name] = withBlobs(inner)
		}
	case []any:
		for i := range v {
			v[i] = withBlobs(v[i])
		}
	}
	return v
}

func input(t *testing.T, text string) map[string]any {
	t.Helper()
	return withBlobs(tree(t, []byte(text))).(map[string]any)
}

var traits = converse.Traits{DefaultTokens: 4096, MaxTokens: 64000}

func TestMessages(t *testing.T) {
	f := func(name, in, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			body, err := converse.Messages(input(t, in), traits)
			if err != nil {
				t.Fatal(err)
			}
			full := `{"anthropic_version":"bedrock-2023-05-31","max_tokens":4096}`
			expected := tree(t, []byte(full))
			for member, value := range tree(t, []byte(want)) {
				expected[member] = value
			}
			if diff := cmp.Diff(expected, tree(t, body)); diff != "" {
				t.Errorf("Messages, -want +got:\n%s", diff)
			}
		})
	}
	blocks := func(content string) string {
		return `{"messages":[{"role":"user","content":[` + content + `]}]}`
	}

	f("texts and roles", `{"messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]},{"role":"assistant","content":[{"text":"c"}]},{"role":"system","content":[{"text":"d"}]}]}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":[{"type":"text","text":"c"}]},{"role":"system","content":[{"type":"text","text":"d"}]}]}`)
	f("inference", `{"messages":[],"inferenceConfig":{"maxTokens":7,"temperature":0.5,"topP":1,"stopSequences":["x"]}}`,
		`{"messages":[],"max_tokens":7,"temperature":0.5,"top_p":1,"stop_sequences":["x"]}`)
	f("no stop sequences are none", `{"messages":[],"inferenceConfig":{"stopSequences":[]}}`, `{"messages":[]}`)
	f("system with a cache point behind what it covers", `{"messages":[],"system":[{"text":"a"},{"guardContent":{"text":{"text":"b"}}},{"cachePoint":{"type":"default","ttl":"1h"}}]}`,
		`{"messages":[],"system":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral","ttl":"1h"}}]}`)
	f("an image", blocks(`{"image":{"format":"jpeg","source":{"bytes":"AAE="}}}`),
		blocks(`{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AAE="}}`))
	f("a PDF with context and citations", blocks(`{"document":{"format":"pdf","name":"n","source":{"bytes":"AAE="},"context":"c","citations":{"enabled":true}}}`),
		blocks(`{"type":"document","title":"n","context":"c","citations":{"enabled":true},"source":{"type":"base64","media_type":"application/pdf","data":"AAE="}}`))
	for _, format := range []string{"txt", "md", "csv", "html"} {
		f("bytes of "+format, blocks(`{"document":{"format":"`+format+`","name":"n","source":{"bytes":"aGk="}}}`),
			blocks(`{"type":"document","title":"n","source":{"type":"text","media_type":"text/plain","data":"hi"}}`))
	}
	f("a document's text", blocks(`{"document":{"name":"n","source":{"text":"hi"}}}`), blocks(`{"type":"document","title":"n","source":{"type":"text","media_type":"text/plain","data":"hi"}}`))
	f("a document's content", blocks(`{"document":{"name":"n","source":{"content":[{"text":"hi"},{"text":"ho"}]}}}`),
		blocks(`{"type":"document","title":"n","source":{"type":"content","content":[{"type":"text","text":"hi"},{"type":"text","text":"ho"}]}}`))
	f("tool use and its results", blocks(`{"toolUse":{"toolUseId":"i","name":"n","input":{"a":1}}},{"toolResult":{"toolUseId":"i","status":"error","content":[{"json":{"b":[1]}},{"text":"t"},{"image":{"format":"png","source":{"bytes":"AA=="}}},{"searchResult":{"source":"s","title":"t","content":[{"text":"x"}]}}]}},{"cachePoint":{"type":"default"}}`),
		blocks(`{"type":"tool_use","id":"i","name":"n","input":{"a":1}},{"type":"tool_result","tool_use_id":"i","is_error":true,"cache_control":{"type":"ephemeral"},"content":[{"type":"text","text":"{\"b\":[1]}"},{"type":"text","text":"t"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}},{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}]}]}`))
	f("reasoning", blocks(`{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},{"reasoningContent":{"redactedContent":"b3BhcXVl"}}`),
		blocks(`{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"opaque"}`))
	f("search results and citations", blocks(`{"searchResult":{"source":"s","title":"t","content":[{"text":"x"}],"citations":{"enabled":false}}},{"citationsContent":{"content":[{"text":"a"},{"text":"b"}],"citations":[{"title":"d","sourceContent":[{"text":"q"}],"location":{"documentPage":{"documentIndex":0,"start":1,"end":2}}},{"title":"w","location":{"web":{"url":"u"}}},{"location":{"unknown":{}}}]}}`),
		blocks(`{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}],"citations":{"enabled":false}},{"type":"text","text":"ab","citations":[{"type":"page_location","document_title":"d","cited_text":"q","document_index":0,"start_page_number":1,"end_page_number":2},{"type":"web_search_result_location","title":"w","url":"u","cited_text":""}]}`))
	f("guarded content", blocks(`{"guardContent":{"text":{"text":"t","qualifiers":["query"]}}},{"guardContent":{"image":{"format":"png","source":{"bytes":"AA=="}}}}`),
		blocks(`{"type":"text","text":"t"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}`))
	f("a message of a cache point alone ends the one before", `{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"user","content":[{"cachePoint":{"type":"default"}}]}]}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}`)
	f("tools", `{"messages":[],"toolConfig":{"toolChoice":{"tool":{"name":"b"}},"tools":[{"toolSpec":{"name":"a","description":"d","strict":true,"inputSchema":{"json":{"type":"object"}}}},{"cachePoint":{"type":"default"}},{"toolSpec":{"name":"b","inputSchema":{"json":{}}}}]}}`,
		`{"messages":[],"tool_choice":{"type":"tool","name":"b"},"tools":[{"name":"a","description":"d","strict":true,"input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}},{"name":"b","input_schema":{}}]}`)
	f("toolChoice any", `{"messages":[],"toolConfig":{"toolChoice":{"any":{}},"tools":[{"toolSpec":{"name":"a","inputSchema":{"json":{}}}}]}}`,
		`{"messages":[],"tool_choice":{"type":"any"},"tools":[{"name":"a","input_schema":{}}]}`)
	f("tools taken away and given back", `{"messages":[{"role":"user","content":[{"text":"x"}]},{"role":"system","content":[{"toolRemoval":{"tool":{"name":"a"}}},{"toolRemoval":{"tool":{"name":"b"}}}]},{"role":"system","content":[{"toolAddition":{"tool":{"name":"b"}}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"a","inputSchema":{"json":{}}}},{"toolSpec":{"name":"b","inputSchema":{"json":{}}}}]}}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"tools":[{"name":"b","input_schema":{}}]}`)
	f("output", `{"messages":[],"outputConfig":{"effort":"low","textFormat":{"type":"json_schema","structure":{"jsonSchema":{"name":"n","schema":"{\"type\":\"object\"}"}}}}}`,
		`{"messages":[],"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}`)
	f("additional fields", `{"messages":[],"outputConfig":{"effort":"low"},"additionalModelRequestFields":{"top_k":5,"thinking":{"type":"adaptive"},"anthropic_beta":["b"],"anthropic_version":"2026-10-21","output_config":{"task":1},"tools":[{"type":"bash_20250124","name":"bash"}]},"toolConfig":{"tools":[{"toolSpec":{"name":"a","inputSchema":{"json":{}}}}]}}`,
		`{"messages":[],"top_k":5,"thinking":{"type":"adaptive"},"anthropic_beta":["b"],"anthropic_version":"2026-10-21","output_config":{"effort":"low","task":1},"tools":[{"name":"a","input_schema":{}},{"type":"bash_20250124","name":"bash"}]}`)
}

func TestConflictingFields(t *testing.T) {
	for field, in := range map[string]string{
		"system":        `{"system":[{"text":"a"}],"additionalModelRequestFields":{"system":"b"}}`,
		"max_tokens":    `{"additionalModelRequestFields":{"max_tokens":5}}`,
		"messages":      `{"additionalModelRequestFields":{"messages":[]}}`,
		"output_config": `{"outputConfig":{"effort":"low"},"additionalModelRequestFields":{"output_config":{"effort":"high"}}}`,
		"tool_choice":   `{"toolConfig":{"toolChoice":{"auto":{}},"tools":[]},"additionalModelRequestFields":{"tool_choice":{"type":"none"}}}`,
	} {
		_, err := converse.Messages(input(t, in), traits)
		want := "ValidationException: The additional field " + field + " conflicts with an existing field."
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

func TestOfficeDocuments(t *testing.T) {
	pack := func(parts map[string]string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, content := range parts {
			f, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			f.Write([]byte(content))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	word := pack(map[string]string{"word/document.xml": `<w:document xmlns:w="x"><w:body><w:p><w:r><w:t>Hello</w:t></w:r></w:p><w:p><w:r><w:t>rock</w:t></w:r></w:p></w:body></w:document>`, "word/styles.xml": `<a>no</a>`})
	sheet := pack(map[string]string{"xl/sharedStrings.xml": `<sst><si><t>name</t></si></sst>`, "xl/worksheets/sheet1.xml": `<worksheet><row><c><v>42</v></c></row></worksheet>`})
	for _, c := range []struct {
		format string
		data   []byte
		want   []string
	}{
		{"docx", word, []string{"Hello\nrock\n"}},
		{"xlsx", sheet, []string{"name\n", "42\t\n"}},
		{"docx", []byte("no zip at all"), []string{"no zip at all"}},
		{"doc", []byte("\xd0\xcf\x11\xe0\x00\x00Hello rock\x00\x01ab\x00"), []string{"Hello rock\n"}},
		{"txt", []byte("a\xffb"), []string{"a\ufffdb"}},
	} {
		got := converse.Text(c.format, c.data, claude.NewBudget())
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("Text(%s): got %q, want %q in it", c.format, got, want)
			}
		}
	}
}

// TestTheAnswerIsThatOfMessages: what is asked by Converse gets the answer that it gets by InvokeModel.
func TestTheAnswerIsThatOfMessages(t *testing.T) {
	model, ok := catalog.Lookup("claude-haiku-4-5")
	if !ok {
		t.Fatal("no Haiku 4.5")
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z]{1,8}( (call weather|call [a-z]+|write [1-9] words|[a-z]{1,8}))?`)
		var theirs, ours []any
		for i := range rapid.IntRange(1, 5).Draw(t, "turns") {
			role, said := []string{"user", "assistant"}[i%2], text.Draw(t, "text")
			theirs = append(theirs, map[string]any{"role": role, "content": []any{map[string]any{"text": said}}})
			ours = append(ours, map[string]any{"role": role, "content": []any{map[string]any{"type": "text", "text": said}}})
		}
		theirs = append(theirs, map[string]any{"role": "user", "content": []any{map[string]any{"text": "end"}}})[:len(theirs)|1]
		ours = append(ours, map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "end"}}})[:len(ours)|1]
		tokens, schema := rapid.IntRange(1, 60).Draw(t, "tokens"), map[string]any{"type": "object"}
		in := map[string]any{
			"messages": theirs, "inferenceConfig": map[string]any{"maxTokens": json.Number(fmt.Sprint(tokens))},
			"toolConfig": map[string]any{"tools": []any{map[string]any{"toolSpec": map[string]any{"name": "weather", "inputSchema": map[string]any{"json": schema}}}}},
			"system":     []any{map[string]any{"text": "be kind"}},
		}
		body, err := json.Marshal(map[string]any{
			"anthropic_version": "bedrock-2023-05-31", "max_tokens": tokens, "messages": ours, "system": "be kind",
			"tools": []any{map[string]any{"name": "weather", "input_schema": schema}},
		})
		if err != nil {
			t.Fatal(err)
		}
		translated, err := converse.Messages(in, converse.OfClaude(model))
		if err != nil {
			t.Fatal(err)
		}
		got, want := answerTo(t, model, translated), answerTo(t, model, body)
		if got != want {
			t.Errorf("by Converse %s, by Messages %s", got, want)
		}
	})
}

// answerTo returns what Claude answers to a body, without IDs, and what it costs.
func answerTo(t *rapid.T, model catalog.Model, body []byte) string {
	in := claude.Setting{Model: model, Account: "123456789012"}
	request, err := claude.Parse(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if err := request.Check(in); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	reply := request.Answer(in, claude.Usage{InputTokens: claude.Layout(request, model).Tokens()})
	out := fmt.Sprintf("%s %+v", reply.StopReason, reply.Usage)
	for _, c := range reply.Content {
		out += fmt.Sprintf(" | %s %q %s %s", c.Kind, c.Text, c.Name, c.Input)
	}
	return out
}
