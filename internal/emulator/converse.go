package emulator

import (
	"errors"
	"iter"
	"time"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
	"github.com/outcrop-dev/outcrop/internal/emulator/family"
)

// converse serves Converse and ConverseStream.
func (s *Server) converse(c *call) error {
	if err := s.resolve(c); err != nil {
		return err
	}
	talk := c.talkToClaude
	if c.model.other != nil {
		talk = c.talkToOther
	}
	reply, err := talk()
	if err != nil {
		return modelErrors(err)
	}
	return c.replyByConverse(reply)
}

// replyByConverse sends the answer of Converse or ConverseStream.
func (c *call) replyByConverse(reply *claude.Reply) error {
	c.usage = reply.Usage
	answer := converse.Answer{Reply: reply, Input: c.input, Traits: c.traits(), Native: c.native(reply)}
	if c.streams() {
		return c.send(nil, c.events(answer))
	}
	return c.output(answer.Response(time.Since(c.started)))
}

func (c *call) streams() bool { return c.operation.Name() == "ConverseStream" }

// traits are those of the model that the path names.
func (c *call) traits() converse.Traits {
	if c.model.other != nil {
		return converse.OfOther(*c.model.other)
	}
	return converse.OfClaude(*c.model.claude)
}

func (c *call) talkToClaude() (*claude.Reply, error) {
	in := c.setting()
	in.Converse = true
	request, prompt, err := c.translate(in, c.input)
	if err != nil {
		return nil, err
	}
	return c.think(request, prompt, in)
}

// translate checks an input of Converse and reads it as Claude's body.
func (c *call) translate(in claude.Setting, input map[string]any) (*claude.Request, *claude.Prompt, error) {
	if err := converse.Check(input, c.traits(), c.streams()); err != nil {
		return nil, nil, err
	}
	body, err := converse.Messages(input, c.traits())
	if err != nil {
		return nil, nil, err
	}
	return c.read(in, body)
}

// native is what additionalModelResponseFieldPaths point into: Claude's message or, of a stream, its
// message_delta (vercel/ai pull request 11410). Other families have none here.
func (c *call) native(reply *claude.Reply) any {
	if c.model.claude == nil {
		return nil
	}
	if !c.streams() {
		return reply.Message()
	}
	for e := range reply.Events() {
		if e.Type == "message_delta" {
			return e
		}
	}
	return nil
}

func (c *call) talkToOther() (*claude.Reply, error) {
	m := *c.model.other
	if m.Kind != catalog.Text {
		return nil, invalid("converse_wrong_kind")
	}
	if err := converse.Check(c.input, c.traits(), c.streams()); err != nil {
		return nil, err
	}
	conversation := family.Read(c.input, m)
	if err := conversation.Check(c.input); err != nil {
		return nil, err
	}
	if err := c.play(); err != nil {
		return nil, err
	}
	in, usage := c.setting(), claude.Usage{InputTokens: conversation.Tokens()}
	if m.CacheMinTokens > 0 {
		usage = c.server.cache.Use(conversation.Prompt(), in, c.server.cfg.Now())
	}
	if reply := c.scriptedReply(nil, in, usage); reply != nil {
		return reply, nil
	}
	return conversation.Answer(usage), nil
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
	latency := func() time.Duration { return time.Since(c.started) }
	return func(yield func([]byte, error) bool) {
		for name, event := range answer.Events(latency) {
			if !yield(c.message(name, event)) {
				return
			}
		}
	}
}
