package claude

import (
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// interleavedBeta lets the models of Claude 4 up to 4.5 think between tools, for which the budget may be
// more than one answer has. Those before take the beta, and it changes nothing (features.json).
const interleavedBeta = "interleaved-thinking-2025-05-14"

// thinkingIsOn reports whether the model may think in its answer.
func (r *Request) thinkingIsOn(m catalog.Model) bool {
	switch r.thinking.kind {
	case "":
		return m.ThinkingDefault == "adaptive"
	case "enabled", "adaptive":
		return true
	}
	return false
}

// effortIn returns how much effort the answer gets.
func (r *Request) effortIn(m catalog.Model) string {
	if r.effort == "" {
		return m.EffortDefault
	}
	return r.effort
}

// thinkingIsTheModels: how a model thinks, and whether it can be kept from thinking, is the
// catalogue's.
func thinkingIsTheModels(r *Request, in Setting) error {
	m, kind := in.Model, r.thinking.kind
	adaptive, between := slices.Contains(m.Thinking, "adaptive"), slices.Contains(m.Thinking, "between_tools")
	switch {
	case kind == "", kind == "disabled" && m.ThinkingDisabled != catalog.Never, slices.Contains(m.Thinking, kind):
		return nil
	case kind == "adaptive":
		return refuse("thinking_adaptive")
	case kind == "disabled" && between:
		return refuse("thinking_disabled_between")
	case (kind == "disabled" || kind == "enabled") && adaptive:
		return refuse("thinking_type_adaptive", "type", kind)
	}
	return refuse("thinking_type", "type", kind)
}

// budgetFits: thinking leaves room for the answer, unless it goes on between tools.
func budgetFits(r *Request, in Setting) error {
	between := slices.Contains(r.betas, interleavedBeta) && in.Model.Released >= claude4
	if r.thinking.budget >= r.maxTokens && !in.Counting && !between {
		return refuse("budget_over")
	}
	return nil
}

// effortIsTheModels: some models know no effort, some not all of its values.
func effortIsTheModels(r *Request, in Setting) error {
	switch known := in.Model.Efforts; {
	case r.effort == "" || slices.Contains(known, r.effort):
		return nil
	case len(known) == 0:
		return refuse("effort_none")
	default:
		return refuse("effort_level", "effort", r.effort, "efforts", strings.Join(slices.Sorted(slices.Values(known)), ", "))
	}
}

// effortGoesWithThinking: above high effort a model thinks.
func effortGoesWithThinking(r *Request, in Setting) error {
	effort := r.effortIn(in.Model)
	switch {
	case effort != "xhigh" && effort != "max":
	case r.thinking.kind == "disabled" && in.Model.ThinkingDisabled == catalog.UpToHigh:
		return refuse("effort_disabled", "effort", effort)
	case r.thinking.kind == "between_tools":
		return refuse("effort_between_tools", "effort", effort)
	}
	return nil
}

// thinkingComesFirst: with a thinking budget, the assistant's side of the last exchange begins with the
// thinking that led to it, however many tools it has used since. Adaptive models ask for nothing.
func thinkingComesFirst(r *Request, _ Setting) error {
	if r.thinking.kind != "enabled" {
		return nil
	}
	var begins []block
	for _, t := range slices.Backward(r.turns) {
		if t.role == "assistant" {
			begins = t.blocks
		} else if len(t.of("tool_result")) == 0 {
			break
		}
	}
	if len(begins) == 0 || begins[0].kind() == "thinking" || begins[0].kind() == "redacted_thinking" {
		return nil
	}
	return refuse("thinking_first", "path", begins[0].path, "kind", begins[0].kind())
}

// clearedThinkingIsOn: what does not think has no thinking to clear.
func clearedThinkingIsOn(r *Request, in Setting) error {
	for _, v := range r.object.object("context_management").list("edits") {
		edit, _ := v.(map[string]any)
		if object(edit).text("type") == "clear_thinking_20251015" && !r.thinkingIsOn(in.Model) && r.thinking.kind != "between_tools" {
			return refuse("clear_thinking")
		}
	}
	return nil
}
