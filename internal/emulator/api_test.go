package emulator

import "testing"

func TestServiceModels(t *testing.T) {
	for _, name := range []string{"InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream", "CountTokens"} {
		if runtimeAPI().Operation(name) == nil {
			t.Errorf("bedrock-runtime's model has no %s", name)
		}
	}
	for _, name := range []string{"ListFoundationModels", "GetFoundationModel", "ListInferenceProfiles", "GetInferenceProfile"} {
		if controlAPI().Operation(name) == nil {
			t.Errorf("bedrock's model has no %s", name)
		}
	}
}
