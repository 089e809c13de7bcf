package family_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/family"
)

func model(t *testing.T, id string) catalog.Other {
	t.Helper()
	m, ok := catalog.LookupOther(id)
	if !ok {
		t.Fatalf("no model %s", id)
	}
	return m
}

// input reads an input, strings under bytes as base64.
func input(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return withBlobs(v).(map[string]any)
}

func withBlobs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if s, ok := inner.(string); ok && name == "bytes" {
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

// said is what a model answers, a line for each block.
func said(t *testing.T, m catalog.Other, text string) string {
	t.Helper()
	c := family.Read(input(t, text), m)
	r := c.Answer(claude.Usage{InputTokens: c.Tokens()})
	out := []string{r.StopReason}
	for _, b := range r.Content {
		out = append(out, strings.TrimSpace(b.Kind+" "+b.Name+b.Input+strings.ReplaceAll(b.Text, "\n\n", " ")))
	}
	return strings.Join(out, "\n")
}

func TestAnswer(t *testing.T) {
	const (
		nova  = "amazon.nova-lite-v1:0"
		llama = "meta.llama4-scout-17b-instruct-v1:0"
		oss   = "openai.gpt-oss-20b-1:0"
		who   = " I am Nova Lite as the embedded Bedrock plays it."
		tools = `"toolConfig":{"tools":[{"toolSpec":{"name":"look","inputSchema":{"json":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}}}},{"toolSpec":{"name":"hear","inputSchema":{"json":{"type":"object"}}}}]`
	)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	block := func(content string) string { return `{"messages":[{"role":"user","content":[` + content + `]}]}` }
	ask := func(text string, more ...string) string {
		quoted, _ := json.Marshal(text)
		return `{"messages":[{"role":"user","content":[{"text":` + string(quoted) + `}]}]` + strings.Join(append([]string{""}, more...), ",") + "}"
	}
	answered := func(result string) string {
		return `{"messages":[{"role":"user","content":[{"text":"call look {\"n\":1} call hear"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"look","input":{"n":1}}},{"toolUse":{"toolUseId":"b","name":"hear","input":{}}}]},{"role":"user","content":[` + result + `]}],` + tools + `}}`
	}
	for _, c := range []struct{ name, model, input, want string }{
		{"it repeats", nova, ask("hello"), "end_turn\ntext You said: hello" + who},
		{"nothing said", nova, `{}`, "end_turn\ntext I am Nova Lite as the embedded Bedrock plays it."},
		{"words", nova, ask("write 3 words"), "end_turn\ntext The rock that."},
		{"cut by maxTokens", nova, ask("write 3 words", `"inferenceConfig":{"maxTokens":2}`), "max_tokens\ntext The rock"},
		{"cut by a stop sequence", nova, ask("write 3 words", `"inferenceConfig":{"stopSequences":["rock",""]}`), "stop_sequence\ntext The"},
		{"a call", nova, ask(`call look {"n":1}`, tools+"}"), "tool_use\ntext I will call look.\ntool_use look{\"n\":1}"},
		{"two calls", nova, ask(`call look {"n":1} and call hear`, tools+"}"), "tool_use\ntext I will call look, hear.\ntool_use look{\"n\":1}\ntool_use hear{}"},
		{"a call of a model that does not mix", llama, ask(`call look {"n":1}`, tools+"}"), "tool_use\ntool_use look{\"n\":1}"},
		{"a call of what is not offered", nova, ask(`call smell {}`, tools+"}"), "end_turn\ntext I cannot call smell: it is not among the tools offered."},
		{"a call with a bad input", nova, ask(`call look {"n":`, tools+"}"), "end_turn\ntext I cannot call look: its input is not a JSON object (unexpected EOF)."},
		{"talk of calls", nova, ask(`call me later`), "end_turn\ntext You said: call me later" + who},
		{"any tool", nova, ask("hello", tools+`,"toolChoice":{"any":{}}}`), "tool_use\ntool_use look{\"n\":0}"},
		{"one tool", nova, ask(`call look {"n":1}`, tools+`,"toolChoice":{"tool":{"name":"hear"}}}`), "tool_use\ntool_use hear{}"},
		{"results", nova, answered(`{"toolResult":{"toolUseId":"a","content":[{"json":{"s":1}}]}},{"toolResult":{"toolUseId":"b","status":"error","content":[{"text":"deaf"}]}}`), "end_turn\ntext look answered: {\"s\":1}\nhear failed: deaf"},
		{"a result without content", nova, answered(`{"toolResult":{"toolUseId":"a","content":[]}},{"toolResult":{"toolUseId":"z","content":[{"image":{"format":"png","source":{"bytes":""}}}]}}`), "end_turn\ntext look answered: (nothing)\nA tool answered: PNG image, 0 bytes"},
		{"a schema", nova, ask("hello", `"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]}"}}}}`), "end_turn\ntext {\"a\":\"hello\"}"},
		{"reasoning always", oss, ask("hello"), "end_turn\nthinking The user wrote: hello\ntext You said: hello I am gpt-oss-20b as the embedded Bedrock plays it."},
		{"reasoning not asked for", "amazon.nova-2-lite-v1:0", ask("hello"), "end_turn\ntext You said: hello I am Nova 2 Lite as the embedded Bedrock plays it."},
		{"reasoning asked for as Nova is", "amazon.nova-2-lite-v1:0", ask("hello", `"additionalModelRequestFields":{"reasoningConfig":{"type":"enabled"}}`), "end_turn\nthinking The user wrote: hello\ntext You said: hello I am Nova 2 Lite as the embedded Bedrock plays it."},
		{"reasoning switched off", "openai.gpt-5.6-sol", ask("hello", `"additionalModelRequestFields":{"reasoning_effort":"none"}`), "end_turn\ntext You said: hello I am GPT-5.6 Sol as the embedded Bedrock plays it."},
		{"a picture", nova, block(`{"image":{"format":"png","source":{"bytes":"` + base64.StdEncoding.EncodeToString(picture.Bytes()) + `"}}}`),
			fmt.Sprintf("end_turn\ntext I see: PNG image, 4 x 3 pixels, %d bytes.%s", picture.Len(), who)},
		{"documents", nova, block(`{"document":{"format":"csv","name":"list","source":{"bytes":"YSxi"}}},{"document":{"name":"note","source":{"content":[{"text":"ab"}]}}}`),
			`end_turn` + "\n" + `text I see: "list", csv text document, 3 bytes. I see: "note", text document, 2 bytes.` + who},
		{"a video, guarded and searched", nova, block(`{"video":{"format":"mp4","source":{"bytes":"AAAA"}}},{"guardContent":{"text":{"text":"mind"}}},{"searchResult":{"title":"T","source":"s","content":[{"text":"x"}]}}`),
			"end_turn\ntext I see: MP4 video, 3 bytes. I see: search result T. You said: mind" + who},
	} {
		if diff := cmp.Diff(c.want, said(t, model(t, c.model), c.input)); diff != "" {
			t.Errorf("%s, -want +got:\n%s", c.name, diff)
		}
	}
}

// TestWhatIsSaidCostsTheSameComingBack: output tokens of an answer are input tokens of the next turn.
func TestWhatIsSaidCostsTheSameComingBack(t *testing.T) {
	m := model(t, "amazon.nova-lite-v1:0")
	first := family.Read(input(t, `{"messages":[{"role":"user","content":[{"text":"write 40 words"}]}]}`), m)
	reply := first.Answer(claude.Usage{})
	text, _ := json.Marshal(reply.Content[0].Text)
	second := family.Read(input(t, `{"messages":[{"role":"user","content":[{"text":"write 40 words"}]},{"role":"assistant","content":[{"text":`+string(text)+`}]}]}`), m)
	const frame = 4
	if got, want := second.Tokens()-first.Tokens(), reply.Usage.OutputTokens+frame; got != want {
		t.Errorf("the answer came back for %d tokens, want %d", got, want)
	}
}

func TestToolsThatAreNot(t *testing.T) {
	const tool = `{"toolSpec":{"name":"a","inputSchema":{"json":{}}}}`
	for in, want := range map[string]string{
		`"tools":[` + tool + `],"toolChoice":{"tool":{"name":"a"}}`: "<nil>",
		`"tools":[` + tool + `],"toolChoice":{"tool":{"name":"b"}}`: "ValidationException: The model returned the following errors: Tool 'b' not found in provided tools",
		`"tools":[` + tool + `,` + tool + `]`:                       "ValidationException: The model returned the following errors: tools: Tool names must be unique.",
	} {
		tree := input(t, `{"messages":[{"role":"user","content":[{"text":"hi"}]}],"toolConfig":{`+in+`}}`)
		if got := fmt.Sprint(family.Read(tree, model(t, "amazon.nova-lite-v1:0")).Check(tree)); got != want {
			t.Errorf("Check of %s: got %s, want %s", in, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	small := model(t, "amazon.titan-text-lite-v1")
	for text, want := range map[string]string{"hello": "<nil>", strings.Repeat("rock ", 5000): "ValidationException: The model returned the following errors: Input is too long for requested model."} {
		in := input(t, `{"messages":[{"role":"user","content":[{"text":"`+text+`"}]}]}`)
		if got := fmt.Sprint(family.Read(in, small).Check(in)); got != want {
			t.Errorf("%.20s: got %s, want %s", text, got, want)
		}
	}
}

// FuzzAnswer answers any tree, whether or not it fits the service model.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"role":"user","content":[{"text":"call t {} write 9 words"},{"cachePoint":{}},{"document":{"format":"docx","name":"n","source":{"bytes":"UEsDBA=="}}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":{"type":"object"}}}}],"toolChoice":{"any":{}}},"inferenceConfig":{"maxTokens":3,"stopSequences":["a"]}}`,
		`{"messages":[{"content":[{"toolResult":{"toolUseId":1,"content":[{"json":null},{"image":{}}]}},{"guardContent":{}},1]},2],"outputConfig":{"textFormat":{"structure":{"jsonSchema":{"schema":"[]"}}}},"additionalModelRequestFields":{"thinking":"x"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in map[string]any
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if d.Decode(&in) != nil {
			return
		}
		withBlobs(in)
		for _, id := range []string{"amazon.nova-lite-v1:0", "meta.llama4-scout-17b-instruct-v1:0", "openai.gpt-oss-20b-1:0"} {
			m, _ := catalog.LookupOther(id)
			c := family.Read(in, m)
			c.Check(in)
			if r := c.Answer(claude.Usage{InputTokens: c.Tokens()}); r.Usage.OutputTokens > m.MaxOutputTokens {
				t.Errorf("%s answers %d tokens, at most %d", id, r.Usage.OutputTokens, m.MaxOutputTokens)
			}
		}
	})
}

func TestADocumentOfManyPartsIsReadInPassableTime(t *testing.T) {
	const parts = 300_000
	in := input(t, `{"messages":[{"role":"user","content":[{"text":"a"},{"document":{"name":"d","format":"txt","source":{"content":[`+
		strings.Repeat(`{"text":"a rock. "},`, parts-1)+`{"text":"a rock. "}]}}}]}]}`)
	start := time.Now()
	c := family.Read(in, model(t, "amazon.nova-lite-v1:0"))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("Read took %v", took)
	}
	if got, least := c.Tokens(), 3*parts; got < least {
		t.Errorf("Tokens() = %d, want %d or more", got, least)
	}
}
