package emulator

import (
	"bytes"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
)

// A chunk is the payload of an event of InvokeModelWithResponseStream.
type chunk struct {
	Bytes []byte `json:"bytes"` // base64 in JSON
	P     string `json:"p"`     // padding, so that lengths say nothing of the text
}

// padding is what p is cut from, as in recorded streams.
const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

var chunkHeaders = []eventstream.Header{
	{Name: ":event-type", Value: eventstream.String("chunk")},
	{Name: ":content-type", Value: eventstream.String("application/json")},
	{Name: ":message-type", Value: eventstream.String("event")},
}

// An event is an event of Claude's with what Bedrock adds to the last one.
type event struct {
	claude.Event
	Metrics *metrics `json:"amazon-bedrock-invocationMetrics,omitempty"`
}

// metrics are in milliseconds and tokens.
type metrics struct {
	InputTokens       int   `json:"inputTokenCount"`
	OutputTokens      int   `json:"outputTokenCount"`
	InvocationLatency int64 `json:"invocationLatency"`
	FirstByteLatency  int64 `json:"firstByteLatency"`
	CacheRead         int   `json:"cacheReadInputTokenCount"`
	CacheWrite        int   `json:"cacheWriteInputTokenCount"`
}

// stream sends the answer of InvokeModelWithResponseStream.
func (c *call) stream(reply *claude.Reply) error {
	c.w.Header().Set("X-Amzn-Bedrock-Content-Type", "application/json")
	return c.send(c.chunks(reply))
}

// chunks returns the messages of an answer, one for each event.
func (c *call) chunks(reply *claude.Reply) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var firstByte time.Duration
		for e := range reply.Events() {
			if firstByte == 0 {
				firstByte = time.Since(c.started)
			}
			out := event{Event: e}
			if e.Type == "message_stop" {
				u := reply.Usage
				out.Metrics = &metrics{u.InputTokens, u.OutputTokens, time.Since(c.started).Milliseconds(), firstByte.Milliseconds(), u.CacheRead, u.CacheWrite}
			}
			if !yield(appendChunk(nil, out)) {
				return
			}
		}
	}
}

// beginTime is the least time that the model takes to begin a streamed answer. AWS's SDK for Go closes
// the body of its request when it has the head of the answer; where net/http has not yet seen that body
// end, it takes the close for an error and drops the connection (smithy-go 1.28.8:
// safeWriteToReadCloser.WriteTo returns io.EOF). Without the pause that cuts one in 70 streams over
// loopback; no answer of AWS's is that quick.
const beginTime = time.Millisecond

// send sends an event stream, each message flushed as it is made, with the script's pace or the
// Config's ChunkDelay before each, and breaks it off where the script says so. It ends as soon as the
// client is gone.
func (c *call) send(messages iter.Seq2[[]byte, error]) error {
	if err := c.play(); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	c.begin(http.StatusOK)
	if err := c.pause(beginTime); err != nil { // the head goes out with the first message
		return err
	}
	pace := c.pace()
	for message, err := range c.breakOff(messages) {
		if err != nil {
			return err
		}
		if err := c.pause(pace); err != nil {
			return err
		}
		if err := c.write(message); err != nil {
			return err
		}
	}
	return nil
}

// appendChunk appends an event of Claude's as a message.
func appendChunk(dst []byte, e any) ([]byte, error) {
	var inner bytes.Buffer
	encoder := json.NewEncoder(&inner)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(chunk{Bytes: bytes.TrimSuffix(inner.Bytes(), []byte("\n")), P: padding[:1+rand.IntN(len(padding))]})
	if err != nil {
		return nil, err
	}
	return eventstream.Append(dst, chunkHeaders, payload)
}

// pause waits as long as the model takes for a chunk; the error says that the client is gone.
func (c *call) pause(d time.Duration) error {
	ctx := c.r.Context()
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
