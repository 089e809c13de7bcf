package converse

import (
	"slices"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// Traits are what Converse takes for a model.
type Traits struct {
	MaxTokens     int // most that inferenceConfig.maxTokens may say
	DefaultTokens int // what an absent maxTokens means

	System         bool // a system prompt
	SystemMessages bool // role system in messages
	Prefill        bool // the last message may be the assistant's; Claude says for itself if not
	MixedTurns     bool // other blocks beside those of tools in one turn

	Images, Documents, Video, Audio bool
	ManyImages                      bool // more than imageLimit

	Tools, StreamedTools bool
	ToolChoices          []string // auto, any, tool
	ToolChanges          bool     // toolAddition and toolRemoval
	Reasoning            bool     // reasoningContent
	Signatures           bool     // with a signature
	Sampling             bool     // temperature, topP
	StopSequences        bool
	CachePoints          bool
}

// defaultTokens is what an absent maxTokens means for Claude. AWS documents the model's limit; the
// live service stops at 4,096 (BerriAI/litellm issue 41529, September 2026; earendil-works/pi 4871).
const defaultTokens = 4096

// OfClaude returns a Claude model's traits.
func OfClaude(m catalog.Model) Traits {
	return Traits{
		MaxTokens: m.MaxOutputTokens, DefaultTokens: min(defaultTokens, m.MaxOutputTokens),
		System: true, SystemMessages: m.SystemMessages, Prefill: true, MixedTurns: true,
		Images: true, ManyImages: true, Documents: true,
		Tools: true, StreamedTools: true, ToolChoices: []string{"auto", "any", "tool"}, ToolChanges: m.SystemMessages,
		Reasoning: true, Signatures: true, Sampling: true, StopSequences: true, CachePoints: true,
	}
}

// OfOther returns the traits of a model that is not Claude.
func OfOther(m catalog.Other) Traits {
	return Traits{
		MaxTokens: m.MaxOutputTokens, DefaultTokens: m.MaxOutputTokens,
		System: m.System, MixedTurns: m.MixedTurns,
		Images: m.Takes("image"), Documents: m.Documents, Video: m.Takes("video"), Audio: m.Takes("speech"),
		Tools: m.Tools != catalog.ToolsNever, StreamedTools: m.Tools == catalog.ToolsAlways, ToolChoices: slices.Clone(m.ToolChoices),
		Reasoning: m.Reasoning != catalog.ReasoningNever,
		Sampling:  m.Sampling, StopSequences: m.StopSequences, CachePoints: m.CacheMinTokens > 0,
	}
}
