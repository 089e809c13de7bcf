package claude

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// leastTopP is the smallest top_p with which a model thinks.
const leastTopP = 0.95

// samplingIsTheModels: from 4.7 on models take default values only, and none with anthropic_version
// 2026-10-21; Opus 4.1, the 4.5s and the 4.6s take temperature or top_p.
func samplingIsTheModels(r *Request, in Setting) error {
	for _, name := range []string{"temperature", "top_p", "top_k"} {
		switch {
		case !r.object.has(name):
		case r.version == version2026:
			return refuse("sampling_version", "member", name)
		case in.Model.Sampling == catalog.SamplingDefault && !r.isOne(name):
			return refuse("sampling_deprecated", "member", name)
		}
	}
	if in.Model.Sampling == catalog.SamplingOneOf && r.object.has("temperature") && r.object.has("top_p") {
		return refuse("sampling_both")
	}
	return nil
}

// isOne reports whether a member is 1, which is the default of temperature and top_p; top_k has none.
func (r *Request) isOne(name string) bool {
	return name != "top_k" && r.fraction(name) == 1
}

func (r *Request) fraction(name string) float64 {
	n, _ := r.object[name].(json.Number)
	f, _ := n.Float64()
	return f
}

// samplingGoesWithThinking: who thinks samples by default, but for top_p near one.
func samplingGoesWithThinking(r *Request, in Setting) error {
	switch {
	case !r.thinkingIsOn(in.Model):
	case r.object.has("temperature") && !r.isOne("temperature"):
		return refuse("thinking_temperature")
	case r.object.has("top_k"):
		return refuse("thinking_top_k")
	case r.object.has("top_p") && r.fraction("top_p") < leastTopP:
		return refuse("thinking_top_p")
	}
	return nil
}

// prefilled reports whether the conversation ends with the beginning of the answer.
func (r *Request) prefilled() bool {
	n := len(r.turns)
	return n > 0 && r.turns[n-1].role == "assistant"
}

// lastIsTheUsers: from 4.6 on an answer cannot be begun, and never one that has a format.
func lastIsTheUsers(r *Request, in Setting) error {
	switch {
	case !r.prefilled():
	case !in.Model.Prefill:
		return refuse("prefill")
	case r.schema != nil:
		return refuse("prefill_format")
	}
	return nil
}

// prefillIsVisible: the beginning of an answer does not end with white space.
func prefillIsVisible(r *Request, _ Setting) error {
	if !r.prefilled() {
		return nil
	}
	if s := lastText(r.turns[len(r.turns)-1]); s != strings.TrimRightFunc(s, unicode.IsSpace) {
		return refuse("prefill_blank")
	}
	return nil
}

// formatIsClosed: an answer's schema leaves no members open.
func formatIsClosed(r *Request, _ Setting) error {
	switch {
	case r.schema == nil:
	case !soundSchema(r.schema):
		return refuse("schema_invalid", "path", "output_config.format.schema")
	case !closedSchema(r.schema):
		return refuse("schema_open", "path", "output_config.format.schema")
	}
	return nil
}
