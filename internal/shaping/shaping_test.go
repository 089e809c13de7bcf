package shaping

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

func TestShape(t *testing.T) {
	const (
		old  = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
		new5 = "us.anthropic.claude-opus-5-5"
	)
	type request struct {
		model, body, version string
		betas                []string
	}
	f := func(name string, in request, want string, wantLeftOut ...string) {
		t.Run(name, func(t *testing.T) {
			body, err := jsonedit.Parse([]byte(in.body))
			if err != nil {
				t.Fatal(err)
			}
			leftOut := Shape(Request{ModelID: in.model, Body: body, Version: in.version, Betas: in.betas})
			if got := string(body.AppendTo(nil)); got != want {
				t.Errorf("Shape(%+v)\n got %s\nwant %s", in, got, want)
			}
			if diff := cmp.Diff(wantLeftOut, leftOut); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
	f("a body without a version gets the one every model takes", request{model: new5, body: `{"max_tokens":1}`, version: "2023-06-01"},
		`{"max_tokens":1,"anthropic_version":"bedrock-2023-05-31"}`)
	f("the new version stays where the model takes it", request{model: new5, body: `{"anthropic_version":"2026-10-21"}`},
		`{"anthropic_version":"2026-10-21"}`)
	f("the new version is replaced for an older model", request{model: old, body: `{"anthropic_version":"2026-10-21"}`},
		`{"anthropic_version":"bedrock-2023-05-31"}`)
	f("the new version asked for in the header reaches a model that takes it", request{model: new5, body: `{}`, version: "2026-10-21"},
		`{"anthropic_version":"2026-10-21"}`)
	f("the header's new version is not for an older model", request{model: old, body: `{}`, version: "2026-10-21"},
		`{"anthropic_version":"bedrock-2023-05-31"}`)
	f("a wrong version is Bedrock's to refuse", request{model: new5, body: `{"anthropic_version":"1999"}`}, `{"anthropic_version":"1999"}`)
	f("a version of another type likewise", request{model: new5, body: `{"anthropic_version":7}`}, `{"anthropic_version":7}`)
	f("header betas join the body's, each once", request{model: new5,
		body:  `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14"]}`,
		betas: []string{"effort-2025-11-24", "interleaved-thinking-2025-05-14"}},
		`{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14","effort-2025-11-24"]}`)
	f("first-party names become Bedrock's, refused ones go", request{model: new5, version: "2023-06-01", body: `{"anthropic_version":"bedrock-2023-05-31"}`,
		betas: []string{"claude-code-20250219", "advanced-tool-use-2025-11-20", "files-api-2025-04-14"}},
		`{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["tool-search-tool-2025-10-19"]}`,
		"beta claude-code-20250219", "beta files-api-2025-04-14")
	f("a beta of some models only", request{model: "us.anthropic.claude-sonnet-5", body: `{"anthropic_version":"bedrock-2023-05-31"}`,
		betas: []string{"per-turn-control-2026-07-01"}},
		`{"anthropic_version":"bedrock-2023-05-31"}`, "beta per-turn-control-2026-07-01")
	f("a list left empty goes", request{model: new5, body: `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["files-api-2025-04-14"]}`},
		`{"anthropic_version":"bedrock-2023-05-31"}`, "beta files-api-2025-04-14")
	f("an unknown beta passes", request{model: new5, body: `{"anthropic_version":"bedrock-2023-05-31", "anthropic_beta" : [ "new-2027-01-01" ]}`},
		`{"anthropic_version":"bedrock-2023-05-31", "anthropic_beta" : [ "new-2027-01-01" ]}`)
	f("betas that are no list are Bedrock's to refuse", request{model: new5, body: `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":"x"}`,
		betas: []string{"effort-2025-11-24"}}, `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":"x"}`)
	f("another vendor's body is left alone", request{model: "us.amazon.nova-pro-v1:0", body: `{"inferenceConfig":{}}`}, `{"inferenceConfig":{}}`)
	f("a Claude newer than the catalogue is shaped", request{model: "us.anthropic.claude-opus-9", body: `{}`},
		`{"anthropic_version":"bedrock-2023-05-31"}`)
	f("an application profile keeps the version it came with",
		request{model: "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1", body: `{"anthropic_version":"2026-10-21"}`},
		`{"anthropic_version":"2026-10-21"}`)
	f("of two versions the last is looked at, and stays alone", request{model: old, body: `{"anthropic_version":"bedrock-2023-05-31","x":1,"anthropic_version":"2026-10-21"}`},
		`{"x":1,"anthropic_version":"bedrock-2023-05-31"}`)
	f("of two versions a good last one stays alone", request{model: old, body: `{"anthropic_version":"2026-10-21","x":1,"anthropic_version":"bedrock-2023-05-31"}`},
		`{"x":1,"anthropic_version":"bedrock-2023-05-31"}`)
	f("of two versions a wrong last one stays alone", request{model: new5, body: `{"anthropic_version":"bedrock-2023-05-31","anthropic_version":7}`},
		`{"anthropic_version":7}`)
	const version = `"anthropic_version":"bedrock-2023-05-31"`
	f("of two lists of betas the last is looked at, and stays alone", request{model: new5,
		body: `{` + version + `,"anthropic_beta":["files-api-2025-04-14"],"anthropic\u005fbeta":["interleaved-thinking-2025-05-14"]}`},
		`{`+version+`,"anthropic\u005fbeta":["interleaved-thinking-2025-05-14"]}`)
	f("of two lists of betas the last is joined with the header's", request{model: new5,
		body: `{` + version + `,"anthropic_beta":["a-2027-01-01"],"anthropic_beta":["b-2027-01-01"]}`, betas: []string{"c-2027-01-01"}},
		`{`+version+`,"anthropic_beta":["b-2027-01-01","c-2027-01-01"]}`)
	f("of two lists of betas none is left where the last is refused", request{model: new5,
		body: `{` + version + `,"anthropic_beta":["a-2027-01-01"],"anthropic_beta":["files-api-2025-04-14"]}`},
		`{`+version+`}`, "beta files-api-2025-04-14")
	f("of a list of betas and null the last is looked at", request{model: new5,
		body: `{` + version + `,"anthropic_beta":["files-api-2025-04-14"],"anthropic_beta":null}`},
		`{`+version+`,"anthropic_beta":null}`)
	f("members that nothing is decided by stay twice", request{model: new5, body: `{` + version + `,"max_tokens":1,"max_tokens":2}`},
		`{`+version+`,"max_tokens":1,"max_tokens":2}`)
	f("every other byte stays", request{model: old, body: "{ \"x\" : 1e999,\n\"anthropic_version\":\"2026-10-21\" , \"y\":\"\\u0041\" }"},
		"{ \"x\" : 1e999,\n\"anthropic_version\":\"bedrock-2023-05-31\" , \"y\":\"\\u0041\" }")
}
