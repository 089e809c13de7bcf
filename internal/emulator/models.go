package emulator

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// The shapes of the control plane are after AWS's service model (bedrock, 2023-04-20).

type modelSummary struct {
	ModelARN                   string    `json:"modelArn"`
	ModelID                    string    `json:"modelId"`
	ModelName                  string    `json:"modelName"`
	ProviderName               string    `json:"providerName"`
	InputModalities            []string  `json:"inputModalities"`
	OutputModalities           []string  `json:"outputModalities"`
	ResponseStreamingSupported bool      `json:"responseStreamingSupported"`
	CustomizationsSupported    []string  `json:"customizationsSupported"`
	InferenceTypesSupported    []string  `json:"inferenceTypesSupported"`
	ModelLifecycle             lifecycle `json:"modelLifecycle"`
}

type lifecycle struct {
	Status          string `json:"status"` // ACTIVE or LEGACY, from the catalogue, whatever the date
	StartOfLifeTime string `json:"startOfLifeTime,omitempty"`
}

const provider = "Anthropic"

func (s *Server) listFoundationModels(c *call) error {
	q := c.r.URL.Query()
	for name, values := range map[string][]string{
		"byCustomizationType": {"FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"},
		"byOutputModality":    {"TEXT", "IMAGE", "EMBEDDING"},
		"byInferenceType":     {"ON_DEMAND", "PROVISIONED"},
	} {
		if err := checkEnum(q, name, values); err != nil {
			return err
		}
	}
	summaries := []modelSummary{}
	for _, m := range catalog.Claude() {
		if m := s.summary(m); s.offers(m.ModelID) && m.matches(q) {
			summaries = append(summaries, m)
		}
	}
	for _, m := range catalog.Others() {
		if summary := s.otherSummary(m); s.offersOther(m) && summary.matches(q) {
			summaries = append(summaries, summary)
		}
	}
	return c.answer(map[string]any{"modelSummaries": summaries})
}

func (s *Server) getFoundationModel(c *call) error {
	id := c.modelID
	if arn := arnPattern.FindStringSubmatch(id); arn != nil && arn[3] == "foundation-model" && arn[1] == s.cfg.Region {
		id = arn[4]
	}
	if m, ok := catalog.LookupOther(id); ok {
		if err := s.serves(m); err != nil {
			return err
		}
		return c.answer(map[string]any{"modelDetails": s.otherSummary(m)})
	}
	m, ok := foundationModel(id)
	switch {
	case !ok:
		return errModelID
	case s.retired(m):
		return errEndOfLife
	}
	return c.answer(map[string]any{"modelDetails": s.summary(m)})
}

// offers reports whether the Region has the model, by itself or through a profile.
func (s *Server) offers(id string) bool {
	m, ok := foundationModel(id)
	if !ok || s.retired(m) {
		return false
	}
	return !m.RequiresProfile || slices.Contains(m.InRegion, s.cfg.Region) ||
		slices.ContainsFunc(s.systemProfiles(), func(p catalog.Profile) bool { return p.Model.ID == m.ID })
}

func (s *Server) summary(m catalog.Model) modelSummary {
	status := m.Lifecycle
	if status == catalog.EOL { // and served nevertheless: see Config.RetiredModels
		status = catalog.Active
	}
	inference := "ON_DEMAND"
	if m.RequiresProfile {
		inference = "INFERENCE_PROFILE" // not in AWS's enum, but in its answers
	}
	return modelSummary{
		ModelARN: s.modelARN(s.cfg.Region, m), ModelID: m.BedrockID, ModelName: m.Name, ProviderName: provider,
		InputModalities: []string{"TEXT", "IMAGE"}, OutputModalities: []string{"TEXT"},
		ResponseStreamingSupported: true, CustomizationsSupported: []string{}, InferenceTypesSupported: []string{inference},
		ModelLifecycle: lifecycle{Status: string(status), StartOfLifeTime: released(m)},
	}
}

// offersOther reports whether the Region has the model; which Regions have a model in themselves is not
// known, so all do.
func (s *Server) offersOther(m catalog.Other) bool {
	return s.serves(m) == nil && (!m.RequiresProfile ||
		slices.ContainsFunc(catalog.OtherProfiles(s.cfg.Region), func(p catalog.OtherProfile) bool { return p.Model.ID == m.ID }))
}

func (s *Server) otherSummary(m catalog.Other) modelSummary {
	inference := "ON_DEMAND"
	if m.RequiresProfile {
		inference = "INFERENCE_PROFILE"
	}
	modalities := []string{}
	for _, kind := range m.Input {
		modalities = append(modalities, strings.ToUpper(kind))
	}
	start := ""
	if m.Released != "" {
		start = m.Released + "T00:00:00Z"
	}
	return modelSummary{
		ModelARN: s.otherARN(s.cfg.Region, m), ModelID: m.ID, ModelName: m.Name, ProviderName: m.Provider,
		InputModalities: modalities, OutputModalities: outputs[m.Kind],
		ResponseStreamingSupported: m.Kind == catalog.Text, CustomizationsSupported: []string{}, InferenceTypesSupported: []string{inference},
		ModelLifecycle: lifecycle{Status: string(m.Lifecycle), StartOfLifeTime: start},
	}
}

// outputs are the modalities of what a kind of model makes.
var outputs = map[catalog.Kind][]string{catalog.Text: {"TEXT"}, catalog.Embedding: {"EMBEDDING"}, catalog.Speech: {"SPEECH", "TEXT"}}

func (s *Server) otherARN(region string, m catalog.Other) string {
	return fmt.Sprintf("arn:%s:bedrock:%s::foundation-model/%s", partition(s.cfg.Region), region, m.ID)
}

// modelARN has no account; region is "" for the entry of a global profile that stands for all.
func (s *Server) modelARN(region string, m catalog.Model) string {
	return fmt.Sprintf("arn:%s:bedrock:%s::foundation-model/%s", partition(s.cfg.Region), region, m.BedrockID)
}

// released returns a model's day of release as a timestamp, "" if only the month is known.
func released(m catalog.Model) string {
	day, err := time.Parse(time.DateOnly, m.Released)
	if err != nil {
		return ""
	}
	return day.Format(time.RFC3339)
}

func (m modelSummary) matches(q url.Values) bool {
	in := func(name string, values []string) bool { return !q.Has(name) || slices.Contains(values, q.Get(name)) }
	return (!q.Has("byProvider") || strings.EqualFold(q.Get("byProvider"), m.ProviderName)) &&
		in("byCustomizationType", m.CustomizationsSupported) &&
		in("byOutputModality", m.OutputModalities) && in("byInferenceType", m.InferenceTypesSupported)
}

func checkEnum(q url.Values, name string, values []string) error {
	if !q.Has(name) || slices.Contains(values, q.Get(name)) {
		return nil
	}
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", q.Get(name), name, strings.Join(values, ", "))
}
