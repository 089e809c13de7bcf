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
	answer, err := s.talk(c, input)
	if err != nil {
		return modelErrors(err)
	}
	c.usage = answer.Reply.Usage
	if c.operation == "ConverseStream" {
		return c.send(c.events(answer))
	}
	return c.output(answer.Response(time.Since(c.started)))
}

// talk answers an input by the model that the path names.
func (s *Server) talk(c *call, input map[string]any) (converse.Answer, error) {
	if err := checkResource(c.modelID); err != nil {
		return converse.Answer{}, err
	}
	if m, found, err := s.resolveOther(c.modelID, c.who); found || err != nil {
		if err != nil {
			return converse.Answer{}, err
		}
		return s.talkToOther(c, m, input)
	}
	m, err := s.resolve(c.modelID, c.who)
	if err != nil {
		return converse.Answer{}, err
	}
	return s.talkToClaude(c, m, input)
}

func (s *Server) talkToClaude(c *call, m catalog.Model, input map[string]any) (converse.Answer, error) {
	in, traits := claude.Setting{Model: m, Account: c.who.account}, converse.OfClaude(m)
	request, prompt, err := c.translate(in, traits, input)
	if err != nil {
		return converse.Answer{}, err
	}
	usage := s.cache.Use(prompt, in, s.cfg.Now())
	reply := request.Answer(in, usage)
	return converse.Answer{Reply: reply, Input: input, Traits: traits, Native: native(c, reply)}, nil
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
// message_delta (vercel/ai pull request 11410).
func native(c *call, reply *claude.Reply) any {
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

func (s *Server) talkToOther(c *call, m catalog.Other, input map[string]any) (converse.Answer, error) {
	if m.Kind != catalog.Text {
		return converse.Answer{}, invalid("%s", wording.Say("converse_wrong_kind"))
	}
	traits := converse.OfOther(m)
	if err := converse.Check(input, traits, c.operation == "ConverseStream"); err != nil {
		return converse.Answer{}, err
	}
	conversation := family.Read(input, m)
	if err := conversation.Check(input); err != nil {
		return converse.Answer{}, err
	}
	usage := claude.Usage{InputTokens: conversation.Tokens()}
	if m.CacheMinTokens > 0 {
		in := claude.Setting{Model: family.Model(m), Account: c.who.account}
		usage = s.cache.Use(conversation.Prompt(), in, s.cfg.Now())
	}
	return converse.Answer{Reply: conversation.Answer(usage), Input: input, Traits: traits}, nil
}

// countConverse counts what Converse would charge as input, read from the cache or not.
func (s *Server) countConverse(c *call, m catalog.Model) error {
	input, err := c.readInput()
	if err != nil {
		return err
	}
	counted, _ := input["input"].(map[string]any)
	asked, _ := counted["converse"].(map[string]any)
	in := claude.Setting{Model: m, Account: c.who.account, Counting: true}
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
