package anthropic

import (
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// model is one entry of Anthropic's Models API, with the limits that its newer versions tell.
type model struct {
	Type           string `json:"type"`
	ID             string `json:"id"`
	DisplayName    string `json:"display_name"`
	CreatedAt      string `json:"created_at"`
	MaxInputTokens int    `json:"max_input_tokens"`
	MaxTokens      int    `json:"max_tokens"`
}

type modelList struct {
	Data    []model `json:"data"`
	HasMore bool    `json:"has_more"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
}

// Models answers GET /v1/models, or with an id GET /v1/models/{id}: the Claude models of the
// catalogue that can be called from region, by their first-party names. query may have limit,
// after_id and before_id. The error is an *outcrop.Error.
func Models(region, id string, query url.Values) ([]byte, error) {
	all := callable(region)
	if id != "" {
		m, known := catalog.Lookup(id)
		i := indexOf(all, m.FirstPartyID)
		if !known || i < 0 {
			return nil, outcrop.Errorf(outcrop.NotFound, "model: %.200q is not one that can be called from %s", id, region)
		}
		return json.Marshal(all[i])
	}
	page, err := paginate(all, query)
	if err != nil {
		return nil, err
	}
	return json.Marshal(page)
}

// callable lists the models that have an inference profile in region.
func callable(region string) []model {
	var out []model
	for _, p := range catalog.Profiles(region) {
		m := p.Model
		if indexOf(out, m.FirstPartyID) >= 0 {
			continue
		}
		out = append(out, model{
			Type: "model", ID: m.FirstPartyID, DisplayName: m.Name, CreatedAt: timestamp(m.Released),
			MaxInputTokens: m.ContextTokens, MaxTokens: m.MaxOutputTokens,
		})
	}
	return out
}

// timestamp makes RFC 3339 of a date, or of a year and month.
func timestamp(date string) string {
	if len(date) == len("2006-01") {
		date += "-01"
	}
	return date + "T00:00:00Z"
}

func paginate(all []model, query url.Values) (modelList, error) {
	limit := 20 // Anthropic's default; at most 1000
	if s := query.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 1000 {
			return modelList{}, outcrop.Errorf(outcrop.Invalid, "limit: Input should be an integer from 1 to 1000")
		}
		limit = n
	}
	if id := query.Get("after_id"); id != "" {
		all = all[indexOf(all, id)+1:]
	}
	more := len(all) > limit
	if id := query.Get("before_id"); id != "" {
		if i := indexOf(all, id); i >= 0 {
			all = all[:i]
		}
		more = len(all) > limit
		all = all[max(0, len(all)-limit):]
	}
	page := modelList{Data: append([]model{}, all[:min(limit, len(all))]...), HasMore: more}
	if n := len(page.Data); n > 0 {
		page.FirstID, page.LastID = &page.Data[0].ID, &page.Data[n-1].ID
	}
	return page, nil
}

func indexOf(list []model, id string) int {
	for i := range list {
		if list[i].ID == id {
			return i
		}
	}
	return -1
}
