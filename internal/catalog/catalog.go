// Package catalog knows Claude's models on Amazon Bedrock: their IDs, the inference profiles that
// carry them, what they accept, and the betas that Bedrock takes or refuses.
//
// The data is embedded and dated (data/*.json name their sources). It is a snapshot: what a live
// account answers is right where the two disagree. All functions are pure and safe for concurrent
// use; the values they return are shared and must not be changed.
package catalog

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Lifecycle is where a model stands on Bedrock (ListFoundationModels: modelLifecycle.status, plus
// EOL for models that are gone).
type Lifecycle string

const (
	Active Lifecycle = "ACTIVE" // callable
	Legacy Lifecycle = "LEGACY" // callable, with an announced end of life
	EOL    Lifecycle = "EOL"    // answers 404
)

// A Model is one Claude model on Bedrock.
type Model struct {
	ID           string   `json:"id"`             // Anthropic's undated ID: claude-haiku-4-5
	Name         string   `json:"name"`           // Claude Haiku 4.5
	Family       string   `json:"family"`         // opus, sonnet, haiku, fable
	BedrockID    string   `json:"bedrock_id"`     // the bare model ID: anthropic.claude-haiku-4-5-20251001-v1:0
	FirstPartyID string   `json:"first_party_id"` // the ID on Anthropic's own API: claude-haiku-4-5-20251001
	Aliases      []string `json:"aliases"`        // what Claude Code calls its newest model of a family: haiku
	Released     string   `json:"released"`       // ISO date, or year and month where the day is not known

	Prefixes        []string  `json:"prefixes"`         // of its cross-Region inference profiles: global, us, eu, …
	InRegion        []string  `json:"in_region"`        // Regions that serve the bare model ID, where known
	RequiresProfile bool      `json:"requires_profile"` // on-demand throughput only by inference profile
	Lifecycle       Lifecycle `json:"lifecycle"`

	ContextTokens     int      `json:"context_tokens"`
	MaxOutputTokens   int      `json:"max_output_tokens"`
	CacheMinTokens    int      `json:"cache_min_tokens"` // shorter prefixes are silently not cached
	CacheTTLs         []string `json:"cache_ttls"`       // 5m, 1h
	ImageMaxPixels    int      `json:"image_max_pixels"` // to which the longer edge of a picture is scaled down
	AnthropicVersions []string `json:"anthropic_versions"`
	CountTokens       bool     `json:"count_tokens"`   // CountTokens takes the bare model ID
	DataRetention     bool     `json:"data_retention"` // only for accounts in mode aws_review or provider_data_share

	Thinking         []string `json:"thinking"`          // values of thinking.type that switch it on: enabled, adaptive, between_tools
	ThinkingDefault  string   `json:"thinking_default"`  // what an absent thinking member means: off or adaptive
	ThinkingDisabled Allowed  `json:"thinking_disabled"` // thinking.type disabled: Always, UpToHigh or Never
	Efforts          []string `json:"efforts"`           // values of output_config.effort, nil for none
	EffortDefault    string   `json:"effort_default"`    // what an absent effort means

	ForcedToolChoice    Allowed  `json:"forced_tool_choice"`    // tool_choice any or tool: Always, WithoutThinking or Never
	Sampling            Sampling `json:"sampling"`              // what temperature, top_p and top_k may say
	Prefill             bool     `json:"prefill"`               // the conversation may end with an assistant message
	SystemMessages      bool     `json:"system_messages"`       // role system is accepted within the conversation
	EagerInputStreaming bool     `json:"eager_input_streaming"` // tools may have the member of that name

	Prices             Prices  `json:"prices"`
	RegionalMultiplier float64 `json:"regional_multiplier"` // on Prices, for all but global profiles
}

// Allowed says when a model takes something.
type Allowed string

const (
	Always          Allowed = "always"
	UpToHigh        Allowed = "up_to_high"       // at effort high or below
	WithoutThinking Allowed = "without_thinking" // unless the model thinks
	Never           Allowed = "never"
)

// Sampling is what a model takes of temperature, top_p and top_k.
type Sampling string

const (
	SamplingFree    Sampling = "free"
	SamplingOneOf   Sampling = "temperature_or_top_p" // not both
	SamplingDefault Sampling = "default_only"         // default values only, and none with API version 2026-10-21
)

// Prices are in US dollars per million tokens, by a global inference profile.
type Prices struct {
	Input        float64 `json:"input"`
	Output       float64 `json:"output"`
	CacheWrite5m float64 `json:"cache_write_5m"`
	CacheWrite1h float64 `json:"cache_write_1h"`
	CacheRead    float64 `json:"cache_read"`

	LongPrompt *LongPrompt `json:"long_prompt"` // nil if the price does not depend on length
}

// LongPrompt are the prices of a whole request whose prompt, cached tokens included, is longer than
// AbovePromptTokens.
type LongPrompt struct {
	AbovePromptTokens int `json:"above_prompt_tokens"`
	Prices
}

// A Profile is a system-defined cross-Region inference profile as seen from one source Region.
type Profile struct {
	ID           string // us.anthropic.claude-opus-5-5
	Prefix       string // us
	Model        Model
	Destinations []string // destination Regions
}

var (
	// ErrUnknownModel is returned by Resolve for a name that the catalogue does not know.
	ErrUnknownModel = errors.New("unknown model")
	// ErrNoProfile is returned by Resolve when no inference profile serves the model from the Region.
	ErrNoProfile = errors.New("no inference profile")
)

//go:embed data/claude.json
var claudeJSON []byte

//go:embed data/profiles.json
var profilesJSON []byte

type prefix struct {
	SourceRegions      []string `json:"source_regions"`
	SourceRegionsTo46  []string `json:"source_regions_4_5_to_4_6"`
	DestinationRegions []string `json:"destination_regions"`
}

// prefixOrder is the order of preference: the geography of the Region before global, so that data
// stays where the caller's Region is unless only global serves the model.
var prefixOrder = []string{"us-gov", "us", "eu", "jp", "au", "apac", "global"}

// prefixes that Lookup takes off an ID. Those not in prefixOrder are seen in the wild for other
// vendors' models or in third-party code: accepted, never generated.
var knownPrefixes = append(slices.Clone(prefixOrder), "ca", "sa", "kr", "in", "il", "mx")

type index struct {
	models   []Model
	byName   map[string]int
	prefixes map[string]prefix
}

var load = sync.OnceValue(func() *index {
	var c struct{ Models []Model }
	var p struct{ Prefixes map[string]prefix }
	mustUnmarshal(claudeJSON, &c)
	mustUnmarshal(profilesJSON, &p)
	x := &index{models: c.Models, byName: map[string]int{}, prefixes: p.Prefixes}
	for i, m := range c.Models {
		undated, _, _ := strings.Cut(m.BedrockID, ":")
		for _, name := range append(m.Aliases, m.ID, m.FirstPartyID, m.BedrockID, undated, "anthropic."+m.ID, m.ID+"-latest") {
			if name != "" {
				x.byName[name] = i
			}
		}
	}
	return x
})

// mustUnmarshal reads embedded data; a fault in it is a fault of this build.
func mustUnmarshal(data []byte, into any) {
	if err := json.Unmarshal(data, into); err != nil {
		panic("catalog: embedded data: " + err.Error())
	}
}

// Claude returns every Claude model of the catalogue, newest of each family first.
func Claude() []Model { return load().models }

// Lookup finds the model that id names: an alias (opus), a first-party ID with or without date, a
// Bedrock model ID, an inference profile ID, or the ARN of a foundation model or of a
// system-defined inference profile. A trailing [1m], Claude Code's mark for the long context, is
// ignored. Application inference profiles are not known here: only the account knows what they wrap.
func Lookup(id string) (Model, bool) {
	x := load()
	i, ok := x.byName[bare(id)]
	if !ok {
		return Model{}, false
	}
	return x.models[i], true
}

// bare takes ARN, profile prefix and [1m] off an ID.
func bare(id string) string {
	id = strings.TrimSuffix(id, "[1m]")
	if strings.HasPrefix(id, "arn:") {
		resource, name, ok := cutLast(id, "/")
		if !ok || !strings.HasSuffix(resource, ":foundation-model") && !strings.HasSuffix(resource, ":inference-profile") {
			return id
		}
		id = name
	}
	if p, rest, ok := strings.Cut(id, "."); ok && strings.HasPrefix(rest, "anthropic.") && slices.Contains(knownPrefixes, p) {
		id = rest
	}
	return id
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// IsBedrockID tells whether id is already in Bedrock's own terms (an ARN or an ID with a vendor,
// such as anthropic.claude-… or us.amazon.nova-…), rather than an alias or a first-party ID.
func IsBedrockID(id string) bool {
	return strings.HasPrefix(id, "arn:") || strings.Contains(id, ".")
}

// Resolve returns what to put into the path of a call from region: an ID in Bedrock's own terms as
// it is, an alias or first-party ID as the inference profile that serves it from there. The error
// wraps ErrUnknownModel or ErrNoProfile.
func Resolve(id, region string) (string, error) {
	if IsBedrockID(id) {
		return strings.TrimSuffix(id, "[1m]"), nil
	}
	m, ok := Lookup(id)
	if !ok {
		return "", fmt.Errorf("%w: %q", ErrUnknownModel, id)
	}
	if p, ok := profileFor(m, region); ok {
		return p.ID, nil
	}
	if !m.RequiresProfile {
		return m.BedrockID, nil
	}
	return "", fmt.Errorf("%w serves %s from Region %s; it is callable from: %s",
		ErrNoProfile, m.ID, region, strings.Join(sourceRegions(m), ", "))
}

// Profiles returns the system-defined inference profiles of Claude that can be called from region,
// in catalogue order, a model's preferred profile first.
func Profiles(region string) []Profile {
	var out []Profile
	for _, m := range Claude() {
		if m.Lifecycle == EOL {
			continue
		}
		out = append(out, ProfilesOf(m, region)...)
	}
	return out
}

func profileFor(m Model, region string) (Profile, bool) {
	if ps := ProfilesOf(m, region); len(ps) > 0 {
		return ps[0], true
	}
	return Profile{}, false
}

// ProfilesOf returns the system-defined inference profiles of a model, whatever its lifecycle, that can
// be called from region, the preferred one first.
func ProfilesOf(m Model, region string) []Profile {
	var out []Profile
	for _, name := range prefixOrder {
		p := load().prefixes[name]
		if slices.Contains(m.Prefixes, name) && slices.Contains(p.sources(m), region) {
			out = append(out, Profile{ID: name + "." + m.BedrockID, Prefix: name, Model: m, Destinations: p.DestinationRegions})
		}
	}
	return out
}

// sources are the Regions from which the prefix can be called. The global profiles of models up to
// 4.6 are offered in fewer Regions than those of later ones.
func (p prefix) sources(m Model) []string {
	if p.SourceRegionsTo46 != nil && len(m.AnthropicVersions) == 1 {
		return p.SourceRegionsTo46
	}
	return p.SourceRegions
}

func sourceRegions(m Model) []string {
	var out []string
	for _, name := range m.Prefixes {
		out = append(out, load().prefixes[name].sources(m)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
