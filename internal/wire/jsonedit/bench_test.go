package jsonedit

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// agentBody returns a Messages body such as a coding agent sends after fifty tool calls, some 400 KB: a long
// system prompt, 24 tools with schemas, source files and command output as tool results.
func agentBody() []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	dst := []byte(`{"model":"claude-sonnet-4-5","messages":[`)
	for turn := range 50 {
		if turn > 0 {
			dst = append(dst, ',')
		}
		id := fmt.Sprintf("toolu_%024x", turn)
		dst = fmt.Appendf(dst, `{"role":"assistant","content":[{"type":"text","text":`)
		dst = AppendString(dst, prose(rng, 300))
		dst = fmt.Appendf(dst, `},{"type":"tool_use","id":"%s","name":"Read","input":{"file_path":"/home/u/src/p%d/file.go","offset":%d,"limit":200}}]},`, id, turn, turn*10)
		dst = fmt.Appendf(dst, `{"role":"user","content":[{"tool_use_id":"%s","type":"tool_result","content":`, id)
		dst = AppendString(dst, source(rng, 6400))
		dst = append(dst, `,"is_error":false}]}`...)
	}
	dst = append(dst, `],"system":[{"type":"text","text":`...)
	dst = AppendString(dst, prose(rng, 16<<10))
	dst = append(dst, `,"cache_control":{"type":"ephemeral"}}],"tools":[`...)
	for tool := range 24 {
		if tool > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"name":"Tool%d","description":`, tool)
		dst = AppendString(dst, prose(rng, 1200))
		dst = append(dst, `,"input_schema":{"type":"object","properties":{"file_path":{"type":"string","description":"The absolute path"},"limit":{"type":"number","minimum":0},"mode":{"type":"string","enum":["content","files","count"]}},"required":["file_path"],"additionalProperties":false,"$schema":"http://json-schema.org/draft-07/schema#"}}`...)
	}
	return append(dst, `],"metadata":{"user_id":"user_0"},"max_tokens":32000,"thinking":{"type":"enabled","budget_tokens":31999},"stream":true,"anthropic_beta":["a","b"]}`...)
}

// prose returns n bytes of sentences and paragraphs.
func prose(rng *rand.Rand, n int) string {
	words := strings.Fields("the a file function returns with error when reading tool call use should never path of and to in is")
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))])
		switch rng.IntN(40) {
		case 0:
			b.WriteString(".\n\n")
		case 1:
			b.WriteString(` "quoted" — `)
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// source returns n bytes of numbered lines of a program, as a file-reading tool answers.
func source(rng *rand.Rand, n int) string {
	var b strings.Builder
	for line := 1; b.Len() < n; line++ {
		fmt.Fprintf(&b, "%6d\u2192%s", line, strings.Repeat("\t", rng.IntN(4)))
		for range rng.IntN(10) {
			fmt.Fprintf(&b, "x%d := call(%d) ", rng.IntN(100), rng.IntN(1000))
		}
		if rng.IntN(8) == 0 {
			b.WriteString(`fmt.Println("done")`)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// documentBody returns a body with one attached document of n bytes.
func documentBody(n int) []byte {
	dst := []byte(`{"model":"claude-sonnet-4-5","max_tokens":1000,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"`)
	dst = append(dst, base64.StdEncoding.EncodeToString(make([]byte, n))...)
	return append(dst, `"}},{"type":"text","text":"Sum it up."}]}]}`...)
}

const smallBody = `{"model":"claude-sonnet-4-5","max_tokens":1024,"system":"You are terse.","messages":[{"role":"user","content":"Why is the sky blue, and why is it red in the evening? Answer in one sentence."}],"temperature":0.2,"stream":true}`

const deltaEvent = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello, this is a piece of an answer\n"}}`

const startEvent = `{"type":"message_start","message":{"model":"claude-sonnet-4-5","id":"msg_bdrk_01","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}`

func bodies() map[string][]byte {
	var pretty map[string]any
	if err := json.Unmarshal(agentBody(), &pretty); err != nil {
		panic(err)
	}
	indented, _ := json.MarshalIndent(pretty, "", "    ")
	return map[string][]byte{
		"small":     []byte(smallBody),
		"agent":     agentBody(),
		"indented":  indented,
		"document":  documentBody(10 << 20),
		"structure": []byte(`{"a":[` + strings.Repeat(`{"x":1,"y":[true,null,"z"],"w":-0.5e3},`, 10000) + `0]}`),
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"small", "agent", "indented", "document", "structure"} {
		body := bodies()[name]
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/json.Valid", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if !json.Valid(body) {
					b.Fatal("not valid")
				}
			}
		})
	}
}

// BenchmarkEdit does what every request needs: the model out, a version and betas in.
func BenchmarkEdit(b *testing.B) {
	body := agentBody()
	version, betas := []byte(`"bedrock-2023-05-31"`), []byte(`["a"]`)
	b.Run("jsonedit", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		dst := make([]byte, 0, len(body)+1000)
		for b.Loop() {
			o, err := Parse(body)
			if err != nil {
				b.Fatal(err)
			}
			o.Delete("model")
			o.Delete("stream")
			o.Set("anthropic_version", version)
			o.Set("anthropic_beta", betas)
			dst = o.AppendTo(dst[:0])
		}
	})
	b.Run("RawMessage", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var o map[string]json.RawMessage
			if err := json.Unmarshal(body, &o); err != nil {
				b.Fatal(err)
			}
			maps.DeleteFunc(o, func(name string, _ json.RawMessage) bool { return name == "model" || name == "stream" })
			o["anthropic_version"] = version
			o["anthropic_beta"] = betas
			if _, err := json.Marshal(o); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMember(b *testing.B) {
	for _, c := range []struct {
		name, event string
		path        []string
	}{
		{"type", deltaEvent, []string{"type"}},
		{"usage", startEvent, []string{"message", "usage"}},
		{"absent", deltaEvent, []string{"usage"}},
	} {
		event := []byte(c.event)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Member(event, c.path...)
			}
		})
	}
	b.Run("type/Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var event struct{ Type string }
			if err := json.Unmarshal([]byte(deltaEvent), &event); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkString(b *testing.B) {
	plain := AppendString(nil, strings.Repeat("plain text ", 100))
	code := AppendString(nil, source(rand.New(rand.NewPCG(1, 2)), 1100))
	for name, raw := range map[string][]byte{"plain": plain, "code": code} {
		b.Run("decode/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				String(raw)
			}
		})
		s, _ := String(raw)
		b.Run("append/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			var dst []byte
			for b.Loop() {
				dst = AppendString(dst[:0], s)
			}
		})
	}
}
