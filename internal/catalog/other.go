package catalog

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// An Other is a model on Bedrock that is not Claude. Its members follow what users of the live
// service saw refused; data/other.json says which of them are by likeness only.
type Other struct {
	ID       string   `json:"id"`       // the model ID: amazon.nova-lite-v1:0
	Aliases  []string `json:"aliases"`  // other IDs of the same model
	Name     string   `json:"name"`     // Nova Lite
	Provider string   `json:"provider"` // Amazon
	Released string   `json:"released"` // ISO date, "" if not known

	Lifecycle       Lifecycle `json:"lifecycle"`
	Kind            Kind      `json:"kind"`
	MantleOnly      bool      `json:"mantle_only"` // served by bedrock-mantle, not by bedrock-runtime
	Prefixes        []string  `json:"prefixes"`    // of its cross-Region inference profiles
	RequiresProfile bool      `json:"requires_profile"`

	ContextTokens   int      `json:"context_tokens"`
	MaxOutputTokens int      `json:"max_output_tokens"`
	CacheMinTokens  int      `json:"cache_min_tokens"` // 0: takes no cache points
	Input           []string `json:"input"`            // text, image, video, speech

	Tools         ToolUse   `json:"tools"`
	ToolChoices   []string  `json:"tool_choices"` // auto, any, tool
	Reasoning     Reasoning `json:"reasoning"`
	System        bool      `json:"system"`         // takes a system prompt
	Documents     bool      `json:"documents"`      // takes document blocks
	StopSequences bool      `json:"stop_sequences"` // takes stop sequences
	Sampling      bool      `json:"sampling"`       // takes temperature and top p
	MixedTurns    bool      `json:"mixed_turns"`    // takes other blocks beside those of tools in one turn

	RefusedEfforts []string `json:"refused_efforts"` // values of reasoning_effort that are refused

	Prices  Prices   `json:"prices"`
	Source  string   `json:"source"`
	Assumed []string `json:"assumed"` // members that no source gives
}

// Kind is what a model makes.
type Kind string

const (
	Text      Kind = "text"
	Embedding Kind = "embedding"
	Speech    Kind = "speech"
)

// ToolUse is where a model uses tools.
type ToolUse string

const (
	ToolsNever       ToolUse = "no"
	ToolsNotStreamed ToolUse = "not_streamed" // by Converse, not by ConverseStream
	ToolsAlways      ToolUse = "yes"
)

// Reasoning is when a model shows what it thinks.
type Reasoning string

const (
	ReasoningNever  Reasoning = ""
	ReasoningAsked  Reasoning = "asked" // by a field of additionalModelRequestFields
	ReasoningAlways Reasoning = "always"
)

// An OtherProfile is a system-defined inference profile of a model that is not Claude.
type OtherProfile struct {
	ID           string // us.meta.llama4-scout-17b-instruct-v1:0
	Prefix       string // us
	Model        Other
	Destinations []string // destination Regions
}

//go:embed data/other.json
var otherJSON []byte

type otherIndex struct {
	models []Other
	byID   map[string]int
}

var loadOthers = sync.OnceValue(func() *otherIndex {
	var file struct{ Models []Other }
	mustUnmarshal(otherJSON, &file)
	x := &otherIndex{models: file.Models, byID: map[string]int{}}
	for i, m := range file.Models {
		for _, id := range append(m.Aliases, m.ID) {
			x.byID[id] = i
		}
	}
	return x
})

// Others returns every model of the catalogue that is not Claude, those at the end of their life too.
func Others() []Other { return loadOthers().models }

// LookupOther finds the model that is not Claude by its model ID, without a profile's prefix.
func LookupOther(id string) (Other, bool) {
	x := loadOthers()
	i, ok := x.byID[id]
	if !ok {
		return Other{}, false
	}
	return x.models[i], true
}

// LookupOtherProfile finds a system-defined inference profile of a model that is not Claude by its ID,
// whether or not the Region may call it; Destinations are nil if it may not.
func LookupOtherProfile(id, region string) (OtherProfile, bool) {
	prefix, bare, _ := strings.Cut(id, ".")
	m, ok := LookupOther(bare)
	if !ok || !slices.Contains(m.Prefixes, prefix) {
		return OtherProfile{}, false
	}
	p := OtherProfile{ID: id, Prefix: prefix, Model: m}
	if geography := load().prefixes[prefix]; slices.Contains(geography.SourceRegions, region) {
		p.Destinations = geography.DestinationRegions
	}
	return p, true
}

// OtherProfiles returns the system-defined inference profiles of other models than Claude that can be
// called from region, in catalogue order.
func OtherProfiles(region string) []OtherProfile {
	var out []OtherProfile
	for _, m := range Others() {
		if m.Lifecycle == EOL {
			continue
		}
		for _, prefix := range m.Prefixes {
			if p, _ := LookupOtherProfile(prefix+"."+m.ID, region); p.Destinations != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// Takes reports whether the model takes input of the kind: text, image, video or speech.
func (m Other) Takes(kind string) bool { return slices.Contains(m.Input, kind) }
