package bedrocktest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// A test of code that talks to Bedrock starts a Server, points the code at it, and looks at what came.
func Example() {
	t := &testing.T{} // in a test: the test's own
	srv := bedrocktest.NewServer(t)
	defer srv.Close() // in a test: not needed

	const body = `{"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200,
		"tools": [{"name": "Weather", "input_schema": {"type": "object"}}],
		"messages": [{"role": "user", "content": "call Weather {\"city\": \"Bern\"}"}]}`
	r, err := http.NewRequest("POST", srv.URL+"/model/us.anthropic.claude-opus-5-5/invoke", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+srv.APIKey)
	resp, err := srv.Client().Do(r)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()

	var message struct {
		Content []struct {
			Type, Name string
			Input      json.RawMessage
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&message); err != nil {
		panic(err)
	}
	for _, c := range message.Content {
		if c.Type == "tool_use" {
			fmt.Printf("uses %s with %s\n", c.Name, c.Input)
		}
	}
	for _, got := range srv.Requests() {
		fmt.Println(got.Operation, got.ModelID, got.Status)
	}
	// Output:
	// uses Weather with {"city":"Bern"}
	// InvokeModel us.anthropic.claude-opus-5-5 200
}

// A scripted answer is exact: it is what the model says, whatever it is asked.
func ExampleServer_Script() {
	t := &testing.T{} // in a test: the test's own
	srv := bedrocktest.NewServer(t)
	defer srv.Close() // in a test: not needed

	srv.Script(
		bedrocktest.Text("It is raining.").OnText("(?i)weather").Always(),
		bedrocktest.Text("Forty-two.").Stop("max_tokens").Tokens(1000, 3),
	)
	fmt.Println(ask(srv, "How is the weather?"))
	fmt.Println(ask(srv, "What is the answer?"))
	fmt.Println(ask(srv, "And the weather now?"))
	// Output:
	// 200 "It is raining." end_turn
	// 200 "Forty-two." max_tokens
	// 200 "It is raining." end_turn
}

// A client that retries is throttled twice and then answered.
func ExampleFailure() {
	t := &testing.T{} // in a test: the test's own
	srv := bedrocktest.NewServer(t)
	defer srv.Close() // in a test: not needed

	srv.Script(
		bedrocktest.Failure("ThrottlingException", "").Times(2),
		bedrocktest.Text("Here I am."),
	)
	for range 3 {
		fmt.Println(ask(srv, "Are you there?"))
	}
	fmt.Println("unused:", srv.Unused())
	// Output:
	// 429 ThrottlingException: Too many requests, please wait before trying again.
	// 429 ThrottlingException: Too many requests, please wait before trying again.
	// 200 "Here I am." end_turn
	// unused: []
}

// A stream is cut when three of its messages have left: the client must not take it for an answer.
func ExampleStep_BreakAfter() {
	t := &testing.T{} // in a test: the test's own
	srv := bedrocktest.NewServer(t)
	defer srv.Close() // in a test: not needed

	srv.Script(bedrocktest.Text("one two three four five six").BreakAfter(3, bedrocktest.Cut))
	resp := invoke(srv, "invoke-with-response-stream", "Count.")
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, strings.Count(string(got), ":message-type"), "messages, then:", err)
	// Output: 200 3 messages, then: unexpected EOF
}

// The model uses a tool, and answers when the result comes back.
func ExampleToolUse() {
	t := &testing.T{} // in a test: the test's own
	srv := bedrocktest.NewServer(t)
	defer srv.Close() // in a test: not needed

	srv.Script(
		bedrocktest.Text("Let me look.").ToolUse("Weather", map[string]any{"city": "Bern"}),
		bedrocktest.Text("Bern has rain."),
	)
	fmt.Println(ask(srv, "Does it rain in Bern?"))
	fmt.Println(ask(srv, "(here a client sends the result)"))
	// Output:
	// 200 "Let me look." Weather {"city":"Bern"} tool_use
	// 200 "Bern has rain." end_turn
}

// invoke stands for the code under test.
func invoke(srv *bedrocktest.Server, operation, text string) *http.Response {
	body := fmt.Sprintf(`{"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200, "messages": [{"role": "user", "content": %q}]}`, text)
	r, err := http.NewRequest("POST", srv.URL+"/model/us.anthropic.claude-opus-5-5/"+operation, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+srv.APIKey)
	resp, err := srv.Client().Do(r)
	if err != nil {
		panic(err)
	}
	return resp
}

// ask puts an answer of InvokeModel, or what is in its place, into a line.
func ask(srv *bedrocktest.Server, text string) string {
	resp := invoke(srv, "invoke", text)
	defer resp.Body.Close()
	var answer struct {
		Message string
		Content []struct {
			Type, Text, Name string
			Input            json.RawMessage
		}
		StopReason string `json:"stop_reason"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		panic(err)
	}
	code, _, refused := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	if refused {
		return fmt.Sprintf("%d %s: %s", resp.StatusCode, code, answer.Message)
	}
	line := fmt.Sprint(resp.StatusCode)
	for _, c := range answer.Content {
		if c.Type == "tool_use" {
			line += fmt.Sprintf(" %s %s", c.Name, c.Input)
		} else {
			line += fmt.Sprintf(" %q", c.Text)
		}
	}
	return line + " " + answer.StopReason
}
