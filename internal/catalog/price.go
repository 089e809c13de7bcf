package catalog

import "strings"

// Tokens counts the tokens of one invocation as they are billed: each once, under one of the names.
type Tokens struct {
	Input        int64 // neither read from nor written to the prompt cache
	Output       int64
	CacheRead    int64
	CacheWrite5m int64
	CacheWrite1h int64
}

// prompt is the length of the prompt, which cached tokens are part of.
func (t Tokens) prompt() int64 { return t.Input + t.CacheRead + t.CacheWrite5m + t.CacheWrite1h }

// Cost returns what an invocation of id costs in US dollars by the list prices: id is what was
// called, a model ID, inference profile ID or ARN. Global inference profiles have the base price,
// every other way the model's regional multiplier on top. ok is false if the catalogue does not know
// the model or its prices: an unknown price is not a price of nothing.
func Cost(id string, t Tokens) (dollars float64, ok bool) {
	m, known := Lookup(id)
	if !known || m.Prices.Output == 0 {
		return 0, false
	}
	p := m.Prices
	if long := p.LongPrompt; long != nil && t.prompt() > int64(long.AbovePromptTokens) {
		p = long.Prices
	}
	perMillion := float64(t.Input)*p.Input + float64(t.Output)*p.Output + float64(t.CacheRead)*p.CacheRead +
		float64(t.CacheWrite5m)*p.CacheWrite5m + float64(t.CacheWrite1h)*p.CacheWrite1h
	if !isGlobal(id) && m.RegionalMultiplier > 0 {
		perMillion *= m.RegionalMultiplier
	}
	return perMillion / 1e6, true
}

// isGlobal reports whether id is a global inference profile, or its ARN.
func isGlobal(id string) bool {
	if strings.HasPrefix(id, "arn:") {
		_, id, _ = cutLast(id, "/")
	}
	return strings.HasPrefix(id, "global.")
}
