package outcrop

import (
	"context"
	"net/http"
	"net/url"
)

// The resources of Bedrock's control plane that a Client reads.
const (
	FoundationModels  = "foundation-models"
	InferenceProfiles = "inference-profiles"
)

// Control reads a resource of Bedrock's control plane as it is: ListFoundationModels or
// ListInferenceProfiles, or with an id (model ID, profile ID or ARN) GetFoundationModel or
// GetInferenceProfile. query is passed on.
func (c *Client) Control(ctx context.Context, resource, id string, query url.Values) (*Response, error) {
	if resource != FoundationModels && resource != InferenceProfiles {
		return nil, Errorf(NotFound, "%q is not a resource that Outcrop reads", resource)
	}
	address := c.control + "/" + resource
	if id != "" {
		if err := checkModelID(id); err != nil {
			return nil, err
		}
		address += "/" + escapeSegment(id)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, Errorf(Invalid, "%q cannot be addressed", id)
	}
	u.RawQuery = query.Encode()
	p := &prepared{method: http.MethodGet, url: u, header: http.Header{"Accept": {"application/json"}}}
	var answer *Response
	attempts, err := c.try(ctx, func() (err error) {
		answer, err = c.exchange(ctx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	answer.Target, answer.Attempts = Target{Region: c.region, ModelID: id}, attempts
	return answer, nil
}
