package outcrop

import (
	"context"
	"net/http"
	"net/url"
)

// The operations of Bedrock's control plane that a Client knows.
const (
	ListFoundationModels  Operation = "ListFoundationModels"
	GetFoundationModel    Operation = "GetFoundationModel"
	ListInferenceProfiles Operation = "ListInferenceProfiles"
	GetInferenceProfile   Operation = "GetInferenceProfile"
)

// Control sends an operation of Bedrock's control plane and returns its answer as it is. id is the
// model ID, profile ID or ARN of a Get, and "" for a List; query is passed on.
func (c *Client) Control(ctx context.Context, operation Operation, id string, query url.Values) (*Response, error) {
	address := c.control
	switch operation {
	case ListFoundationModels, GetFoundationModel:
		address += "/foundation-models"
	case ListInferenceProfiles, GetInferenceProfile:
		address += "/inference-profiles"
	default:
		return nil, Errorf(NotFound, "%q is not an operation of the control plane that Outcrop knows", operation)
	}
	if operation == GetFoundationModel || operation == GetInferenceProfile {
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
	return c.whole(ctx, &prepared{
		method: http.MethodGet, url: u, header: http.Header{"Accept": {"application/json"}},
		target: Target{Region: c.region, ModelID: id},
	})
}
