package emulator

import (
	"iter"
	"math/rand/v2"
	"time"
)

// beginTime is the least time that the model takes to begin a streamed answer. AWS's SDK for Go closes
// the body of its request when it has the head of the answer; where net/http has not yet seen that body
// end, it takes the close for an error and drops the connection (smithy-go 1.28.8:
// safeWriteToReadCloser.WriteTo returns io.EOF). Without the pause that cuts one in 70 streams over
// loopback; no answer of AWS's is that quick.
const beginTime = time.Millisecond

// send sends an output that is an event stream, each message flushed as it is made, with the script's pace or the
// Config's ChunkDelay before each, and breaks it off where the script says so. It ends as soon as the
// client is gone.
func (c *call) send(output map[string]any, messages iter.Seq2[[]byte, error]) error {
	if err := c.play(); err != nil {
		return err
	}
	status, _, err := c.operation.Write(c.w.Header(), output)
	if err != nil {
		return err
	}
	c.begin(status)
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

// padding is what p is cut from, as in recorded streams: lengths shall say nothing of the text.
const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// message returns an event of the operation's stream, padded.
func (c *call) message(name string, event map[string]any) ([]byte, error) {
	event["p"] = padding[:1+rand.IntN(len(padding))]
	return c.operation.AppendEvent(nil, name, event)
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
