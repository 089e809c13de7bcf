package catalog

import (
	_ "embed"
	"slices"
	"sync"
)

// BetaStatus is what Bedrock does with a value of anthropic_beta.
type BetaStatus string

const (
	BetaUnknown     BetaStatus = ""            // not in the catalogue
	BetaAccepted    BetaStatus = "accepted"    //
	BetaIgnored     BetaStatus = "ignored"     // generally available; the name has no effect
	BetaUnconfirmed BetaStatus = "unconfirmed" // seen, never confirmed
	BetaRefused     BetaStatus = "refused"     // fails the whole request: "invalid beta flag"
)

// A Beta is one value of the anthropic-beta header or of anthropic_beta.
type Beta struct {
	Name    string     `json:"beta"`
	Status  BetaStatus `json:"status"`
	Bedrock string     `json:"bedrock"` // Bedrock's name for the same feature, "" if it has none or the same
	Models  []string   `json:"models"`  // Model.IDs on which it is accepted; nil for all
	Note    string     `json:"note"`
}

//go:embed data/betas.json
var betasJSON []byte

var betas = sync.OnceValue(func() map[string]Beta {
	var d struct{ Betas []Beta }
	mustUnmarshal(betasJSON, &d)
	m := make(map[string]Beta, len(d.Betas))
	for _, b := range d.Betas {
		m[b.Name] = b
	}
	return m
})

// LookupBeta returns what is known of a beta. A name that the catalogue does not know has
// BetaUnknown: betas are an open list, new ones come with every client release.
func LookupBeta(name string) Beta {
	if b, ok := betas()[name]; ok {
		return b
	}
	return Beta{Name: name}
}

// RefusedBy tells whether Bedrock is known to refuse the beta for model (a Model.ID; "" if the
// model is not known, which only a beta refused everywhere is refused for).
func (b Beta) RefusedBy(model string) bool {
	if b.Status == BetaRefused {
		return true
	}
	return b.Models != nil && model != "" && !slices.Contains(b.Models, model)
}
