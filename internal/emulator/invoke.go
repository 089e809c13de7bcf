package emulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// invokeModel serves InvokeModel and InvokeModelWithResponseStream.
func (s *Server) invokeModel(c *call) error {
	if err := s.refuseOther(c); err != nil {
		return err
	}
	model, err := s.resolve(c.modelID, c.who)
	if err != nil {
		return err
	}
	in := claude.Setting{Model: model, Account: c.who.account, DataRetention: s.cfg.DataRetention}
	request, prompt, err := c.read(in, c.body)
	if err != nil {
		return err
	}
	if err := c.play(); err != nil { // what does not reach the model
		return err
	}
	usage := s.cache.Use(prompt, in, s.cfg.Now())
	reply := c.scriptedReply(request, in, usage)
	if reply == nil {
		reply = request.Answer(in, usage)
	}
	return c.reply(reply)
}

// reply sends the answer of InvokeModel or InvokeModelWithResponseStream.
func (c *call) reply(reply *claude.Reply) error {
	c.usage = reply.Usage
	c.echoHeaders()
	if c.operation == "InvokeModelWithResponseStream" {
		return c.stream(reply)
	}
	return c.message(reply)
}

// countTokens serves CountTokens. What it answers is what InvokeModel would charge as input, read
// from the cache or not.
func (s *Server) countTokens(c *call) error {
	if err := s.refuseOtherCount(c); err != nil {
		return err
	}
	model, err := s.resolveCounted(c.modelID)
	if err != nil {
		return err
	}
	var input struct {
		Input struct {
			InvokeModel *struct{ Body *string }
			Converse    json.RawMessage
		}
	}
	if err := json.Unmarshal(c.body, &input); err != nil {
		return malformed
	}
	if input.Input.Converse != nil {
		return s.countConverse(c, model)
	}
	if input.Input.InvokeModel == nil || input.Input.InvokeModel.Body == nil {
		return invalid("1 validation error detected: Value at 'input' failed to satisfy constraint: Member must not be null")
	}
	body, err := base64.StdEncoding.DecodeString(*input.Input.InvokeModel.Body)
	if err != nil {
		return malformed
	}
	in := claude.Setting{Model: model, Account: c.who.account, DataRetention: s.cfg.DataRetention, Counting: true}
	_, prompt, err := c.read(in, body)
	if err != nil {
		return err
	}
	c.usage.InputTokens = prompt.Tokens()
	return c.answer(struct {
		InputTokens int `json:"inputTokens"`
	}{prompt.Tokens()})
}

// malformed is what AWS's front end says to a body that is not of the operation's shape.
var malformed = &fault{http.StatusBadRequest, "SerializationException", "The request's body is not of the operation's shape.", coralNamespace}

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

// message sends the answer of InvokeModel.
func (c *call) message(reply *claude.Reply) error {
	h, u := c.w.Header(), reply.Usage
	for name, n := range map[string]int{
		"Invocation-Latency":            int(time.Since(c.started).Milliseconds()),
		"Input-Token-Count":             u.InputTokens,
		"Output-Token-Count":            u.OutputTokens,
		"Cache-Read-Input-Token-Count":  u.CacheRead,
		"Cache-Write-Input-Token-Count": u.CacheWrite,
	} {
		h.Set("X-Amzn-Bedrock-"+name, strconv.Itoa(n))
	}
	return c.answer(reply.Message())
}

// echoHeaders repeats how the request was served, which is as it asked to be.
func (c *call) echoHeaders() {
	for _, name := range []string{"X-Amzn-Bedrock-Performanceconfig-Latency", "X-Amzn-Bedrock-Service-Tier"} {
		if v := c.r.Header.Get(name); v != "" {
			c.w.Header().Set(name, v)
		}
	}
}
