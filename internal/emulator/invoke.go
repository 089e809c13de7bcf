package emulator

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/family"
)

// invokeModel serves InvokeModel and InvokeModelWithResponseStream.
func (s *Server) invokeModel(c *call) error {
	if err := s.resolve(c); err != nil {
		return err
	}
	if c.model.claude == nil {
		return invalid("converse_invoke_other", "model", c.model.id, "operation", c.operation.Name())
	}
	if err := c.checkInvocation(); err != nil {
		return err
	}
	request, prompt, err := c.read(c.setting(), c.body)
	if err != nil {
		return err
	}
	reply, err := c.think(request, prompt, c.setting())
	if err != nil {
		return err
	}
	return c.replyByInvoke(reply)
}

// checkInvocation holds the headers of InvokeModel to what the service model does not say of them.
func (c *call) checkInvocation() error {
	text := func(name string) string { s, _ := c.input[name].(string); return s }
	switch contentType := text("contentType"); {
	case contentType != "" && contentType != "application/json":
		return invalid("invoke_content_type")
	case !acceptsJSON(text("accept")):
		return invalid("invoke_accept")
	case (text("guardrailIdentifier") == "") != (text("guardrailVersion") == ""):
		return invalid("invoke_half_guardrail")
	}
	return c.checkMetadata(text("requestMetadata"))
}

// acceptsJSON reports whether a client that sends this Accept can be answered.
func acceptsJSON(accept string) bool {
	if accept == "" {
		return true
	}
	for media := range strings.SplitSeq(accept, ",") {
		media, _, _ = strings.Cut(media, ";")
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "application/json", "application/*", "*/*":
			return true
		}
	}
	return false
}

// checkMetadata holds request metadata to what Converse takes as its member of that name.
func (c *call) checkMetadata(text string) error {
	if text == "" {
		return nil
	}
	var pairs map[string]string
	if json.Unmarshal([]byte(text), &pairs) != nil || pairs == nil {
		return invalid("invoke_metadata")
	}
	value := map[string]any{}
	for name, v := range pairs {
		value[name] = v
	}
	return runtimeAPI().Operation("Converse").CheckMember("requestMetadata", value)
}

// setting is what the model that the path names is asked in.
func (c *call) setting() claude.Setting {
	in := claude.Setting{Account: c.who.account, DataRetention: c.server.cfg.DataRetention}
	if c.model.other != nil {
		in.Model = family.Model(*c.model.other)
	} else {
		in.Model = *c.model.claude
	}
	return in
}

// read parses a Messages body, checks it, and lays it out as a prompt.
func (c *call) read(in claude.Setting, body []byte) (*claude.Request, *claude.Prompt, error) {
	request, err := claude.Parse(body)
	if err != nil {
		return nil, nil, err
	}
	c.lastTurn, c.results = request.LastTurn()
	if err := request.Check(in); err != nil {
		return nil, nil, err
	}
	prompt := claude.Layout(request, in.Model)
	return request, prompt, request.CheckLength(in, prompt)
}

// think returns the script's answer to a request or, if it has none, Claude's.
func (c *call) think(request *claude.Request, prompt *claude.Prompt, in claude.Setting) (*claude.Reply, error) {
	if err := c.play(); err != nil { // what does not reach the model
		return nil, err
	}
	usage := c.server.cache.Use(prompt, in, c.server.cfg.Now())
	if reply := c.scriptedReply(request, in, usage); reply != nil {
		return reply, nil
	}
	return request.Answer(in, usage), nil
}

// replyByInvoke sends the answer of InvokeModel or InvokeModelWithResponseStream.
func (c *call) replyByInvoke(reply *claude.Reply) error {
	c.usage = reply.Usage
	output := c.served()
	if c.operation.Name() == "InvokeModelWithResponseStream" {
		return c.send(output, c.chunks(reply))
	}
	h, u := c.w.Header(), reply.Usage
	for name, n := range map[string]int{
		"Invocation-Latency":            int(time.Since(c.started).Milliseconds()),
		"Input-Token-Count":             u.InputTokens,
		"Output-Token-Count":            u.OutputTokens,
		"Cache-Read-Input-Token-Count":  u.CacheRead,
		"Cache-Write-Input-Token-Count": u.CacheWrite,
	} {
		h.Set("X-Amzn-Bedrock-"+name, strconv.Itoa(n)) // not in the service model, but in recorded answers
	}
	body, err := json.Marshal(reply.Message())
	if err != nil {
		return err
	}
	output["body"] = body
	return c.output(output)
}

// served is what InvokeModel's output says of how the request was served, which is as it asked to be.
func (c *call) served() map[string]any {
	return map[string]any{
		"contentType":              "application/json",
		"performanceConfigLatency": c.input["performanceConfigLatency"],
		"serviceTier":              c.input["serviceTier"],
	}
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

// chunks returns the messages of a streamed answer, one for each event.
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
			if !yield(c.chunk(out)) {
				return
			}
		}
	}
}

// chunk returns an event of Claude's as a message.
func (c *call) chunk(e any) ([]byte, error) {
	var inner bytes.Buffer
	encoder := json.NewEncoder(&inner)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, err
	}
	return c.message("chunk", map[string]any{"bytes": bytes.TrimSuffix(inner.Bytes(), []byte("\n"))})
}
