package emulator

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// A model is a foundation model, in what Bedrock says of it and calls it by, whoever made it.
type model struct {
	id              string // anthropic.claude-opus-5-5
	name, provider  string
	released        string // ISO date, or less of one
	lifecycle       catalog.Lifecycle
	input, output   []string // modalities, as AWS names them
	streams         bool
	prefixes        []string // of its inference profiles, from wherever they can be called
	inRegion        []string // Regions that serve the bare model ID, where known
	requiresProfile bool
	mantleOnly      bool // not on this endpoint
	claude          *catalog.Model
	other           *catalog.Other // one of these two
}

// A profile is a system-defined inference profile as seen from one source Region.
type profile struct {
	id, prefix   string
	model        model
	destinations []string // Regions
}

func ofClaude(m catalog.Model) model {
	return model{
		id: m.BedrockID, name: m.Name, provider: "Anthropic", released: m.Released, lifecycle: m.Lifecycle,
		input: []string{"TEXT", "IMAGE"}, output: []string{"TEXT"}, streams: true,
		prefixes: m.Prefixes, inRegion: m.InRegion, requiresProfile: m.RequiresProfile, claude: &m,
	}
}

// outputs are the modalities of what a kind of model makes.
var outputs = map[catalog.Kind][]string{catalog.Text: {"TEXT"}, catalog.Embedding: {"EMBEDDING"}, catalog.Speech: {"SPEECH", "TEXT"}}

func ofOther(m catalog.Other) model {
	var input []string
	for _, kind := range m.Input {
		input = append(input, strings.ToUpper(kind))
	}
	return model{
		id: m.ID, name: m.Name, provider: m.Provider, released: m.Released, lifecycle: m.Lifecycle,
		input: input, output: outputs[m.Kind], streams: m.Kind == catalog.Text,
		prefixes: m.Prefixes, requiresProfile: m.RequiresProfile, mantleOnly: m.MantleOnly, other: &m,
	}
}

// foundationModels are all of the catalogue, Claude's first.
var foundationModels = sync.OnceValue(func() []model {
	var all []model
	for _, m := range catalog.Claude() {
		all = append(all, ofClaude(m))
	}
	for _, m := range catalog.Others() {
		all = append(all, ofOther(m))
	}
	return all
})

// foundationModel finds a model by its own ID.
func foundationModel(id string) (model, bool) {
	if other, ok := catalog.LookupOther(id); ok { // of which some have several
		id = other.ID
	}
	all := foundationModels()
	if i := slices.IndexFunc(all, func(m model) bool { return m.id == id }); i >= 0 {
		return all[i], true
	}
	return model{}, false
}

// profiles are those of the model that can be called from the Region.
func (m model) profiles(region string) []profile {
	var out []profile
	if m.claude != nil {
		for _, p := range catalog.ProfilesOf(*m.claude, region) {
			out = append(out, profile{p.ID, p.Prefix, m, p.Destinations})
		}
		return out
	}
	for _, prefix := range m.prefixes {
		if p, _ := catalog.LookupOtherProfile(prefix+"."+m.id, region); p.Destinations != nil {
			out = append(out, profile{p.ID, p.Prefix, m, p.Destinations})
		}
	}
	return out
}

func (s *Server) listFoundationModels(c *call) error {
	summaries := []map[string]any{}
	for _, m := range foundationModels() {
		if s.offers(m) && m.matches(c.input) {
			summaries = append(summaries, s.summary(m))
		}
	}
	return c.output(map[string]any{"modelSummaries": summaries})
}

func (s *Server) getFoundationModel(c *call) error {
	m, direct, err := s.find(c.modelID, c.who)
	if err == nil && !direct {
		err = errModelID()
	}
	if err != nil {
		return err
	}
	return c.output(map[string]any{"modelDetails": s.summary(m)})
}

// offers reports whether the Region has the model, by itself or through a profile. Of a model that needs
// no profile it is not known which Regions have it; all do.
func (s *Server) offers(m model) bool {
	return s.serves(m) == nil &&
		(!m.requiresProfile || slices.Contains(m.inRegion, s.cfg.Region) || len(m.profiles(s.cfg.Region)) > 0)
}

// matches reports whether ListFoundationModels is asked for the model.
func (m model) matches(input map[string]any) bool {
	in := func(name string, values []string) bool {
		want, ok := input[name].(string)
		return !ok || slices.Contains(values, want)
	}
	by, ok := input["byProvider"].(string)
	return (!ok || strings.EqualFold(by, m.provider)) &&
		in("byCustomizationType", nil) && in("byOutputModality", m.output) && in("byInferenceType", []string{m.inference()})
}

// inference is the type by which the model is called. INFERENCE_PROFILE is not in AWS's enum, but in its
// answers.
func (m model) inference() string {
	if m.requiresProfile {
		return "INFERENCE_PROFILE"
	}
	return "ON_DEMAND"
}

// summary is what the control plane says of a model. Its lifecycle is the catalogue's, whatever the date.
func (s *Server) summary(m model) map[string]any {
	status := m.lifecycle
	if status == catalog.EOL { // and served nevertheless: see Config.RetiredModels
		status = catalog.Active
	}
	return map[string]any{
		"modelArn": s.modelARN(s.cfg.Region, m), "modelId": m.id, "modelName": m.name, "providerName": m.provider,
		"inputModalities": m.input, "outputModalities": m.output, "responseStreamingSupported": m.streams,
		"customizationsSupported": []string{}, "inferenceTypesSupported": []string{m.inference()},
		"modelLifecycle": map[string]any{"status": string(status), "startOfLifeTime": m.day()},
	}
}

// modelARN has no account; region is "" for the entry of a global profile that stands for all.
func (s *Server) modelARN(region string, m model) string {
	return fmt.Sprintf("arn:%s:bedrock:%s::foundation-model/%s", partition(s.cfg.Region), region, m.id)
}

// day is the day of the model's release, nil if that is not known.
func (m model) day() any {
	day, err := time.Parse(time.DateOnly, m.released)
	if err != nil {
		return nil
	}
	return day
}
