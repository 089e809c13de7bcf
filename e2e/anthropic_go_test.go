package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	anthropicv1 "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/bedrock"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// A party is whom the SDK talks to: a client, and the models to ask for there.
type party struct {
	claude              anthropic.Client
	haiku, sonnet, opus anthropic.Model
	thinking            anthropic.ThinkingConfigParamUnion // what makes haiku think
	native              bool                               // refusals have AWS's shape
}

// onAliases is a party that Outcrop stands before: it knows Anthropic's names, and makes right what the
// SDK's own Bedrock client asks of older models.
func onAliases(native bool, options ...option.RequestOption) party {
	return party{
		claude: anthropic.NewClient(options...), native: native,
		haiku: anthropic.ModelClaudeHaiku4_5, sonnet: anthropic.ModelClaudeSonnet5_5, opus: anthropic.ModelClaudeOpus5_5,
		thinking: anthropic.ThinkingConfigParamOfEnabled(1024),
	}
}

// onBedrock is Bedrock itself, which knows its own names only. API version 2026-10-21, which the SDK's
// Bedrock client asks every model for, is not for those before 4.7.
func onBedrock(options ...option.RequestOption) party {
	return party{
		claude: anthropic.NewClient(options...), native: true,
		haiku: haiku5, sonnet: "us.anthropic.claude-sonnet-5-5", opus: "us.anthropic.claude-opus-5-5",
		thinking: anthropic.ThinkingConfigParamUnion{OfAdaptive: &anthropic.ThinkingConfigAdaptiveParam{Display: anthropic.ThinkingConfigAdaptiveDisplaySummarized}},
	}
}

// anthropic-sdk-go runs over the library's RoundTripper, over the gateway and, with its own Bedrock
// client, on outcrop local, and the difference does not show.
func TestAnthropicSDKForGo(t *testing.T) {
	srv, l, overTLS := bedrocktest.NewServer(t), startLocal(t), startLocal(t, "--tls")
	g := serveBefore(t, srv)
	f := func(name string, p party) {
		t.Run(name, func(t *testing.T) {
			t.Run("first message", func(t *testing.T) { testFirstMessage(t, p) })
			t.Run("stream", func(t *testing.T) { testStream(t, p) })
			t.Run("tool loop with thinking", func(t *testing.T) { testToolLoop(t, p) })
			t.Run("PDF", func(t *testing.T) { testPDF(t, p) })
			t.Run("thinking goes back with its signature", func(t *testing.T) { testThinking(t, p) })
			t.Run("refusals", func(t *testing.T) { testRefusals(t, p) })
			if p.haiku == anthropic.ModelClaudeHaiku4_5 { // Bedrock has no /v1/messages/count_tokens
				t.Run("count_tokens", func(t *testing.T) { testCountTokens(t, p) })
			}
		})
	}
	f("over the RoundTripper", onAliases(false, overRoundTripper(t, calling(srv)...)...))
	f("over the gateway", onAliases(false, overGateway(g)...))
	f("over the RoundTripper over the gateway", onAliases(false, overRoundTripper(t, outcrop.WithGateway(g.URL, g.Key))...))
	f("its Bedrock client over the gateway", onAliases(true, overBedrock(gatewayConfig(g), g.URL)...))
	f("its Bedrock client on outcrop local", onBedrock(overBedrock(l.config(), l.URL)...))
	f("its Bedrock client on outcrop local with a bearer key", onBedrock(overBedrock(l.bearing(t), l.URL)...))
	f("its Bedrock client on outcrop local over TLS", onBedrock(append(overBedrock(overTLS.config(), overTLS.URL), option.WithHTTPClient(trusting(t, overTLS.CAFile)))...))

	t.Run("an older model on outcrop local", func(t *testing.T) {
		p := onBedrock(overBedrock(l.config(), l.URL)...)
		_, err := p.claude.Messages.New(t.Context(), say(haiku, "hi"))
		wantError(t, err, http.StatusBadRequest, "", "version")
	})
	t.Run("wrong key", func(t *testing.T) {
		stranger := anthropic.NewClient(option.WithBaseURL(g.URL), option.WithAPIKey("not-a-key-of-this-gateway"), option.WithMaxRetries(0))
		wantRefusal(t, stranger, anthropic.ModelClaudeHaiku4_5, http.StatusUnauthorized, anthropic.ErrorTypeAuthenticationError, "key")
	})
	t.Run("wrong secret on outcrop local", func(t *testing.T) {
		p := onBedrock(overBedrock(signing(l.URL, l.Region, l.AccessKeyID, strings.Repeat("x", 40)), l.URL)...)
		_, err := p.claude.Messages.New(t.Context(), say(haiku5, "hi"))
		wantError(t, err, http.StatusForbidden, "", "The request signature we calculated does not match")
	})
}

// overBedrock are the options of the SDK's own Bedrock client.
func overBedrock(config aws.Config, url string) []option.RequestOption {
	return []option.RequestOption{bedrock.WithConfig(config), option.WithBaseURL(url), option.WithMaxRetries(0)}
}

// A stream that the client leaves ends at the server, too, with either major version of the SDK.
func TestAnthropicSDKsForGoLeaveAStream(t *testing.T) {
	f := func(name string, p *process, open func(context.Context, string) stream) {
		t.Run(name, func(t *testing.T) {
			if err := leaveStreams(t, p, open); !errors.Is(err, context.Canceled) {
				t.Errorf("the context ended in the middle of a stream: error %v, want context.Canceled", err)
			}
		})
	}
	v2 := func(p party) func(context.Context, string) stream {
		return func(ctx context.Context, text string) stream {
			params := say(p.haiku, text)
			params.MaxTokens = 32000
			return p.claude.Messages.NewStreaming(ctx, params)
		}
	}
	l, g, native := startLocal(t, chunkDelay), serveLocal(t, chunkDelay), serveLocal(t, chunkDelay)
	f("v2 over the gateway", g.process, v2(onAliases(false, overGateway(g)...)))
	f("v2's Bedrock client over the gateway", native.process, v2(onAliases(true, overBedrock(gatewayConfig(native), native.URL)...)))
	f("v2's Bedrock client on outcrop local", l.process, v2(onBedrock(overBedrock(l.config(), l.URL)...)))

	v1 := func(claude anthropicv1.Client, model anthropicv1.Model) func(context.Context, string) stream {
		return func(ctx context.Context, text string) stream {
			params := sayV1(model, text)
			params.MaxTokens = 32000
			return claude.Messages.NewStreaming(ctx, params)
		}
	}
	l, g = startLocal(t, chunkDelay), serveLocal(t, chunkDelay)
	f("v1 over the gateway", g.process, v1(anthropicv1.NewClient(overGatewayV1(g)...), anthropicv1.ModelClaudeHaiku4_5))
	f("v1's Bedrock client on outcrop local", l.process, v1(anthropicv1.NewClient(overBedrockV1(l.config(), l.URL)...), haiku))
}

func overRoundTripper(t *testing.T, options ...outcrop.Option) []option.RequestOption {
	t.Helper()
	client, err := outcrop.New(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return []option.RequestOption{
		option.WithHTTPClient(&http.Client{Transport: client.RoundTripper()}), option.WithAPIKey("not used"), option.WithMaxRetries(0),
	}
}

// calling are the library's options to call srv.
func calling(srv *bedrocktest.Server) []outcrop.Option {
	return []outcrop.Option{
		outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")),
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

func testFirstMessage(t *testing.T, p party) {
	message := send(t, p.claude, say(p.haiku, "Olá"))
	if got, want := firstLine(message), "You said: Olá"; got != want || !strings.HasPrefix(message.ID, "msg_bdrk_") {
		t.Errorf("the answer is %q in %s, want %q in a message of Bedrock's", got, message.ID, want)
	}
	if message.StopReason != anthropic.StopReasonEndTurn || message.Usage.InputTokens == 0 || message.Usage.OutputTokens == 0 {
		t.Errorf("stop reason %q, usage %d and %d tokens; want end_turn and some", message.StopReason, message.Usage.InputTokens, message.Usage.OutputTokens)
	}
}

func testStream(t *testing.T, p party) {
	stream := p.claude.Messages.NewStreaming(t.Context(), say(p.sonnet, "write 200 words"))
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

func testToolLoop(t *testing.T, p party) {
	params := say(p.opus, `call add {"a":19,"b":23} and call add {"a":1,"b":2}`)
	params.Thinking = anthropic.ThinkingConfigParamUnion{OfAdaptive: &anthropic.ThinkingConfigAdaptiveParam{}}
	params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
		Name: "add", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{
			"a": map[string]any{"type": "number"}, "b": map[string]any{"type": "number"},
		}},
	}}}
	first := send(t, p.claude, params)
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
	last := send(t, p.claude, params)
	if want := `add answered: the sum of {"a":1,"b":2}`; last.StopReason != anthropic.StopReasonEndTurn || !strings.Contains(text(last), want) {
		t.Errorf("stop reason %q and %q, want end_turn and %q in it", last.StopReason, text(last), want)
	}
}

func testPDF(t *testing.T, p party) {
	params := say(p.haiku, "What is this?")
	params.Messages = append(params.Messages, anthropic.NewUserMessage(
		anthropic.NewDocumentBlock(anthropic.Base64PDFSourceParam{Data: base64.StdEncoding.EncodeToString(twoPages)})))
	if got, want := text(send(t, p.claude, params)), "PDF, 2 pages"; !strings.Contains(got, want) {
		t.Errorf("the answer is %q, want %q in it", got, want)
	}
}

func testThinking(t *testing.T, p party) {
	params := say(p.haiku, "Think about this.")
	params.Thinking = p.thinking
	first := send(t, p.claude, params)
	if b := first.Content[0]; b.Type != "thinking" || b.Signature == "" || b.Thinking == "" {
		t.Fatalf("the first block is %s, want signed thinking", b.RawJSON())
	}
	params.Messages = append(params.Messages, first.ToParam(), anthropic.NewUserMessage(anthropic.NewTextBlock("Go on.")))
	if got, want := firstLine(send(t, p.claude, params)), "You said: Go on."; got != want {
		t.Errorf("the answer is %q, want %q", got, want)
	}
	params.Messages[1].OfAssistant.Content[0].OfThinking.Thinking += " I never thought this."
	_, err := p.claude.Messages.New(t.Context(), params)
	wantError(t, err, http.StatusBadRequest, p.kind(anthropic.ErrorTypeInvalidRequestError), "`signature`")
}

func testCountTokens(t *testing.T, p party) {
	count := func(text string) (int64, error) {
		n, err := p.claude.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
			Model:    p.haiku,
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

// kind is the type of a refusal: AWS's shape has none.
func (p party) kind(door anthropic.ErrorType) anthropic.ErrorType {
	if p.native {
		return ""
	}
	return door
}

func testRefusals(t *testing.T, p party) {
	refused := func(params anthropic.MessageNewParams, status int, kind anthropic.ErrorType, words string) {
		t.Helper()
		_, err := p.claude.Messages.New(t.Context(), params)
		wantError(t, err, status, kind, words)
		stream := p.claude.Messages.NewStreaming(t.Context(), params)
		defer stream.Close()
		if stream.Next() {
			t.Errorf("the refused stream has an event: %s", stream.Current().RawJSON())
		}
		wantError(t, stream.Err(), status, kind, words)
	}
	empty := say(p.haiku, "hi")
	empty.MaxTokens = 0
	refused(empty, http.StatusBadRequest, p.kind(anthropic.ErrorTypeInvalidRequestError), "max_tokens")
	refused(say(retiredModel, "hi"), http.StatusNotFound, p.kind(anthropic.ErrorTypeNotFoundError), endOfLife)
	if p.native {
		refused(say(noModel, "hi"), http.StatusBadRequest, "", unknownModel)
		return
	}
	wantRefusal(t, p.claude, "claude-9", http.StatusNotFound, anthropic.ErrorTypeNotFoundError, "model")
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
	if e.StatusCode != status || e.Type() != kind || !strings.Contains(e.RawJSON(), words) {
		t.Errorf("the error is %d %q %s, want %d %q with %q in it", e.StatusCode, e.Type(), e.RawJSON(), status, kind, words)
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
			for name, options := range map[string][]option.RequestOption{"over the RoundTripper": overRoundTripper(t, calling(srv)...), "over the gateway": overGateway(g)} {
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
