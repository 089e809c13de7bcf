package gateway

import (
	"testing"

	"github.com/outcrop-dev/outcrop"
)

func FuzzParseRoute(f *testing.F) {
	for _, path := range []string{
		"/v1/messages", "//v1/v1/messages/count_tokens", "/model/a%2Fb/invoke", "/model//invoke", "/p/inference-profiles/x/y", "/v1/models/%zz", "", "/", "model",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, ok := parseRoute(path)
		if !ok {
			return
		}
		if r.place == placeNone || len(r.methods) == 0 {
			t.Errorf("parseRoute(%q) = %+v, which no place serves", path, r)
		}
		if invoked := r.place == placeInvoke; invoked && (r.operation == "" || !r.native) {
			t.Errorf("parseRoute(%q) = %+v, a native route without its operation", path, r)
		}
	})
}

func TestParseRoute(t *testing.T) {
	f := func(path string, want route) {
		t.Helper()
		got, ok := parseRoute(path)
		if !ok || got.place != want.place || got.operation != want.operation || got.id != want.id {
			t.Errorf("parseRoute(%q) = %+v, %v; want %+v", path, got, ok, want)
		}
	}
	f("/v1/messages", route{place: placeMessages, operation: outcrop.InvokeModel})
	f("/v1/v1/messages/count_tokens", route{place: placeMessagesCount, operation: outcrop.CountTokens})
	f("/v1/models", route{place: placeMessagesModels})
	f("/v1/models/claude-opus-5-5", route{place: placeMessagesModels, id: "claude-opus-5-5"})
	f("/model/a:b/invoke", route{place: placeInvoke, operation: outcrop.InvokeModel, id: "a:b"})
	f("/model/a%3Ab%2Fc/invoke-with-response-stream", route{place: placeInvoke, operation: outcrop.InvokeModelWithResponseStream, id: "a:b/c"})
	f("/p/model/a/b/count-tokens", route{place: placeInvoke, operation: outcrop.CountTokens, id: "a/b"})
	f("/model//invoke", route{place: placeInvoke, operation: outcrop.InvokeModel})
	f("/bedrock//inference-profiles", route{place: placeControl, operation: outcrop.ListInferenceProfiles})
	f("/inference-profiles/arn%3Aaws%2Fx", route{place: placeControl, operation: outcrop.GetInferenceProfile, id: "arn:aws/x"})
	f("/foundation-models/x", route{place: placeControl, operation: outcrop.GetFoundationModel, id: "x"})
	f("/", route{place: placeHello})
	f("/any/prefix/api/hello", route{place: placeHello})
	for _, path := range []string{"/v2/messages", "/messages", "/v1/messages/x", "/model/x/converse", "/model", "/model/%zz/invoke", "/healthz/x", "/x/metrics"} {
		if r, ok := parseRoute(path); ok {
			t.Errorf("parseRoute(%q) = %+v, want none", path, r)
		}
	}
	if r, _ := parseRoute("/model/x/converse"); !r.native {
		t.Errorf("the refusal of an operation that is not served has not AWS's shape: %+v", r)
	}
}
