package emulator

import "github.com/outcrop-dev/outcrop/internal/emulator/claude"

// countTokens serves CountTokens, which knows Claude only and takes no inference profiles. What it
// answers is what InvokeModel or Converse would charge as input, read from the cache or not.
func (s *Server) countTokens(c *call) error {
	m, direct, err := s.find(c.modelID, c.who)
	switch {
	case err != nil:
		return err
	case !direct || m.claude == nil || !m.claude.CountTokens:
		return errUncounted()
	}
	c.model = m
	prompt, err := c.counted()
	if err != nil {
		return err
	}
	c.usage.InputTokens = prompt.Tokens()
	return c.output(map[string]any{"inputTokens": prompt.Tokens()})
}

// counted lays out the prompt that is to be counted, of whichever operation it is the input.
func (c *call) counted() (*claude.Prompt, error) {
	in := c.setting()
	in.Counting = true
	input, _ := c.input["input"].(map[string]any) // has one of the two, by the service model
	if invoke, ok := input["invokeModel"].(map[string]any); ok {
		body, _ := invoke["body"].([]byte)
		_, prompt, err := c.read(in, body)
		return prompt, err
	}
	in.Converse = true
	asked, _ := input["converse"].(map[string]any)
	_, prompt, err := c.translate(in, asked)
	return prompt, modelErrors(err)
}
