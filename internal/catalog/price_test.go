package catalog

import (
	"math"
	"testing"
)

// The figures are worked out by hand from the list prices in data/claude.json.
func TestCost(t *testing.T) {
	f := func(name, id string, tokens Tokens, want float64) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			got, ok := Cost(id, tokens)
			if !ok || math.Abs(got-want) > 1e-12 {
				t.Errorf("Cost(%q, %+v) = %v, %v; want %v", id, tokens, got, ok, want)
			}
		})
	}
	// Sonnet 5.5: 2 / 10, cache read 0.1, write 2.5 (5m) and 4 (1h), regional 1.1
	f("a global profile has the base price", "global.anthropic.claude-sonnet-5-5", Tokens{Input: 1000, Output: 500}, 0.002+0.005)
	f("so has its ARN", "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/global.anthropic.claude-sonnet-5-5",
		Tokens{Input: 1000, Output: 500}, 0.007)
	f("a geography's costs a tenth more", "us.anthropic.claude-sonnet-5-5", Tokens{Input: 1000, Output: 500}, 0.0077)
	f("so does an alias, which stands for one", "sonnet", Tokens{Input: 1000, Output: 500}, 0.0077)
	f("each kind of token has its price", "global.anthropic.claude-sonnet-5-5",
		Tokens{Input: 1_000_000, Output: 1_000_000, CacheRead: 1_000_000, CacheWrite5m: 1_000_000, CacheWrite1h: 1_000_000}, 2+10+0.1+2.5+4)
	// Haiku 5.5: 0.1 / 0.5, cache read 0.01; above 100,000 prompt tokens 0.5 / 2.5, cache read 0.05
	f("a long prompt is not one until it is longer than the bound", "global.anthropic.claude-haiku-5-5",
		Tokens{Input: 100_000, Output: 1000}, 0.01+0.0005)
	f("a long prompt makes the whole request dearer", "global.anthropic.claude-haiku-5-5",
		Tokens{Input: 100_001, Output: 1000}, 0.0500005+0.0025)
	f("cached tokens count for the length", "global.anthropic.claude-haiku-5-5",
		Tokens{Input: 1, CacheRead: 100_000, Output: 1000}, 0.0000005+0.005+0.0025)
	f("both at once", "us.anthropic.claude-haiku-5-5", Tokens{Input: 200_000}, 0.11)
	// Opus 4.1: 15 / 75, no regional multiplier
	f("an older model costs the same everywhere", "us.anthropic.claude-opus-4-1-20250805-v1:0", Tokens{Input: 1000, Output: 1000}, 0.09)
	f("nothing used, nothing paid", "opus", Tokens{}, 0)
}

func TestCostUnknown(t *testing.T) {
	for _, id := range []string{"us.amazon.nova-pro-v1:0", "us.anthropic.claude-opus-9",
		"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", ""} {
		if got, ok := Cost(id, Tokens{Input: 1000}); ok {
			t.Errorf("Cost(%q) = %v, want it unknown", id, got)
		}
	}
}
