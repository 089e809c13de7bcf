package emulator_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

func TestRetiredModelsAreServedIfConfigured(t *testing.T) {
	b := start(t, emulator.Config{RetiredModels: true})
	for _, c := range []struct {
		name, model, want string
	}{
		{"the bare ID of a model that needs no profile", "anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307"},
		{"its profile", "us.anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307"},
		{"its profile's ARN", "arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fus.anthropic.claude-3-7-sonnet-20250219-v1:0", "claude-3-7-sonnet-20250219"},
		{"the profile of a model that needs one", "us.anthropic.claude-opus-4-20250514-v1:0", "claude-opus-4-20250514"},
		{"an active model as ever", haiku, "claude-haiku-4-5-20251001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got message
			b.invoke(c.model, user("hi")).decode(t, &got)
			if got.Model != c.want {
				t.Errorf("model of the answer: got %q, want %q", got.Model, c.want)
			}
		})
	}
	for _, c := range []struct{ name, model, message string }{
		{"a bare ID that needs a profile still does", "anthropic.claude-opus-4-20250514-v1:0", "Invocation of model ID anthropic.claude-opus-4-20250514-v1:0 with on-demand throughput"},
		{"a prefix of other Regions stays wrong", "eu.anthropic.claude-3-haiku-20240307-v1:0", "The provided model identifier is invalid."},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.invoke(c.model, user("hi")).wantError(t, http.StatusBadRequest, "ValidationException", c.message)
		})
	}
	t.Run("the control plane lists them as active", func(t *testing.T) {
		models := b.models("")
		if !slices.ContainsFunc(models, func(m modelSummary) bool {
			return m.ModelID == "anthropic.claude-3-haiku-20240307-v1:0" && m.ModelLifecycle.Status == "ACTIVE"
		}) {
			t.Errorf("ListFoundationModels: no active Claude 3 Haiku in %+v", models)
		}
		if ids, _ := b.profiles("?maxResults=1000"); !slices.Contains(ids, "us.anthropic.claude-3-haiku-20240307-v1:0") {
			t.Errorf("ListInferenceProfiles: no profile of Claude 3 Haiku in %v", ids)
		}
		b.call(http.MethodGet, "/foundation-models/anthropic.claude-3-haiku-20240307-v1:0", "").decode(t, &struct{}{})
	})
}
