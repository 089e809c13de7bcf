package e2e

import (
	"encoding/json"
	"maps"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// chunkDelay slows streams down, so that a client can leave one that is far from its end.
const chunkDelay = "--chunk-delay=2ms"

// lines are what a script has to say of each of its steps, or patterns for the beginning of that.
type lines map[string]string

// What AWS's SDK for JavaScript is answered by each server, and how it names what is refused.
var awsLines = lines{
	"InvokeModel":                                `application/json, priority, optimized: You said: Hello\n`,
	"InvokeModel refused":                        `ValidationException 400 with a request ID "The provided model identifier is invalid\."$`,
	"InvokeModel past its end":                   `ResourceNotFoundException 404 with a request ID "This model version has reached the end of its life`,
	"InvokeModelWithResponseStream":              `application/json, priority: 100 words to message_stop in 113 tokens$`,
	"InvokeModelWithResponseStream aborted":      `ended with content_block_delta$`,
	"InvokeModelWithResponseStream refused":      `ValidationException 400 with a request ID ".*Field required`,
	"InvokeModelWithResponseStream past its end": `ResourceNotFoundException 404 with a request ID "This model version has reached the end of its life`,
	"CountTokens":                                `as charged$`,
	"CountTokens refused":                        `ValidationException 400 with a request ID "The provided model identifier is invalid\."$`,
	"CountTokens by a profile's ID":              `ValidationException 400 with a request ID "The provided model doesn't support counting tokens\."$`,
	"ListInferenceProfiles":                      `pages of 5: US Anthropic Claude Haiku 4\.5, SYSTEM_DEFINED$`,
	"ListInferenceProfiles refused":              `ValidationException 400 with a request ID ".*nextToken`,
	"GetInferenceProfile":                        `us\.anthropic\.claude-haiku-4-5-20251001-v1:0, 2025-10-15T00:00:00\.000Z, arn:aws:bedrock:us-east-1::foundation-model/anthropic\.claude-haiku-4-5.*; You said: by ARN\n`,
	"GetInferenceProfile refused":                `ResourceNotFoundException 404 with a request ID "\w`,
	"ListFoundationModels":                       `Claude Haiku 4\.5 of Anthropic, ACTIVE, INFERENCE_PROFILE$`,
	"ListFoundationModels refused":               `ValidationException 400 with a request ID ".*byOutputModality`,
	"GetFoundationModel":                         `Claude Haiku 4\.5 since 2025-10-15T00:00:00\.000Z, TEXT,IMAGE, streams: true$`,
	"GetFoundationModel refused":                 `ValidationException 400 with a request ID "The provided model identifier is invalid\."$`,
	"GetFoundationModel past its end":            `ResourceNotFoundException 404 with a request ID "This model version has reached the end of its life`,
}

// AWS's SDK for JavaScript speaks HTTP/2 in plain text and signs :authority in place of the host.
func TestAWSSDKForJavaScript(t *testing.T) {
	f := func(name string, p *process, env []string, differ lines) {
		t.Run(name, func(t *testing.T) {
			wantLines(t, runNode(t, env, "js/aws.mjs"), awsLines, differ)
			p.wantLeft(t, 1)
		})
	}
	wrongSecret, wrongKey := `BedrockRuntimeServiceException InvalidSignatureException 403 `, `AccessDeniedException 403 `
	l, tls, g, keyed := startLocal(t, chunkDelay), startLocal(t, chunkDelay, "--tls"), serveLocal(t, chunkDelay), serveLocal(t, chunkDelay)
	f("on outcrop local with SigV4", l.process, awsEnv(l.URL, l.AccessKeyID, l.SecretAccessKey),
		lines{"wrong key": wrongSecret + `with a request ID "The request signature we calculated does not match`})
	f("on outcrop local over TLS with a bearer key", tls.process, append(awsEnv(tls.URL), "AWS_BEARER_TOKEN_BEDROCK="+tls.APIKey, "NODE_EXTRA_CA_CERTS="+tls.CAFile),
		lines{"wrong key": wrongKey + `with a request ID "Authentication failed: Please make sure your API Key is valid\."$`})

	// The gateway counts for a profile, and a wrong key of its own is 401.
	onGateway := lines{
		"CountTokens by a profile's ID": `\d+$`,
		"wrong key":                     `BedrockRuntimeServiceException InvalidSignatureException 401 with a request ID`,
	}
	f("on the gateway with its key pair", g.process, awsEnv(g.URL, g.AccessKeyID, g.SecretAccessKey), onGateway)
	onGateway["wrong key"] = `BedrockRuntimeServiceException UnrecognizedClientException 401 with a request ID "this is not a key of this Outcrop gateway"$`
	f("on the gateway with a bearer key", keyed.process, append(awsEnv(keyed.URL), "AWS_BEARER_TOKEN_BEDROCK="+keyed.Key), onGateway)
}

// What the SDK sends is looked at in a Bedrock that keeps it.
func TestAWSSDKForJavaScriptSpeaksHTTP2(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	runNode(t, srv.Env(), "js/aws.mjs")
	for _, r := range srv.Requests() {
		if r.Operation == "InvokeModelWithResponseStream" && r.Proto != "HTTP/2.0" {
			t.Errorf("%s came over %s, want HTTP/2.0", r.Operation, r.Proto)
		}
		if r.Operation == "InvokeModel" && !strings.Contains(r.Header.Get("Authorization"), "SignedHeaders=:authority;") {
			t.Errorf("%s came with %q, want :authority signed", r.Operation, r.Header.Get("Authorization"))
		}
	}
}

// awsEnv points AWS's SDKs at url, to sign with keys if there are some.
func awsEnv(url string, keys ...string) []string {
	env := []string{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME=" + url, "AWS_ENDPOINT_URL_BEDROCK=" + url, "AWS_REGION=us-east-1"}
	return append(env, keyPair(keys...)...)
}

func keyPair(keys ...string) []string {
	if len(keys) == 0 {
		return nil
	}
	return []string{"AWS_ACCESS_KEY_ID=" + keys[0], "AWS_SECRET_ACCESS_KEY=" + keys[1]}
}

// What each of Anthropic's SDKs is answered by each server (talk.mjs).
var talkLines = lines{
	"whole":         `msg_bdrk_ assistant end_turn, [1-9]\d* \+ [1-9]\d* tokens: You said: Hello\n`,
	"stop sequence": `stop_sequence the surface: The rock that comes to $`,
	"max_tokens":    `max_tokens: The rock that comes$`,
	"stream": `1 message_start, 1 content_block_start, \d\d+ content_block_delta, 1 content_block_stop, 1 message_delta, 1 message_stop; ` +
		`100 words, end_turn, 113 tokens, the deltas are the text$`,
	"raw stream":            `end_turn after 23 tokens: The rock that comes to .* lime and slate\.$`,
	"abort by a signal":     `APIUserAbortError "Request was aborted\."$`,
	"abort of the stream":   `APIUserAbortError "Request was aborted\."; aborted: true$`,
	"break out of a stream": `left$`,
	"tools":                 `tool_use: thinking text tool_use, {"text":"abc"} in several deltas; end_turn: note answered: noted$`,
	"thinking":              `thinking, signed; true; You said: Go on\.\n.*this is your turn 2`,
	"forged thinking":       "BadRequestError 400 .*Invalid `signature` in `thinking` block",
	"no messages":           `BadRequestError 400 .*messages: `,
	"past its end":          `NotFoundError 404 .*This model version has reached the end of its life`,
	"past its end, stream":  `NotFoundError 404 .*This model version has reached the end of its life`,
}

// aborts is how many streams talk.mjs leaves.
const aborts = 3

// A majorVersion is one of an SDK of Anthropic's, under its name in package.json, with a model that
// takes what it sends and what makes the model think.
type majorVersion struct{ name, npm, model, thinking string }

const (
	enabledThinking  = `{"type":"enabled","budget_tokens":1024}`
	adaptiveThinking = `{"type":"adaptive","display":"summarized"}`
	haiku5           = "us.anthropic.claude-haiku-5-5"
)

// Anthropic's Bedrock SDK asks every model for API version 2026-10-21 since its first major version;
// Bedrock refuses that to the older models, and the gateway makes it right.
func TestAnthropicBedrockSDKsForJavaScript(t *testing.T) {
	f := func(name string, sdk majorVersion, p *process, env []string, differ lines) {
		t.Run(sdk.name+" "+name, func(t *testing.T) {
			wantLines(t, runNode(t, env, "js/anthropic-bedrock.mjs", sdk.npm, sdk.model, sdk.thinking), talkLines, lines{
				"a model older than 4.7": `You said: Hello\n`,
				"an unknown model":       `BadRequestError 400 .*The provided model identifier is invalid\.`,
				"by ARN":                 `claude-haiku-[\d-]+: You said: Hello\n`,
			}, differ)
			p.wantLeft(t, aborts)
		})
	}
	newest, before := majorVersion{"1.x", "@anthropic-ai/bedrock-sdk", haiku5, adaptiveThinking}, majorVersion{"0.x", "anthropic-bedrock-sdk-0", haiku, enabledThinking}
	for _, sdk := range []majorVersion{newest, before} {
		l, keyed := startLocal(t, chunkDelay), startLocal(t, chunkDelay)
		differ := lines{"wrong key": `PermissionDeniedError 403 "403 The request signature we calculated does not match`}
		if sdk == newest {
			differ["a model older than 4.7"] = `BadRequestError 400 .*version`
		}
		f("on outcrop local with SigV4", sdk, l.process, bedrockEnv(l.URL, l.AccessKeyID, l.SecretAccessKey), differ)
		differ["wrong key"] = `PermissionDeniedError 403 "403 Authentication failed: Please make sure your API Key is valid`
		f("on outcrop local with a bearer key", sdk, keyed.process, append(bedrockEnv(keyed.URL), "AWS_BEARER_TOKEN_BEDROCK="+keyed.APIKey), differ)

		sdk.model, sdk.thinking = haiku, enabledThinking
		signed, borne := serveLocal(t, chunkDelay), serveLocal(t, chunkDelay)
		f("on the gateway with SigV4", sdk, signed.process, bedrockEnv(signed.URL, signed.AccessKeyID, signed.SecretAccessKey),
			lines{"wrong key": `AuthenticationError 401 .*The request signature we calculated does not match`})
		f("on the gateway with a bearer key", sdk, borne.process, append(bedrockEnv(borne.URL), "AWS_BEARER_TOKEN_BEDROCK="+borne.Key),
			lines{"wrong key": `AuthenticationError 401 .*this is not a key of this Outcrop gateway`})
	}
}

func bedrockEnv(url string, keys ...string) []string {
	return append(keyPair(keys...), "ANTHROPIC_BEDROCK_BASE_URL="+url, "AWS_REGION=us-east-1")
}

// Anthropic's own SDK has a door at the gateway only. Before its first major version it sends API keys
// as x-api-key and asks for API version 2023-06-01.
func TestAnthropicSDKsForJavaScript(t *testing.T) {
	f := func(name string, sdk majorVersion, variable string) {
		t.Run(name, func(t *testing.T) {
			g := serveLocal(t, chunkDelay)
			env := []string{"ANTHROPIC_BASE_URL=" + g.URL + "/", variable + "=" + g.Key}
			wantLines(t, runNode(t, env, "js/anthropic.mjs", sdk.npm, sdk.model, sdk.thinking), talkLines, lines{
				"wrong key":                  `AuthenticationError 401 authentication_error with a request ID .*this is not a key of this Outcrop gateway`,
				"no messages":                `BadRequestError 400 invalid_request_error with a request ID .*messages: `,
				"past its end":               `NotFoundError 404 not_found_error with a request ID .*end of its life`,
				"count_tokens":               `as charged$`,
				"count_tokens refused":       `BadRequestError 400 invalid_request_error with a request ID .*doesn't support counting tokens`,
				"models.list":                `true, Claude Haiku 4\.5$`,
				"models.retrieve":            `model claude-haiku-4-5-20251001: Claude Haiku 4\.5, 2025-10-15T00:00:00Z$`,
				"an unknown model":           `NotFoundError 404 not_found_error with a request ID .*claude-haiku-9`,
				"an unknown model counted":   `NotFoundError 404 not_found_error with a request ID .*claude-haiku-9`,
				"an unknown model retrieved": `NotFoundError 404 not_found_error with a request ID .*claude-haiku-9`,
			})
			g.wantLeft(t, aborts)
		})
	}
	newest := majorVersion{npm: "@anthropic-ai/sdk", model: "claude-haiku-5-5", thinking: adaptiveThinking}
	before := majorVersion{npm: "anthropic-sdk-0", model: "claude-haiku-4-5", thinking: enabledThinking}
	f("1.x with an API key", newest, "ANTHROPIC_API_KEY")
	f("1.x with a token", newest, "ANTHROPIC_AUTH_TOKEN")
	f("0.x with an API key", before, "ANTHROPIC_API_KEY")
	f("0.x with a token", before, "ANTHROPIC_AUTH_TOKEN")
}

// runNode runs a script in an environment of env alone and returns what it has to say.
func runNode(t *testing.T, env []string, arguments ...string) lines {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", arguments...)
	cmd.Env = cleanEnv(t.TempDir(), append([]string{"AWS_EC2_METADATA_DISABLED=true"}, env...)...)
	var stderr transcript
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var said lines
	if err == nil {
		err = json.Unmarshal(out, &said)
	}
	if err != nil {
		t.Fatalf("%v: %v\nit printed %q and as errors:\n%s", cmd, err, out, &stderr)
	}
	return said
}

// wantLines holds each line to its pattern, and each pattern to a line. Where patterns differ the last is
// meant.
func wantLines(t *testing.T, got lines, patterns ...lines) {
	t.Helper()
	all := lines{}
	for _, p := range patterns {
		maps.Copy(all, p)
	}
	for name, pattern := range all {
		if !regexp.MustCompile(`(?s)^` + pattern).MatchString(got[name]) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got[name], pattern)
		}
	}
	for name, line := range got {
		if _, ok := all[name]; !ok {
			t.Errorf("%s: got %q, want no such step", name, line)
		}
	}
}
