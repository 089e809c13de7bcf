package e2e

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

// Models of other families, which Converse alone speaks to.
const (
	nova  = "amazon.nova-lite-v1:0"
	llama = "us.meta.llama3-3-70b-instruct-v1:0"
)

// AWS's SDK for Go finds Converse and ConverseStream in outcrop local.
func TestConverseByAWSSDKForGo(t *testing.T) {
	f := func(name string, config aws.Config) {
		t.Run(name, func(t *testing.T) {
			client := bedrockruntime.NewFromConfig(config)
			t.Run("text", func(t *testing.T) { testConverseText(t, client) })
			t.Run("stop sequence", func(t *testing.T) { testConverseStop(t, client) })
			t.Run("tools", func(t *testing.T) { testConverseTools(t, client) })
			t.Run("image and document", func(t *testing.T) { testConverseMedia(t, client) })
			t.Run("reasoning", func(t *testing.T) { testConverseReasoning(t, client) })
			t.Run("prompt cache", func(t *testing.T) { testConverseCache(t, client, name) })
			t.Run("stream", func(t *testing.T) { testConverseStream(t, client) })
			t.Run("streamed tool and reasoning", func(t *testing.T) { testConverseStreamTools(t, client) })
			t.Run("other families", func(t *testing.T) { testConverseFamilies(t, client) })
			t.Run("every listed profile", func(t *testing.T) { testConverseProfiles(t, client, bedrock.NewFromConfig(config)) })
			t.Run("CountTokens", func(t *testing.T) { testConverseCount(t, client) })
			t.Run("refusals", func(t *testing.T) { testConverseRefusals(t, client) })
		})
	}
	l, overTLS := startLocal(t), startLocal(t, "--tls")
	f("with SigV4", l.config())
	f("over TLS with a bearer key", overTLS.bearing(t))
}

// A ConverseStream that the client leaves ends at the server, too.
func TestAWSSDKForGoLeavesAConverseStream(t *testing.T) {
	l := startLocal(t, chunkDelay)
	client := bedrockruntime.NewFromConfig(l.config())
	err := leaveStreams(t, l.process, func(ctx context.Context, text string) stream {
		in := streaming(ask(haiku, text))
		in.InferenceConfig.MaxTokens = aws.Int32(32000)
		out, err := client.ConverseStream(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return converseStream{out.GetStream()}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended in the middle of a stream: error %v, want context.Canceled", err)
	}
}

// A converseStream is AWS's as a stream.
type converseStream struct {
	*bedrockruntime.ConverseStreamEventStream
}

func (s converseStream) Next() bool {
	_, ok := <-s.Events()
	return ok
}

func words(text string) types.ContentBlock { return &types.ContentBlockMemberText{Value: text} }

// ask is an input of one message: text, and what is shown besides.
func ask(model, text string, shown ...types.ContentBlock) *bedrockruntime.ConverseInput {
	return &bedrockruntime.ConverseInput{
		ModelId: &model, InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(4000)},
		Messages: []types.Message{{Role: types.ConversationRoleUser, Content: append(shown, words(text))}},
	}
}

// goOn adds an answer and what the user says to it.
func goOn(in *bedrockruntime.ConverseInput, answer []types.ContentBlock, next ...types.ContentBlock) {
	in.Messages = append(in.Messages,
		types.Message{Role: types.ConversationRoleAssistant, Content: answer},
		types.Message{Role: types.ConversationRoleUser, Content: next})
}

// streaming is the same input for ConverseStream.
func streaming(in *bedrockruntime.ConverseInput) *bedrockruntime.ConverseStreamInput {
	return &bedrockruntime.ConverseStreamInput{
		ModelId: in.ModelId, InferenceConfig: in.InferenceConfig, Messages: in.Messages, System: in.System, ToolConfig: in.ToolConfig,
		AdditionalModelRequestFields: in.AdditionalModelRequestFields, AdditionalModelResponseFieldPaths: in.AdditionalModelResponseFieldPaths,
	}
}

// noteTool is a tool for Converse.
func noteTool() *types.ToolConfiguration {
	return &types.ToolConfiguration{Tools: []types.Tool{&types.ToolMemberToolSpec{Value: types.ToolSpecification{
		Name: aws.String("note"), Description: aws.String("Keeps a text."),
		InputSchema: &types.ToolInputSchemaMemberJson{Value: document.NewLazyDocument(map[string]any{
			"type": "object", "properties": map[string]any{"text": map[string]any{"type": "string"}},
		})},
	}}}}
}

func thinkingFields() document.Interface {
	return document.NewLazyDocument(map[string]any{"thinking": map[string]any{"type": "enabled", "budget_tokens": 1024}})
}

// A conversed is an answer of Converse, or what the events of ConverseStream add up to.
type conversed struct {
	content    []types.ContentBlock
	stopReason types.StopReason
	additional document.Interface
	usage      *types.TokenUsage
	latency    *int64

	deltas int    // of a stream
	input  string // of the tools that a stream uses
}

func converse(t *testing.T, client *bedrockruntime.Client, in *bedrockruntime.ConverseInput) conversed {
	t.Helper()
	out, err := client.Converse(t.Context(), in)
	if err != nil {
		t.Fatalf("Converse: %v", err)
	}
	message, ok := out.Output.(*types.ConverseOutputMemberMessage)
	if !ok || message.Value.Role != types.ConversationRoleAssistant {
		t.Fatalf("Converse answered %#v, want a message of the assistant's", out.Output)
	}
	return conversed{content: message.Value.Content, stopReason: out.StopReason, additional: out.AdditionalModelResponseFields, usage: out.Usage, latency: out.Metrics.LatencyMs}
}

// converseStreamed reads a stream to its end and expects its events in order.
func converseStreamed(t *testing.T, client *bedrockruntime.Client, in *bedrockruntime.ConverseInput) (got conversed) {
	t.Helper()
	out, err := client.ConverseStream(t.Context(), streaming(in))
	if err != nil {
		t.Fatalf("ConverseStream: %v", err)
	}
	stream := out.GetStream()
	defer stream.Close()
	var order []string
	for event := range stream.Events() {
		order = append(order, got.add(t, event))
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	want := []string{"messageStart"}
	for range got.content {
		want = append(want, "contentBlock")
	}
	if want = append(want, "messageStop", "metadata"); !slices.Equal(slices.DeleteFunc(order, func(s string) bool { return s == "" }), want) {
		t.Errorf("the stream's events: %q, want %q", order, want)
	}
	return got
}

// add takes an event into account and returns what it begins or ends, "" for a part of a block.
func (c *conversed) add(t *testing.T, event types.ConverseStreamOutput) string {
	t.Helper()
	switch e := event.(type) {
	case *types.ConverseStreamOutputMemberMessageStart:
		return "messageStart"
	case *types.ConverseStreamOutputMemberContentBlockStart:
		use, ok := e.Value.Start.(*types.ContentBlockStartMemberToolUse)
		if !ok || int(*e.Value.ContentBlockIndex) != len(c.content) {
			t.Errorf("block %d starts with %T, want a toolUse as block %d", *e.Value.ContentBlockIndex, e.Value.Start, len(c.content))
			return ""
		}
		c.content = append(c.content, &types.ContentBlockMemberToolUse{Value: types.ToolUseBlock{Name: use.Value.Name, ToolUseId: use.Value.ToolUseId}})
	case *types.ConverseStreamOutputMemberContentBlockDelta:
		c.deltas++
		c.addDelta(t, int(*e.Value.ContentBlockIndex), e.Value.Delta)
	case *types.ConverseStreamOutputMemberContentBlockStop:
		if got, want := int(*e.Value.ContentBlockIndex), len(c.content)-1; got != want {
			t.Errorf("block %d stops, want %d", got, want)
		}
		return "contentBlock"
	case *types.ConverseStreamOutputMemberMessageStop:
		c.stopReason, c.additional = e.Value.StopReason, e.Value.AdditionalModelResponseFields
		return "messageStop"
	case *types.ConverseStreamOutputMemberMetadata:
		c.usage, c.latency = e.Value.Usage, e.Value.Metrics.LatencyMs
		return "metadata"
	default:
		t.Errorf("an event of type %T", event)
	}
	return ""
}

// addDelta adds to a block. A block of text or reasoning begins with its first delta.
func (c *conversed) addDelta(t *testing.T, index int, delta types.ContentBlockDelta) {
	t.Helper()
	if index == len(c.content) {
		switch delta.(type) {
		case *types.ContentBlockDeltaMemberText:
			c.content = append(c.content, words(""))
		case *types.ContentBlockDeltaMemberReasoningContent:
			c.content = append(c.content, &types.ContentBlockMemberReasoningContent{Value: &types.ReasoningContentBlockMemberReasoningText{
				Value: types.ReasoningTextBlock{Text: aws.String(""), Signature: aws.String("")},
			}})
		}
	}
	if index != len(c.content)-1 {
		t.Errorf("a delta of block %d, want %d", index, len(c.content)-1)
		return
	}
	switch block := c.content[index].(type) {
	case *types.ContentBlockMemberText:
		block.Value += delta.(*types.ContentBlockDeltaMemberText).Value
	case *types.ContentBlockMemberToolUse:
		c.input += *delta.(*types.ContentBlockDeltaMemberToolUse).Value.Input
	case *types.ContentBlockMemberReasoningContent:
		text := &block.Value.(*types.ReasoningContentBlockMemberReasoningText).Value
		switch d := delta.(*types.ContentBlockDeltaMemberReasoningContent).Value.(type) {
		case *types.ReasoningContentBlockDeltaMemberText:
			*text.Text += d.Value
		case *types.ReasoningContentBlockDeltaMemberSignature:
			*text.Signature += d.Value
		}
	}
}

func (c conversed) text() string {
	var b strings.Builder
	for _, block := range c.content {
		if text, ok := block.(*types.ContentBlockMemberText); ok {
			b.WriteString(text.Value)
		}
	}
	return b.String()
}

// use returns the last block, which is to be a use of a tool.
func (c conversed) use(t *testing.T) *types.ContentBlockMemberToolUse {
	t.Helper()
	use, ok := c.content[len(c.content)-1].(*types.ContentBlockMemberToolUse)
	if !ok || c.stopReason != types.StopReasonToolUse || *use.Value.Name != "note" || *use.Value.ToolUseId == "" {
		t.Fatalf("the answer ends with %#v for %s, want a use of note", c.content[len(c.content)-1], c.stopReason)
	}
	return use
}

// reasoning returns the first block, which is to be signed reasoning.
func (c conversed) reasoning(t *testing.T) *types.ReasoningTextBlock {
	t.Helper()
	block, _ := c.content[0].(*types.ContentBlockMemberReasoningContent)
	if block == nil {
		t.Fatalf("the answer begins with %#v, want reasoning", c.content[0])
	}
	text, ok := block.Value.(*types.ReasoningContentBlockMemberReasoningText)
	if !ok || *text.Value.Text == "" || text.Value.Signature == nil || *text.Value.Signature == "" {
		t.Fatalf("the reasoning is %#v, want it signed", block.Value)
	}
	return &text.Value
}

// stopSequence is the value at a path of the model's own fields.
func (c conversed) stopSequence(t *testing.T, path ...string) string {
	t.Helper()
	var v any
	if c.additional == nil {
		t.Fatal("there are no additional fields")
	}
	if err := c.additional.UnmarshalSmithyDocument(&v); err != nil {
		t.Fatal(err)
	}
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

func testConverseText(t *testing.T, client *bedrockruntime.Client) {
	in := ask(haiku, "Hello")
	in.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "Be short."}}
	in.InferenceConfig.Temperature = aws.Float32(0.5)
	got := converse(t, client, in)
	if want := "You said: Hello\n"; !strings.HasPrefix(got.text(), want) || got.stopReason != types.StopReasonEndTurn {
		t.Errorf("%q, stopped for %s; want %q and end_turn", got.text(), got.stopReason, want)
	}
	if u := got.usage; *u.InputTokens == 0 || *u.OutputTokens == 0 || *u.TotalTokens != *u.InputTokens+*u.OutputTokens || got.latency == nil {
		t.Errorf("usage %d + %d = %d, latency %v; want some, their sum and a latency", *u.InputTokens, *u.OutputTokens, *u.TotalTokens, got.latency)
	}
	in.InferenceConfig.MaxTokens = aws.Int32(2)
	if got := converse(t, client, in); got.text() != "You said" || got.stopReason != types.StopReasonMaxTokens {
		t.Errorf("%q, stopped for %s; want two tokens and max_tokens", got.text(), got.stopReason)
	}
}

func testConverseStop(t *testing.T, client *bedrockruntime.Client) {
	in := ask(haiku, "write 100 words")
	in.InferenceConfig.StopSequences = []string{"granite", "the surface"}
	in.AdditionalModelResponseFieldPaths = []string{"/stop_sequence"}
	got := converse(t, client, in)
	if want := "The rock that comes to "; got.text() != want || got.stopReason != types.StopReasonStopSequence || got.stopSequence(t, "stop_sequence") != "the surface" {
		t.Errorf("%q, stopped for %s; want %q and the stop sequence", got.text(), got.stopReason, want)
	}
	in.AdditionalModelResponseFieldPaths = []string{"/delta/stop_sequence"}
	got = converseStreamed(t, client, in)
	if got.stopReason != types.StopReasonStopSequence || got.stopSequence(t, "delta", "stop_sequence") != "the surface" {
		t.Errorf("streamed %q, stopped for %s; want the stop sequence", got.text(), got.stopReason)
	}
}

func testConverseTools(t *testing.T, client *bedrockruntime.Client) {
	for _, model := range []string{haiku, "us.anthropic.claude-opus-5-5", nova, llama} {
		in := ask(model, `call note {"text":"abc"}`)
		in.ToolConfig = noteTool()
		first := converse(t, client, in)
		use := first.use(t)
		var input struct{ Text string }
		if err := use.Value.Input.UnmarshalSmithyDocument(&input); err != nil || input.Text != "abc" {
			t.Errorf("%s: the tool's input is %+v (%v), want abc", model, input, err)
		}
		answered := &types.ContentBlockMemberToolResult{Value: types.ToolResultBlock{
			ToolUseId: use.Value.ToolUseId, Content: []types.ToolResultContentBlock{&types.ToolResultContentBlockMemberText{Value: "noted"}},
		}}
		goOn(in, first.content, answered)
		if last := converse(t, client, in); !strings.Contains(last.text(), "note answered: noted") || last.stopReason != types.StopReasonEndTurn {
			t.Errorf("%s: after the result %q, stopped for %s; want it quoted", model, last.text(), last.stopReason)
		}
		answered.Value.Status = types.ToolResultStatusError
		if last := converse(t, client, in); !strings.Contains(last.text(), "note failed: noted") {
			t.Errorf("%s: after an error %q, want it quoted as one", model, last.text())
		}
	}
	in := ask(haiku, "Hello")
	in.ToolConfig = noteTool()
	in.ToolConfig.ToolChoice = &types.ToolChoiceMemberTool{Value: types.SpecificToolChoice{Name: aws.String("note")}}
	converse(t, client, in).use(t)
}

// picture is a PNG of 3 x 2 pixels.
func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testConverseMedia(t *testing.T, client *bedrockruntime.Client) {
	shown := []types.ContentBlock{
		&types.ContentBlockMemberImage{Value: types.ImageBlock{Format: types.ImageFormatPng, Source: &types.ImageSourceMemberBytes{Value: picture(t)}}},
		&types.ContentBlockMemberDocument{Value: types.DocumentBlock{
			Name: aws.String("two pages"), Format: types.DocumentFormatPdf, Source: &types.DocumentSourceMemberBytes{Value: twoPages},
		}},
	}
	for _, model := range []string{haiku, nova} {
		got := converse(t, client, ask(model, "What is this?", shown...)).text()
		for _, want := range []string{"PNG image, 3 x 2 pixels", "two pages", "PDF, 2 pages"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s sees %q, want %q in it", model, got, want)
			}
		}
	}
}

func testConverseReasoning(t *testing.T, client *bedrockruntime.Client) {
	in := ask(haiku, "Think about this.")
	in.AdditionalModelRequestFields = thinkingFields()
	first := converse(t, client, in)
	reasoning := first.reasoning(t)
	goOn(in, first.content, words("Go on."))
	if got := converse(t, client, in).text(); !strings.HasPrefix(got, "You said: Go on.") {
		t.Errorf("the second answer is %q", got)
	}
	*reasoning.Text += " I never thought this."
	_, err := client.Converse(t.Context(), in)
	wantException[*types.ValidationException](t, err, http.StatusBadRequest, "`signature`")
}

func testConverseCache(t *testing.T, client *bedrockruntime.Client, unique string) {
	in := ask("us.anthropic.claude-sonnet-5-5", "Hello")
	in.System = []types.SystemContentBlock{
		&types.SystemContentBlockMemberText{Value: unique + strings.Repeat(" The rock that comes to the surface.", 300)},
		&types.SystemContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault, Ttl: types.CacheTTLOneHour}},
	}
	first, second := converse(t, client, in).usage, converseStreamed(t, client, in).usage
	written := aws.ToInt32(first.CacheWriteInputTokens)
	if written < 1024 || aws.ToInt32(first.CacheReadInputTokens) != 0 || aws.ToInt32(second.CacheReadInputTokens) != written || aws.ToInt32(second.CacheWriteInputTokens) != 0 {
		t.Errorf("the first call writes %d tokens and reads %d, the second writes %d and reads %d; want the second to read what the first wrote",
			written, aws.ToInt32(first.CacheReadInputTokens), aws.ToInt32(second.CacheWriteInputTokens), aws.ToInt32(second.CacheReadInputTokens))
	}
	if d := first.CacheDetails; len(d) != 1 || d[0].Ttl != types.CacheTTLOneHour || aws.ToInt32(d[0].InputTokens) != written {
		t.Errorf("the cache's details are %+v, want all that was written for an hour", d)
	}
}

func testConverseStream(t *testing.T, client *bedrockruntime.Client) {
	for _, model := range []string{haiku, nova, llama} {
		got := converseStreamed(t, client, ask(model, "write 100 words"))
		if n := len(strings.Fields(got.text())); n != 100 || got.deltas < 10 || got.stopReason != types.StopReasonEndTurn {
			t.Errorf("%s: %d words in %d deltas, stopped for %s; want 100, at least 10 and end_turn", model, n, got.deltas, got.stopReason)
		}
		if u := got.usage; *u.InputTokens == 0 || *u.OutputTokens < 100 || *u.TotalTokens != *u.InputTokens+*u.OutputTokens || got.latency == nil {
			t.Errorf("%s: usage %d + %d = %d, latency %v; want some, their sum and a latency", model, *u.InputTokens, *u.OutputTokens, *u.TotalTokens, got.latency)
		}
	}
}

func testConverseStreamTools(t *testing.T, client *bedrockruntime.Client) {
	for _, model := range []string{haiku, nova} {
		in := ask(model, `call note {"text":"abc"}`)
		in.ToolConfig = noteTool()
		if model == haiku {
			in.AdditionalModelRequestFields = thinkingFields()
		}
		got := converseStreamed(t, client, in)
		got.use(t)
		if want := `{"text":"abc"}`; got.input != want {
			t.Errorf("%s: the tool's input adds up to %q, want %q", model, got.input, want)
		}
		if model == haiku {
			got.reasoning(t)
		}
	}
}

func testConverseFamilies(t *testing.T, client *bedrockruntime.Client) {
	for model, name := range map[string]string{nova: "Nova Lite", llama: "Llama 3.3 70B Instruct"} {
		if got := converse(t, client, ask(model, "Hello")).text(); !strings.HasPrefix(got, "You said: Hello") || !strings.Contains(got, name) {
			t.Errorf("%s answers %q, want what was said and its name", model, got)
		}
	}
	in := ask(llama, "Hello")
	in.ToolConfig = noteTool()
	_, err := client.ConverseStream(t.Context(), streaming(in))
	wantException[*types.ValidationException](t, err, http.StatusBadRequest, "This model doesn't support tool use in streaming mode.")
	_, err = client.Converse(t.Context(), ask(llama, "Hello", &types.ContentBlockMemberImage{Value: types.ImageBlock{
		Format: types.ImageFormatPng, Source: &types.ImageSourceMemberBytes{Value: picture(t)},
	}}))
	wantException[*types.ValidationException](t, err, http.StatusBadRequest, "image")
	in = ask(llama, "Hello", words("The rock."), &types.ContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault}})
	_, err = client.Converse(t.Context(), in)
	wantException[*types.AccessDeniedException](t, err, http.StatusForbidden, "did not allow prompt caching")
}

// testConverseProfiles calls each profile that is listed, of whichever family.
func testConverseProfiles(t *testing.T, client *bedrockruntime.Client, control *bedrock.Client) {
	families := map[string]int{}
	for _, p := range listProfiles(t, control) {
		if _, err := client.Converse(t.Context(), ask(*p.InferenceProfileId, "hi")); err != nil {
			t.Errorf("Converse with the listed profile %s: %v", *p.InferenceProfileId, err)
		}
		families[strings.Split(*p.InferenceProfileId, ".")[1]]++
	}
	if families["anthropic"] == 0 || families["amazon"] == 0 || families["meta"] == 0 {
		t.Errorf("profiles are listed by family: %v, want Anthropic's, Amazon's and Meta's", families)
	}
}

func testConverseCount(t *testing.T, client *bedrockruntime.Client) {
	in := ask(haiku, "How many?")
	in.ToolConfig = noteTool()
	in.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "Be short."}}
	out, err := client.CountTokens(t.Context(), &bedrockruntime.CountTokensInput{
		ModelId: aws.String(haikuModel),
		Input: &types.CountTokensInputMemberConverse{Value: types.ConverseTokensRequest{
			Messages: in.Messages, System: in.System, ToolConfig: in.ToolConfig,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := *converse(t, client, in).usage.InputTokens; *out.InputTokens != want || want < 10 {
		t.Errorf("CountTokens counts %d, Converse %d; want the same, and some", *out.InputTokens, want)
	}
}

func testConverseRefusals(t *testing.T, client *bedrockruntime.Client) {
	refused := func(in *bedrockruntime.ConverseInput) (whole, streamed error) {
		_, whole = client.Converse(t.Context(), in)
		_, streamed = client.ConverseStream(t.Context(), streaming(in))
		return whole, streamed
	}
	invalid := func(in *bedrockruntime.ConverseInput, words string) {
		t.Helper()
		whole, streamed := refused(in)
		wantException[*types.ValidationException](t, whole, http.StatusBadRequest, words)
		wantException[*types.ValidationException](t, streamed, http.StatusBadRequest, words)
	}
	invalid(ask(noModel, "hi"), unknownModel)
	invalid(ask(haiku, ""), "blank")
	begun := ask(haiku, "hi")
	begun.Messages[0].Role = types.ConversationRoleAssistant
	invalid(begun, "must start with a user message")
	named := ask(haiku, "hi", &types.ContentBlockMemberDocument{Value: types.DocumentBlock{
		Name: aws.String("two_pages.pdf"), Format: types.DocumentFormatPdf, Source: &types.DocumentSourceMemberBytes{Value: twoPages},
	}})
	invalid(named, "document file name")
	tooMany := ask(haiku, "hi")
	tooMany.InferenceConfig.MaxTokens = aws.Int32(1_000_000)
	invalid(tooMany, "maximum tokens")

	whole, streamed := refused(ask(retiredModel, "hi"))
	wantException[*types.ResourceNotFoundException](t, whole, http.StatusNotFound, endOfLife)
	wantException[*types.ResourceNotFoundException](t, streamed, http.StatusNotFound, endOfLife)
}

// AWS's SDK for JavaScript finds Converse and ConverseStream in outcrop local, over HTTP/2.
func TestConverseByAWSSDKForJavaScript(t *testing.T) {
	dir := t.TempDir()
	pdf, png := filepath.Join(dir, "two-pages.pdf"), filepath.Join(dir, "picture.png")
	for path, data := range map[string][]byte{pdf: twoPages, png: picture(t)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(name string, p *process, env []string) {
		t.Run(name, func(t *testing.T) {
			wantLines(t, runNode(t, env, "js/converse.mjs", pdf, png), converseLines)
			p.wantLeft(t, 1)
		})
	}
	l, overTLS := startLocal(t, chunkDelay), startLocal(t, chunkDelay, "--tls")
	f("with SigV4", l.process, awsEnv(l.URL, l.AccessKeyID, l.SecretAccessKey))
	f("over TLS with a bearer key", overTLS.process, append(awsEnv(overTLS.URL), "AWS_BEARER_TOKEN_BEDROCK="+overTLS.APIKey, "NODE_EXTRA_CA_CERTS="+overTLS.CAFile))
}

// What converse.mjs is answered.
var converseLines = lines{
	"text":                    `assistant, end_turn, total 0 off: You said: Hello\n`,
	"stop sequence":           `stop_sequence {"stop_sequence":"the surface"}: The rock that comes to $`,
	"stop sequence, streamed": `messageStart, 1 block in \d+ deltas, messageStop, metadata: stop_sequence {"delta":{"stop_sequence":"the surface"}}: The rock that comes to $`,
	"tools":                   `tool_use note {"text":"abc"}; end_turn: note answered: noted$`,
	"tools of Nova":           `tool_use note {"text":"abc"}; end_turn: note answered: noted$`,
	"image":                   `.*PNG image, 3 x 2 pixels`,
	"document":                `.*two pages.*PDF, 2 pages`,
	"reasoning":               `signed; You said: Go on\.\n`,
	"forged reasoning":        "ValidationException 400 with a request ID .*`signature`",
	"prompt cache":            `the second read what the first wrote, for 1h$`,
	"stream":                  `messageStart, 1 block in \d\d+ deltas, messageStop, metadata: end_turn, 100 words, total 0 off$`,
	"stream of Llama":         `messageStart, 1 block in \d\d+ deltas, messageStop, metadata: end_turn, 100 words, total 0 off$`,
	"streamed tool":           `messageStart, 3 blocks in \d+ deltas, messageStop, metadata: tool_use, reasoning text note {"text":"abc"}$`,
	"aborted":                 `ended with contentBlockDelta$`,
	"CountTokens":             `as charged$`,
	"unknown model":           `ValidationException 400 with a request ID "The provided model identifier is invalid\."$`,
	"unknown model, streamed": `ValidationException 400 with a request ID "The provided model identifier is invalid\."$`,
	"past its end":            `ResourceNotFoundException 404 with a request ID "This model version has reached the end of its life`,
	"blank text":              `ValidationException 400 with a request ID "The text field .* is blank`,
	"tools of Llama streamed": `ValidationException 400 with a request ID "This model doesn't support tool use in streaming mode\."$`,
	"wrong key":               `(BedrockRuntimeServiceException InvalidSignatureException|AccessDeniedException) 403 with a request ID`,
}
