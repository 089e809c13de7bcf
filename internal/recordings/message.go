package recordings

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// Message frames a message with AWS's encoder; headers are name, value, name, value, …
func Message(payload string, headers ...string) []byte {
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, m); err != nil {
		panic(err) // a test's mistake
	}
	return b.Bytes()
}

// Chunk is the message that Bedrock makes of an event of the model's.
func Chunk(event string) []byte {
	return Message(`{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(event))+`","p":"abcdefghijkl"}`,
		":event-type", "chunk", ":content-type", "application/json", ":message-type", "event")
}

// Exception is the message by which Bedrock ends a stream that fails.
func Exception(name, text string) []byte {
	payload, err := json.Marshal(map[string]string{"message": text})
	if err != nil {
		panic(err) // of a string there is none
	}
	return Message(string(payload), ":exception-type", name, ":content-type", "application/json", ":message-type", "exception")
}
