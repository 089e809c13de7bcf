package eventstream_test

import (
	"bytes"
	"fmt"
	"io"
	"log"

	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
)

func ExampleReader() {
	var body []byte // as of an answer of Bedrock's
	for _, event := range []string{`{"bytes":"eyJ0eXBlIjoicGluZyJ9"}`, `{"bytes":"e30="}`} {
		var err error
		body, err = eventstream.Append(body, []eventstream.Header{
			{Name: ":event-type", Value: eventstream.String("chunk")},
			{Name: ":message-type", Value: eventstream.String("event")},
		}, []byte(event))
		if err != nil {
			log.Fatal(err)
		}
	}

	r := eventstream.NewReader(bytes.NewReader(body))
	for {
		m, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		switch string(m.Text(":message-type")) {
		case "event":
			fmt.Printf("%s: %s (more at hand: %t)\n", m.Text(":event-type"), m.Payload(), r.Buffered())
		case "exception":
			fmt.Printf("%s: %s\n", m.Text(":exception-type"), m.Payload())
		}
	}
	// Output:
	// chunk: {"bytes":"eyJ0eXBlIjoicGluZyJ9"} (more at hand: true)
	// chunk: {"bytes":"e30="} (more at hand: false)
}

func ExampleMessage_Headers() {
	b, err := eventstream.Append(nil, []eventstream.Header{
		{Name: ":exception-type", Value: eventstream.String("throttlingException")},
		{Name: "retries", Value: eventstream.Int16(3)},
		{Name: "billed", Value: eventstream.Bool(false)},
	}, []byte(`{"message":"Too many tokens, please wait before trying again."}`))
	if err != nil {
		log.Fatal(err)
	}
	m, err := eventstream.NewReader(bytes.NewReader(b)).Next()
	if err != nil {
		log.Fatal(err)
	}
	for name, value := range m.Headers() {
		fmt.Printf("%s (%v): %v\n", name, value.Type(), value)
	}
	// Output:
	// :exception-type (string): throttlingException
	// retries (int16): 3
	// billed (false): false
}
