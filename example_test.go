package outcrop_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// newExampleClient stands for outcrop.New(ctx): a Client of an embedded Bedrock, so that the
// examples run anywhere.
func newExampleClient() *outcrop.Client {
	srv := bedrocktest.NewServer(exampleTB{})
	client, err := outcrop.New(context.Background(), outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")))
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// The first message, with net/http alone.
func ExampleClient_RoundTripper() {
	client := newExampleClient()
	anthropic := &http.Client{Transport: client.RoundTripper()}
	resp, err := anthropic.Post("https://api.anthropic.com/v1/messages", "application/json", strings.NewReader(
		`{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var message struct {
		Content []struct{ Text string }
		Usage   struct {
			InputTokens int `json:"input_tokens"`
		}
	}
	json.NewDecoder(resp.Body).Decode(&message)
	fmt.Println(resp.Status, strings.HasPrefix(message.Content[0].Text, "You said: Hello"), message.Usage.InputTokens > 0)
	// Output: 200 OK true true
}

// A streamed answer arrives as the server-sent events of Anthropic's API.
func ExampleClient_RoundTripper_stream() {
	client := newExampleClient()
	anthropic := &http.Client{Transport: client.RoundTripper()}
	resp, err := anthropic.Post("https://api.anthropic.com/v1/messages", "application/json", strings.NewReader(
		`{"model":"claude-haiku-4-5","stream":true,"max_tokens":3,"messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if event, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			fmt.Println(event)
		}
	}
	// Output:
	// message_start
	// content_block_start
	// content_block_delta
	// content_block_stop
	// message_delta
	// message_stop
}

// A tool loop: Claude asks for a tool, the program answers, Claude goes on.
func ExampleClient_RoundTripper_toolLoop() {
	anthropic := &http.Client{Transport: newExampleClient().RoundTripper()}
	tools := []map[string]any{{"name": "get_weather", "input_schema": map[string]any{"type": "object",
		"properties": map[string]any{"city": map[string]any{"type": "string"}}}}}
	messages := []any{turn{"user", `What is the weather? call get_weather {"city":"Lisbon"}`}}
	for {
		answer := post(anthropic, map[string]any{"model": "claude-opus-5-5", "max_tokens": 1000, "tools": tools, "messages": messages})
		messages = append(messages, turn{"assistant", answer.raw}) // as it came: thinking is signed
		if answer.StopReason != "tool_use" {
			fmt.Println(answer.text())
			return
		}
		var results []map[string]any
		for _, block := range answer.Content {
			if block.Type == "tool_use" {
				fmt.Println(block.Name, string(block.Input))
				results = append(results, map[string]any{"type": "tool_result", "tool_use_id": block.ID, "content": "18 °C, sunny"})
			}
		}
		messages = append(messages, turn{"user", results})
	}
	// Output:
	// get_weather {"city":"Lisbon"}
	// get_weather answered: 18 °C, sunny
}

// A PDF, which goes to Bedrock in base64.
func ExampleClient_RoundTripper_pdf() {
	anthropic := &http.Client{Transport: newExampleClient().RoundTripper()}
	onePage := []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page>>endobj\n%%EOF")
	document := map[string]any{"type": "document", "source": map[string]any{"type": "base64", "media_type": "application/pdf", "data": onePage}}
	question := map[string]any{"type": "text", "text": "What is this?"}
	answer := post(anthropic, map[string]any{"model": "claude-opus-5-5", "max_tokens": 1000, "messages": []any{turn{"user", []any{document, question}}}})
	fmt.Println(strings.Contains(answer.text(), "PDF, 1 page"))
	// Output: true
}

// Thinking: its blocks go back unchanged in the next turn, where their signatures are checked.
func ExampleClient_RoundTripper_thinking() {
	anthropic := &http.Client{Transport: newExampleClient().RoundTripper()}
	thinking := map[string]any{"type": "enabled", "budget_tokens": 1024}
	messages := []any{turn{"user", "What is 6 times 7?"}}
	first := post(anthropic, map[string]any{"model": "claude-sonnet-4-5", "max_tokens": 2000, "thinking": thinking, "messages": messages})
	fmt.Println(first.Content[0].Type, first.Content[0].Thinking != "")
	messages = append(messages, turn{"assistant", first.raw}, turn{"user", "And times 2?"})
	second := post(anthropic, map[string]any{"model": "claude-sonnet-4-5", "max_tokens": 2000, "thinking": thinking, "messages": messages})
	fmt.Println(second.StopReason)
	// Output:
	// thinking true
	// end_turn
}

// Bedrock's own operation, event by event.
func ExampleClient_InvokeModelWithResponseStream() {
	client := newExampleClient()
	stream, err := client.InvokeModelWithResponseStream(context.Background(), &outcrop.Invocation{
		Model: "haiku",
		Body:  []byte(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"Hello"}]}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	for {
		event, err := stream.Next()
		if err == io.EOF {
			break // the answer is whole
		}
		if err != nil {
			log.Fatal(err)
		}
		if string(event.Type) == "message_stop" {
			fmt.Println("stopped")
		}
	}
	fmt.Println(stream.Target.ModelID, stream.Usage().OutputTokens > 0)
	// Output:
	// stopped
	// us.anthropic.claude-haiku-5-5 true
}

// What went wrong, and what AWS said of it.
func ExampleError() {
	client := newExampleClient()
	_, err := client.InvokeModel(context.Background(), &outcrop.Invocation{
		Model: "us.anthropic.claude-haiku-9",
		Body:  []byte(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"Hello"}]}`),
	})
	var e *outcrop.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Status, e.Code, e.Message)
	}
	// Output: not_found 400 ValidationException The provided model identifier is invalid.
}

func ExampleClient_CountTokens() {
	client := newExampleClient()
	n, err := client.CountTokens(context.Background(), &outcrop.Invocation{
		Model: "claude-haiku-4-5",
		Body:  []byte(`{"messages":[{"role":"user","content":"How many tokens is this?"}]}`),
	})
	fmt.Println(n > 0, err)
	// Output: true <nil>
}

// exampleTB is what an example has in place of a *testing.T; the Server lives as long as the test
// binary.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()                           {}
func (exampleTB) Cleanup(func())                    {}
func (exampleTB) Fatal(args ...any)                 { log.Fatal(args...) }
func (exampleTB) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }

// turn is one of a conversation; its content is a text or blocks.
type turn struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// reply is what the examples read of an answer.
type reply struct {
	Content []struct {
		Type, Text, Thinking, ID, Name string
		Input                          json.RawMessage
	}
	StopReason string          `json:"stop_reason"`
	raw        json.RawMessage // the content as it came
}

func (r reply) text() string { return r.Content[len(r.Content)-1].Text }

// post asks the Messages API.
func post(client *http.Client, request map[string]any) reply {
	body, err := json.Marshal(request)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.Post("https://api.anthropic.com/v1/messages", "application/json", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		log.Fatalf("%s %s, %v", resp.Status, text, err)
	}
	var answer reply
	var content struct{ Content json.RawMessage }
	if err := errors.Join(json.Unmarshal(text, &answer), json.Unmarshal(text, &content)); err != nil {
		log.Fatal(err)
	}
	answer.raw = content.Content
	return answer
}
