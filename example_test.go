package outcrop_test

import (
	"bufio"
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
