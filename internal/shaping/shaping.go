// Package shaping fits a request to what the model on a target accepts: the API version and the
// betas of an InvokeModel body for Claude.
//
// It changes only what is known to be refused, and says what it left out. Everything else passes:
// fields and betas are open lists, new ones come with every client release. A member that it decides
// by is there once afterwards, or not at all, so that Bedrock decides by the same.
package shaping

import (
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

const (
	// baseVersion is the one anthropic_version that every Claude model on Bedrock takes.
	baseVersion = "bedrock-2023-05-31"
	// version2026 is taken by Claude 4.7 and later, and is what Anthropic's SDKs of October 2026
	// and later send to every model.
	version2026 = "2026-10-21"
)

// Request is what is shaped: an InvokeModel body and what the client said beside it.
type Request struct {
	ModelID string           // as it goes into the path: model ID, inference profile ID or ARN
	Body    *jsonedit.Object // edited in place
	Version string           // anthropic-version header, "" if there was none
	Betas   []string         // anthropic-beta header values
}

// Shape edits r.Body for r.ModelID and returns what it left out, each as "beta NAME". A body of
// another vendor's model is left alone.
func Shape(r Request) (leftOut []string) {
	model, known := catalog.Lookup(r.ModelID)
	if !known && !speaksMessages(r) {
		return nil
	}
	setVersion(r, model, known)
	return mergeBetas(r, model.ID)
}

// speaksMessages tells whether a model that the catalogue does not know is asked in Claude's
// terms: a Claude ID newer than the catalogue, or an application inference profile, whose ARN does
// not say what it wraps.
func speaksMessages(r Request) bool {
	_, versioned := r.Body.Get("anthropic_version")
	return versioned || r.Version != "" || strings.Contains(r.ModelID, "anthropic.claude")
}

// setVersion puts in the anthropic_version that the model takes where the body has none, or has
// the one that the model is too old for. Any other value is Bedrock's to judge.
func setVersion(r Request, model catalog.Model, known bool) {
	asked := r.Version
	raw, inBody := r.Body.Get("anthropic_version")
	if inBody {
		r.Body.Set("anthropic_version", raw) // of several the one that is looked at
		asked, _ = jsonedit.String(raw)
		if asked != version2026 {
			return
		}
	}
	version := baseVersion
	if asked == version2026 && (!known || slices.Contains(model.AnthropicVersions, version2026)) {
		version = version2026
	}
	if !inBody || version != asked {
		r.Body.Set("anthropic_version", jsonedit.AppendString(nil, version))
	}
}

// mergeBetas joins the betas of header and body, under Bedrock's names and without those that
// Bedrock is known to refuse, since one of them would fail the whole request. The body is touched
// only if that changes something.
func mergeBetas(r Request, model string) (leftOut []string) {
	raw, inBody := r.Body.Get("anthropic_beta")
	if inBody {
		r.Body.Set("anthropic_beta", raw) // of several the one that is looked at
	}
	inBody = inBody && string(raw) != "null"
	var asked []string
	if inBody {
		var ok bool
		if asked, ok = stringsIn(raw); !ok {
			return nil // not an array of strings: Bedrock says so better
		}
	}
	kept := make([]string, 0, len(asked)+len(r.Betas))
	for _, name := range slices.Concat(asked, r.Betas) {
		accepted, ok := accept(name, model)
		if !ok {
			leftOut = append(leftOut, "beta "+name)
		} else if !slices.Contains(kept, accepted) {
			kept = append(kept, accepted)
		}
	}
	switch {
	case slices.Equal(kept, asked):
	case len(kept) == 0:
		r.Body.Delete("anthropic_beta")
	default:
		r.Body.Set("anthropic_beta", appendStrings(nil, kept))
	}
	return leftOut
}

// accept returns the name under which Bedrock takes a beta for a model.
func accept(name, model string) (string, bool) {
	beta := catalog.LookupBeta(name)
	if beta.Bedrock != "" {
		beta = catalog.LookupBeta(beta.Bedrock)
	}
	return beta.Name, !beta.RefusedBy(model)
}

func stringsIn(raw []byte) ([]string, bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	var out []string
	for element := range jsonedit.Elements(raw) {
		s, ok := jsonedit.String(element)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonedit.AppendString(dst, s)
	}
	return append(dst, ']')
}
