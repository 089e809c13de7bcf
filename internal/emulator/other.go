package emulator

import (
	"regexp"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// resolveOther finds the model that is not Claude which an identifier invokes, in the forms that
// resolve takes. found is false if the identifier names none.
func (s *Server) resolveOther(id string, who identity) (m catalog.Other, found bool, err error) {
	arn := arnPattern.FindStringSubmatch(id)
	if arn == nil {
		return s.resolveOtherName(id, id)
	}
	region, account, kind, name := arn[1], arn[2], arn[3], arn[4]
	if kind == "application-inference-profile" {
		a, ok := s.applicationProfile(name)
		if !ok {
			return m, false, nil
		}
		name = a.Source[strings.LastIndex(a.Source, "/")+1:]
	}
	m, found, err = s.resolveOtherName(name, id)
	_, bare := catalog.LookupOther(name)
	switch {
	case !found:
		return m, false, nil
	case region != s.cfg.Region, kind == "foundation-model" && account != "", kind != "foundation-model" && account != who.account:
		return m, true, errModelID
	case kind == "application-inference-profile":
		return m, true, s.serves(m)
	case bare != (kind == "foundation-model"):
		return m, true, errModelID
	}
	return m, true, err
}

// resolveOtherName finds the model of a model ID or a system-defined profile's ID; called is what the
// client called it.
func (s *Server) resolveOtherName(name, called string) (catalog.Other, bool, error) {
	if m, ok := catalog.LookupOther(name); ok {
		switch err := s.serves(m); {
		case err != nil:
			return m, true, err
		case m.RequiresProfile:
			return m, true, errOnDemand(called)
		}
		return m, true, nil
	}
	p, ok := catalog.LookupOtherProfile(name, s.cfg.Region)
	switch err := s.serves(p.Model); {
	case !ok:
		return p.Model, false, nil
	case err != nil:
		return p.Model, true, err
	case p.Destinations == nil:
		return p.Model, true, errModelID
	}
	return p.Model, true, nil
}

// serves refuses a model that this endpoint does not have, or no longer.
func (s *Server) serves(m catalog.Other) error {
	switch {
	case m.Lifecycle == catalog.EOL && !s.cfg.RetiredModels:
		return errEndOfLife
	case m.MantleOnly:
		return errModelID
	}
	return nil
}

// resources are what else AWS lets an identifier name (service model: ConversationalModelId).
var resources = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`^arn:[^:]*:bedrock:[^:]*:[^:]*:prompt/`), "Prompt management"},
	{regexp.MustCompile(`^arn:[^:]*:bedrock:[^:]*:[^:]*:(default-)?prompt-router/`), "prompt routers"},
	{regexp.MustCompile(`^arn:[^:]*:bedrock:[^:]*:[^:]*:imported-model/`), "imported models"},
	{regexp.MustCompile(`^arn:[^:]*:bedrock:[^:]*:[^:]*:custom-model(-deployment)?/`), "custom models"},
	{regexp.MustCompile(`^arn:[^:]*:bedrock:[^:]*:[^:]*:provisioned-model/`), "Provisioned Throughput"},
	{regexp.MustCompile(`^arn:[^:]*:sagemaker:`), "SageMaker endpoints"},
}

// checkResource refuses identifiers of what is not here at all.
func checkResource(id string) error {
	for _, r := range resources {
		if r.pattern.MatchString(id) {
			return invalid("%s", wording.Say("converse_no_resource", "resource", r.name))
		}
	}
	return nil
}

// refuseOther says that a model that is not Claude has no body of its own here.
func (s *Server) refuseOther(c *call) error {
	m, found, err := s.resolveOther(c.modelID, c.who)
	if !found || err != nil {
		return err
	}
	return invalid("%s", wording.Say("converse_invoke_other", "model", m.ID, "operation", c.operation))
}

// refuseOtherCount: CountTokens knows Claude only.
func (s *Server) refuseOtherCount(c *call) error {
	m, found, _ := s.resolveOther(c.modelID, c.who)
	switch {
	case !found:
		return nil
	case s.serves(m) != nil:
		return s.serves(m)
	}
	return errUncounted
}
