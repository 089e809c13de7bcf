package recordings

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"path"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// A Stream is a recorded answer as an AWS event stream.
type Stream struct {
	Name      string
	Recorded  bool     // the bytes are Bedrock's; else Anthropic's events, framed by AWS's encoder
	Operation string   // AWS's name of what was asked for
	Messages  [][]byte // one after the other, they are the stream
	Events    []Event  // of InvokeModelWithResponseStream: what is in each message
}

// An Event is what a model sent: of Claude's Messages API, or another JSON object, whose Type is "".
type Event struct{ Type, Data string }

// Bytes returns the stream.
func (s Stream) Bytes() []byte { return bytes.Join(s.Messages, nil) }

// IsMessages reports whether the events are those of Claude's Messages API.
func (s Stream) IsMessages() bool { return len(s.Events) > 0 && s.Events[0].Type == "message_start" }

// IsInvoke reports whether the stream answers InvokeModelWithResponseStream.
func (s Stream) IsInvoke() bool { return s.Operation == "InvokeModelWithResponseStream" }

// What the sets hold. Streams asserts it, so that no test of every stream can run on fewer.
const (
	recordedStreams  = 31
	recordedAnswers  = 11 // of them: those of InvokeModelWithResponseStream, as the converted are
	convertedStreams = 38
)

// Streams returns every recorded stream, whatever the vendor and the operation: first Bedrock's, then
// Anthropic's server-sent events as Bedrock would have sent them. Their pings are left out; Bedrock has
// none.
func Streams(t testing.TB) (out []Stream) {
	t.Helper()
	for _, r := range Read(t, Bedrock) {
		if r.Stream != nil {
			out = append(out, recorded(t, r))
		}
	}
	if len(out) != recordedStreams {
		t.Fatalf("%d recorded event streams, want %d", len(out), recordedStreams)
	}
	for _, r := range Read(t, Anthropic) {
		if strings.HasPrefix(r.Response, "event: ") {
			out = append(out, converted(t, r))
		}
	}
	if got := len(out) - recordedStreams; got != convertedStreams {
		t.Fatalf("%d recorded streams of Anthropic's, want %d", got, convertedStreams)
	}
	return out
}

// Answers returns the Streams that answer InvokeModelWithResponseStream, and the index of the shortest of
// those whose bytes are Bedrock's.
func Answers(t testing.TB) (all []Stream, shortest int) {
	t.Helper()
	shortest = -1
	for _, s := range Streams(t) {
		if !s.IsInvoke() {
			continue
		}
		if s.Recorded && (shortest < 0 || len(s.Bytes()) < len(all[shortest].Bytes())) {
			shortest = len(all)
		}
		all = append(all, s)
	}
	if len(all) != recordedAnswers+convertedStreams {
		t.Fatalf("%d recorded answers, want %d", len(all), recordedAnswers+convertedStreams)
	}
	return all, shortest
}

func recorded(t testing.TB, r Recording) Stream {
	t.Helper()
	s := Stream{Name: r.Name(), Recorded: true, Operation: map[string]string{
		"invoke-with-response-stream": "InvokeModelWithResponseStream", "converse-stream": "ConverseStream",
	}[path.Base(r.URI)]}
	if s.Operation == "" {
		t.Fatalf("%s: an event stream from %s", s.Name, r.URI)
	}
	for rest := r.Stream; len(rest) > 0; {
		length := binary.BigEndian.Uint32(rest)
		message := rest[:length:length]
		rest = rest[length:]
		s.Messages = append(s.Messages, message)
		m, err := eventstream.NewDecoder().Decode(bytes.NewReader(message), nil)
		if err != nil {
			t.Fatalf("%s: message %d: %v", s.Name, len(s.Messages), err)
		}
		if s.IsInvoke() {
			s.Events = append(s.Events, inChunk(t, m.Payload))
		}
	}
	return s
}

// inChunk reads the event in the payload of a chunk.
func inChunk(t testing.TB, payload []byte) Event {
	t.Helper()
	var chunk struct{ Bytes []byte }
	if err := json.Unmarshal(payload, &chunk); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	var event struct{ Type string }
	if err := json.Unmarshal(chunk.Bytes, &event); err != nil {
		t.Fatalf("%s: %v", chunk.Bytes, err)
	}
	return Event{event.Type, string(chunk.Bytes)}
}

func converted(t testing.TB, r Recording) Stream {
	t.Helper()
	s := Stream{Name: r.Name(), Operation: "InvokeModelWithResponseStream"}
	for text := range strings.SplitSeq(strings.TrimSuffix(r.Response, "\n\n"), "\n\n") {
		head, data, ok := strings.Cut(text, "\ndata: ")
		name, named := strings.CutPrefix(head, "event: ")
		if !ok || !named || strings.ContainsAny(name+data, "\r\n") {
			t.Fatalf("%s: %q is no event of two lines", s.Name, text)
		}
		if name != "ping" {
			s.Events = append(s.Events, Event{name, data})
			s.Messages = append(s.Messages, Chunk(data))
		}
	}
	return s
}
