package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/bedrock"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// The SDK's first major version, which many programs will stay on for long, sends another
// anthropic-version and its key in another header. Its Bedrock client speaks the native door.
func TestAnthropicSDKForGoV1(t *testing.T) {
	srv, l := bedrocktest.NewServer(t), startLocal(t)
	g := serveBefore(t, srv)
	client, err := outcrop.New(t.Context(), calling(srv)...)
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, model anthropic.Model, options ...option.RequestOption) {
		t.Run(name, func(t *testing.T) {
			claude := anthropic.NewClient(append(options, option.WithMaxRetries(0))...)
			t.Run("first message", func(t *testing.T) { testFirstMessageV1(t, claude, model) })
			t.Run("streamed tool loop with thinking", func(t *testing.T) { testToolLoopV1(t, claude, model) })
			t.Run("refusals", func(t *testing.T) { testRefusalsV1(t, claude, model) })
			if !strings.Contains(name, "outcrop local") { // Bedrock has no /v1/messages/count_tokens
				t.Run("count_tokens", func(t *testing.T) { testCountTokensV1(t, claude, model) })
			}
		})
	}
	f("over the RoundTripper", anthropic.ModelClaudeHaiku4_5, option.WithAPIKey("not used"), option.WithHTTPClient(&http.Client{Transport: client.RoundTripper()}))
	f("over the gateway", anthropic.ModelClaudeHaiku4_5, overGatewayV1(g)...)
	f("its Bedrock client over the gateway", haiku, overBedrockV1(gatewayConfig(g), g.URL)...)
	f("its Bedrock client on outcrop local", haiku, overBedrockV1(l.config(), l.URL)...)
	f("its Bedrock client on outcrop local with a bearer key", haiku, overBedrockV1(l.bearing(t), l.URL)...)

	t.Run("wrong key", func(t *testing.T) {
		stranger := *g
		stranger.Key = "not-a-key-of-this-gateway"
		claude := anthropic.NewClient(overGatewayV1(&stranger)...)
		_, err := claude.Messages.New(t.Context(), sayV1(anthropic.ModelClaudeHaiku4_5, "hi"))
		wantErrorV1(t, err, http.StatusUnauthorized, "authentication_error")
	})
	t.Run("wrong secret on outcrop local", func(t *testing.T) {
		claude := anthropic.NewClient(overBedrockV1(signing(l.URL, l.Region, l.AccessKeyID, strings.Repeat("x", 40)), l.URL)...)
		_, err := claude.Messages.New(t.Context(), sayV1(haiku, "hi"))
		wantErrorV1(t, err, http.StatusForbidden, "The request signature we calculated does not match")
	})
}

func overGatewayV1(g *gateway) []option.RequestOption {
	return []option.RequestOption{option.WithBaseURL(g.URL), option.WithAPIKey(g.Key), option.WithMaxRetries(0)}
}

func overBedrockV1(config aws.Config, url string) []option.RequestOption {
	return []option.RequestOption{bedrock.WithConfig(config), option.WithBaseURL(url), option.WithMaxRetries(0)}
}

func sayV1(model anthropic.Model, text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: model, MaxTokens: 4096,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

func testFirstMessageV1(t *testing.T, claude anthropic.Client, model anthropic.Model) {
	params := sayV1(model, "write 100 words")
	params.StopSequences = []string{"the surface"}
	m, err := claude.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Content[0].Text, "The rock that comes to "; got != want || m.StopReason != anthropic.StopReasonStopSequence || m.StopSequence != "the surface" {
		t.Errorf("the answer is %q, stopped for %s %q; want %q, stopped for the sequence", got, m.StopReason, m.StopSequence, want)
	}
	if m.Usage.InputTokens == 0 || m.Usage.OutputTokens != 6 {
		t.Errorf("usage is %d and %d tokens, want some and 6", m.Usage.InputTokens, m.Usage.OutputTokens)
	}
}

func testToolLoopV1(t *testing.T, claude anthropic.Client, model anthropic.Model) {
	params := sayV1(model, `call note {"text":"abc"}`)
	params.Thinking = anthropic.ThinkingConfigParamOfEnabled(1024)
	params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
		Name: "note", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{"text": map[string]any{"type": "string"}}},
	}}}
	stream := claude.Messages.NewStreaming(t.Context(), params)
	defer stream.Close()
	var first anthropic.Message
	for stream.Next() {
		if err := first.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	use := first.Content[len(first.Content)-1]
	if first.StopReason != anthropic.StopReasonToolUse || first.Content[0].Signature == "" || string(use.Input) != `{"text":"abc"}` {
		t.Fatalf("streamed %s, want signed thinking and a use of note", first.RawJSON())
	}
	params.Messages = append(params.Messages, first.ToParam(), anthropic.NewUserMessage(anthropic.NewToolResultBlock(use.ID, "noted", false)))
	last, err := claude.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if block := last.Content[len(last.Content)-1]; !strings.Contains(block.Text, "note answered: noted") {
		t.Errorf("the answer is %q, want the tool's result quoted", block.Text)
	}
	params.Messages[1].Content[0].OfThinking.Thinking += " I never thought this."
	_, err = claude.Messages.New(t.Context(), params)
	wantErrorV1(t, err, http.StatusBadRequest, "`signature`")
}

func testRefusalsV1(t *testing.T, claude anthropic.Client, model anthropic.Model) {
	params := sayV1(model, "hi")
	params.MaxTokens = 0
	_, err := claude.Messages.New(t.Context(), params)
	wantErrorV1(t, err, http.StatusBadRequest, "max_tokens")
	_, err = claude.Messages.New(t.Context(), sayV1(retiredModel, "hi"))
	wantErrorV1(t, err, http.StatusNotFound, endOfLife)
	stream := claude.Messages.NewStreaming(t.Context(), sayV1(retiredModel, "hi"))
	defer stream.Close()
	for stream.Next() {
		t.Errorf("the stream has an event: %s", stream.Current().RawJSON())
	}
	wantErrorV1(t, stream.Err(), http.StatusNotFound, endOfLife)
}

func testCountTokensV1(t *testing.T, claude anthropic.Client, model anthropic.Model) {
	params := sayV1(model, "How many?")
	counted, err := claude.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: model, Messages: params.Messages})
	if err != nil {
		t.Fatal(err)
	}
	m, err := claude.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if counted.InputTokens != m.Usage.InputTokens || m.Usage.InputTokens < 3 {
		t.Errorf("CountTokens counts %d, the message cost %d; want the same, and some", counted.InputTokens, m.Usage.InputTokens)
	}
}

func wantErrorV1(t *testing.T, err error, status int, words string) {
	t.Helper()
	var e *anthropic.Error
	if !errors.As(err, &e) || e.StatusCode != status || !strings.Contains(e.RawJSON(), words) {
		t.Errorf("the error is %v, want one of the API's with status %d and %q", err, status, words)
	}
}
