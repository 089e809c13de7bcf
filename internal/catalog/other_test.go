package catalog

import (
	"slices"
	"testing"
)

func TestOthersAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Others() {
		for _, id := range append(slices.Clone(m.Aliases), m.ID) {
			if seen[id] {
				t.Errorf("%s stands twice", id)
			}
			seen[id] = true
		}
		switch {
		case m.Name == "", m.Provider == "", m.Source == "", len(m.Input) == 0:
			t.Errorf("%s is not whole: %+v", m.ID, m)
		case !slices.Contains([]Lifecycle{Active, Legacy, EOL}, m.Lifecycle):
			t.Errorf("%s: lifecycle %q", m.ID, m.Lifecycle)
		case !slices.Contains([]Kind{Text, Embedding, Speech}, m.Kind):
			t.Errorf("%s: kind %q", m.ID, m.Kind)
		case m.Kind == Text && (m.ContextTokens == 0 || m.MaxOutputTokens == 0 || m.MaxOutputTokens > m.ContextTokens):
			t.Errorf("%s: context of %d and output of %d tokens", m.ID, m.ContextTokens, m.MaxOutputTokens)
		case m.Kind == Text && !slices.Contains([]ToolUse{ToolsNever, ToolsNotStreamed, ToolsAlways}, m.Tools):
			t.Errorf("%s: tools %q", m.ID, m.Tools)
		case (m.Tools == ToolsNever || m.Kind != Text) != (len(m.ToolChoices) == 0):
			t.Errorf("%s: tools %q with choices %v", m.ID, m.Tools, m.ToolChoices)
		case m.RequiresProfile && len(m.Prefixes) == 0:
			t.Errorf("%s requires a profile and has none", m.ID)
		}
	}
}

func TestLookupOther(t *testing.T) {
	for id, want := range map[string]string{
		"amazon.nova-lite-v1:0": "Nova Lite", "openai.gpt-oss-120b": "gpt-oss-120b", "openai.gpt-oss-120b-1:0": "gpt-oss-120b",
		"us.amazon.nova-lite-v1:0": "", "anthropic.claude-opus-5-5": "", "": "",
	} {
		if m, ok := LookupOther(id); m.Name != want || ok != (want != "") {
			t.Errorf("LookupOther(%q) = %q, %t, want %q", id, m.Name, ok, want)
		}
	}
}

func TestOtherProfiles(t *testing.T) {
	ids := func(region string) (out []string) {
		for _, p := range OtherProfiles(region) {
			out = append(out, p.ID)
		}
		return out
	}
	for id, region := range map[string]string{
		"us.meta.llama4-scout-17b-instruct-v1:0": "us-east-1", "global.openai.gpt-5.6-sol": "eu-west-1", "eu.amazon.nova-pro-v1:0": "eu-west-1",
	} {
		if !slices.Contains(ids(region), id) {
			t.Errorf("OtherProfiles(%s) has no %s: %v", region, id, ids(region))
		}
	}
	if slices.Contains(ids("eu-west-1"), "us.amazon.nova-pro-v1:0") || slices.Contains(ids("us-east-1"), "us.amazon.nova-premier-v1:0") {
		t.Error("a profile of another Region, or of a model at the end of its life, is there")
	}
	if p, ok := LookupOtherProfile("us.amazon.nova-pro-v1:0", "eu-west-1"); !ok || p.Destinations != nil {
		t.Errorf("LookupOtherProfile from another Region = %+v, %t, want it without destinations", p, ok)
	}
}
