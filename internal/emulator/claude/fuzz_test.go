package claude

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// FuzzInvoke takes any body the whole way. Whatever is accepted must add up.
func FuzzInvoke(f *testing.F) {
	files, err := filepath.Glob("testdata/claude-code/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, seed := range []string{
		body(user("hi")), body(user(`call Write {"a":1} call Read`), writeAndRead), body(user("write 9 words"), think),
		body(`[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+pngData(2, 2)+`"}}]}]`, `"cache_control":{"type":"ephemeral"}`),
		body(toolTurns("call Write {}", `{"type":"tool_use","id":"a","name":"Write","input":{}}`, `{"type":"tool_result","tool_use_id":"a","content":"x"}`), writeAndRead),
		newer(user("hi"), `"output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}`),
		with(`"tools":[{"name":"a","input_schema":{"type":"object","properties":{"a":{"type":["string","null"],"anyOf":[{}]}},"required":["a"]},"strict":true,"cache_control":{"type":"ephemeral","ttl":"1h"}}]`, `"tool_choice":{"type":"tool","name":"a"}`),
		with(betas("context-management-2025-06-27"), `"context_management":{"edits":[{"type":"clear_tool_uses_20250919","trigger":{"type":"tool_uses","value":1}}]}`, `"metadata":{"user_id":"x"}`),
		with(`"temperature":1`, `"top_k":5`, `"stop_sequences":["x"]`, `"thinking":{"type":"enabled","budget_tokens":2048,"display":"omitted"}`),
		body(`[{"role":"user","content":"a"},{"role":"system","content":[],"output_config":{"effort":"low"}},{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"n","input":{}},{"type":"tool_search_tool_result","tool_use_id":"s","content":{"type":"tool_search_tool_search_result","tool_references":[{"type":"tool_reference","tool_name":"n"}]}},{"type":"redacted_thinking","data":"x"}]},{"role":"user","content":[{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x","citations":[]}]},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"}]}}]}]`),
		body(`[{"role":"system","content":[],"output_config":{"effort":"low"}}]`, betas("mid-conversation-output-config-2026-07-01")),
		body(`[{"role":"user","content":"a"},{"role":"assistant","content":""}]`, `"stop_sequences":["a","ab",""]`),
		`{"messages":[[]],"tools":[{"type":5}],"thinking":[],"system":{"type":"text"},"anthropic_beta":{}}`,
	} {
		f.Add([]byte(seed))
	}
	var settings []Setting
	for _, id := range []string{"opus", haiku45, opus5} {
		model, _ := catalog.Lookup(id)
		settings = append(settings, Setting{Model: model, Account: "123456789012"})
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := Parse(src)
		if err != nil {
			return
		}
		i := slices.IndexFunc(settings, func(in Setting) bool { return r.Check(in) == nil })
		if i < 0 {
			return
		}
		in := settings[i]
		p := Layout(r, in.Model)
		usage := (&Cache{}).Use(p, in, epoch)
		if got, want := usage.InputTokens+usage.CacheRead+usage.CacheWrite, p.Tokens(); got != want {
			t.Errorf("usage sums up to %d tokens, the prompt has %d", got, want)
		}
		r.LastTurn()
		reply := r.Answer(in, usage)
		if reply.Usage.OutputTokens > r.maxTokens {
			t.Errorf("%d output tokens, at most %d allowed", reply.Usage.OutputTokens, r.maxTokens)
		}
		if _, err := json.Marshal(reply.Message()); err != nil {
			t.Errorf("Message: %v", err)
		}
		for e := range reply.Events() {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("event %s: %v", e.Type, err)
			}
		}
	})
}

// FuzzMedia reads any bytes as a picture and as a PDF.
func FuzzMedia(f *testing.F) {
	f.Add([]byte("%PDF-1.5\n<< /Type /ObjStm >> stream\nx\x9c\x03\x00\x00\x00\x00\x01<< /Type /Pages /Count 3 >>"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8X0123456789012345678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if pages, ok := pdfPages(data, NewBudget()); ok != (pages > 0) {
			t.Errorf("pdfPages = %d, %v", pages, ok)
		}
		source := object{"type": "base64", "media_type": "image/webp", "data": base64.StdEncoding.EncodeToString(data)}
		if m, err := readImage(source, "source"); err == nil && (m.width < 1 || m.height < 1 || m.tokens(1568) < 1) {
			t.Errorf("readImage: %+v costs %d tokens", m, m.tokens(1568))
		}
	})
}
