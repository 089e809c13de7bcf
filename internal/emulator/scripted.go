package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
)

// NewScript returns an empty script for a Config.
func NewScript() *script.Script { return script.New(operationNames()) }

// maxScript is the longest script file that is read.
const maxScript = 16 << 20

// LoadScript adds the steps of a script file to s. The error says all that is wrong with it.
func LoadScript(s *script.Script, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxScript+1))
	switch {
	case err != nil:
		return err
	case len(data) > maxScript:
		return fmt.Errorf("%s is longer than %d bytes", path, maxScript)
	}
	return s.Load(path, data)
}

// takeUnchecked takes a step that does not care whether the request is a good one.
func (s *Server) takeUnchecked(c *call) bool {
	c.step, c.number = s.cfg.Script.Take(c.scriptCall(), true)
	return c.step != nil
}

func (c *call) scriptCall() script.Call {
	return script.Call{Operation: c.operation.Name(), Model: c.modelID, Text: c.lastText}
}

// lastText returns what the user wrote last in the request, however it carries the conversation.
func (c *call) lastText() string {
	if c.operation.Name() != "CountTokens" {
		return claude.LastText(c.body)
	}
	input := members(members(c.body)["input"])
	if converse := input["converse"]; members(converse) != nil {
		return claude.LastText(converse)
	}
	var body []byte
	if json.Unmarshal(members(input["invokeModel"])["body"], &body) != nil {
		return ""
	}
	return claude.LastText(body)
}

// members returns the members of an object by their exact names, nil of all else.
func members(raw json.RawMessage) map[string]json.RawMessage {
	var o map[string]json.RawMessage
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

// playUnchecked answers a request that has not been checked.
func (c *call) playUnchecked() error {
	if err := c.play(); err != nil {
		return err
	}
	// What play leaves of an unchecked step is an Answer, which is for operations that have a reply.
	c.model = c.server.guess(c.modelID, c.who)
	return c.operation.reply(c, c.scriptedReply(nil, c.setting(), claude.Usage{}))
}

// errAnswered says that the script has answered the call, and all is well.
var errAnswered = errors.New("answered by the script")

// play asks the script, once for each call, and does what comes before an answer or in its place. The
// error ends the call; it is errAnswered if nothing went wrong. play is called when nothing is wrong
// with the request, and before the model hears of it.
func (c *call) play() error {
	if c.asked {
		return nil
	}
	c.asked = true
	if c.step == nil {
		c.step, c.number = c.server.cfg.Script.Take(c.scriptCall(), false)
	}
	if c.step == nil {
		return nil
	}
	if err := c.pause(time.Duration(c.step.Delay)); err != nil {
		return c.lost(script.Cut, err.Error())
	}
	var err error
	switch {
	case c.step.Failure != nil:
		err = c.fail(c.step.Failure)
	case c.step.Body != nil:
		err = c.sendBody(c.step.Body)
	case c.step.Events != nil:
		err = c.send(c.served(), c.exactChunks(c.step.Events))
	case c.step.Messages != nil:
		err = c.send(nil, exactMessages(c.step.Messages))
	default:
		return nil
	}
	return cmp.Or(err, errAnswered)
}

// fail answers with the exception that a step asks for, or loses the connection.
func (c *call) fail(f *script.Failure) error {
	if f.Connection != "" {
		return c.lost(f.Connection, "scripted: "+f.Connection+" before the answer")
	}
	for name, value := range f.Headers {
		c.w.Header().Set(name, value)
	}
	status, message, front := f.Fault()
	namespace := bedrockNamespace
	if front {
		namespace = coralNamespace
	}
	return c.refuse(&fault{status, f.Code, message, namespace}, f.Fields)
}

// sendBody sends an answer byte for byte.
func (c *call) sendBody(b *script.Body) error {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range b.Headers {
		h.Set(name, value)
	}
	c.errorCode, _, _ = strings.Cut(h.Get("X-Amzn-Errortype"), ":")
	status, body := b.Status, []byte(b.JSON)
	if status == 0 {
		status = http.StatusOK
	}
	if b.Text != nil {
		body = []byte(*b.Text)
	}
	c.begin(status)
	if len(body) == 0 {
		return nil // some statuses have none
	}
	return c.write(body)
}

// exactChunks returns scripted events of Claude's as messages.
func (c *call) exactChunks(events []json.RawMessage) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, e := range events {
			if !yield(c.chunk(e)) {
				return
			}
		}
	}
}

// exactMessages returns scripted messages of an event stream.
func exactMessages(messages []script.Message) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, m := range messages {
			if !yield(eventstream.Append(nil, headers(":event-type", m.Event, "event"), payload(m.Payload))) {
				return
			}
		}
	}
}

// payload is a string's text, and any other JSON on one line.
func payload(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil && raw[0] == '"' {
		return []byte(text)
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return raw
	}
	return line.Bytes()
}

func headers(name, value, messageType string) []eventstream.Header {
	return []eventstream.Header{
		{Name: name, Value: eventstream.String(value)},
		{Name: ":content-type", Value: eventstream.String("application/json")},
		{Name: ":message-type", Value: eventstream.String(messageType)},
	}
}

// scriptedReply returns the answer that the call's step has, nil if it has none. request is what is
// answered, nil if it was not read; usage is what its prompt costs.
func (c *call) scriptedReply(request *claude.Request, in claude.Setting, usage claude.Usage) *claude.Reply {
	if c.step == nil || c.step.Answer == nil {
		return nil
	}
	a := c.step.Answer
	reply := &claude.Reply{Model: in.Model, StopReason: a.StopReason, StopSequence: a.StopSequence, Usage: usage}
	for _, b := range a.Content {
		reply.Content = append(reply.Content, content(b))
	}
	reply.Complete(request, in)
	for _, set := range []struct {
		to   *int
		from *int
	}{
		{&reply.Usage.InputTokens, a.Usage.InputTokens}, {&reply.Usage.OutputTokens, a.Usage.OutputTokens},
		{&reply.Usage.CacheRead, a.Usage.CacheRead}, {&reply.Usage.CacheWrite, a.Usage.CacheWrite},
	} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	if a.Usage.CacheWrite != nil {
		reply.Usage.CacheCreation.FiveMinutes, reply.Usage.CacheCreation.Hour = *a.Usage.CacheWrite, 0
	}
	return reply
}

func content(b script.Block) claude.Content {
	switch b.Type {
	case "thinking":
		return claude.Content{Kind: b.Type, Text: b.Thinking, Signature: b.Signature}
	case "tool_use":
		input := "{}"
		if b.Input != nil {
			input = string(payload(b.Input))
		}
		return claude.Content{Kind: b.Type, ID: b.ID, Name: b.Name, Input: input}
	}
	return claude.Content{Kind: b.Type, Text: b.Text}
}
