package emulator

import (
	"errors"
	"iter"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
	"github.com/outcrop-dev/outcrop/internal/emulator/family"
	"github.com/outcrop-dev/outcrop/internal/emulator/restjson"
	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// converse serves Converse and ConverseStream.
func (s *Server) converse(c *call) error {
	input, err := c.readInput()
	if err != nil {
		return err
	}
	reply, err := s.talk(c, input)
	if err != nil {
		return modelErrors(err)
	}
	return c.replyByConverse(reply)
}

// replyByConverse sends the answer of Converse or ConverseStream.
func (c *call) replyByConverse(reply *claude.Reply) error {
	c.usage = reply.Usage
	answer := converse.Answer{Reply: reply, Input: c.input, Traits: c.traits(), Native: native(c, reply)}
	if c.operation == "ConverseStream" {
		return c.send(c.events(answer))
	}
	return c.output(answer.Response(time.Since(c.started)))
}

// traits are those of the model that the path names. One that nobody knows, which only a script answers
// for, is taken for a Claude.
func (c *call) traits() converse.Traits {
	if m, found, _ := c.server.resolveOther(c.modelID, c.who); found {
		return converse.OfOther(m)
	}
	m, _ := catalog.Lookup(c.modelID)
	return converse.OfClaude(m)
}

// talk answers an input by the model that the path names.
func (s *Server) talk(c *call, input map[string]any) (*claude.Reply, error) {
	if err := checkResource(c.modelID); err != nil {
		return nil, err
	}
	c.input = input
	other, found, err := s.resolveOther(c.modelID, c.who)
	switch {
	case err != nil:
		return nil, err
	case found:
		return s.talkToOther(c, other, input)
	}
	m, err := s.resolve(c.modelID, c.who)
	if err != nil {
		return nil, err
	}
	return s.talkToClaude(c, m, input)
}

func (s *Server) talkToClaude(c *call, m catalog.Model, input map[string]any) (*claude.Reply, error) {
	in := claude.Setting{Model: m, Account: c.who.account, DataRetention: s.cfg.DataRetention, Converse: true}
	request, prompt, err := c.translate(in, converse.OfClaude(m), input)
	if err != nil {
		return nil, err
	}
	if err := c.play(); err != nil { // what does not reach the model
		return nil, err
	}
	usage := s.cache.Use(prompt, in, s.cfg.Now())
	if reply := c.scriptedReply(request, in, usage); reply != nil {
		return reply, nil
	}
	return request.Answer(in, usage), nil
}

// translate checks an input of Converse and reads it as Claude's body.
func (c *call) translate(in claude.Setting, traits converse.Traits, input map[string]any) (*claude.Request, *claude.Prompt, error) {
	if err := converse.Check(input, traits, c.operation == "ConverseStream"); err != nil {
		return nil, nil, err
	}
	body, err := converse.Messages(input, traits)
	if err != nil {
		return nil, nil, err
	}
	return c.read(in, body)
}

// native is what additionalModelResponseFieldPaths point into: Claude's message or, of a stream, its
// message_delta (vercel/ai pull request 11410). Other families have none here.
func native(c *call, reply *claude.Reply) any {
	if !c.traits().Signatures {
		return nil
	}
	if c.operation != "ConverseStream" {
		return reply.Message()
	}
	for e := range reply.Events() {
		if e.Type == "message_delta" {
			return e
		}
	}
	return nil
}

func (s *Server) talkToOther(c *call, m catalog.Other, input map[string]any) (*claude.Reply, error) {
	if m.Kind != catalog.Text {
		return nil, invalid("%s", wording.Say("converse_wrong_kind"))
	}
	if err := converse.Check(input, converse.OfOther(m), c.operation == "ConverseStream"); err != nil {
		return nil, err
	}
	conversation := family.Read(input, m)
	if err := conversation.Check(input); err != nil {
		return nil, err
	}
	if err := c.play(); err != nil {
		return nil, err
	}
	in, usage := claude.Setting{Model: family.Model(m), Account: c.who.account}, claude.Usage{InputTokens: conversation.Tokens()}
	if m.CacheMinTokens > 0 {
		usage = s.cache.Use(conversation.Prompt(), in, s.cfg.Now())
	}
	if reply := c.scriptedReply(nil, in, usage); reply != nil {
		return reply, nil
	}
	return conversation.Answer(usage), nil
}

// countConverse counts what Converse would charge as input, read from the cache or not.
func (s *Server) countConverse(c *call, m catalog.Model) error {
	input, err := c.readInput()
	if err != nil {
		return err
	}
	counted, _ := input["input"].(map[string]any)
	asked, _ := counted["converse"].(map[string]any)
	in := claude.Setting{Model: m, Account: c.who.account, DataRetention: s.cfg.DataRetention, Counting: true, Converse: true}
	_, prompt, err := c.translate(in, converse.OfClaude(m), asked)
	if err != nil {
		return modelErrors(err)
	}
	c.usage.InputTokens = prompt.Tokens()
	return c.output(map[string]any{"inputTokens": prompt.Tokens()})
}

// modelErrors turns what Converse and the model behind it refuse into AWS's answer.
func modelErrors(err error) error {
	var refused *converse.Refusal
	var byModel *claude.Refusal
	if errors.As(err, &byModel) {
		refused = converse.Returned(byModel.Message)
	}
	if refused == nil && !errors.As(err, &refused) {
		return err
	}
	return &fault{refused.Status, refused.Code, refused.Message, bedrockNamespace}
}

// events returns the messages of a ConverseStream answer.
func (c *call) events(answer converse.Answer) iter.Seq2[[]byte, error] {
	operation := runtimeAPI().Operation(c.operation)
	latency := func() time.Duration { return time.Since(c.started) }
	return func(yield func([]byte, error) bool) {
		for name, event := range answer.Events(latency) {
			event["p"] = padding[:1+rand.IntN(len(padding))]
			if !yield(operation.AppendEvent(nil, name, event)) {
				return
			}
		}
	}
}

// readInput reads the operation's input by the service model and holds it to the model's constraints.
func (c *call) readInput() (map[string]any, error) {
	operation := runtimeAPI().Operation(c.operation)
	input, err := operation.Read(map[string]string{"modelId": c.modelID}, c.r, c.body)
	var malformed *restjson.SyntaxError
	if errors.As(err, &malformed) {
		return nil, &fault{http.StatusBadRequest, "SerializationException", malformed.Message, coralNamespace}
	}
	if err == nil {
		err = operation.Check(input)
	}
	var broken *restjson.ValidationError
	if errors.As(err, &broken) {
		return nil, invalid("%s", broken.Error())
	}
	return input, err
}

// output sends an operation's output by the service model.
func (c *call) output(output map[string]any) error {
	status, body, err := runtimeAPI().Operation(c.operation).Write(c.w.Header(), output)
	if err != nil {
		return err
	}
	return c.writeJSON(status, body)
}
