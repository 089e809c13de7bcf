package restjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
)

func TestWrite(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("Converse")
	h := http.Header{}
	status, body, err := o.Write(h, map[string]any{
		"usage":      map[string]any{"inputTokens": 1, "outputTokens": int64(2), "totalTokens": json.Number("3")},
		"stopReason": "tool_use",
		"metrics":    map[string]any{"latencyMs": 5.0},
		"output": map[string]any{"message": map[string]any{"role": "assistant", "content": []map[string]any{
			{"text": "<a> & \u2028 \x01 é"},
			{"toolUse": map[string]any{"toolUseId": "t", "name": "n", "input": json.RawMessage(`{"b": "<", "a": 1.0}`)}},
		}}},
		"additionalModelResponseFields": nil,
		"unknown":                       1,
	})
	const want = `{"output":{"message":{"role":"assistant","content":[{"text":"<a> & \u2028 \u0001 é"},{"toolUse":{"toolUseId":"t","name":"n","input":{"b":"<","a":1.0}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"metrics":{"latencyMs":5}}`
	if err != nil || status != 200 || h.Get("Content-Type") != "application/json" {
		t.Errorf("Write = %d, %v, %v", status, h, err)
	}
	if diff := cmp.Diff(meaning(want), meaning(string(body))); diff != "" || !bytes.HasPrefix(body, []byte(`{"output":{"message":{"role":"assistant","content":[{"text":"<a> & `)) {
		t.Errorf("Write = %s\nwant %s", body, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	runtime := model(t, "api-bedrock-runtime.json")
	f := func(operation string, output map[string]any, want string) {
		t.Helper()
		if _, _, err := runtime.Operation(operation).Write(http.Header{}, output); err == nil || err.Error() != want {
			t.Errorf("Write(%v) = %v, want %s", output, err, want)
		}
	}
	f("Converse", map[string]any{"stopReason": 1}, "restjson: output of Converse: stopReason: a int is no string (StopReason)")
	f("Converse", map[string]any{"usage": map[string]any{"inputTokens": "1"}}, "restjson: output of Converse: usage: inputTokens: a string is no integer (TokenUsageInputTokensInteger)")
	f("Converse", map[string]any{"usage": map[string]any{"inputTokens": json.Number("x")}}, `restjson: output of Converse: usage: inputTokens: "x" is no number`)
	f("Converse", map[string]any{"usage": []any{}}, "restjson: output of Converse: usage: a []interface {} is no structure (TokenUsage)")
	f("InvokeModel", map[string]any{"body": "text"}, "restjson: output of InvokeModel: a string is no blob (Body)")
	if _, _, err := runtime.Operation("Converse").Write(http.Header{}, map[string]any{"additionalModelResponseFields": math.Inf(1)}); err == nil {
		t.Error("Write takes infinity in a document")
	}
}

func TestWriteInvokeModel(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("InvokeModel")
	h := http.Header{}
	status, body, err := o.Write(h, map[string]any{"body": []byte("{}"), "contentType": "application/json", "serviceTier": "default"})
	want := http.Header{"Content-Type": {"application/json"}, "X-Amzn-Bedrock-Service-Tier": {"default"}}
	if diff := cmp.Diff(want, h); status != 200 || string(body) != "{}" || err != nil || diff != "" {
		t.Errorf("Write = %d, %s, %v; headers, -want +got:\n%s", status, body, err, diff)
	}
}

func TestWriteError(t *testing.T) {
	s := model(t, "api-bedrock-runtime.json")
	f := func(code string, fields map[string]any, wantStatus int, wantBody string) {
		t.Helper()
		h := http.Header{}
		status, body := s.WriteError(h, code, fields)
		want := http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {code}}
		if diff := cmp.Diff(want, h); status != wantStatus || string(body) != wantBody || diff != "" {
			t.Errorf("WriteError(%s) = %d, %s, want %d, %s; headers, -want +got:\n%s", code, status, body, wantStatus, wantBody, diff)
		}
	}
	f("ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/", map[string]any{"message": "no"}, 400, `{"message":"no"}`)
	f("ThrottlingException", map[string]any{"message": "slow"}, 429, `{"message":"slow"}`)
	f("ModelErrorException", map[string]any{"message": "no", "originalStatusCode": 500, "resourceName": "r"}, 424, `{"message":"no","originalStatusCode":500,"resourceName":"r"}`)
	f("SerializationException", map[string]any{"message": "no"}, 400, `{"message":"no"}`)
	f("ConverseRequest", map[string]any{"message": "no exception"}, 400, `{"message":"no exception"}`)
	f("ThrottlingException", map[string]any{"message": 5}, 429, `{}`)
}

func TestAppendEvent(t *testing.T) {
	runtime := model(t, "api-bedrock-runtime.json")
	f := func(name, operation, event string, value map[string]any, wantHeaders map[string]string, wantPayload string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			raw, err := runtime.Operation(operation).AppendEvent([]byte("before"), event, value)
			if err != nil {
				t.Fatal(err)
			}
			message, err := eventstream.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("before")))).Next()
			if err != nil {
				t.Fatal(err)
			}
			headers := map[string]string{}
			for name, v := range message.Headers() {
				text, _ := v.Text()
				headers[name] = string(text)
			}
			if diff := cmp.Diff(wantHeaders, headers); diff != "" {
				t.Errorf("headers, -want +got:\n%s", diff)
			}
			if got := string(message.Payload()); got != wantPayload {
				t.Errorf("payload %s, want %s", got, wantPayload)
			}
		})
	}
	event := func(name string) map[string]string {
		return map[string]string{":event-type": name, ":content-type": "application/json", ":message-type": "event"}
	}
	f("an event", "ConverseStream", "contentBlockDelta", map[string]any{"contentBlockIndex": 0, "delta": map[string]any{"text": "hi"}},
		event("contentBlockDelta"), `{"delta":{"text":"hi"},"contentBlockIndex":0}`)
	f("padding", "ConverseStream", "messageStart", map[string]any{"role": "assistant", "p": "abc"},
		event("messageStart"), `{"role":"assistant","p":"abc"}`)
	f("padding alone", "ConverseStream", "messageStart", map[string]any{"p": "abc"}, event("messageStart"), `{"p":"abc"}`)
	f("a chunk", "InvokeModelWithResponseStream", "chunk", map[string]any{"bytes": []byte("{}"), "p": "a"}, event("chunk"), `{"bytes":"e30=","p":"a"}`)
	f("an exception", "ConverseStream", "throttlingException", map[string]any{"message": "slow"},
		map[string]string{":exception-type": "throttlingException", ":content-type": "application/json", ":message-type": "exception"}, `{"message":"slow"}`)

	for _, bad := range []struct{ operation, event string }{{"Converse", "messageStart"}, {"ConverseStream", "nothing"}} {
		if raw, err := runtime.Operation(bad.operation).AppendEvent([]byte("before"), bad.event, nil); err == nil || string(raw) != "before" {
			t.Errorf("%s has no event %s, but AppendEvent = %q, %v", bad.operation, bad.event, raw, err)
		}
	}
	if _, err := runtime.Operation("ConverseStream").AppendEvent(nil, "messageStart", map[string]any{"role": 5}); err == nil {
		t.Error("AppendEvent takes a number for a string")
	}
}

// TestEventMembers: members in headers and in the payload, which Bedrock's models do not have.
func TestEventMembers(t *testing.T) {
	s, err := Parse([]byte(`{"operations":{"O":{"http":{"responseCode":200},"output":"Out"}},"shapes":{
		"Out":{"type":"structure","members":{"stream":{"shape":"Stream"}},"payload":"stream"},
		"Stream":{"type":"structure","eventstream":true,"members":{"e":{"shape":"E"}}},
		"E":{"type":"structure","event":true,"members":{"text":{"shape":"String","eventheader":true},"n":{"shape":"Int","eventheader":true},
			"t":{"shape":"Time","eventheader":true},"b":{"shape":"Bool","eventheader":true},"l":{"shape":"Long","eventheader":true},
			"x":{"shape":"Blob","eventheader":true},"data":{"shape":"Blob","eventpayload":true}}},
		"String":{"type":"string"},"Int":{"type":"integer"},"Time":{"type":"timestamp"},"Bool":{"type":"boolean"},"Long":{"type":"long"},"Blob":{"type":"blob"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1_700_000_000_123).UTC()
	raw, err := s.Operation("O").AppendEvent(nil, "e", map[string]any{"text": "x", "n": 5, "t": at, "b": true, "l": 6, "x": []byte{1}, "data": []byte("raw")})
	if err != nil {
		t.Fatal(err)
	}
	message, err := eventstream.NewReader(bytes.NewReader(raw)).Next()
	if err != nil || string(message.Payload()) != "raw" {
		t.Fatalf("payload %q, %v", message.Payload(), err)
	}
	for name, want := range map[string]eventstream.Value{
		"text": eventstream.String("x"), "n": eventstream.Int32(5), "t": eventstream.Timestamp(at), "b": eventstream.Bool(true),
		"l": eventstream.Int64(6), "x": eventstream.Bytes([]byte{1}), ":content-type": eventstream.String("application/octet-stream"),
	} {
		if got, ok := message.Header(name); !ok || !got.Equal(want) {
			t.Errorf("header %s = %v, want %v", name, got, want)
		}
	}
}

// TestWrittenValuesAreReadBack writes random values of every structure of both models.
func TestWrittenValuesAreReadBack(t *testing.T) {
	for _, name := range []string{"api-bedrock-runtime.json", "api-bedrock-control.json"} {
		shapes := model(t, name).shapes
		for _, shapeName := range []string{"ConverseRequest", "ConverseResponse", "ConverseStreamMetadataEvent", "CountTokensRequest",
			"ApplyGuardrailRequest", "CreateModelInvocationJobRequest", "GetInferenceProfileResponse", "GetFoundationModelResponse"} {
			s, ok := shapes[shapeName]
			if !ok {
				continue
			}
			t.Run(shapeName, rapid.MakeCheck(func(t *rapid.T) {
				want := randomStructure(t, s, 4)
				raw, err := appendValue(nil, s, want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := decode(s, raw)
				if diff := cmp.Diff(any(want), got); err != nil || diff != "" {
					t.Fatalf("%s: error %v, -want +got:\n%s", raw, err, diff)
				}
			}))
		}
	}
}

func randomStructure(t *rapid.T, s *shape, depth int) map[string]any {
	out := map[string]any{}
	for _, m := range s.members {
		if m.location == "" && rapid.IntRange(0, 2).Draw(t, "has") == 0 && (depth > 0 || m.shape.scalar()) {
			out[m.name] = random(t, m.shape, depth-1)
		}
	}
	return out
}

func random(t *rapid.T, s *shape, depth int) any {
	if s.document {
		return randomDocument(t, depth)
	}
	size := rapid.IntRange(0, 2)
	switch s.kind {
	case "structure":
		return randomStructure(t, s, depth)
	case "list":
		out := []any{}
		for range size.Draw(t, "size") {
			out = append(out, random(t, s.element, depth-1))
		}
		return out
	case "map":
		out := map[string]any{}
		for range size.Draw(t, "size") {
			out[rapid.String().Draw(t, "key")] = random(t, s.element, depth-1)
		}
		return out
	case "string":
		return rapid.String().Draw(t, "string")
	case "boolean":
		return rapid.Bool().Draw(t, "boolean")
	case "blob":
		return append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "blob")...)
	case "integer":
		return json.Number(fmt.Sprint(rapid.Int32().Draw(t, "integer")))
	case "long":
		return json.Number(fmt.Sprint(rapid.Int64().Draw(t, "long")))
	case "float", "double":
		special := rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0.1, 1e300})
		return json.Number(floatText(rapid.OneOf(rapid.Float64(), special).Draw(t, "double")))
	case "timestamp":
		return time.UnixMilli(rapid.Int64Range(-62_000_000_000_000, maxUnix*1000).Draw(t, "timestamp")).UTC()
	}
	panic("no such type: " + s.kind)
}

func randomDocument(t *rapid.T, depth int) any {
	most := 5
	if depth <= 0 {
		most = 3
	}
	switch rapid.IntRange(0, most).Draw(t, "type") {
	case 0:
		return rapid.String().Draw(t, "string")
	case 1:
		return json.Number(fmt.Sprint(rapid.Int64().Draw(t, "number")))
	case 2, 3:
		return rapid.Bool().Draw(t, "boolean")
	case 4:
		return []any{randomDocument(t, depth-1), nil}
	}
	return map[string]any{rapid.String().Draw(t, "key"): randomDocument(t, depth-1)}
}

func TestParseRefuses(t *testing.T) {
	for model, want := range map[string]string{
		`[`: "service model", `{"shapes":{"A":{"type":"list","member":"B"}}}`: `A names the shape "B"`,
		`{"shapes":{"A":{"type":"structure","payload":"b","members":{}}}}`: "A has no member b for its payload",
		`{"operations":{"O":{"input":"A"}}}`:                               `O names the shape "A"`,
	} {
		if _, err := Parse([]byte(model)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%s) = %v, want %s", model, err, want)
		}
	}
}
