package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// AWS's SDK for JavaScript speaks HTTP/2 in plain text and signs :authority in place of the host.
func TestAWSSDKForJavaScript(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	g := serveBefore(t, srv)
	endpoints := []string{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME=" + g.URL, "AWS_ENDPOINT_URL_BEDROCK=" + g.URL, "AWS_REGION=" + g.Region}
	f := func(name string, env ...string) {
		t.Run(name, func(t *testing.T) {
			var got struct {
				Whole, Profile, ByARN, Refusal string
				StreamedWords, Counted, Models int
				Stopped                        bool
			}
			runNode(t, "js/aws.mjs", env, &got)
			if !strings.HasPrefix(got.Whole, "You said: Hello") || !strings.HasPrefix(got.ByARN, "You said: by ARN") {
				t.Errorf("InvokeModel answered %q and, by ARN, %q", got.Whole, got.ByARN)
			}
			if got.StreamedWords < 100 || !got.Stopped {
				t.Errorf("streamed %d words, stopped: %v; want at least 100, and stopped", got.StreamedWords, got.Stopped)
			}
			if got.Counted < 3 || got.Models == 0 || got.Profile != haiku {
				t.Errorf("counted %d tokens, listed %d models, got profile %q", got.Counted, got.Models, got.Profile)
			}
			if want := "400 ValidationException"; got.Refusal != want {
				t.Errorf("an unknown model: %q, want %q", got.Refusal, want)
			}
		})
	}
	f("on bedrocktest with SigV4", srv.Env()...)
	for _, r := range srv.Requests() {
		if r.Operation == "InvokeModelWithResponseStream" && r.Proto != "HTTP/2.0" {
			t.Errorf("%s came over %s, want HTTP/2.0", r.Operation, r.Proto)
		}
	}
	f("on bedrocktest with a bearer key", append(srv.Env(), "AWS_BEARER_TOKEN_BEDROCK="+srv.APIKey)...)
	f("on the gateway with its key pair", append(endpoints, "AWS_ACCESS_KEY_ID="+g.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+g.SecretAccessKey)...)
	f("on the gateway with a bearer key", append(endpoints, "AWS_BEARER_TOKEN_BEDROCK="+g.Key)...)
}

func TestAnthropicSDKsForJavaScript(t *testing.T) {
	g := serveBefore(t, bedrocktest.NewServer(t))
	f := func(name, script, refusal string, env ...string) {
		t.Run(name, func(t *testing.T) {
			var got struct {
				Whole, Kinds, Input, Last, Refusal, RefusedStream, One string
				Counted, Models                                        int
			}
			runNode(t, script, env, &got)
			if !strings.HasPrefix(got.Whole, "You said: Hello") {
				t.Errorf("the first answer is %q", got.Whole)
			}
			if got.Kinds != "thinking text tool_use" || got.Input != `{"text":"abc"}` || !strings.Contains(got.Last, "note answered: noted") {
				t.Errorf("the tool loop: blocks %q, input %s, then %q", got.Kinds, got.Input, got.Last)
			}
			status, _, _ := strings.Cut(refusal, " ")
			if !strings.HasPrefix(got.Refusal, refusal) || !strings.Contains(got.Refusal, "model") || got.RefusedStream != status {
				t.Errorf("an unknown model: %q, streamed %s; want %q and the model named", got.Refusal, got.RefusedStream, refusal)
			}
			if script == "js/anthropic.mjs" && (got.Counted < 3 || got.Models == 0 || got.One != "claude-haiku-4-5-20251001") {
				t.Errorf("counted %d tokens, listed %d models, retrieved %q", got.Counted, got.Models, got.One)
			}
		})
	}
	bedrock := []string{"ANTHROPIC_BEDROCK_BASE_URL=" + g.URL, "AWS_REGION=" + g.Region}
	f("Bedrock SDK with SigV4", "js/anthropic-bedrock.mjs", "400", append(bedrock, "AWS_ACCESS_KEY_ID="+g.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+g.SecretAccessKey)...)
	f("Bedrock SDK with a bearer key", "js/anthropic-bedrock.mjs", "400", append(bedrock, "AWS_BEARER_TOKEN_BEDROCK="+g.Key)...)
	f("SDK with an API key", "js/anthropic.mjs", "404", "ANTHROPIC_BASE_URL="+g.URL, "ANTHROPIC_API_KEY="+g.Key)
	f("SDK with a token", "js/anthropic.mjs", "404", "ANTHROPIC_BASE_URL="+g.URL+"/", "ANTHROPIC_AUTH_TOKEN="+g.Key)
}

// runNode runs a script in an environment of env alone and decodes what it prints.
func runNode(t *testing.T, script string, env []string, into any) {
	t.Helper()
	cmd := exec.Command("node", script)
	cmd.Env = cleanEnv(t.TempDir(), append([]string{"AWS_EC2_METADATA_DISABLED=true"}, env...)...)
	var stderr transcript
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, into)
	}
	if err != nil {
		t.Fatalf("%v: %v\nit printed %q and as errors:\n%s", cmd, err, out, &stderr)
	}
}
