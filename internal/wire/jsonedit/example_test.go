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
	_, err := jsonedit.Parse([]byte(`{"model": "a", "max_tokens": }`))
	fmt.Println(err)
	// Output: expected a value, found '}' (byte 29)
}

func ExampleObject_Set_twice() {
	// Of two members of a name readers take one or the other. After Set there is one.
	o, err := jsonedit.Parse([]byte(`{"model": "a", "max_tokens": 1, "\u006dodel": "b"}`))
	if err != nil {
		panic(err)
	}
	raw, _ := o.Get("model")
	o.Set("model", raw)
	fmt.Printf("%s\n%s\n", raw, o.AppendTo(nil))
	// Output:
	// "b"
	// { "max_tokens": 1, "\u006dodel": "b"}
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
