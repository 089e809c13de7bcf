package emulator

import (
	"regexp"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// What an identifier cannot do.
func errModelID() error           { return invalid("model_invalid") }
func errEndOfLife() error         { return notFound("model_end_of_life") }
func errUncounted() error         { return invalid("model_uncounted") }
func errUnresolved() error        { return notFound("model_unresolved") }
func errOnDemand(id string) error { return invalid("model_on_demand", "id", id) }

// arnPattern takes the ARNs of what can be invoked apart: partition, Region, account, kind and name.
var arnPattern = regexp.MustCompile(`^arn:(aws(?:-[a-z-]+)?):bedrock:([a-z0-9-]{1,20}):([0-9]{12})?:(foundation-model|inference-profile|application-inference-profile)/([a-zA-Z0-9:.-]{1,256})$`)

// resolve finds the model that the path invokes.
func (s *Server) resolve(c *call) error {
	m, direct, err := s.find(c.modelID, c.who)
	c.model = m
	if err == nil && direct && m.requiresProfile {
		return errOnDemand(c.modelID)
	}
	return err
}

// find finds the model that an identifier names: a model ID, the ID of an inference profile, or the ARN
// of either. Aliases and first-party IDs are nothing to Bedrock. direct says that it is the model's own
// ID or ARN. Of a model that is known and may not be called so, it is returned with the error.
func (s *Server) find(id string, who identity) (m model, direct bool, err error) {
	arn := arnPattern.FindStringSubmatch(id)
	if arn == nil {
		if err := checkResource(id); err != nil {
			return m, false, err
		}
		return s.findName(id)
	}
	region, account, kind, name := arn[2], arn[3], arn[4], arn[5]
	isModel := kind == "foundation-model"
	if region != s.cfg.Region || arn[1] != partition(region) || isModel != (account == "") || !isModel && account != who.account {
		return m, false, errModelID()
	}
	if kind == "application-inference-profile" {
		return s.findApplication(name)
	}
	if m, direct, err = s.findName(name); direct != isModel {
		err = errModelID()
	}
	return m, direct, err
}

// findName finds the model of a model ID or of a system-defined profile's ID.
func (s *Server) findName(name string) (m model, direct bool, err error) {
	m, direct = foundationModel(name)
	prefix, rest, _ := strings.Cut(name, ".")
	if !direct {
		var ok bool
		if m, ok = foundationModel(rest); !ok || !slices.Contains(m.prefixes, prefix) {
			return model{}, false, errModelID()
		}
	}
	err = s.serves(m)
	callable := func(p profile) bool { return p.prefix == prefix }
	if err == nil && !direct && !slices.ContainsFunc(m.profiles(s.cfg.Region), callable) {
		err = errModelID()
	}
	return m, direct, err
}

func (s *Server) findApplication(id string) (m model, direct bool, err error) {
	for _, a := range s.cfg.ApplicationProfiles {
		if a.ID == id {
			m, _, err = s.findName(a.source())
			return m, false, err
		}
	}
	return m, false, errUnresolved()
}

// serves refuses a model that this endpoint does not have, or no longer.
func (s *Server) serves(m model) error {
	switch {
	case m.lifecycle == catalog.EOL && !s.cfg.RetiredModels:
		return errEndOfLife()
	case m.mantleOnly:
		return errModelID()
	}
	return nil
}

// guess returns the model that an identifier names as far as anybody knows it. One that nobody knows,
// for which only a script can answer, is taken for a Claude.
func (s *Server) guess(id string, who identity) model {
	if m, _, _ := s.find(id, who); m.id != "" {
		return m
	}
	m, ok := catalog.Lookup(id)
	if !ok {
		m.ID = id
	}
	return ofClaude(m)
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
			return invalid("converse_no_resource", "resource", r.name)
		}
	}
	return nil
}

// partition returns the AWS partition of a Region, as ARNs name it.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}
