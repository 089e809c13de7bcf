package emulator_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

type modelSummary struct {
	ModelARN, ModelID, ModelName, ProviderName string
	InputModalities, OutputModalities          []string
	ResponseStreamingSupported                 bool
	InferenceTypesSupported                    []string
	ModelLifecycle                             struct{ Status, StartOfLifeTime string }
}

type profile struct {
	InferenceProfileName, Description, CreatedAt, UpdatedAt, InferenceProfileARN string
	InferenceProfileID, Status, Type                                             string
	Models                                                                       []struct{ ModelARN string }
}

func (b *bedrock) models(query string) []modelSummary {
	b.t.Helper()
	var out struct{ ModelSummaries []modelSummary }
	b.call(http.MethodGet, "/foundation-models"+query, "").decode(b.t, &out)
	return out.ModelSummaries
}

func (b *bedrock) profiles(query string) (ids []string, next string) {
	b.t.Helper()
	var out struct {
		InferenceProfileSummaries []profile
		NextToken                 string
	}
	b.call(http.MethodGet, "/inference-profiles"+query, "").decode(b.t, &out)
	for _, p := range out.InferenceProfileSummaries {
		ids = append(ids, p.InferenceProfileID)
	}
	return ids, out.NextToken
}

func TestFoundationModels(t *testing.T) {
	b := start(t, emulator.Config{})
	all := b.models("")
	at := slices.IndexFunc(all, func(m modelSummary) bool { return m.ModelID == "anthropic.claude-opus-5-5" })
	if at < 0 {
		t.Fatalf("ListFoundationModels has no Opus 5.5: %+v", all)
	}
	want := modelSummary{
		ModelARN: "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5-5", ModelID: "anthropic.claude-opus-5-5",
		ModelName: "Claude Opus 5.5", ProviderName: "Anthropic", InputModalities: []string{"TEXT", "IMAGE"}, OutputModalities: []string{"TEXT"},
		ResponseStreamingSupported: true, InferenceTypesSupported: []string{"INFERENCE_PROFILE"},
	}
	want.ModelLifecycle.Status, want.ModelLifecycle.StartOfLifeTime = "ACTIVE", "2026-09-22T00:00:00Z"
	if diff := cmp.Diff(want, all[at]); diff != "" {
		t.Errorf("Opus 5.5, -want +got:\n%s", diff)
	}
	for _, id := range []string{"anthropic.claude-opus-5-5", "anthropic.claude-opus-4-1-20250805-v1%3A0", "arn:aws:bedrock:us-east-1::foundation-model%2Fanthropic.claude-opus-5-5"} {
		var got struct{ ModelDetails modelSummary }
		b.call(http.MethodGet, "/foundation-models/"+id, "").decode(t, &got)
		plain, _ := url.PathUnescape(id)
		if !strings.HasSuffix(plain, got.ModelDetails.ModelID) || got.ModelDetails.ModelID == "" {
			t.Errorf("GetFoundationModel of %s: got %+v", plain, got.ModelDetails)
		}
		if legacy := strings.Contains(id, "4-1"); (got.ModelDetails.ModelLifecycle.Status == "LEGACY") != legacy {
			t.Errorf("GetFoundationModel of %s: got status %s", plain, got.ModelDetails.ModelLifecycle.Status)
		}
	}
	for _, m := range all {
		if strings.Contains(m.ModelID, "claude-3-") {
			t.Errorf("ListFoundationModels has %s, which is at the end of its life", m.ModelID)
		}
	}
	b.call(http.MethodGet, "/foundation-models/nope", "").wantError(t, 400, "ValidationException", "1 validation error detected: Value 'nope' at 'modelIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ")
	for _, id := range []string{"anthropic.nope", opus} {
		b.call(http.MethodGet, "/foundation-models/"+id, "").wantError(t, 400, "ValidationException", "The provided model identifier is invalid.")
	}
	b.call(http.MethodGet, "/foundation-models/anthropic.claude-3-haiku-20240307-v1:0", "").wantError(t, 404, "ResourceNotFoundException", "This model version has reached the end of its life.")
}

func TestFoundationModelFilters(t *testing.T) {
	b := start(t, emulator.Config{})
	all := b.models("")
	count := func(is func(modelSummary) bool) (n int) {
		for _, m := range all {
			if is(m) {
				n++
			}
		}
		return n
	}
	claude := count(func(m modelSummary) bool { return m.ProviderName == "Anthropic" })
	for query, want := range map[string]int{
		"?byProvider=anthropic":        claude,
		"?byProvider=Amazon":           count(func(m modelSummary) bool { return m.ProviderName == "Amazon" }),
		"?byProvider=nobody":           0,
		"?byOutputModality=TEXT":       count(func(m modelSummary) bool { return slices.Contains(m.OutputModalities, "TEXT") }),
		"?byOutputModality=EMBEDDING":  1,
		"?byOutputModality=IMAGE":      0,
		"?byInferenceType=PROVISIONED": 0, "?byCustomizationType=FINE_TUNING": 0, "?byProvider=Anthropic&byOutputModality=TEXT": claude,
	} {
		if got := len(b.models(query)); got != want {
			t.Errorf("ListFoundationModels%s: got %d models, want %d", query, got, want)
		}
	}
	b.call(http.MethodGet, "/foundation-models?byInferenceType=x", "").wantError(t, 400, "ValidationException", "1 validation error detected: Value 'x' at 'byInferenceType'")
	if claude < 10 || len(all) < claude+60 {
		t.Errorf("got %d models, %d of them Claude's", len(all), claude)
	}
}

func TestInferenceProfiles(t *testing.T) {
	b := start(t, emulator.Config{ApplicationProfiles: []emulator.ApplicationProfile{{ID: "abc123def456", Name: "team", Source: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/" + opus}}})
	all, next := b.profiles("")
	system, _ := b.profiles("?type=SYSTEM_DEFINED")
	own, _ := b.profiles("?type=APPLICATION")
	if next != "" || !slices.Equal(all, append(slices.Clone(system), "abc123def456")) || !slices.Equal(own, []string{"abc123def456"}) {
		t.Errorf("got all %v, system %v, own %v", all, system, own)
	}
	for _, id := range []string{opus, "global.anthropic.claude-opus-5-5", haiku} {
		if !slices.Contains(system, id) {
			t.Errorf("ListInferenceProfiles has no %s: %v", id, system)
		}
	}
	if slices.ContainsFunc(system, func(id string) bool { return strings.HasPrefix(id, "eu.") }) {
		t.Errorf("ListInferenceProfiles of us-east-1 has profiles of eu: %v", system)
	}
	b.call(http.MethodGet, "/inference-profiles?type=x", "").wantError(t, 400, "ValidationException", "1 validation error detected: Value 'x' at 'typeEquals' failed to satisfy constraint: Member must satisfy enum value set: [SYSTEM_DEFINED, APPLICATION]")
	none, _ := start(t, emulator.Config{}).profiles("?type=APPLICATION")
	if len(none) != 0 {
		t.Errorf("application profiles where none are configured: %v", none)
	}
}

func TestProfilePages(t *testing.T) {
	b := start(t, emulator.Config{})
	all, _ := b.profiles("")
	var got []string
	pages := 0
	for query := "?maxResults=7&type=SYSTEM_DEFINED"; ; pages++ {
		ids, next := b.profiles(query)
		got = append(got, ids...)
		if next == "" {
			break
		}
		if len(ids) != 7 {
			t.Errorf("page %d has %d profiles, want 7", pages, len(ids))
		}
		query = "?maxResults=7&type=SYSTEM_DEFINED&nextToken=" + url.QueryEscape(next)
	}
	if !slices.Equal(got, all) || pages < 2 {
		t.Errorf("%d pages: got %v, want %v", pages+1, got, all)
	}
	_, next := b.profiles("?maxResults=7")
	for _, query := range []string{"?maxResults=0", "?maxResults=1001", "?nextToken=x", "?nextToken=LTE6", "?type=APPLICATION&nextToken=" + next} {
		b.call(http.MethodGet, "/inference-profiles"+query, "").wantError(t, 400, "ValidationException", "")
	}
	b.call(http.MethodGet, "/inference-profiles?maxResults=x", "").wantError(t, 400, "SerializationException", "")
}

// TestWhatIsListedIsThere gets each model and profile that is listed by itself.
func TestWhatIsListedIsThere(t *testing.T) {
	for _, c := range []emulator.Config{{}, {RetiredModels: true}} {
		b := start(t, c)
		for _, m := range b.models("") {
			var got struct{ ModelDetails modelSummary }
			b.call(http.MethodGet, "/foundation-models/"+url.PathEscape(m.ModelID), "").decode(t, &got)
			if diff := cmp.Diff(m, got.ModelDetails); diff != "" {
				t.Errorf("GetFoundationModel of %s, -listed +got:\n%s", m.ModelID, diff)
			}
			if status := m.ModelLifecycle.Status; status != "ACTIVE" && status != "LEGACY" {
				t.Errorf("%s has status %q, which is none of AWS's", m.ModelID, status)
			}
		}
		ids, _ := b.profiles("?maxResults=1000")
		for _, id := range ids {
			var got profile
			b.call(http.MethodGet, "/inference-profiles/"+url.PathEscape(id), "").decode(t, &got)
			if got.InferenceProfileID != id || len(got.Models) == 0 || got.InferenceProfileName == "" {
				t.Errorf("GetInferenceProfile of %s: got %+v", id, got)
			}
		}
	}
}

func TestGetInferenceProfile(t *testing.T) {
	b := start(t, emulator.Config{ApplicationProfiles: []emulator.ApplicationProfile{
		{ID: "abc123def456", Name: "team", Source: opus}, {ID: "bare00000000", Source: "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5-5"},
	}})
	const arn = "arn:aws:bedrock:us-east-1:123456789012:"
	get := func(id string) (p profile) {
		b.call(http.MethodGet, "/inference-profiles/"+id, "").decode(t, &p)
		return p
	}
	models := func(regions ...string) (out []struct{ ModelARN string }) {
		for _, r := range regions {
			out = append(out, struct{ ModelARN string }{"arn:aws:bedrock:" + r + "::foundation-model/anthropic.claude-opus-5-5"})
		}
		return out
	}
	us := []string{"us-east-1", "us-east-2", "us-west-1", "us-west-2"}
	want := profile{
		InferenceProfileName: "US Anthropic Claude Opus 5.5", Description: "Routes requests to Anthropic Claude Opus 5.5 in us-east-1, us-east-2, us-west-1, us-west-2.",
		CreatedAt: "2026-09-22T00:00:00Z", UpdatedAt: "2026-09-22T00:00:00Z", InferenceProfileARN: arn + "inference-profile/" + opus,
		InferenceProfileID: opus, Status: "ACTIVE", Type: "SYSTEM_DEFINED", Models: models(us...),
	}
	if diff := cmp.Diff(want, get(opus)); diff != "" {
		t.Errorf("by ID, -want +got:\n%s", diff)
	}
	for _, id := range []string{arn + "inference-profile%2F" + opus, strings.ReplaceAll(arn, ":", "%3A") + "inference-profile%2F" + opus} {
		if diff := cmp.Diff(want, get(id)); diff != "" {
			t.Errorf("by ARN %s, -want +got:\n%s", id, diff)
		}
	}
	app := get(arn + "application-inference-profile%2Fabc123def456")
	if app.Type != "APPLICATION" || app.InferenceProfileName != "team" || !cmp.Equal(app.Models, models(us...)) {
		t.Errorf("application profile: got %+v, want the destinations of %s", app, opus)
	}
	if bare := get("bare00000000"); !cmp.Equal(bare.Models, models("us-east-1")) {
		t.Errorf("application profile of a model: got %+v, want the model in us-east-1", bare)
	}
	if global := get("global.anthropic.claude-opus-5-5"); !cmp.Equal(global.Models, models("", "us-east-1")) {
		t.Errorf("global profile: got %v, want the model without a Region and in us-east-1", global.Models)
	}
	b.call(http.MethodGet, "/inference-profiles/eu.anthropic.claude-opus-5-5", "").wantError(t, 404, "ResourceNotFoundException", "")
}

func TestGovCloudHasItsOwnPartition(t *testing.T) {
	b := start(t, emulator.Config{Region: "us-gov-west-1"})
	r := b.request(http.MethodGet, "/inference-profiles/us-gov.anthropic.claude-opus-4-8", "")
	r.Header.Set("Authorization", "Bearer "+longTermKey)
	var p profile
	b.do(r).decode(t, &p)
	if !strings.HasPrefix(p.InferenceProfileARN, "arn:aws-us-gov:bedrock:us-gov-west-1:") || !strings.HasPrefix(p.Models[0].ModelARN, "arn:aws-us-gov:bedrock:") {
		t.Errorf("got %+v, want ARNs of aws-us-gov", p)
	}
}
