package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// newClaude returns Anthropic's client on Amazon Bedrock. Host and key of its requests do not
// matter: Outcrop's RoundTripper signs with AWS credentials and sends to Bedrock, and it retries.
func newClaude() anthropic.Client {
	client := newBedrock()
	return anthropic.NewClient(
		option.WithHTTPClient(&http.Client{Transport: client.RoundTripper()}),
		option.WithAPIKey("not used"),
		option.WithMaxRetries(0),
	)
}

// newBedrock stands for outcrop.New(ctx), which finds Region and credentials as AWS's SDKs do: here
// it is a client of an embedded Bedrock, so that the examples run anywhere.
func newBedrock() *outcrop.Client {
	srv := bedrocktest.NewServer(exampleTB{})
	client, err := outcrop.New(context.Background(), outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")))
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func Example_firstMessage() {
	claude := newClaude()
	message, err := claude.Messages.New(context.Background(), anthropic.MessageNewParams{
		Model:     anthropic.ModelClaudeHaiku4_5,
		MaxTokens: 1024,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello, Bedrock!"))},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(firstLine(message))
	fmt.Println(message.StopReason)
	// Output:
	// You said: Hello, Bedrock!
	// end_turn
}

func Example_stream() {
	claude := newClaude()
	stream := claude.Messages.NewStreaming(context.Background(), anthropic.MessageNewParams{
		Model:     anthropic.ModelClaudeSonnet5_5,
		MaxTokens: 1024,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Count to three."))},
	})
	defer stream.Close()
	var answer anthropic.Message
	var text strings.Builder
	for stream.Next() {
		event := stream.Current()
		if err := answer.Accumulate(event); err != nil {
			log.Fatal(err)
		}
		if delta, ok := event.AsAny().(anthropic.ContentBlockDeltaEvent); ok {
			text.WriteString(delta.Delta.Text) // print it as it comes
		}
	}
	if err := stream.Err(); err != nil { // also if the answer broke off
		log.Fatal(err)
	}
	fmt.Println(firstLine(&answer), strings.HasPrefix(text.String(), firstLine(&answer)))
	// Output: You said: Count to three. true
}

func Example_toolLoop() {
	claude := newClaude()
	params := anthropic.MessageNewParams{
		Model:     anthropic.ModelClaudeOpus5_5,
		MaxTokens: 1024,
		Messages: []anthropic.MessageParam{
			// The embedded Bedrock uses a tool when it is told so in these words.
			anthropic.NewUserMessage(anthropic.NewTextBlock(`call get_weather {"city":"Lisbon"}`)),
		},
		Tools: []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
			Name:        "get_weather",
			Description: anthropic.String("The weather in a city"),
			InputSchema: anthropic.ToolInputSchemaParam{
				Properties: map[string]any{"city": map[string]any{"type": "string"}},
				Required:   []string{"city"},
			},
		}}},
	}
	for {
		message, err := claude.Messages.New(context.Background(), params)
		if err != nil {
			log.Fatal(err)
		}
		params.Messages = append(params.Messages, message.ToParam())
		var results []anthropic.ContentBlockParamUnion
		for _, block := range message.Content {
			if use, ok := block.AsAny().(anthropic.ToolUseBlock); ok {
				fmt.Println(use.Name, string(use.Input))
				results = append(results, anthropic.NewToolResultBlock(use.ID, "18 °C, sunny", false))
			}
		}
		if message.StopReason != anthropic.StopReasonToolUse {
			fmt.Println(firstLine(message))
			break
		}
		params.Messages = append(params.Messages, anthropic.NewUserMessage(results...))
	}
	// Output:
	// get_weather {"city":"Lisbon"}
	// get_weather answered: 18 °C, sunny
}

func Example_pdf() {
	claude := newClaude()
	message, err := claude.Messages.New(context.Background(), anthropic.MessageNewParams{
		Model:     anthropic.ModelClaudeSonnet5_5,
		MaxTokens: 1024,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(
			anthropic.NewDocumentBlock(anthropic.Base64PDFSourceParam{Data: base64.StdEncoding.EncodeToString(twoPages)}),
			anthropic.NewTextBlock("How many pages are these?"),
		)},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(firstLine(message))
	// Output: I have read a document: PDF, 2 pages, 293 bytes.
}

func Example_thinking() {
	claude := newClaude()
	params := anthropic.MessageNewParams{
		Model:     anthropic.ModelClaudeOpus5_5,
		MaxTokens: 4096,
		Thinking: anthropic.ThinkingConfigParamUnion{OfAdaptive: &anthropic.ThinkingConfigAdaptiveParam{
			Display: anthropic.ThinkingConfigAdaptiveDisplaySummarized,
		}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("What is 6 times 7?"))},
	}
	message, err := claude.Messages.New(context.Background(), params)
	if err != nil {
		log.Fatal(err)
	}
	for _, block := range message.Content {
		if thinking, ok := block.AsAny().(anthropic.ThinkingBlock); ok {
			fmt.Println(thinking.Thinking)
		}
	}
	// What was thought goes back as it came: its signature is checked.
	params.Messages = append(params.Messages, message.ToParam(), anthropic.NewUserMessage(anthropic.NewTextBlock("And times 2?")))
	if message, err = claude.Messages.New(context.Background(), params); err != nil {
		log.Fatal(err)
	}
	fmt.Println(firstLine(message))
	// Output:
	// The user wrote: What is 6 times 7?
	// I can answer that directly.
	// You said: And times 2?
}

// text is what a message says.
func text(m *anthropic.Message) string {
	var b strings.Builder
	for _, block := range m.Content {
		b.WriteString(block.Text)
	}
	return b.String()
}

func firstLine(m *anthropic.Message) string {
	line, _, _ := strings.Cut(text(m), "\n")
	return line
}

// twoPages is the least that is a PDF of two pages.
var twoPages = []byte(`%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R 4 0 R] /Count 2>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>> endobj
4 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>> endobj
trailer <</Size 5 /Root 1 0 R>>
%%EOF
`)

// exampleTB is what an example has in place of a *testing.T; the server lives as long as the test
// binary.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()                           {}
func (exampleTB) Cleanup(func())                    {}
func (exampleTB) Fatal(args ...any)                 { log.Fatal(args...) }
func (exampleTB) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
