package e2e

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/bedrock"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// anthropic-sdk-go runs over the library's RoundTripper and over the gateway, and neither shows.
func TestAnthropicSDKForGo(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	g := serveBefore(t, srv)
	f := func(name string, options ...option.RequestOption) {
		t.Run(name, func(t *testing.T) {
			claude := anthropic.NewClient(options...)
			t.Run("first message", func(t *testing.T) { testFirstMessage(t, claude) })
			t.Run("stream", func(t *testing.T) { testStream(t, claude) })
			t.Run("tool loop with thinking", func(t *testing.T) { testToolLoop(t, claude) })
			t.Run("PDF", func(t *testing.T) { testPDF(t, claude) })
			t.Run("thinking goes back with its signature", func(t *testing.T) { testThinking(t, claude) })
			t.Run("count_tokens", func(t *testing.T) { testCountTokens(t, claude) })
		})
	}
	f("over the RoundTripper", overRoundTripper(t, srv)...)
	f("over the gateway", overGateway(g)...)
	// This client asks every model for API version 2026-10-21, which the older ones do not take.
	f("its Bedrock client over the gateway", bedrock.WithConfig(gatewayConfig(g)), option.WithBaseURL(g.URL), option.WithMaxRetries(0))

	for name, options := range map[string][]option.RequestOption{"RoundTripper": overRoundTripper(t, srv), "gateway": overGateway(g)} {
		t.Run("unknown model over the "+name, func(t *testing.T) {
			wantRefusal(t, anthropic.NewClient(options...), "claude-9", http.StatusNotFound, anthropic.ErrorTypeNotFoundError, "model")
		})
	}
	t.Run("wrong key", func(t *testing.T) {
		stranger := anthropic.NewClient(option.WithBaseURL(g.URL), option.WithAPIKey("not-a-key-of-this-gateway"), option.WithMaxRetries(0))
		wantRefusal(t, stranger, anthropic.ModelClaudeHaiku4_5, http.StatusUnauthorized, anthropic.ErrorTypeAuthenticationError, "key")
	})
}

func overRoundTripper(t *testing.T, srv *bedrocktest.Server) []option.RequestOption {
	t.Helper()
	client, err := outcrop.New(t.Context(), outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	return []option.RequestOption{
		option.WithHTTPClient(&http.Client{Transport: client.RoundTripper()}), option.WithAPIKey("not used"), option.WithMaxRetries(0),
	}
}

func overGateway(g *gateway) []option.RequestOption {
	return []option.RequestOption{option.WithBaseURL(g.URL), option.WithAPIKey(g.Key), option.WithMaxRetries(0)}
}

// say is a request of one message.
func say(model anthropic.Model, text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: model, MaxTokens: 4096,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

func send(t *testing.T, claude anthropic.Client, params anthropic.MessageNewParams) *anthropic.Message {
	t.Helper()
	message, err := claude.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatalf("Messages.New: %v", err)
	}
	return message
}

func testFirstMessage(t *testing.T, claude anthropic.Client) {
	message := send(t, claude, say(anthropic.ModelClaudeHaiku4_5, "Olá"))
	if got, want := firstLine(message), "You said: Olá"; got != want {
		t.Errorf("the answer is %q, want %q", got, want)
	}
	if message.StopReason != anthropic.StopReasonEndTurn || message.Usage.InputTokens == 0 || message.Usage.OutputTokens == 0 {
		t.Errorf("stop reason %q, usage %d and %d tokens; want end_turn and some", message.StopReason, message.Usage.InputTokens, message.Usage.OutputTokens)
	}
}

func testStream(t *testing.T, claude anthropic.Client) {
	stream := claude.Messages.NewStreaming(t.Context(), say(anthropic.ModelClaudeSonnet5_5, "write 200 words"))
	defer stream.Close()
	var whole anthropic.Message
	var deltas strings.Builder
	n := 0
	for stream.Next() {
		event := stream.Current()
		if err := whole.Accumulate(event); err != nil {
			t.Fatal(err)
		}
		if event.Type == "content_block_delta" && event.Delta.Text != "" {
			deltas.WriteString(event.Delta.Text)
			n++
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if words := len(strings.Fields(deltas.String())); words < 200 || n < 20 || text(&whole) != deltas.String() {
		t.Errorf("%d deltas of %d words, accumulated to %d bytes; want at least 20, 200, and the same text", n, words, len(text(&whole)))
	}
	if whole.StopReason != anthropic.StopReasonEndTurn || whole.Usage.OutputTokens < 100 {
		t.Errorf("stop reason %q, %d output tokens; want end_turn and at least 100", whole.StopReason, whole.Usage.OutputTokens)
	}
}

func testToolLoop(t *testing.T, claude anthropic.Client) {
	params := say(anthropic.ModelClaudeOpus5_5, `call add {"a":19,"b":23} and call add {"a":1,"b":2}`)
	params.Thinking = anthropic.ThinkingConfigParamUnion{OfAdaptive: &anthropic.ThinkingConfigAdaptiveParam{}}
	params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
		Name: "add", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{
			"a": map[string]any{"type": "number"}, "b": map[string]any{"type": "number"},
		}},
	}}}
	first := send(t, claude, params)
	var results []anthropic.ContentBlockParamUnion
	var inputs []string
	for _, block := range first.Content {
		if use, ok := block.AsAny().(anthropic.ToolUseBlock); ok {
			inputs = append(inputs, string(use.Input))
			results = append(results, anthropic.NewToolResultBlock(use.ID, "the sum of "+string(use.Input), false))
		}
	}
	if want := []string{`{"a":19,"b":23}`, `{"a":1,"b":2}`}; first.StopReason != anthropic.StopReasonToolUse || strings.Join(inputs, ";") != strings.Join(want, ";") {
		t.Fatalf("stop reason %q with inputs %q, want tool_use with %q", first.StopReason, inputs, want)
	}
	params.Messages = append(params.Messages, first.ToParam(), anthropic.NewUserMessage(results...))
	last := send(t, claude, params)
	if want := `add answered: the sum of {"a":1,"b":2}`; last.StopReason != anthropic.StopReasonEndTurn || !strings.Contains(text(last), want) {
		t.Errorf("stop reason %q and %q, want end_turn and %q in it", last.StopReason, text(last), want)
	}
}

func testPDF(t *testing.T, claude anthropic.Client) {
	params := say(anthropic.ModelClaudeHaiku4_5, "What is this?")
	params.Messages = append(params.Messages, anthropic.NewUserMessage(
		anthropic.NewDocumentBlock(anthropic.Base64PDFSourceParam{Data: base64.StdEncoding.EncodeToString(twoPages)})))
	if got, want := text(send(t, claude, params)), "PDF, 2 pages"; !strings.Contains(got, want) {
		t.Errorf("the answer is %q, want %q in it", got, want)
	}
}

func testThinking(t *testing.T, claude anthropic.Client) {
	params := say(anthropic.ModelClaudeHaiku4_5, "Think about this.")
	params.Thinking = anthropic.ThinkingConfigParamOfEnabled(1024)
	first := send(t, claude, params)
	if b := first.Content[0]; b.Type != "thinking" || b.Signature == "" || b.Thinking == "" {
		t.Fatalf("the first block is %s, want signed thinking", b.RawJSON())
	}
	params.Messages = append(params.Messages, first.ToParam(), anthropic.NewUserMessage(anthropic.NewTextBlock("Go on.")))
	if got, want := firstLine(send(t, claude, params)), "You said: Go on."; got != want {
		t.Errorf("the answer is %q, want %q", got, want)
	}
	params.Messages[1].OfAssistant.Content[0].OfThinking.Thinking += " I never thought this."
	_, err := claude.Messages.New(t.Context(), params)
	var e *anthropic.Error
	if !errors.As(err, &e) || e.StatusCode != http.StatusBadRequest || !strings.Contains(e.Error(), "`signature`") {
		t.Errorf("thinking that was changed: error %v, want status 400 and the signature named", err)
	}
}

func testCountTokens(t *testing.T, claude anthropic.Client) {
	count := func(text string) (int64, error) {
		n, err := claude.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
			Model:    anthropic.ModelClaudeHaiku4_5,
			Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
		})
		if err != nil {
			return 0, err
		}
		return n.InputTokens, nil
	}
	short, err := count("one")
	if err != nil {
		t.Fatal(err)
	}
	long, err := count(strings.Repeat("one two three ", 50))
	if err != nil || short < 1 || long < short+50 {
		t.Errorf("counted %d and %d tokens (%v), want some and at least 50 more", short, long, err)
	}
}

// wantRefusal expects the same refusal of a message, of a stream and of a count.
func wantRefusal(t *testing.T, claude anthropic.Client, model anthropic.Model, status int, kind anthropic.ErrorType, words string) {
	t.Helper()
	params := say(model, "hi")
	_, err := claude.Messages.New(t.Context(), params)
	wantError(t, err, status, kind, words)
	stream := claude.Messages.NewStreaming(t.Context(), params)
	defer stream.Close()
	for stream.Next() {
		t.Errorf("the stream has an event: %s", stream.Current().RawJSON())
	}
	wantError(t, stream.Err(), status, kind, words)
	_, err = claude.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: model, Messages: params.Messages})
	wantError(t, err, status, kind, words)
}

func wantError(t *testing.T, err error, status int, kind anthropic.ErrorType, words string) {
	t.Helper()
	var e *anthropic.Error
	if !errors.As(err, &e) {
		t.Errorf("the error is %v, want one of the API's", err)
		return
	}
	if e.StatusCode != status || e.Type() != kind || !strings.Contains(e.Message, words) {
		t.Errorf("the error is %d %s %q, want %d %s with %q in it", e.StatusCode, e.Type(), e.Message, status, kind, words)
	}
}

// What Bedrock does to a stream, the SDK must throw on: it does not notice by itself when a stream
// simply ends.
func TestAnthropicSDKForGoThrowsOnBrokenStream(t *testing.T) {
	f := func(name string, broken []byte, words string) {
		t.Run(name, func(t *testing.T) {
			upstream := httptest.NewServer(canned(broken))
			defer upstream.Close()
			srv := bedrocktest.NewServer(t)
			g := serveBefore(t, srv, "--endpoint-url", upstream.URL)
			srv.URL = upstream.URL
			for name, options := range map[string][]option.RequestOption{"over the RoundTripper": overRoundTripper(t, srv), "over the gateway": overGateway(g)} {
				claude := anthropic.NewClient(options...)
				stream := claude.Messages.NewStreaming(t.Context(), say(anthropic.ModelClaudeHaiku4_5, "hi"))
				deltas := 0
				for stream.Next() {
					if stream.Current().Type == "content_block_delta" {
						deltas++
					}
				}
				if err := stream.Err(); deltas != 20 || err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("%s: %d deltas, then error %v; want 20, then an error with %q", name, deltas, err, words)
				}
				stream.Close()
			}
		})
	}
	messages := answerMessages(t, 20)
	begun := bytes.Join(messages[:deltasAt+20], nil)
	next := messages[deltasAt+20]
	corrupt := bytes.Clone(next)
	corrupt[len(corrupt)/2] ^= 1
	exception := encodeMessage(t, "exception", ":exception-type", "throttlingException", []byte(`{"message":"Too many tokens, please wait before trying again."}`))
	f("cut within a message", slices.Concat(begun, next[:20]), "broke off")
	f("ended after a whole message", begun, "message_stop")
	f("ended by an exception", slices.Concat(begun, exception), "Too many tokens")
	f("corrupt", slices.Concat(begun, corrupt, next), "checksum")
}

// ServeHTTP makes of canned bytes an upstream, too.
func (c canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	w.Write(c)
}
