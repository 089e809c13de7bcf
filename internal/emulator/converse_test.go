package emulator_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	awsstream "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

const (
	nova  = "us.amazon.nova-lite-v1:0"
	llama = "us.meta.llama4-scout-17b-instruct-v1:0"
)

// said is the body of Converse for one message of the user, with more members.
func said(text string, more ...string) string {
	content, _ := json.Marshal(text)
	return "{" + strings.Join(append([]string{`"messages":[{"role":"user","content":[{"text":` + string(content) + `}]}]`}, more...), ",") + "}"
}

const weatherTool = `"toolConfig":{"tools":[{"toolSpec":{"name":"weather","description":"tells it","inputSchema":{"json":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}}]}`

// A conversed is what Converse answers.
type conversed struct {
	Output struct {
		Message struct {
			Role    string
			Content []struct {
				Text    *string
				ToolUse *struct {
					ToolUseID string `json:"toolUseId"`
					Name      string
					Input     map[string]any
				}
				ReasoningContent *struct {
					ReasoningText struct{ Text, Signature string }
				}
			}
		}
	}
	StopReason string
	Usage      map[string]any
	Metrics    struct{ LatencyMs *int }
	Additional map[string]any `json:"additionalModelResponseFields"`
	Trace      map[string]any
	Tier       map[string]string `json:"serviceTier"`
	Latency    map[string]string `json:"performanceConfig"`
}

func (c conversed) text() string {
	for _, b := range c.Output.Message.Content {
		if b.Text != nil {
			return *b.Text
		}
	}
	return ""
}

func (b *bedrock) converse(model, body string) answer {
	b.t.Helper()
	return b.call(http.MethodPost, "/model/"+model+"/converse", body)
}

func (b *bedrock) conversed(model, body string) (out conversed) {
	b.t.Helper()
	b.converse(model, body).decode(b.t, &out)
	return out
}

func TestConverse(t *testing.T) {
	b := start(t, emulator.Config{})
	for _, model := range []string{opus, haiku, nova, llama, "amazon.titan-text-lite-v1", "us.deepseek.r1-v1:0", "global.openai.gpt-5.6-sol", "xai.grok-4.7"} {
		got := b.conversed(model, said("hello rock", `"serviceTier":{"type":"flex"}`, `"performanceConfig":{"latency":"optimized"}`, `"requestMetadata":{"team":"a"}`))
		if !strings.Contains(got.text(), "You said: hello rock") || got.StopReason != "end_turn" || got.Output.Message.Role != "assistant" {
			t.Errorf("%s: got %+v", model, got)
		}
		in, out, total := got.Usage["inputTokens"].(float64), got.Usage["outputTokens"].(float64), got.Usage["totalTokens"].(float64)
		if in < 1 || out < 1 || in+out != total || got.Metrics.LatencyMs == nil {
			t.Errorf("%s: usage %v, metrics %+v", model, got.Usage, got.Metrics)
		}
		if got.Tier["type"] != "flex" || got.Latency["latency"] != "optimized" {
			t.Errorf("%s: served %v, %v, want as asked", model, got.Tier, got.Latency)
		}
		_, other := got.Usage["serverToolUsage"]
		if claude := strings.Contains(model, "anthropic"); claude != other {
			t.Errorf("%s: usage %v; serverToolUsage is Claude's, as recorded", model, got.Usage)
		}
	}
	x := b.exchanges[0]
	if x.Operation != "Converse" || x.Usage.OutputTokens == 0 || x.ModelID != opus {
		t.Errorf("observed %s of %s with %+v", x.Operation, x.ModelID, x.Usage)
	}
}

func TestConverseUsesTools(t *testing.T) {
	b := start(t, emulator.Config{})
	for _, model := range []string{opus, nova, llama} {
		got := b.conversed(model, said(`call weather {"city":"Bern"}`, weatherTool))
		last := got.Output.Message.Content[len(got.Output.Message.Content)-1].ToolUse
		if got.StopReason != "tool_use" || last == nil || last.Name != "weather" || last.Input["city"] != "Bern" || !strings.HasPrefix(last.ToolUseID, "tooluse_") {
			t.Fatalf("%s: got %+v", model, got)
		}
		history, _ := json.Marshal(got.Output.Message)
		body := `{"messages":[{"role":"user","content":[{"text":"call weather {\"city\":\"Bern\"}"}]},` + string(pruned(t, history)) +
			`,{"role":"user","content":[{"toolResult":{"toolUseId":"` + last.ToolUseID + `","content":[{"json":{"sky":"grey"}}]}}]}],` + weatherTool + `}`
		if done := b.conversed(model, body); !strings.Contains(done.text(), `weather answered: {"sky":"grey"}`) || done.StopReason != "end_turn" {
			t.Errorf("%s: after the result got %+v", model, done)
		}
	}
	forced := b.conversed(haiku, said("hello", strings.Replace(weatherTool, `"toolConfig":{`, `"toolConfig":{"toolChoice":{"any":{}},`, 1)))
	if forced.StopReason != "tool_use" {
		t.Errorf("with toolChoice any got %+v", forced)
	}
}

// pruned drops nulls and renames what encoding/json has written by Go's names.
func pruned(t *testing.T, message []byte) []byte {
	t.Helper()
	var m struct {
		Role    string
		Content []map[string]any
	}
	if err := json.Unmarshal(message, &m); err != nil {
		t.Fatal(err)
	}
	var content []any
	for _, b := range m.Content {
		if s, ok := b["Text"].(string); ok {
			content = append(content, map[string]any{"text": s})
		}
		if u, ok := b["ToolUse"].(map[string]any); ok {
			content = append(content, map[string]any{"toolUse": map[string]any{"toolUseId": u["toolUseId"], "name": u["Name"], "input": u["Input"]}})
		}
	}
	out, err := json.Marshal(map[string]any{"role": "assistant", "content": content})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestConverseReasons(t *testing.T) {
	b := start(t, emulator.Config{})
	got := b.conversed(haiku, said("think", `"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}`))
	if c := got.Output.Message.Content; len(c) != 2 || c[0].ReasoningContent == nil || c[0].ReasoningContent.ReasoningText.Text == "" || c[0].ReasoningContent.ReasoningText.Signature == "" {
		t.Errorf("Claude: got %+v, want reasoning with a signature first", got)
	}
	got = b.conversed("openai.gpt-oss-120b-1:0", said("think"))
	if c := got.Output.Message.Content; len(c) != 2 || c[0].ReasoningContent == nil || c[0].ReasoningContent.ReasoningText.Signature != "" {
		t.Errorf("gpt-oss: got %+v, want reasoning without a signature first", got)
	}
	if got = b.conversed("deepseek.v3.2", said("think")); len(got.Output.Message.Content) != 1 {
		t.Errorf("DeepSeek-V3.2 unasked: got %+v, want no reasoning", got)
	}
	if got = b.conversed("deepseek.v3.2", said("think", `"additionalModelRequestFields":{"reasoning_effort":"low"}`)); len(got.Output.Message.Content) != 2 {
		t.Errorf("DeepSeek-V3.2 asked: got %+v, want reasoning", got)
	}
}

func TestReasoningComesBackByConverse(t *testing.T) {
	b := start(t, emulator.Config{})
	const thinking = `"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}`
	const question = `{"role":"user","content":[{"text":"call weather {\"city\":\"Bern\"}"}]}`
	first := b.converse(haiku, `{"messages":[`+question+`],`+weatherTool+`,`+thinking+`}`)
	var raw struct {
		Output struct{ Message json.RawMessage }
	}
	first.decode(t, &raw)
	var got conversed
	first.decode(t, &got)
	id := got.Output.Message.Content[2].ToolUse.ToolUseID
	result := `{"role":"user","content":[{"toolResult":{"toolUseId":"` + id + `","content":[{"text":"grey"}]}}]}`
	history := func(message string) string {
		return `{"messages":[` + question + `,` + message + `,` + result + `],` + weatherTool + `,` + thinking + `}`
	}
	if done := b.conversed(haiku, history(string(raw.Output.Message))); !strings.Contains(done.text(), "weather answered: grey") {
		t.Errorf("got %+v", done)
	}
	changed := strings.Replace(string(raw.Output.Message), "The user wrote", "The user never wrote", 1)
	b.converse(haiku, history(changed)).wantError(t, 400, "ValidationException", "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block")
}

func TestConverseStopsAndFields(t *testing.T) {
	b := start(t, emulator.Config{})
	got := b.conversed(haiku, said("one two three", `"inferenceConfig":{"stopSequences":["two"]}`, `"additionalModelResponseFieldPaths":["/stop_sequence","/nope"]`))
	if got.StopReason != "stop_sequence" || got.Additional["stop_sequence"] != "two" || len(got.Additional) != 1 {
		t.Errorf("stop sequence: got %s with fields %v", got.StopReason, got.Additional)
	}
	for _, model := range []string{haiku, nova} {
		if got := b.conversed(model, said("write 500 words", `"inferenceConfig":{"maxTokens":7}`)); got.StopReason != "max_tokens" || got.Usage["outputTokens"] != 7.0 {
			t.Errorf("%s with maxTokens 7: got %s, %v", model, got.StopReason, got.Usage)
		}
	}
	got = b.conversed(opus, said("write 9000 words"))
	if got.StopReason != "max_tokens" || got.Usage["outputTokens"] != 4096.0 {
		t.Errorf("without maxTokens Claude stops at 4096, got %s, %v", got.StopReason, got.Usage)
	}
}

func TestConverseCachePoints(t *testing.T) {
	b := start(t, emulator.Config{})
	body := said("again", `"system":[{"text":"`+strings.Repeat("rock ", 6000)+`"},{"cachePoint":{"type":"default"}}]`)
	for _, model := range []string{haiku, nova} {
		first, second := b.conversed(model, body).Usage, b.conversed(model, body).Usage
		wrote := first["cacheWriteInputTokens"].(float64)
		if wrote < 5000 || second["cacheReadInputTokens"] != wrote || second["cacheWriteInputTokens"] != 0.0 {
			t.Errorf("%s: first %v, second %v", model, first, second)
		}
		if second["totalTokens"] != second["inputTokens"].(float64)+second["outputTokens"].(float64)+wrote {
			t.Errorf("%s: totalTokens of %v is not the sum", model, second)
		}
	}
	details := b.conversed(opus, strings.Replace(body, `"type":"default"`, `"type":"default","ttl":"1h"`, 1)).Usage["cacheDetails"].([]any)
	if d := details[0].(map[string]any); d["ttl"] != "1h" || d["inputTokens"].(float64) < 5000 {
		t.Errorf("cacheDetails: got %v", details)
	}
}

func TestConverseSeesImagesAndDocuments(t *testing.T) {
	b := start(t, emulator.Config{})
	var picture bytes.Buffer
	png.Encode(&picture, image.NewGray(image.Rect(0, 0, 40, 30)))
	body := `{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"` + base64.StdEncoding.EncodeToString(picture.Bytes()) + `"}}},
		{"document":{"format":"csv","name":"the list","source":{"bytes":"` + b64("a,b\n1,2\n") + `"}}},{"text":"what is it"}]}]}`
	for _, model := range []string{opus, nova} {
		if got := b.conversed(model, body).text(); !strings.Contains(got, "PNG image, 40 x 30 pixels") || !strings.Contains(got, `"the list", `) {
			t.Errorf("%s: got %q", model, got)
		}
	}
}

// A said event of ConverseStream.
type streamed struct {
	name    string
	headers map[string]string
	payload map[string]any
}

func (b *bedrock) streamed(model, body string) (out []streamed) {
	b.t.Helper()
	a := b.call(http.MethodPost, "/model/"+model+"/converse-stream", body)
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" {
		b.t.Fatalf("%s: got %d %s", model, a.StatusCode, a.body)
	}
	decoder, r := awsstream.NewDecoder(), strings.NewReader(a.body)
	for r.Len() > 0 {
		m, err := decoder.Decode(r, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		e := streamed{headers: map[string]string{}}
		for _, h := range m.Headers {
			e.headers[h.Name] = h.Value.String()
		}
		e.name = e.headers[":event-type"]
		if err := json.Unmarshal(m.Payload, &e.payload); err != nil {
			b.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func TestConverseStream(t *testing.T) {
	b := start(t, emulator.Config{})
	for model, want := range map[string]string{
		opus: "messageStart contentBlockDelta contentBlockStop contentBlockStart contentBlockDelta contentBlockStop messageStop metadata",
		nova: "messageStart contentBlockDelta contentBlockStop contentBlockStart contentBlockDelta contentBlockStop messageStop metadata",
	} {
		body := said(`call weather {"city":"Bern"}`, weatherTool, `"additionalModelResponseFieldPaths":["/delta/stop_sequence"]`)
		events := b.streamed(model, body)
		var order []string
		text, input := "", ""
		for _, e := range events {
			if p, _ := e.payload["p"].(string); p == "" || e.headers[":message-type"] != "event" || e.headers[":content-type"] != "application/json" {
				t.Errorf("%s: %+v has no padding or other headers", model, e)
			}
			if n := len(order); n == 0 || order[n-1] != e.name {
				order = append(order, e.name)
			}
			delta, _ := e.payload["delta"].(map[string]any)
			if s, ok := delta["text"].(string); ok {
				text += s
			}
			if u, ok := delta["toolUse"].(map[string]any); ok {
				input += u["input"].(string)
			}
		}
		if got := strings.Join(order, " "); got != want {
			t.Errorf("%s: got %s, want %s", model, got, want)
		}
		if text != "I will call weather." || input != `{"city":"Bern"}` {
			t.Errorf("%s: got text %q, input %q", model, text, input)
		}
		stop := events[len(events)-2].payload
		if stop["stopReason"] != "tool_use" {
			t.Errorf("%s: messageStop %v", model, stop)
		}
		if fields, _ := json.Marshal(stop["additionalModelResponseFields"]); model == opus && string(fields) != `{"delta":{"stop_sequence":null}}` {
			t.Errorf("%s: fields %s", model, fields)
		}
		usage := events[len(events)-1].payload["usage"].(map[string]any)
		whole := b.conversed(model, body).Usage
		if usage["inputTokens"] != whole["inputTokens"] || usage["outputTokens"] != whole["outputTokens"] {
			t.Errorf("%s: usage of the stream %v, of the whole %v", model, usage, whole)
		}
	}
}

func TestConverseRefusals(t *testing.T) {
	b := start(t, emulator.Config{})
	f := func(name, model, body string, status int, code, message string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			b.converse(model, body).wantError(t, status, code, message)
		})
	}
	f("no JSON", opus, `{`, 400, "SerializationException", "")
	f("a wrong type", opus, `{"messages":{}}`, 400, "SerializationException", "")
	f("the service model's constraints", opus, `{"messages":[{"role":"user"}]}`, 400, "ValidationException", "1 validation error detected: Value null at 'messages.1.member.content' failed to satisfy constraint: Member must not be null")
	f("no messages", opus, `{}`, 400, "ValidationException", "A conversation must start with a user message.")
	f("Claude's own refusal is wrapped", opus, said("x", `"additionalModelRequestFields":{"mcp_servers":[]}`), 400, "ValidationException", "The model returned the following errors: mcp_servers: Extra inputs are not permitted")
	f("a reserved field", opus, said("x", `"system":[{"text":"a"}]`, `"additionalModelRequestFields":{"system":"b"}`), 400, "ValidationException", "The additional field system conflicts with an existing field.")
	f("too many tokens", nova, said("x", `"inferenceConfig":{"maxTokens":9000}`), 400, "ValidationException", "The maximum tokens you requested exceeds the model limit of 8192.")
	f("an unknown model", "us.meta.llama9", said("x"), 400, "ValidationException", "The provided model identifier is invalid.")
	f("an unknown model of a known kind", "meta.llama3-9-instruct-v1:0", said("x"), 400, "ValidationException", "The provided model identifier is invalid.")
	f("a model at the end of its life", "us.amazon.nova-premier-v1:0", said("x"), 404, "ResourceNotFoundException", "This model version has reached the end of its life.")
	f("a Claude at the end of its life", "anthropic.claude-3-haiku-20240307-v1:0", said("x"), 404, "ResourceNotFoundException", "This model version has reached the end of its life.")
	f("a model of mantle only", "openai.gpt-5.5", said("x"), 400, "ValidationException", "The provided model identifier is invalid.")
	f("a bare ID that needs a profile", "deepseek.r1-v1:0", said("x"), 400, "ValidationException", "Invocation of model ID deepseek.r1-v1:0 with on-demand throughput isn’t supported.")
	f("a profile of another Region", "eu.amazon.nova-lite-v1:0", said("x"), 400, "ValidationException", "The provided model identifier is invalid.")
	f("no chat model", "amazon.titan-embed-text-v1", said("x"), 400, "ValidationException", "This action doesn't support the model that you provided. Try again with a supported text or chat model")
	f("a prompt of Prompt management", "arn:aws:bedrock:us-east-1:123456789012:prompt%2FABCDEFGHIJ", said("x"), 400, "ValidationException", "The embedded Bedrock has no Prompt management.")
	f("an endpoint of SageMaker", "arn:aws:sagemaker:us-east-1:123456789012:endpoint%2Fmine", said("x"), 400, "ValidationException", "The embedded Bedrock has no SageMaker endpoints.")
	f("an imported model", "arn:aws:bedrock:us-east-1:123456789012:imported-model%2Fabcdefghijkl", said("x"), 400, "ValidationException", "The embedded Bedrock has no imported models.")
	f("a cache point for a model that caches nothing", "zai.glm-5", said("x", `"system":[{"text":"a"},{"cachePoint":{"type":"default"}}]`), 403, "AccessDeniedException", "You invoked an unsupported model or your request did not allow prompt caching.")
	f("GPT-6 without effort", "us.openai.gpt-6-sol", said("x", `"additionalModelRequestFields":{"reasoning_effort":"none"}`), 400, "ValidationException", "The model returned the following errors: ")
	f("more than the context", "amazon.titan-text-lite-v1", said(strings.Repeat("rock ", 5000)), 400, "ValidationException", "The model returned the following errors: Input is too long for requested model.")

	b.call(http.MethodPost, "/model/"+llama+"/converse-stream", said("x", weatherTool)).
		wantError(t, 400, "ValidationException", "This model doesn't support tool use in streaming mode.")
	b.invoke(nova, user("x")).wantError(t, 400, "ValidationException", "The embedded Bedrock serves amazon.nova-lite-v1:0 by Converse and ConverseStream only, not by InvokeModel.")
}

func TestConverseModelIDs(t *testing.T) {
	b := start(t, emulator.Config{ApplicationProfiles: []emulator.ApplicationProfile{
		{ID: "abc123def456", Source: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/" + nova}, {ID: "dead00000000", Source: "us.amazon.nova-premier-v1:0"},
	}})
	const arn = "arn:aws:bedrock:us-east-1:"
	for _, id := range []string{
		"amazon.nova-lite-v1:0", "amazon.nova-lite-v1%3A0", nova, arn + ":foundation-model%2Famazon.nova-lite-v1:0",
		arn + account + ":inference-profile%2F" + nova, arn + account + ":application-inference-profile%2Fabc123def456",
	} {
		if got := b.conversed(id, said("x")).text(); !strings.Contains(got, "I am Nova Lite") {
			t.Errorf("%s: got %q", id, got)
		}
	}
	for _, id := range []string{"arn:aws:bedrock:eu-west-1::foundation-model%2Famazon.nova-lite-v1:0", arn + "999999999999:inference-profile%2F" + nova} {
		b.converse(id, said("x")).wantError(t, 400, "ValidationException", "The provided model identifier is invalid.")
	}
	b.converse(arn+":inference-profile%2F"+nova, said("x")).wantError(t, 400, "ValidationException", "1 validation error detected: Value 'arn:aws:bedrock:us-east-1::inference-profile/"+nova+"' at 'modelId' failed")
	b.converse(arn+account+":application-inference-profile%2Fdead00000000", said("x")).wantError(t, 404, "ResourceNotFoundException", "This model version has reached the end of its life.")
}

func TestCountTokensOfConverse(t *testing.T) {
	b := start(t, emulator.Config{})
	converse := said("hello "+strings.Repeat("rock ", 50), `"system":[{"text":"be kind"}]`, weatherTool)
	var got struct{ InputTokens int }
	b.call(http.MethodPost, "/model/anthropic.claude-haiku-4-5-20251001-v1:0/count-tokens", `{"input":{"converse":`+converse+`}}`).decode(t, &got)
	if usage := b.conversed(haiku, converse).Usage; float64(got.InputTokens) != usage["inputTokens"] {
		t.Errorf("counted %d, charged %v", got.InputTokens, usage)
	}
	count := func(model, body string) answer { return b.call(http.MethodPost, "/model/"+model+"/count-tokens", body) }
	count("anthropic.claude-haiku-4-5-20251001-v1:0", `{"input":{"converse":{"messages":[]}}}`).wantError(t, 400, "ValidationException", "A conversation must start with a user message.")
}

func TestCountTokensOfOtherModels(t *testing.T) {
	b := start(t, emulator.Config{})
	for _, id := range []string{"amazon.nova-lite-v1:0", nova} {
		b.call(http.MethodPost, "/model/"+id+"/count-tokens", `{"input":{"converse":`+said("x")+`}}`).
			wantError(t, 400, "ValidationException", "The provided model doesn't support counting tokens.")
	}
	b.call(http.MethodPost, "/model/amazon.nova-premier-v1:0/count-tokens", `{"input":{"converse":`+said("x")+`}}`).
		wantError(t, 404, "ResourceNotFoundException", "This model version has reached the end of its life.")
}

func TestOtherModelsAreListed(t *testing.T) {
	b := start(t, emulator.Config{})
	find := func(id string) (modelSummary, bool) {
		for _, m := range b.models("") {
			if m.ModelID == id {
				return m, true
			}
		}
		return modelSummary{}, false
	}
	m, ok := find("meta.llama4-scout-17b-instruct-v1:0")
	if !ok || m.ProviderName != "Meta" || m.InferenceTypesSupported[0] != "INFERENCE_PROFILE" || strings.Join(m.InputModalities, " ") != "TEXT IMAGE" {
		t.Errorf("Llama 4 Scout: got %+v, %t", m, ok)
	}
	for _, id := range []string{"openai.gpt-5.5", "amazon.nova-premier-v1:0"} {
		if _, ok := find(id); ok {
			t.Errorf("%s is listed, though this endpoint does not have it", id)
		}
	}
	var got struct{ ModelDetails modelSummary }
	b.call(http.MethodGet, "/foundation-models/amazon.nova-lite-v1:0", "").decode(t, &got)
	if got.ModelDetails.ModelName != "Nova Lite" {
		t.Errorf("GetFoundationModel of Nova Lite: got %+v", got)
	}
	b.call(http.MethodGet, "/foundation-models/amazon.nova-premier-v1:0", "").wantError(t, 404, "ResourceNotFoundException", "This model version has reached the end of its life.")
	var profile struct {
		ID     string `json:"inferenceProfileId"`
		Name   string `json:"inferenceProfileName"`
		Models []struct{ ModelARN string }
	}
	b.call(http.MethodGet, "/inference-profiles/"+llama, "").decode(t, &profile)
	if profile.ID != llama || profile.Name != "US Meta Llama 4 Scout 17B Instruct" || len(profile.Models) == 0 {
		t.Errorf("GetInferenceProfile: got %+v", profile)
	}
}

func TestConverseStreamExceptions(t *testing.T) {
	for _, name := range []string{"internalServerException", "modelStreamErrorException", "validationException", "throttlingException", "serviceUnavailableException"} {
		b := play(t, `{"break": {"by": "exception", "after": 2, "code": "`+name+`", "message": "it went wrong"}}`)
		a := b.call(http.MethodPost, "/model/"+nova+"/converse-stream", said("hello"))
		decoder, r, last := awsstream.NewDecoder(), strings.NewReader(a.body), awsstream.Message{}
		n := 0
		for ; r.Len() > 0; n++ {
			m, err := decoder.Decode(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			last = m.Clone()
		}
		if kind := last.Headers.Get(":exception-type"); n != 3 || kind == nil || kind.String() != name || !strings.Contains(string(last.Payload), "it went wrong") {
			t.Errorf("%s: the last of %d messages is %v %s", name, n, last.Headers, last.Payload)
		}
	}
}

func TestScriptedConverse(t *testing.T) {
	const answer = `{"unchecked": %s, "answer": {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "So be it."}, {"type": "tool_use", "name": "weather", "input": {"city": "Bern"}}], "usage": {"input_tokens": 1000}}}`
	for _, c := range []struct {
		unchecked, model, body string
		signed                 bool
	}{
		{"false", opus, said("hi"), true}, {"false", nova, said("hi"), false},
		{"true", opus, "{", true}, {"true", nova, "{", false}, {"true", "us.meta.llama9", "{}", true},
	} {
		b := play(t, strings.Replace(answer, "%s", c.unchecked, 1))
		got := b.conversed(c.model, c.body)
		content := got.Output.Message.Content
		if len(content) != 3 || got.text() != "So be it." || got.StopReason != "tool_use" || got.Usage["inputTokens"] != 1000.0 {
			t.Fatalf("%+v: got %+v", c, got)
		}
		if use := content[2].ToolUse; use.Input["city"] != "Bern" || !strings.HasPrefix(use.ToolUseID, "tooluse_") {
			t.Errorf("%+v: got tool use %+v", c, use)
		}
		if signed := content[0].ReasoningContent.ReasoningText.Signature != ""; signed != c.signed {
			t.Errorf("%+v: reasoning signed: %t", c, signed)
		}
	}
	b := play(t, `{"failure": {"code": "ThrottlingException"}}`)
	b.converse(opus, "{}").wantError(t, 400, "ValidationException", "A conversation must start with a user message.") // what is wrong takes no step
	b.converse(nova, said("hi")).wantError(t, 429, "ThrottlingException", "")
	if got := b.conversed(nova, said("hi")); !strings.Contains(got.text(), "You said: hi") {
		t.Errorf("after the script: got %+v", got)
	}
}
