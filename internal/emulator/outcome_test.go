package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	awsstream "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
)

// An outcome is an answer, recorded or ours, such that the two can be compared.
type outcome struct {
	status  int
	code    string // AWS's name of the exception
	message string // of a refusal; "" where another service's words are recorded
	headers map[string]string
	body    any // JSON of a whole answer
	events  []event
}

// An event is one of a stream: Claude's own, or Converse's with its name as type.
type event = map[string]any

func (o outcome) verb() string {
	if o.status == http.StatusOK {
		return "accepted"
	}
	return "refused"
}

// onBedrock are Anthropic's errors as Bedrock has them.
var onBedrock = map[string]struct {
	status int
	code   string
}{
	"invalid_request_error": {http.StatusBadRequest, "ValidationException"},
	"authentication_error":  {http.StatusForbidden, "UnrecognizedClientException"},
}

func recordedOutcome(t *testing.T, r recording) outcome {
	t.Helper()
	o := outcome{status: r.Status, headers: r.Headers}
	switch {
	case r.Status != http.StatusOK && r.isAnthropics():
		var refusal struct {
			Error struct{ Type, Message string }
		}
		unmarshal(t, r.Response, &refusal)
		known, ok := onBedrock[refusal.Error.Type]
		if !ok {
			t.Fatalf("Anthropic's %s has no counterpart", refusal.Error.Type)
		}
		o.status, o.code = known.status, known.code
		if o.status == http.StatusBadRequest { // Claude's own words, which Bedrock passes on
			o.message = refusal.Error.Message
		}
	case r.Status != http.StatusOK:
		o.code, o.message = refusalOf(t, r.Headers["x-amzn-errortype"], r.Response)
	case strings.HasPrefix(r.Response, "event: "):
		o.events = readSSE(t, r.Response)
	case r.Stream != nil:
		o.events = readStream(t, r.Stream)
	case r.Response != "":
		unmarshal(t, r.Response, &o.body)
	}
	return o
}

func playedOutcome(t *testing.T, a answer, r recording) outcome {
	t.Helper()
	a.wantHead(t)
	o := outcome{status: a.StatusCode, headers: map[string]string{}}
	for name := range a.Header {
		o.headers[strings.ToLower(name)] = a.Header.Get(name)
	}
	switch {
	case a.StatusCode != http.StatusOK:
		o.code, o.message = refusalOf(t, a.Header.Get("X-Amzn-Errortype"), a.body)
	case strings.HasSuffix(r.operation(), "Stream"):
		o.events = readStream(t, []byte(a.body))
	default:
		unmarshal(t, a.body, &o.body)
	}
	return o
}

func unmarshal(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func refusalOf(t *testing.T, errorType, body string) (code, message string) {
	t.Helper()
	var refusal struct{ Message string }
	unmarshal(t, body, &refusal)
	code, _, _ = strings.Cut(errorType, ":")
	return code, refusal.Message
}

// readSSE reads what Anthropic streams, without its pings, which Bedrock does not send.
func readSSE(t *testing.T, text string) (out []event) {
	t.Helper()
	for line := range strings.Lines(text) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e event
		if unmarshal(t, data, &e); e["type"] != "ping" {
			out = append(out, e)
		}
	}
	return out
}

// TestRecordedStreamsAreReadAlike reads every recorded event stream with our reader too.
func TestRecordedStreamsAreReadAlike(t *testing.T) {
	streams, messages := 0, 0
	for _, r := range readRecordings(t, "bedrock") {
		if r.Stream == nil {
			continue
		}
		streams++
		var again []byte
		reader := eventstream.NewReader(bytes.NewReader(r.Stream))
		m, err := reader.Next()
		for ; err == nil; m, err = reader.Next() {
			messages++
			var headers []eventstream.Header
			for name, value := range m.Headers() {
				headers = append(headers, eventstream.Header{Name: name, Value: value})
			}
			var failed error
			if again, failed = eventstream.Append(again, headers, m.Payload()); failed != nil {
				t.Fatalf("%s: %v", r.Name(), failed)
			}
		}
		if err != io.EOF || !bytes.Equal(again, r.Stream) {
			t.Errorf("%s: read and written again it is not the same: %v", r.Name(), err)
		}
	}
	if streams != 31 {
		t.Errorf("%d streams, want 31", streams)
	}
	t.Logf("%d streams of %d messages, read and written", streams, messages)
}

// readStream reads an event stream with AWS's decoder.
func readStream(t *testing.T, stream []byte) (out []event) {
	t.Helper()
	decoder, r := awsstream.NewDecoder(), bytes.NewReader(stream)
	for r.Len() > 0 {
		m, err := decoder.Decode(r, nil)
		if err != nil {
			t.Fatalf("message %d: %v", len(out), err)
		}
		name := m.Headers.Get(":event-type")
		if name == nil {
			t.Fatalf("message %d is no event: %v %s", len(out), m.Headers, m.Payload)
		}
		e := event{}
		if name.String() == "chunk" {
			var payload struct{ Bytes []byte }
			unmarshal(t, string(m.Payload), &payload)
			unmarshal(t, string(payload.Bytes), &e)
		} else {
			unmarshal(t, string(m.Payload), &e)
			e["type"] = name.String()
		}
		delete(e, "p") // padding
		out = append(out, e)
	}
	return out
}

// compare returns how another outcome differs from what is recorded.
func (o outcome) compare(t *testing.T, got outcome, r recording, allowed *allowances) (faults []string) {
	t.Helper()
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if got.status != o.status || got.code != o.code {
		fault("recorded %d %s, got %d %s: %s", o.status, o.code, got.status, got.code, got.message)
		return faults
	}
	if o.message != "" && got.message != o.message {
		fault("recorded message %q, got %q", o.message, got.message)
	}
	if !r.isAnthropics() {
		faults = append(faults, o.compareHeaders(got)...)
	}
	if o.status != http.StatusOK {
		return faults
	}
	if o.events != nil {
		for whose, events := range map[string][]event{"the recorded stream": o.events, "our stream": got.events} {
			if err := checkOrder(events); err != nil {
				fault("%s: %v", whose, err)
				return faults
			}
		}
		faults = append(faults, compareShapes(list(o.events), list(got.events), allowed)...)
	} else {
		faults = append(faults, compareShapes(o.body, got.body, allowed)...)
	}
	if r.Method == http.MethodGet {
		return faults
	}
	return append(faults, o.compareContents(t, got, r)...)
}

func list(events []event) (out []any) {
	for _, e := range events {
		out = append(out, e)
	}
	return out
}

// compareHeaders: what is recorded is there; counts agree with the body, of which they are a copy.
func (o outcome) compareHeaders(got outcome) (faults []string) {
	for name, want := range o.headers {
		have, ok := got.headers[name]
		_, notNumber := strconv.Atoi(have)
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("no header %s, recorded %q", name, want))
		case strings.HasSuffix(name, "-count") || strings.HasSuffix(name, "-latency"):
			if notNumber != nil {
				faults = append(faults, fmt.Sprintf("header %s is %q, no number", name, have))
			}
		case have != want:
			faults = append(faults, fmt.Sprintf("header %s is %q, recorded %q", name, have, want))
		}
	}
	return faults
}

// shape writes down which members an answer has and of which JSON type, by path. Elements of arrays go
// by what kind of block or event they are.
func shape(v any) map[string]string {
	out := map[string]string{}
	addShape(out, "", v)
	return out
}

// freeForm are members whose content is the user's or the model's.
var freeForm = []string{"input", "json"}

func addShape(out map[string]string, path string, v any) {
	kind := jsonType(v)
	if before, ok := out[path]; !ok || before == "null" {
		out[path] = kind
	} else if kind != before && kind != "null" {
		out[path] = before + " or " + kind
	}
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			at := strings.TrimPrefix(path+"."+name, ".")
			if slices.Contains(freeForm, name) {
				member = jsonType(member)
				out[at] = member.(string)
				continue
			}
			addShape(out, at, member)
		}
	case []any:
		for _, element := range v {
			addShape(out, path+"["+kindOf(element)+"]", element)
		}
	}
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64, json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// kindOf tells blocks and events apart: by type, and by that of the block or delta that they carry; or,
// as Converse has unions, by the only member.
func kindOf(v any) string {
	o, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	kind, _ := o["type"].(string)
	for _, name := range []string{"content_block", "delta", "start"} {
		if inner, ok := o[name].(map[string]any); ok {
			if of := kindOf(inner); of != "" {
				kind += "/" + of
			}
		}
	}
	if kind == "" && len(o) == 1 {
		for name := range o {
			return name
		}
	}
	return kind
}

// compareShapes returns where two answers differ in members and types. A block or event that only one
// of them has says nothing: the models are not the same.
func compareShapes(recorded, got any, allowed *allowances) (faults []string) {
	want, have := shape(recorded), shape(got)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		kind, ok := have[path]
		switch {
		case !ok && comparable(path, have):
			faults = allowed.filter(faults, "absent "+path)
		case ok && kind != want[path] && kind != "null" && want[path] != "null":
			faults = append(faults, fmt.Sprintf("%s is of type %s, recorded %s", path, kind, want[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[path]; !ok && comparable(path, want) {
			faults = allowed.filter(faults, "added "+path)
		}
	}
	return faults
}

// comparable reports whether the blocks and events on the way to a path are in the other answer too, and
// whether the path is the first one missing.
func comparable(path string, other map[string]string) bool {
	for i, c := range path {
		if c == ']' {
			if _, ok := other[path[:i+1]]; !ok {
				return false
			}
		}
	}
	if strings.HasSuffix(path, "]") {
		return false
	}
	parent := path[:max(0, strings.LastIndex(path, "."))]
	kind, ok := other[parent]
	return ok && kind != "null"
}

// allowances are the differences of shape that are allowed, and which of them there were.
type allowances struct{ seen map[string]int }

func newAllowances() *allowances { return &allowances{map[string]int{}} }

// filter adds a difference to the faults unless it is allowed.
func (a *allowances) filter(faults []string, difference string) []string {
	if _, ok := allowedDifferences[difference]; !ok {
		return append(faults, difference)
	}
	a.seen[difference]++
	return faults
}

func (a *allowances) report(t *testing.T) {
	t.Helper()
	for difference, reason := range allowedDifferences {
		if a.seen[difference] == 0 {
			t.Errorf("%s: no recording shows it any more (%s)", difference, reason)
		}
	}
}

// allowedDifferences are members that only the recordings have ("absent") or only our answers ("added"),
// with the reason.
var allowedDifferences = func() map[string]string {
	out := map[string]string{}
	for reason, differences := range map[string][]string{
		"a member of Anthropic's own API, not of Bedrock's": {
			"absent usage.service_tier", "absent [message_start].message.usage.service_tier",
			"absent usage.inference_geo", "absent [message_start].message.usage.inference_geo",
		},
		"null, since 2026, in Anthropic's own API; no recording of Bedrock has it": {
			"absent stop_details", "absent [message_start].message.stop_details", "absent [message_delta].delta.stop_details",
		},
		"of Anthropic's own API; no recording of Bedrock has it": {
			"absent content[tool_use].caller", "absent [content_block_start/tool_use].content_block.caller",
			"absent context_management", "absent [message_delta].context_management",
		},
		"recorded of models that cached nothing then; ours stand for later ones": {
			"added usage.cacheReadInputTokens", "added usage.cacheReadInputTokenCount",
			"added usage.cacheWriteInputTokens", "added usage.cacheWriteInputTokenCount",
			"added [metadata].usage.cacheReadInputTokens", "added [metadata].usage.cacheReadInputTokenCount",
			"added [metadata].usage.cacheWriteInputTokens", "added [metadata].usage.cacheWriteInputTokenCount",
		},
		"sent since late 2025, as later recordings show": {"added usage.serverToolUsage", "added [metadata].usage.serverToolUsage"},
		"in AWS's service model since 2026":              {"added usage.cacheDetails", "added [metadata].usage.cacheDetails"},
		"our Bedrock has no guardrail that intervenes": {
			"absent trace.guardrail.modelOutput", "absent [metadata].trace.guardrail.modelOutput",
			"absent trace.guardrail.actionReason",
			"absent trace.guardrail.inputAssessment.5zwrmdlsra2e.invocationMetrics.usage.automatedReasoningPolicies",
			"absent trace.guardrail.inputAssessment.5zwrmdlsra2e.invocationMetrics.usage.automatedReasoningPolicyUnits",
			"absent trace.guardrail.inputAssessment.5zwrmdlsra2e.invocationMetrics.usage.contentPolicyImageUnits",
			"absent [metadata].trace.guardrail.actionReason",
			"absent [metadata].trace.guardrail.inputAssessment.5zwrmdlsra2e.invocationMetrics.usage.automatedReasoningPolicies",
			"absent [metadata].trace.guardrail.inputAssessment.5zwrmdlsra2e.invocationMetrics.usage.automatedReasoningPolicyUnits",
			"absent [metadata].trace.guardrail.inputAssessment.5zwrmdlsra2e.invocationMetrics.usage.contentPolicyImageUnits",
		},
		"our model uses no tools of the server": {"absent usage.server_tool_use", "absent [message_delta].usage.server_tool_use"},
		"null, and not in AWS's service model":  {"absent toolboxArn"},
		"recorded before prompt caching": {
			"added usage.cache_creation_input_tokens", "added [message_start].message.usage.cache_creation_input_tokens",
			"added usage.cache_read_input_tokens", "added [message_start].message.usage.cache_read_input_tokens",
			"added [message_stop].amazon-bedrock-invocationMetrics.cacheReadInputTokenCount",
			"added [message_stop].amazon-bedrock-invocationMetrics.cacheWriteInputTokenCount",
		},
		"recorded before prompts were cached for an hour": {"added usage.cache_creation", "added [message_start].message.usage.cache_creation"},
		"recorded when the stream's end did not repeat the input's tokens": {
			"added [message_delta].usage.input_tokens",
			"added [message_delta].usage.cache_creation_input_tokens", "added [message_delta].usage.cache_read_input_tokens",
		},
		"recorded before thinking was counted apart":           {"added usage.output_tokens_details", "added [message_delta].usage.output_tokens_details"},
		"Bedrock's, and recorded of Anthropic's own API":       {"added [message_stop].amazon-bedrock-invocationMetrics"},
		"other cassettes have it; that one is written by hand": {"added [content_block_start/thinking].content_block.signature"},

		// A fault of ours, to be mended: no recording has it there.
		"the stream's end repeats how long prompts are cached": {"added [message_delta].usage.cache_creation"},
	} {
		for _, difference := range differences {
			out[difference] = reason
		}
	}
	return out
}()
