package restjson

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	runtime, control := model(t, "api-bedrock-runtime.json"), model(t, "api-bedrock-control.json")
	f := func(s *Service, operation, method, path string, want map[string]string) {
		t.Helper()
		got, ok := s.Operation(operation).Match(method, path)
		if diff := cmp.Diff(want, got); diff != "" || ok != (want != nil) {
			t.Errorf("Match(%s %s) of %s = %v, -want +got:\n%s", method, path, operation, ok, diff)
		}
	}
	f(runtime, "InvokeModel", "POST", "/model/us.a.b-v1%3A0/invoke", map[string]string{"modelId": "us.a.b-v1:0"})
	f(runtime, "InvokeModel", "POST", "/model/arn:x:y%2Fz/invoke", map[string]string{"modelId": "arn:x:y/z"})
	f(runtime, "InvokeModel", "POST", "/model/arn:x:y/z/invoke", map[string]string{"modelId": "arn:x:y/z"})
	f(runtime, "InvokeModel", "POST", "/model/a%252Fb/invoke", map[string]string{"modelId": "a%2Fb"})
	f(runtime, "InvokeModel", "GET", "/model/a/invoke", nil)
	f(runtime, "InvokeModel", "POST", "/model/invoke", nil)
	f(runtime, "InvokeModel", "POST", "/model//invoke", nil)
	f(runtime, "InvokeModel", "POST", "/model/a/invoke/", nil)
	f(runtime, "InvokeModel", "POST", "/v1/model/a/invoke", nil)
	f(runtime, "InvokeModel", "POST", "/model/a%zz/invoke", nil)
	f(runtime, "ApplyGuardrail", "POST", "/guardrail/g/version/1/apply", map[string]string{"guardrailIdentifier": "g", "guardrailVersion": "1"})
	f(control, "ListInferenceProfiles", "GET", "/inference-profiles", map[string]string{})
	f(control, "ListInferenceProfiles", "GET", "/inference-profiles/", map[string]string{})
	f(control, "ListInferenceProfiles", "GET", "/inference-profiles/x", nil)
	f(control, "GetInferenceProfile", "GET", "/inference-profiles/", nil)
	f(control, "GetInferenceProfile", "GET", "/inference-profiles/x", map[string]string{"inferenceProfileIdentifier": "x"})
}
