package claude

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// TestAnyBodyOfTheShape draws bodies from the table of shapes, so that the rules behind it see what no
// client sends, and takes them the whole way: refused or answered, but never a panic.
func TestAnyBodyOfTheShape(t *testing.T) {
	answered := 0
	take := func(t *rapid.T) {
		body := draw(t, bodyShape, "").(map[string]any)
		body["anthropic_version"] = rapid.SampledFrom([]string{"bedrock-2023-05-31", version2026}).Draw(t, "version")
		if rapid.Bool().Draw(t, "with betas") {
			body["anthropic_beta"] = []string{"mid-conversation-output-config-2026-07-01", "mid-conversation-system-clear-at-2026-08-21", "compact-2026-01-12",
				"context-management-2025-06-27", toolSearchBeta, "thinking-binding-controls-2026-08-01", "thinking-display-updates-2026-08-18", "computer-use-2025-11-24"}
		}
		src, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Parse(src)
		if err != nil {
			return
		}
		in := Setting{Model: rapid.SampledFrom(catalog.Claude()).Draw(t, "model"), Counting: rapid.Bool().Draw(t, "counting"), Converse: rapid.Bool().Draw(t, "by Converse")}
		r.LastTurn()
		p := Layout(r, in.Model)
		if r.Check(in) != nil || r.CheckLength(in, p) != nil {
			return
		}
		answered++
		reply := r.Answer(in, (&Cache{}).Use(p, in, epoch))
		if _, err := json.Marshal(reply.Message()); err != nil {
			t.Fatalf("Message: %v", err)
		}
		for e := range reply.Events() {
			if _, err := json.Marshal(e); err != nil {
				t.Fatalf("event %s: %v", e.Type, err)
			}
		}
	}
	for range 40 { // rapid's hundred are few where most bodies are refused
		rapid.Check(t, take)
	}
	if answered == 0 {
		t.Error("no body was answered")
	}
	t.Log(answered, "bodies were answered")
}

// drawnTexts are what drawn bodies hold: few, so that names and IDs meet.
var drawnTexts = []string{"a", "b", "call a {}", "x y", "", " ", "write 3 words"}

// draw returns a value of a shape.
func draw(t *rapid.T, s shape, name string) any {
	switch s := s.(type) {
	case record:
		return drawRecord(t, s, map[string]any{})
	case tagged:
		v := s.cases[rapid.IntRange(0, len(s.cases)-1).Draw(t, name)]
		return drawRecord(t, v.fields, map[string]any{"type": v.tag})
	case toolShape:
		return draw(t, s.tagged, name)
	case listOf:
		return drawList(t, s.each, name)
	case messagesShape:
		return drawMessages(t)
	case textOr:
		if rapid.Bool().Draw(t, name) {
			return drawText(t, name)
		}
		return draw(t, s.shape, name)
	case text:
		return drawText(t, name)
	case choiceOf:
		return rapid.SampledFrom(s.values).Draw(t, name)
	case integer:
		return s.least + rapid.IntRange(0, 2000).Draw(t, name)
	case fraction:
		return rapid.SampledFrom([]float64{0, 0.95, 1}).Draw(t, name)
	case boolean:
		return rapid.Bool().Draw(t, name)
	case schemaShape:
		return map[string]any{"type": "object", "additionalProperties": false, "required": []string{"a"}}
	case displayShape:
		return rapid.SampledFrom([]string{"summarized", "omitted", "updates"}).Draw(t, name)
	case mapping, anything:
		return map[string]any{"type": "object", "additionalProperties": false}
	}
	panic(fmt.Sprintf("no way to draw a %T", s))
}

func drawRecord(t *rapid.T, fields record, into map[string]any) map[string]any {
	for _, f := range fields {
		// What is seldom asked for is seldom drawn, or a rule would refuse nearly every body.
		if f.need || rapid.IntRange(0, 9).Draw(t, "has "+f.name) == 0 {
			into[f.name] = draw(t, f.shape, f.name)
		}
	}
	return into
}

// drawMessages draws a conversation that mostly begins and ends with what the user says.
func drawMessages(t *rapid.T) []any {
	said := map[string]any{"role": "user", "content": "call a {}"}
	out := drawList(t, messageShape, "messages")
	if rapid.IntRange(0, 3).Draw(t, "begins with the user") > 0 {
		out = append([]any{said}, out...)
	}
	if rapid.Bool().Draw(t, "ends with the user") {
		out = append(out, said)
	}
	return out
}

func drawList(t *rapid.T, each shape, name string) []any {
	out := make([]any, rapid.IntRange(0, 3).Draw(t, "length of "+name))
	for i := range out {
		out[i] = draw(t, each, name)
	}
	return out
}

func drawText(t *rapid.T, name string) string {
	switch name {
	case "data":
		return rapid.SampledFrom([]string{pngData(1, 1), "JVBERi0xLjU="}).Draw(t, name)
	case "id", "tool_use_id", "name", "tool_name":
		return rapid.SampledFrom([]string{"a", "b"}).Draw(t, name)
	}
	return rapid.SampledFrom(drawnTexts).Draw(t, name)
}
