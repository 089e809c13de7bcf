package faulttest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"slices"
	"strings"
)

// Words are those of a good answer, one to a delta.
var Words = strings.Fields("What Bedrock sends comes in pieces, some of them café-sized, 日本語 too; " +
	"twenty words make one whole answer, no more.")

// beforeWords is how many messages of a stream come before that of its first word.
const beforeWords = 2

// Text is what a whole answer says.
func Text() string { return strings.Join(Words, " ") }

// Whole is the body of a good answer that is not streamed.
var Whole = `{"id":"msg_bdrk_1","type":"message","role":"assistant","model":"claude-haiku-4-5-20251001",` +
	`"content":[{"type":"text","text":` + quote(Text()) + `}],"stop_reason":"end_turn","stop_sequence":null,` +
	`"usage":{"input_tokens":9,"output_tokens":20}}`

// NewEvent is the payload of the message that newevent has beyond the Events.
const NewEvent = `{"new":true}`

// Events returns those of a good stream as the model sends them, as JSON.
func Events() []string {
	events := []string{
		`{"type":"message_start","message":{"id":"msg_bdrk_1","type":"message","role":"assistant","model":"claude-haiku-4-5-20251001",` +
			`"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
	}
	for i, word := range Words {
		if i > 0 {
			word = " " + word
		}
		events = append(events, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`+quote(word)+`}}`)
	}
	return append(events,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":20}}`,
		`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":20,"invocationLatency":7,"firstByteLatency":3}}`)
}

// good is a good stream, message by message. The caller may change it.
func good() [][]byte {
	var messages [][]byte
	for _, event := range Events() {
		messages = append(messages, chunk(event))
	}
	return messages
}

// chunk is a message that carries an event of the model's.
func chunk(event string) []byte {
	payload := `{"bytes":"` + base64.StdEncoding.EncodeToString([]byte(event)) + `","p":"abcdefghijklmnop"}`
	return message(payload, ":event-type", "chunk", ":content-type", "application/json", ":message-type", "event")
}

func exceptionMessage(name, text string) []byte {
	return message(errorBody(text), ":exception-type", name, ":content-type", "application/json", ":message-type", "exception")
}

func errorBody(text string) string { return `{"message":` + quote(text) + `}` }

// stringValue is the type of a header whose value is text, with a length of two bytes.
const stringValue = 7

// message frames a payload as AWS does (Amazon event stream encoding): prelude, its CRC, headers as
// name, value, name, value, payload, CRC of all.
func message(payload string, headers ...string) []byte {
	var h []byte
	for pair := range slices.Chunk(headers, 2) {
		name, value := pair[0], pair[1]
		h = append(append(h, byte(len(name))), name...)
		h = binary.BigEndian.AppendUint16(append(h, stringValue), uint16(len(value)))
		h = append(h, value...)
	}
	const framing = 4 + 4 + 4 + 4
	m := append(prelude(uint32(framing+len(h)+len(payload)), uint32(len(h))), h...)
	m = append(m, payload...)
	return binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
}

// prelude announces a message, under a right CRC of its own.
func prelude(total, headers uint32) []byte {
	p := binary.BigEndian.AppendUint32(nil, total)
	p = binary.BigEndian.AppendUint32(p, headers)
	return binary.BigEndian.AppendUint32(p, crc32.ChecksumIEEE(p))
}

// wrongPrelude is m with nothing wrong but the CRC of its prelude.
func wrongPrelude(m []byte) []byte {
	m = slices.Clone(m)
	m[11] ^= 1
	body := m[:len(m)-4]
	return binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // of a string there is none
	}
	return string(text)
}
