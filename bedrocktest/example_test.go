package bedrocktest_test

import (
	"encoding/json"
	"fmt"
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
