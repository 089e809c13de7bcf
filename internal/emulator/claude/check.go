package claude

import (
	"slices"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// A Setting is where a request is to be answered.
type Setting struct {
	Model         catalog.Model
	Account       string // AWS account ID; thinking signatures and the prompt cache are bound to it
	DataRetention string // the account's mode: default, aws_review or provider_data_share; "" for one that every model takes
	Counting      bool   // for CountTokens
	Converse      bool   // translated from Converse, which has content that InvokeModel has not
}

// rules are what a request has to keep beyond its shape, first come, first named: whether it may be
// sent at all, then subject by subject, each in its file.
var rules = []func(*Request, Setting) error{
	accountMayUse, versionIsTheModels, betasAreTaken, membersAreOpen, maxTokensAreInBounds, stopsAreVisible,
	// roles.go
	firstIsTheUsers, systemStandsWhereItMay, outputConfigStandsWithSystem, blocksStandWithTheirRole, contentIsThere, textIsThere,
	// toolrules.go
	toolTypesAreTheModels, toolNamesAreUnique, schemasAreSound, strictSchemasAreClosed, someToolIsLoaded, deferredToolsAreUncached,
	choiceHasItsTool, choiceIsTheModels,
	// pairing.go
	callsAreUnique, callsHaveResults, resultsHaveCalls, serverResultsHaveCalls, referencesHaveTools,
	// thinkingrules.go
	thinkingIsTheModels, budgetFits, effortIsTheModels, effortGoesWithThinking, thinkingComesFirst, clearedThinkingIsOn, signaturesAreOurs,
	// sampling.go
	samplingIsTheModels, samplingGoesWithThinking, lastIsTheUsers, prefillIsVisible, formatIsClosed,
	// caching.go
	cachedTextIsThere, breakpointsAreFew, ttlsAreTheModels, ttlsFall,
	// medialimits.go
	imagesAreFew, imagesAreSmall, pagesAreFew,
}

// When the first models of these versions of Claude were released, with whom rules changed.
const (
	claude4  = "2025-05-22"
	claude45 = "2025-09-29"
	claude46 = "2026-02-05"
)

// longContextBeta gives Sonnet 4 and 4.5 a context of a million tokens, as later ones have without it.
const (
	longContextBeta   = "context-1m-2025-08-07"
	longContextTokens = 1_000_000
)

// longOutputBeta gives Claude 3.7 Sonnet answers of 128,000 tokens.
const (
	longOutputBeta   = "output-128k-2025-02-19"
	longOutputTokens = 128_000
)

// version2026 is the anthropic_version that only the models of 4.7 and later take.
const version2026 = "2026-10-21"

// clientBeta is in the bodies of Claude Code's CountTokens calls, which Bedrock answers, but is no
// beta of InvokeModel's.
const clientBeta = "claude-code-20250219"

// Check holds a request to the rules that depend on where it is answered. The error is a *Refusal.
func (r *Request) Check(in Setting) error {
	for _, rule := range rules {
		if err := rule(r, in); err != nil {
			return err
		}
	}
	return nil
}

// accountMayUse: Fable and Mythos need a data retention mode (models-claude.json).
func accountMayUse(_ *Request, in Setting) error {
	if in.Model.DataRetention && in.DataRetention == "default" {
		return refuse("data_retention", "mode", in.DataRetention)
	}
	return nil
}

// versionIsTheModels: 2026-10-21 is taken from 4.7 on only.
func versionIsTheModels(r *Request, in Setting) error {
	if !slices.Contains(in.Model.AnthropicVersions, r.version) {
		return refuse("version_invalid", "version", r.version)
	}
	return nil
}

// betasAreTaken: one beta that is unknown, not on Bedrock or not the model's fails the request
// (features.json). Those that nobody has confirmed are taken.
func betasAreTaken(r *Request, in Setting) error {
	for _, name := range r.betas {
		if in.Counting && name == clientBeta {
			continue
		}
		if b := catalog.LookupBeta(name); b.Status == catalog.BetaUnknown || b.RefusedBy(in.Model.ID) {
			return refuse("beta_invalid")
		}
	}
	return nil
}

// membersAreOpen: some members and kinds of content need a beta, or are some models' only.
func membersAreOpen(r *Request, in Setting) error {
	for _, g := range r.gated {
		if !g.open(r, in) {
			return g.refusal()
		}
	}
	return nil
}

func maxTokensAreInBounds(r *Request, in Setting) error {
	limit := in.Model.MaxOutputTokens
	if in.Model.ID == "claude-3-7-sonnet" && slices.Contains(r.betas, longOutputBeta) {
		limit = longOutputTokens
	}
	if r.maxTokens > limit {
		return refuse("max_tokens_over", "tokens", r.maxTokens, "limit", limit, "model", in.Model.FirstPartyID)
	}
	return nil
}

// contextTokens is how long a prompt the request may have.
func contextTokens(r *Request, m catalog.Model) int {
	if m.Family == "sonnet" && m.Released >= claude4 && slices.Contains(r.betas, longContextBeta) {
		return max(m.ContextTokens, longContextTokens)
	}
	return m.ContextTokens
}

// CheckLength refuses a prompt that is longer than the model's context or, of models that would not
// stop there by themselves, leaves no room for max_tokens.
func (r *Request) CheckLength(in Setting, p *Prompt) error {
	switch tokens, limit := p.Tokens(), contextTokens(r, in.Model); {
	case tokens > limit:
		return refuse("prompt_too_long", "tokens", tokens, "limit", limit)
	case tokens+r.maxTokens > limit && !in.Counting && !r.stopsAtContext(in.Model):
		return refuse("context_exceeded", "tokens", tokens, "max_tokens", r.maxTokens, "limit", limit)
	}
	return nil
}

// stopsAtContext reports whether an answer ends where the context does, with the stop reason
// model_context_window_exceeded: from Claude 4.5 on, before with a beta (Anthropic, handling stop
// reasons).
func (r *Request) stopsAtContext(m catalog.Model) bool {
	return m.Released >= claude45 || slices.Contains(r.betas, "model-context-window-exceeded-2025-08-26")
}
