package emulator_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator"
	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// Exchanges that others recorded of Bedrock and of Anthropic's API are played to the emulator. What they
// had accepted is accepted, with an answer of the same shape; what they had refused is refused with the
// same status and type of error. Where that cannot be, exceptions says why.

// A recording is one exchange, and how it is played.
type recording struct{ recordings.Recording }

func readRecordings(t *testing.T, set string) (out []recording) {
	t.Helper()
	for _, r := range recordings.Read(t, set) {
		out = append(out, recording{r})
	}
	return out
}

func (r recording) isAnthropics() bool { return strings.HasPrefix(r.URI, "/v1/messages") }

// operation is AWS's name of what is asked for when the recording is played.
func (r recording) operation() string {
	if r.isAnthropics() {
		if r.members()["stream"] == true {
			return "InvokeModelWithResponseStream"
		}
		return "InvokeModel"
	}
	if r.Method == http.MethodGet {
		return "GetInferenceProfile"
	}
	return map[string]string{
		"invoke": "InvokeModel", "invoke-with-response-stream": "InvokeModelWithResponseStream",
		"converse": "Converse", "converse-stream": "ConverseStream",
	}[r.URI[strings.LastIndex(r.URI, "/")+1:]]
}

// members are those of the request's body, nil if it is no JSON object.
func (r recording) members() map[string]any {
	var out map[string]any
	d := json.NewDecoder(strings.NewReader(r.Request))
	d.UseNumber()
	if d.Decode(&out) != nil {
		return nil
	}
	return out
}

// model is what the recording calls the model.
func (r recording) model() string {
	if r.isAnthropics() {
		name, _ := r.members()["model"].(string)
		return name
	}
	id, err := url.PathUnescape(r.segment())
	if err != nil {
		return r.segment()
	}
	return id
}

// segment is the identifier in the path, as it stood on the wire.
func (r recording) segment() string {
	rest := strings.TrimPrefix(r.URI, "/model/")
	return rest[:strings.LastIndex(rest, "/")]
}

// stands says which model answers for one that is recorded. Models that the catalogue has retired are
// served under their own name, as they are when lifecycle is off; those that it does not know are
// answered for by the nearest one that it does.
var stands = map[string]string{
	"claude-sonnet-4-6":          "us.anthropic.claude-sonnet-4-6",
	"claude-sonnet-4-5":          "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
	"claude-sonnet-4-5-20250929": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
	"claude-sonnet-4-20250514":   "us.anthropic.claude-sonnet-4-20250514-v1:0",
	"claude-3-7-sonnet-20250219": "anthropic.claude-3-7-sonnet-20250219-v1:0",
	"claude-3-5-haiku-20241022":  "anthropic.claude-3-5-haiku-20241022-v1:0",
	"claude-3-5-haiku-latest":    "anthropic.claude-3-5-haiku-20241022-v1:0",
	"claude-3-5-sonnet-20240620": "anthropic.claude-3-5-sonnet-20241022-v2:0",
	"claude-3-haiku-20240307":    "anthropic.claude-3-haiku-20240307-v1:0",
	"claude-3-opus-20240229":     "us.anthropic.claude-opus-4-20250514-v1:0",
	"claude-2.1":                 "anthropic.claude-3-haiku-20240307-v1:0",

	"anthropic.claude-3-5-sonnet-20240620-v1:0":    "anthropic.claude-3-5-sonnet-20241022-v2:0",
	"us.anthropic.claude-3-5-sonnet-20240620-v1:0": "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
	"anthropic.claude-3-sonnet-20240229-v1:0":      "anthropic.claude-3-5-sonnet-20241022-v2:0",
	"us.anthropic.claude-3-sonnet-20240229-v1:0":   "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
	"anthropic.claude-v2":                          "anthropic.claude-3-haiku-20240307-v1:0",

	// The account is the emulator's.
	"arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
}

// recordedProfile is the application inference profile of one of the recordings.
var recordedProfile = emulator.ApplicationProfile{ID: "1arbu5hu2sjr", Name: "dd-frmlo206", Description: "written in the recording", Source: "global.anthropic.claude-haiku-4-5-20251001-v1:0"}

// Keys of recordings that were refused for theirs.
var (
	expiredKeys = aws.Credentials{AccessKeyID: "AKIDEXPIRED", SecretAccessKey: "secret"}
	unknownKeys = aws.Credentials{AccessKeyID: "AKIDNOBODY", SecretAccessKey: "secret"}
)

func startForRecordings(t *testing.T) *bedrock {
	expired := emulator.NewCredential(expiredKeys.AccessKeyID, expiredKeys.SecretAccessKey, "")
	expired.ExpiresAt = time.Now().Add(-time.Hour)
	return start(t, emulator.Config{
		RetiredModels: true, Credentials: []emulator.Credential{expired},
		ApplicationProfiles: []emulator.ApplicationProfile{recordedProfile},
	})
}

func (r recording) keys() aws.Credentials {
	switch {
	case strings.HasPrefix(r.Headers["x-amzn-errortype"], "ExpiredTokenException"):
		return expiredKeys
	case r.Status == http.StatusUnauthorized:
		return unknownKeys
	}
	return keys
}

// path is where the recording is played to: as recorded, but for the model that answers.
func (r recording) path() string {
	if r.Method == http.MethodGet {
		return r.URI
	}
	segment := ""
	if !r.isAnthropics() {
		segment = r.segment()
	}
	if other, ok := stands[r.model()]; ok {
		segment = strings.ReplaceAll(url.PathEscape(other), ":", "%3A")
	}
	suffix := map[string]string{
		"InvokeModel": "/invoke", "InvokeModelWithResponseStream": "/invoke-with-response-stream",
		"Converse": "/converse", "ConverseStream": "/converse-stream",
	}[r.operation()]
	return "/model/" + segment + suffix
}

// body is what is played: Bedrock's as recorded, Anthropic's as its clients turn it into Bedrock's.
func (r recording) body(t *testing.T) string {
	t.Helper()
	if !r.isAnthropics() {
		return r.Request
	}
	o := r.members()
	delete(o, "model")
	delete(o, "stream")
	o["anthropic_version"] = "bedrock-2023-05-31"
	if r.Beta != "" {
		o["anthropic_beta"] = strings.Split(r.Beta, ",")
	}
	body, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func (b *bedrock) play(r recording, body string) answer {
	b.t.Helper()
	request := b.request(r.Method, r.path(), body)
	return b.do(sign(b.t, request, body, r.keys(), time.Now()))
}

// A tally counts recordings; an exchange that several cassettes hold is played once and counted for each.
type tally map[string]int

func (n tally) add(r recording, what string) {
	n[what] += len(r.Paths)
	n["recorded"] += len(r.Paths)
	n["distinct"]++
	if m, ok := catalog.Lookup(r.model()); ok && m.Lifecycle == catalog.Active {
		n["on current models"] += len(r.Paths)
	}
}

func TestRecordings(t *testing.T) {
	b := startForRecordings(t)
	allowed := newAllowances()
	t.Run("as recorded", func(t *testing.T) { testAsRecorded(t, b, allowed) })
	t.Run("with the tools used", func(t *testing.T) { testToolUse(t, b, allowed) })
	t.Run("under Bedrock's names", func(t *testing.T) { testUnderBedrocksNames(t, b, allowed) })
	if !strings.Contains(flag.Lookup("test.run").Value.String(), "/") { // or there is reason to see less
		allowed.report(t)
	}
}

func testAsRecorded(t *testing.T, b *bedrock, allowed *allowances) {
	missed := map[int]int{} // by the exception's place in the list
	for _, set := range []struct {
		name     string
		recorded int
	}{{"anthropic", 147}, {"bedrock", 204}} {
		count := tally{}
		for _, r := range readRecordings(t, set.name) {
			t.Run(r.Name(), func(t *testing.T) {
				want := recordedOutcome(t, r)
				if !slices.Contains(served, r.operation()) {
					b.play(r, r.body(t)).wantError(t, http.StatusNotFound, "UnknownOperationException", "")
					if err := checkOrder(want.events); want.events != nil && err != nil {
						t.Error(err)
					}
					count.add(r, "of operations not served yet")
					return
				}
				faults := want.compare(t, playedOutcome(t, b.play(r, r.body(t)), r), r, allowed)
				at := slices.IndexFunc(exceptions, func(e exception) bool { return e.of(r) })
				switch {
				case at < 0 && len(faults) == 0:
					count.add(r, want.verb()+" as recorded")
				case at < 0:
					t.Error(strings.Join(faults, "\n"))
					count.add(r, "failed")
				case len(faults) == 0:
					t.Errorf("it is as recorded, and no exception any more: %s", exceptions[at].reason)
				default:
					missed[at] += len(r.Paths)
					count.add(r, "excepted")
				}
			})
		}
		if count["recorded"] != set.recorded {
			t.Errorf("%s: %d recordings, want %d", set.name, count["recorded"], set.recorded)
		}
		t.Logf("%s: %v", set.name, count)
	}
	for i, e := range exceptions {
		if missed[i] == 0 {
			t.Errorf("no recording is excepted because %s", e.reason)
		}
		t.Logf("excepted %d: %s", missed[i], e.reason)
	}
}

// served are the operations whose recordings are held against the emulator. The others are asserted to
// be none of its yet.
var served = []string{"InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream", "GetInferenceProfile"}

// An exception is a reason why recordings are not answered as they were.
type exception struct {
	reason string
	of     func(recording) bool
}

// cassettes matches the recordings in files whose name begins so.
func cassettes(names ...string) func(recording) bool {
	return func(r recording) bool {
		return slices.ContainsFunc(r.Paths, func(path string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(recordings.ShortPath(path), name) })
		})
	}
}

// foreign matches what InvokeModel was asked in another format than that of Claude's Messages API.
func foreign(r recording) bool {
	_, messages := r.members()["messages"]
	return strings.HasPrefix(r.operation(), "InvokeModel") && r.Status == http.StatusOK && (!messages || !strings.Contains(r.model(), "claude"))
}

var underAnotherName = cassettes("cassettes/anthropic_completion_beta_tools_stream", "cassettes/anthropic_completion_tools_server_tool_use",
	"cassettes/anthropic_completion_tools_deferred", "test_messages/test_async_anthropic_beta_message_stream_manager_legacy",
	"test_structured_outputs/test_anthropic_structured_outputs_")

func excepted(r recording) bool {
	return slices.ContainsFunc(exceptions, func(e exception) bool { return e.of(r) })
}

var exceptions = []exception{
	{"InvokeModel in other formats than Claude's Messages API (other vendors' models, Claude's text completions) is not offered", foreign},
	{"Bedrock knows the beta by another name, or the feature without a beta; they are played so as well", underAnotherName},
	{"Bedrock caches for an hour from Claude 4.5 on, Anthropic's API did before", cassettes("cassettes/anthropic_completion_cache_write_1h_ttl", "cassettes/completion_anthropic_cache_write_1h_ttl")},
	{"a JPEG that is declared a PNG, refused since 2025 (anthropics/claude-code issues 988, 11975)", cassettes("test_instrumentor/test_anthropic_instrumentation_image_input_messages")},
	{"recorded in June 2024, when a tool_result did not have to answer the tool_use before it", cassettes("cassettes/anthropic_completion_tools_call_with_tool_result_stream")},
	{"written by hand, with a signature that no Claude has made", cassettes("cassettes/anthropic_completion_thinking_tool_result")},
	{"written by hand (their request IDs are test-request-id-001 to -003), with a schema that Claude refuses", cassettes("bedrock/bedrock_converse_")},
	{"written by hand, with an answer that no model gives", cassettes("bedrock-runtime/bedrock-runtime_model_anthropic.claude-3-haiku-20240307-v1_0_converse_post_2e15425b")},
}

func (n tally) String() string {
	var out []string
	for what, i := range n {
		if !slices.Contains([]string{"recorded", "distinct", "on current models"}, what) {
			out = append(out, fmt.Sprintf("%d %s", i, what))
		}
	}
	slices.Sort(out)
	return fmt.Sprintf("%d recordings (%d distinct, %d on current models): %s", n["recorded"], n["distinct"], n["on current models"], strings.Join(out, ", "))
}
