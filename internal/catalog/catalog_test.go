package catalog

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	f := func(name, id, region, want string) {
		t.Run(name, func(t *testing.T) {
			got, err := Resolve(id, region)
			if err != nil || got != want {
				t.Errorf("Resolve(%q, %q) = %q, %v; want %q", id, region, got, err, want)
			}
		})
	}
	f("an alias takes the geography's profile", "opus", "us-east-1", "us.anthropic.claude-opus-5-5")
	f("a dated first-party ID", "claude-haiku-4-5-20251001", "eu-west-1", "eu.anthropic.claude-haiku-4-5-20251001-v1:0")
	f("an undated one", "claude-sonnet-4-5", "us-west-2", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
	f("Canada calls the us profile", "claude-opus-5-5", "ca-central-1", "us.anthropic.claude-opus-5-5")
	f("Tokyo has jp, not apac", "claude-opus-5-5", "ap-northeast-1", "jp.anthropic.claude-opus-5-5")
	f("an older model in Tokyo still has apac", "claude-sonnet-4-20250514", "ap-northeast-1", "apac.anthropic.claude-sonnet-4-20250514-v1:0")
	f("Sydney has au", "claude-haiku-4-5", "ap-southeast-2", "au.anthropic.claude-haiku-4-5-20251001-v1:0")
	f("a Region without a geography has global", "claude-opus-5-5", "sa-east-1", "global.anthropic.claude-opus-5-5")
	f("GovCloud", "claude-sonnet-4-5", "us-gov-west-1", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0")
	f("the long-context mark comes off", "claude-sonnet-4-5[1m]", "us-east-1", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
	f("a Bedrock ID stays", "eu.anthropic.claude-opus-5-5", "us-east-1", "eu.anthropic.claude-opus-5-5")
	f("an ARN stays", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", "us-east-1",
		"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc")
	f("another vendor's ID stays", "us.amazon.nova-pro-v1:0", "us-east-1", "us.amazon.nova-pro-v1:0")
	f("a model that needs no profile falls back to its model ID", "claude-3-5-haiku-20241022", "eu-west-1", "anthropic.claude-3-5-haiku-20241022-v1:0")
}

func TestResolveErrors(t *testing.T) {
	if _, err := Resolve("gpt-9", "us-east-1"); !errors.Is(err, ErrUnknownModel) {
		t.Errorf("Resolve(gpt-9) = %v, want ErrUnknownModel", err)
	}
	_, err := Resolve("claude-fable-5-2", "eu-west-1")
	if !errors.Is(err, ErrNoProfile) || !strings.Contains(err.Error(), "us-east-1") {
		t.Errorf("Resolve(claude-fable-5-2, eu-west-1) = %v, want ErrNoProfile naming where it is callable", err)
	}
}

func TestLookupTakesEveryFormOfAName(t *testing.T) {
	for _, id := range []string{
		"haiku-4-5-does-not-exist", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
		"arn:aws:bedrock", "", ".", "us.", "xx.anthropic.claude-opus-5-5",
	} {
		if m, ok := Lookup(id); ok {
			t.Errorf("Lookup(%q) = %s, want none", id, m.ID)
		}
	}
	for _, id := range []string{
		"claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5-latest",
		"anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-haiku-4-5-20251001-v1", "anthropic.claude-haiku-4-5",
		"jp.anthropic.claude-haiku-4-5-20251001-v1:0", "kr.anthropic.claude-haiku-4-5-20251001-v1:0",
		"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
		"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
	} {
		if m, ok := Lookup(id); !ok || m.ID != "claude-haiku-4-5" {
			t.Errorf("Lookup(%q) = %q, %v; want claude-haiku-4-5", id, m.ID, ok)
		}
	}
}

func TestProfilesAreCallableAndAlive(t *testing.T) {
	ps := Profiles("us-east-1")
	if len(ps) == 0 {
		t.Fatal("Profiles(us-east-1) is empty")
	}
	for _, p := range ps {
		if p.Model.Lifecycle == EOL {
			t.Errorf("Profiles has %s, which has reached its end of life", p.ID)
		}
		if p.Prefix != "us" && p.Prefix != "global" {
			t.Errorf("Profiles(us-east-1) has %s", p.ID)
		}
		if slices.Contains(p.Destinations, "ca-central-1") && p.Prefix == "us" {
			t.Errorf("%s lists ca-central-1, a source Region only", p.ID)
		}
		if got, ok := Lookup(p.ID); !ok || got.ID != p.Model.ID {
			t.Errorf("Lookup(%q) = %q, %v; want %s", p.ID, got.ID, ok, p.Model.ID)
		}
	}
	if ps := Profiles("nowhere-1"); ps != nil {
		t.Errorf("Profiles(nowhere-1) = %v, want none", ps)
	}
}

func TestModelsAreWhole(t *testing.T) {
	for _, m := range Claude() {
		if m.ID == "" || m.Name == "" || !strings.HasPrefix(m.BedrockID, "anthropic.claude-") || len(m.Prefixes) == 0 ||
			m.ContextTokens < 200000 || m.MaxOutputTokens == 0 || m.CacheMinTokens == 0 || len(m.CacheTTLs) == 0 && m.Lifecycle != EOL ||
			!slices.Contains(m.AnthropicVersions, "bedrock-2023-05-31") || m.Released == "" ||
			(m.ThinkingDefault == "adaptive") && !slices.Contains(m.Thinking, "adaptive") {
			t.Errorf("%+v lacks something", m)
		}
	}
}

func TestBetas(t *testing.T) {
	f := func(name, model string, want bool) {
		if got := LookupBeta(name).RefusedBy(model); got != want {
			t.Errorf("LookupBeta(%q).RefusedBy(%q) = %v, want %v", name, model, got, want)
		}
	}
	f("interleaved-thinking-2025-05-14", "claude-opus-5-5", false)
	f("files-api-2025-04-14", "", true)
	f("brand-new-2027-01-01", "claude-opus-5-5", false)
	f("mid-conversation-output-config-2026-07-01", "claude-opus-5-5", false)
	f("mid-conversation-output-config-2026-07-01", "claude-sonnet-5", true)
	f("mid-conversation-output-config-2026-07-01", "", false)
	if got := LookupBeta("advanced-tool-use-2025-11-20").Bedrock; got != "tool-search-tool-2025-10-19" {
		t.Errorf("Bedrock's name of advanced-tool-use is %q", got)
	}
}
