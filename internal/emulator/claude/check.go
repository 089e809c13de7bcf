package claude

import (
	"fmt"
	"slices"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// A Setting is where a request is to be answered.
type Setting struct {
	Model    catalog.Model
	Account  string // AWS account ID; thinking signatures and the prompt cache are bound to it
	Counting bool   // for CountTokens
}

// rules are what a request has to keep beyond its shape, first come, first named.
var rules = []func(*Request, Setting) error{
	versionIsTheModels,
	betasAreTaken,
	automaticCachingIsTaken,
	breakpointsAreFew,
	signaturesAreOurs,
}

// refusedMembers are the top-level members of Anthropic's API, or of its clients, that are surely not
// in Bedrock's schema (Anthropic's platform availability table, November 2026; model and stream stand
// in the path there). All other unknown members are accepted.
var refusedMembers = []string{
	"model", "stream", "safeguards", "service_tier", "inference_geo", "fallbacks", "container", "mcp_servers",
	"speed", "tags", "betas", "user_profile_id",
}

const extraInputs = "Extra inputs are not permitted"

// breakpointLimit is how many blocks may carry cache_control.
const breakpointLimit = 4

// longContextBeta gives the older Sonnets a context of a million tokens.
const (
	longContextBeta   = "context-1m-2025-08-07"
	longContextTokens = 1_000_000
)

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

func refuseMembers(o object) error {
	for _, name := range refusedMembers {
		if _, ok := o[name]; ok {
			return refuse(name, extraInputs)
		}
	}
	return nil
}

// versionIsTheModels: 2026-10-21 is taken from 4.7 on only.
func versionIsTheModels(r *Request, in Setting) error {
	if !slices.Contains(in.Model.AnthropicVersions, r.version) {
		return &Refusal{"Invalid API version: " + r.version}
	}
	return nil
}

func betasAreTaken(r *Request, in Setting) error {
	for _, name := range r.betas {
		if in.Counting && name == clientBeta {
			continue
		}
		if catalog.LookupBeta(name).RefusedBy(in.Model.ID) {
			return &Refusal{"invalid beta flag"}
		}
	}
	return nil
}

// automaticCachingIsTaken: up to 4.6 a cache_control beside messages is an unknown member.
func automaticCachingIsTaken(r *Request, in Setting) error {
	if r.autoCache != nil && !since47(in.Model) {
		return refuse("cache_control", extraInputs)
	}
	return nil
}

// since47 reports whether the model is of 4.7 or later, of which several rules change: those are the
// models that take more than one anthropic_version.
func since47(m catalog.Model) bool { return len(m.AnthropicVersions) > 1 }

func breakpointsAreFew(r *Request, _ Setting) error {
	n := 0
	for _, t := range r.tools {
		if t.cache != nil {
			n++
		}
	}
	for b := range r.blocks() {
		n += len(b.breakpoints())
	}
	if r.autoCache != nil {
		n++
	}
	if n > breakpointLimit {
		return &Refusal{fmt.Sprintf("A maximum of %d blocks with cache_control may be provided. Found %d.", breakpointLimit, n)}
	}
	return nil
}

// CheckLength refuses a prompt that is longer than the model's context.
func (r *Request) CheckLength(m catalog.Model, p *Prompt) error {
	limit := m.ContextTokens
	if m.Family == "sonnet" && slices.Contains(r.betas, longContextBeta) {
		limit = max(limit, longContextTokens)
	}
	if p.Tokens() > limit {
		return &Refusal{fmt.Sprintf("prompt is too long: %d tokens > %d maximum", p.Tokens(), limit)}
	}
	return nil
}
