package recordings_test

import (
	"maps"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// TestStreams says what every recorded stream is, and that each is whole.
func TestStreams(t *testing.T) {
	type kind struct {
		recorded, invoke, messages bool
	}
	type size struct{ streams, messages, bytes int }
	got := map[kind]size{}
	for _, s := range recordings.Streams(t) {
		k := kind{s.Recorded, s.IsInvoke(), s.IsMessages()}
		n := got[k]
		got[k] = size{n.streams + 1, n.messages + len(s.Messages), n.bytes + len(s.Bytes())}
		if s.IsMessages() && s.Events[len(s.Events)-1].Type != "message_stop" {
			t.Errorf("%s ends with %v", s.Name, s.Events[len(s.Events)-1])
		}
		if s.IsInvoke() && len(s.Events) != len(s.Messages) {
			t.Errorf("%s has %d events in %d messages", s.Name, len(s.Events), len(s.Messages))
		}
	}
	want := map[kind]size{
		{recorded: true, invoke: true, messages: true}: {11, 220, 59_641},
		{recorded: true}:               {20, 651, 129_816}, // ConverseStream
		{invoke: true, messages: true}: {38, 1327, 351_726},
	}
	if !maps.Equal(got, want) {
		t.Errorf("streams, messages and bytes are %+v, want %+v", got, want)
	}
}
