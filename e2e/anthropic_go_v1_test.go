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
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// The SDK's first major version, which many programs will stay on for long, sends another
// anthropic-version and its key in another header. Its Bedrock client speaks the native door.
func TestAnthropicSDKForGoV1(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	g := serveBefore(t, srv)
	client, err := outcrop.New(t.Context(), outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	signing := bedrock.WithConfig(aws.Config{
		Region: g.Region, Credentials: credentials.NewStaticCredentialsProvider(g.AccessKeyID, g.SecretAccessKey, ""),
	})
	f := func(name string, haiku anthropic.Model, options ...option.RequestOption) {
		t.Run(name, func(t *testing.T) {
			testV1(t, anthropic.NewClient(append(options, option.WithMaxRetries(0))...), haiku)
		})
	}
	f("over the RoundTripper", anthropic.ModelClaudeHaiku4_5, option.WithAPIKey("not used"), option.WithHTTPClient(&http.Client{Transport: client.RoundTripper()}))
	f("over the gateway", anthropic.ModelClaudeHaiku4_5, option.WithAPIKey(g.Key), option.WithBaseURL(g.URL))
	f("its Bedrock client over the gateway", "us.anthropic.claude-haiku-4-5-20251001-v1:0", signing, option.WithBaseURL(g.URL))
}

func testV1(t *testing.T, claude anthropic.Client, model anthropic.Model) {
	params := anthropic.MessageNewParams{
		Model: model, MaxTokens: 4096, Thinking: anthropic.ThinkingConfigParamOfEnabled(1024),
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(`call note {"text":"abc"}`))},
		Tools: []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
			Name: "note", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{"text": map[string]any{"type": "string"}}},
		}}},
	}
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
	n, err := claude.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: model, Messages: params.Messages[:1]})
	if err != nil || n.InputTokens == 0 {
		t.Errorf("CountTokens = %+v, %v; want some", n, err)
	}
	params.Messages = params.Messages[1:2]
	_, err = claude.Messages.New(t.Context(), params)
	var e *anthropic.Error
	if !errors.As(err, &e) || e.StatusCode != http.StatusBadRequest {
		t.Errorf("a conversation that begins with the assistant: %v, want status 400", err)
	}
}
