package emulator

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// Bedrock's words for what an identifier cannot do (public issue threads and client matchers).
var (
	errModelID   = &fault{http.StatusBadRequest, "ValidationException", "The provided model identifier is invalid.", bedrockNamespace}
	errEndOfLife = &fault{http.StatusNotFound, "ResourceNotFoundException",
		"This model version has reached the end of its life. Please refer to the AWS documentation for more details.", bedrockNamespace}
	errUncounted  = &fault{http.StatusBadRequest, "ValidationException", "The provided model doesn't support counting tokens.", bedrockNamespace}
	errUnresolved = &fault{http.StatusNotFound, "ResourceNotFoundException",
		"Could not resolve the foundation model from the provided model identifier.", bedrockNamespace}
)

func errOnDemand(id string) error {
	return invalid("Invocation of model ID %s with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.", id)
}

// arnPattern takes the ARNs of what can be invoked apart: Region, account, kind and name.
var arnPattern = regexp.MustCompile(`^arn:aws(?:-[a-z-]+)?:bedrock:([a-z0-9-]{1,20}):([0-9]{12})?:(foundation-model|inference-profile|application-inference-profile)/([a-zA-Z0-9:.-]{1,256})$`)

// resolve finds the model that an identifier in a path invokes: a model ID, the ID of an inference
// profile, or the ARN of either. Aliases and first-party IDs are nothing to Bedrock.
func (s *Server) resolve(id string, who identity) (catalog.Model, error) {
	m := arnPattern.FindStringSubmatch(id)
	if m == nil {
		return s.resolveName(id, id)
	}
	region, account, kind, name := m[1], m[2], m[3], m[4]
	switch {
	case region != s.cfg.Region, kind == "foundation-model" && account != "", kind != "foundation-model" && account != who.account:
		return catalog.Model{}, errModelID
	case kind == "application-inference-profile":
		return s.resolveApplication(name)
	case strings.HasPrefix(name, "anthropic.") != (kind == "foundation-model"):
		return catalog.Model{}, errModelID
	}
	return s.resolveName(name, id)
}

// resolveName finds the model of a model ID or a system-defined profile's ID; called is what the
// client called it.
func (s *Server) resolveName(name, called string) (catalog.Model, error) {
	if m, ok := foundationModel(name); ok {
		switch {
		case s.retired(m):
			return m, errEndOfLife
		case m.RequiresProfile:
			return m, errOnDemand(called)
		}
		return m, nil
	}
	prefix, rest, _ := strings.Cut(name, ".")
	if m, ok := foundationModel(rest); ok && s.retired(m) && slices.Contains(m.Prefixes, prefix) {
		return m, errEndOfLife
	}
	if p, ok := s.systemProfile(name); ok {
		return p.Model, nil
	}
	return catalog.Model{}, errModelID
}

func (s *Server) resolveApplication(name string) (catalog.Model, error) {
	a, ok := s.applicationProfile(name)
	if !ok {
		return catalog.Model{}, errUnresolved
	}
	m, ok := catalog.Lookup(a.Source)
	switch {
	case !ok:
		return m, errUnresolved
	case s.retired(m):
		return m, errEndOfLife
	}
	return m, nil
}

// resolveCounted finds the model that CountTokens is asked about, which takes no inference profiles.
func (s *Server) resolveCounted(id string) (catalog.Model, error) {
	name := id
	if arn := arnPattern.FindStringSubmatch(id); arn != nil && arn[1] == s.cfg.Region && arn[3] == "foundation-model" && arn[2] == "" {
		name = arn[4]
	}
	m, ok := foundationModel(name)
	switch {
	case !ok:
		if _, isProfile := catalog.Lookup(id); isProfile && strings.Contains(id, "anthropic.") || arnPattern.MatchString(id) {
			return m, errUncounted
		}
		return m, errModelID
	case s.retired(m):
		return m, errEndOfLife
	case !m.CountTokens:
		return m, errUncounted
	}
	return m, nil
}

// foundationModel finds a model by its bare model ID and nothing else.
func foundationModel(id string) (catalog.Model, bool) {
	models := catalog.Claude()
	if i := slices.IndexFunc(models, func(m catalog.Model) bool { return m.BedrockID == id }); i >= 0 {
		return models[i], true
	}
	return catalog.Model{}, false
}

// retired reports whether the model has reached its end of life, and this Bedrock minds.
func (s *Server) retired(m catalog.Model) bool {
	return m.Lifecycle == catalog.EOL && !s.cfg.RetiredModels
}

// systemProfiles are the system-defined profiles that can be called from the Region.
func (s *Server) systemProfiles() []catalog.Profile {
	if !s.cfg.RetiredModels {
		return catalog.Profiles(s.cfg.Region)
	}
	var out []catalog.Profile
	for _, m := range catalog.Claude() {
		out = append(out, catalog.ProfilesOf(m, s.cfg.Region)...)
	}
	return out
}

// systemProfile finds a system-defined profile that can be called from the Region.
func (s *Server) systemProfile(id string) (catalog.Profile, bool) {
	profiles := s.systemProfiles()
	if i := slices.IndexFunc(profiles, func(p catalog.Profile) bool { return p.ID == id }); i >= 0 {
		return profiles[i], true
	}
	return catalog.Profile{}, false
}

func (s *Server) applicationProfile(id string) (ApplicationProfile, bool) {
	all := s.cfg.ApplicationProfiles
	if i := slices.IndexFunc(all, func(a ApplicationProfile) bool { return a.ID == id }); i >= 0 {
		return all[i], true
	}
	return ApplicationProfile{}, false
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
