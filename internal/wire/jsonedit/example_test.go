package jsonedit_test

import (
	"fmt"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

func Example() {
	body := []byte(`{
  "model": "claude-sonnet-4-5",
  "messages": [{"role": "user", "content": "What is \u0032 \/ 1e0?"}],
  "max_tokens": 100
}`)
	o, err := jsonedit.Parse(body)
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, _ := o.Get("model")
	model, _ := jsonedit.String(raw)
	fmt.Println("model:", model)
	o.Delete("model")
	o.Set("anthropic_version", jsonedit.AppendString(nil, "bedrock-2023-05-31"))
	fmt.Printf("%s\n", o.AppendTo(nil))
	// Output:
	// model: claude-sonnet-4-5
	// {
	//   "messages": [{"role": "user", "content": "What is \u0032 \/ 1e0?"}],
	//   "max_tokens": 100,"anthropic_version":"bedrock-2023-05-31"
	// }
}

func ExampleParse_refused() {
	_, err := jsonedit.Parse([]byte(`{"model": "a", "\u006dodel": "b"}`))
	fmt.Println(err)
	// Output: a second member of one name (byte 15)
}

func ExampleMember() {
	event := []byte(`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":42}}`)
	raw, _ := jsonedit.Member(event, "usage", "output_tokens")
	n, ok := jsonedit.Int(raw)
	fmt.Println(n, ok)
	// Output: 42 true
}

func ExampleElements() {
	for element := range jsonedit.Elements([]byte(`["context-1m-2025-08-07", "fine-grained"]`)) {
		beta, _ := jsonedit.String(element)
		fmt.Println(beta)
	}
	// Output:
	// context-1m-2025-08-07
	// fine-grained
}
