package outcrop

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// Bedrock Runtime service model, InvokeModelIdentifier: at most 2048 characters of a pattern whose
// alternatives fall into two, here anchored at both ends: ARNs, and bare IDs (all within the
// loosest).
var (
	barePattern = regexp.MustCompile(`^[a-zA-Z0-9:._-]+$`)
	arnPattern  = regexp.MustCompile(`^(?:` +
		`arn:aws(-[^:/]+)?:bedrock:[a-z0-9-]{1,20}:(` +
		`[0-9]{12}:custom-model/[a-z0-9-]{1,63}[.][a-z0-9-]{1,63}/[a-z0-9]{12}` +
		`|:foundation-model/[a-z0-9-]{1,63}[.][a-z0-9-]{1,63}([.:]?[a-z0-9-]{1,63})*` +
		`|[0-9]{12}:(imported-model|provisioned-model|custom-model-deployment)/[a-z0-9]{12}` +
		`|[0-9]{12}:(inference-profile|application-inference-profile|prompt-router|default-prompt-router)/[a-zA-Z0-9:.-]+` +
		`|[0-9]{12}:prompt/[0-9a-zA-Z]{10}(:[0-9]{1,5})?)` +
		`|arn:aws(-[^:/]+)?:sagemaker:[a-z0-9-]+:[0-9]{12}:endpoint/[a-zA-Z0-9-]+` +
		`)$`)
)

const maxModelID = 2048

// checkModelID holds a model ID to AWS's published form before anything is signed for it: an ID
// from outside must not be able to steer a signed request to another path.
func checkModelID(id string) error {
	switch {
	case id == "":
		return Errorf(Invalid, "model: a model is required")
	case len(id) > maxModelID:
		return Errorf(Invalid, "model: has %d characters; Bedrock takes at most %d", len(id), maxModelID)
	case strings.HasPrefix(id, "arn:") && !arnPattern.MatchString(id),
		!strings.HasPrefix(id, "arn:") && !barePattern.MatchString(id):
		return Errorf(Invalid, "model: %.200q is not a model ID, inference profile ID or ARN of Bedrock's", id)
	}
	for segment := range strings.SplitSeq(id, "/") {
		if strings.Trim(segment, ".") == "" {
			return Errorf(Invalid, "model: %.200q has a segment of dots only", id)
		}
	}
	return nil
}

// escapeSegment encodes all but unreserved characters, so that an ID is one path segment; AWS's
// SDKs do the same.
func escapeSegment(id string) string { return strings.ReplaceAll(url.QueryEscape(id), "+", "%20") }

// modelID returns what goes into the path of inv: Resolve's answer for the Client's Region; the
// bare model ID for CountTokens, which takes no inference profile.
func (c *Client) modelID(inv *Invocation) (string, error) {
	id, err := c.Resolve(inv.Model)
	if err != nil {
		return "", err
	}
	if inv.Operation == CountTokens {
		if m, ok := catalog.Lookup(id); ok {
			id = m.BedrockID
		}
	}
	return id, nil
}

// Resolve returns the model ID, inference profile ID or ARN that a call for model goes to from the
// Client's Region; through a gateway model as it is. The error is an *Error of kind Invalid or NotFound.
func (c *Client) Resolve(model string) (string, error) {
	if err := checkModelID(strings.TrimSuffix(model, "[1m]")); err != nil {
		return "", err
	}
	if c.gateway {
		return strings.TrimSuffix(model, "[1m]"), nil
	}
	id, err := catalog.Resolve(model, c.region)
	switch {
	case errors.Is(err, catalog.ErrUnknownModel):
		return "", Errorf(NotFound, "model: %q is not known; use a Bedrock model ID or inference profile ID, or one of %s",
			model, strings.Join(aliases(), ", "))
	case err != nil:
		return "", Errorf(NotFound, "model: %w", err)
	}
	return id, nil
}

func aliases() []string {
	var out []string
	for _, m := range catalog.Claude() {
		out = append(out, m.Aliases...)
	}
	return out
}
