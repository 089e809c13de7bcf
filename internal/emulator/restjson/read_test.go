package restjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("Converse")
	f := func(name, body string, want map[string]any) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			want["modelId"] = "m"
			got, err := read(o, "m", body)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Read(%s): error %v, -want +got:\n%s", body, err, diff)
			}
		})
	}
	f("no body", "", map[string]any{})
	f("space around", " \r\n\t{ \"messages\" : [ ] } \n", map[string]any{"messages": []any{}})
	f("unknown members are left out, whatever they hold", `{"x":{"messages":[1,{"y":"}]"}]},"y":-1.5e3,"z":[null],"messages":[],"w":"\\\""}`, map[string]any{"messages": []any{}})
	f("null is absent", `{"messages":null,"inferenceConfig":{"maxTokens":null}}`, map[string]any{"inferenceConfig": map[string]any{}})
	f("of members that stand twice the last counts", `{"messages":[{"role":"a"}],"messages":[]}`, map[string]any{"messages": []any{}})
	f("null after a value takes it back", `{"messages":[],"messages":null}`, map[string]any{})
	f("names and text with escapes", `{"m\u0065ssages":[{"role":"\ud83d\ude39\n\/"}]}`, map[string]any{"messages": []any{map[string]any{"role": "😹\n/"}}})
	f("numbers", `{"inferenceConfig":{"maxTokens":1e2,"temperature":0.50,"topP":"Infinity"}}`,
		map[string]any{"inferenceConfig": map[string]any{"maxTokens": json.Number("100"), "temperature": json.Number("0.50"), "topP": json.Number("Infinity")}})
	f("an integer's fraction is cut off, and what is too large", `{"inferenceConfig":{"maxTokens":5.9}}`,
		map[string]any{"inferenceConfig": map[string]any{"maxTokens": json.Number("5")}})
	f("an integer is one of 32 bits", `{"inferenceConfig":{"maxTokens":1e400}}`,
		map[string]any{"inferenceConfig": map[string]any{"maxTokens": json.Number("2147483647")}})
	f("a blob", `{"messages":[{"content":[{"image":{"source":{"bytes":"aGk\u003d"}}}]}]}`,
		map[string]any{"messages": []any{map[string]any{"content": []any{map[string]any{"image": map[string]any{"source": map[string]any{"bytes": []byte("hi")}}}}}}})
	f("a document keeps null and the digits of numbers", `{"additionalModelRequestFields":{"a":[null,1.10,"x",true,{}],"b":123456789012345678901}}`,
		map[string]any{"additionalModelRequestFields": map[string]any{"a": []any{nil, json.Number("1.10"), "x", true, map[string]any{}}, "b": json.Number("123456789012345678901")}})
	f("a document of one word", `{"additionalModelRequestFields":7}`, map[string]any{"additionalModelRequestFields": json.Number("7")})
	f("a map", `{"requestMetadata":{"a":"","":"b"}}`, map[string]any{"requestMetadata": map[string]any{"a": "", "": "b"}})
}

func TestReadRefuses(t *testing.T) {
	runtime := model(t, "api-bedrock-runtime.json")
	f := func(name, body, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			_, err := read(runtime.Operation("Converse"), "m", body)
			var refused *SyntaxError
			if !errors.As(err, &refused) || refused.Message != want {
				t.Errorf("Read(%.200s) = %v, want %s", body, err, want)
			}
		})
	}
	const notJSON = "The request body is not valid JSON"
	f("a cut body", `{"messages":[`, notJSON)
	f("two values", `{} {}`, notJSON)
	f("only space", ` `, notJSON)
	f("not UTF-8 outside of a string", "{\xff}", notJSON)
	f("a list", `[]`, "Unrecognized collection type class com.amazon.bedrock.ConverseRequest")
	f("a word", `"{}"`, "Unexpected field type")
	f("null", `null`, "Unexpected null in a list or map")
	f("a string for a list", `{"messages":"x"}`, "Unexpected field type")
	f("an object for a list", `{"messages":{}}`, "Start of structure or map found where not expected")
	f("a list for a string", `{"messages":[{"role":[]}]}`, "Unrecognized collection type class java.lang.String")
	f("an object for a string", `{"messages":[{"role":{}}]}`, "Start of structure or map found where not expected")
	f("a number for a string", `{"messages":[{"role":1}]}`, "NUMBER_VALUE cannot be converted to String")
	f("a decimal for a string", `{"messages":[{"role":1.5}]}`, "DECIMAL_VALUE cannot be converted to String")
	f("true for a string", `{"messages":[{"role":true}]}`, "TRUE_VALUE cannot be converted to String")
	f("a string for an integer", `{"inferenceConfig":{"maxTokens":"5"}}`, "STRING_VALUE cannot be converted to Integer")
	f("a string for a float, as ellmer recorded", `{"inferenceConfig":{"temperature":"hot"}}`, "STRING_VALUE cannot be converted to Float")
	f("false for a float", `{"inferenceConfig":{"temperature":false}}`, "FALSE_VALUE cannot be converted to Float")
	f("a number for a boolean", `{"toolConfig":{"tools":[{"toolSpec":{"strict":1}}]}}`, "NUMBER_VALUE cannot be converted to Boolean")
	f("a string for a boolean", `{"toolConfig":{"tools":[{"toolSpec":{"strict":"yes"}}]}}`, "Unexpected token received from parser")
	f("null in a list", `{"messages":[null]}`, "Unexpected null in a list or map")
	f("null in a map", `{"requestMetadata":{"a":null}}`, "Unexpected null in a list or map")
	image := func(v string) string {
		return `{"messages":[{"content":[{"image":{"source":{"bytes":` + v + `}}}]}]}`
	}
	f("a number for a blob", image(`5`), "only base-64-encoded strings are convertible to bytes")
	f("base64 of a wrong length", image(`"23456"`), "Base64 encoded length is expected a multiple of 4 bytes but found: 5")
	f("base64 with a wrong character", image(`"=+/="`), "Invalid last non-pad Base64 character dectected")
	deep := "The request body nests arrays and objects deeper than 1000"
	f("too deep in a document", `{"additionalModelRequestFields":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`}`, deep)
	f("too deep in what is not known", `{"x":`+strings.Repeat(`{"a":`, 2_000_000), deep)

	start := runtime.Operation("ListAsyncInvokes")
	r := &http.Request{URL: &url.URL{RawQuery: "submitTimeAfter=yesterday&maxResults=5"}, Header: http.Header{}}
	if _, err := start.Read(nil, r, nil); err == nil || err.Error() != "Invalid timestamp: yesterday" {
		t.Errorf("Read of a bad timestamp = %v", err)
	}
	r.URL.RawQuery = "maxResults=five"
	if _, err := start.Read(nil, r, nil); err == nil || err.Error() != "STRING_VALUE cannot be converted to Integer" {
		t.Errorf("Read of a bad number = %v", err)
	}
}

func TestDepthLimitIsReached(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("Converse")
	body := `{"additionalModelRequestFields":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `}`
	if _, err := read(o, "m", body); err != nil {
		t.Errorf("Read of 1000 levels = %v", err)
	}
}

// TestInvokeModelBody: the payload is handed over as it came.
func TestInvokeModelBody(t *testing.T) {
	o := model(t, "api-bedrock-runtime.json").Operation("InvokeModel")
	body := []byte("not even JSON \xff")
	r := &http.Request{URL: &url.URL{}, Header: http.Header{"X-Amzn-Bedrock-Trace": {"ENABLED"}, "Content-Type": {"application/json"}}}
	got, err := o.Read(map[string]string{"modelId": "m"}, r, body)
	want := map[string]any{"modelId": "m", "body": body, "trace": "ENABLED", "contentType": "application/json"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Read: error %v, -want +got:\n%s", err, diff)
	}
}

// TestLargeBodiesAreReadInLinearTime reads 25 MB of what would hurt a reader that looks twice: members that
// nobody knows, nesting, one long string, many short ones.
func TestLargeBodiesAreReadInLinearTime(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 25 MB five times")
	}
	o := model(t, "api-bedrock-runtime.json").Operation("Converse")
	const size = 25_000_000
	for name, body := range map[string]string{
		"unknown members": `{"x":[` + strings.Repeat(`{"y":[1]},`, size/10) + `1]}`,
		"a long string":   `{"messages":[{"role":"` + strings.Repeat("x", size) + `"}]}`,
		"escapes":         `{"messages":[{"role":"` + strings.Repeat(`\u0041`, size/6) + `"}]}`,
		"many messages":   `{"messages":[` + strings.Repeat(`{"role":"u"},`, size/13) + `{}]}`,
		"deep document":   `{"additionalModelRequestFields":` + strings.Repeat(`{"a":`, 990) + `"` + strings.Repeat("x", size) + `"` + strings.Repeat("}", 990) + `}`,
	} {
		started := time.Now()
		if _, err := read(o, "m", body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("%s: %d bytes took %v", name, len(body), took)
		} else {
			t.Logf("%s: %d bytes took %v", name, len(body), took)
		}
	}
}

// FuzzDocument holds the walk over a document to encoding/json.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{`{}`, `[1,-0.5e+3,"a\ud83d\ude39\"",null,true,false,{"a":{"b":[]}}]`, ` "x" `, `"\ud800"`, "\"\xff\"", `0`, `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	s := &shape{document: true}
	f.Fuzz(func(t *testing.T, body []byte) {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var want any
		valid := json.Valid(body) && dec.Decode(&want) == nil
		got, err := decode(s, body)
		if valid != (err == nil) {
			if nestsDeeper(body, depthLimit) {
				return
			}
			t.Fatalf("decode(%q) = %v, encoding/json takes it: %v", body, err, valid)
		}
		if err == nil && !reflect.DeepEqual(want, got) { // cmp would take exponential time for deep lists
			t.Errorf("decode(%q) = %#v, encoding/json %#v", body, got, want)
		}
	})
}

// FuzzRead: whatever comes, Read and Check refuse it in their own words or take it, and what is taken
// and written is the same when it is read again.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"role":"user","content":[{"text":"hi"},{"image":{"format":"png","source":{"bytes":"aGk="}}}]}]}`,
		`{"toolConfig":{"tools":[{"toolSpec":{"name":"a","inputSchema":{"json":{"type":"object"}}}}],"toolChoice":{"any":{}}}}`,
		`{"inferenceConfig":{"maxTokens":5,"temperature":"NaN","topP":1e-3,"stopSequences":["a"]},"requestMetadata":{"a":"b"}}`,
		`{"messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"b","input":{"c":[null]}}},{"reasoningContent":{"reasoningText":{"text":"x","signature":"y"}}}]}]}`,
		`{"messages":null,"system":[{"text":""}],"x":1}`, `[`, `{"messages":[null]}`,
	} {
		f.Add([]byte(seed))
	}
	o := model(f, "api-bedrock-runtime.json").Operation("Converse")
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := read(o, "m", string(body))
		if err != nil {
			var refused *SyntaxError
			if !errors.As(err, &refused) || refused.Message == "" {
				t.Fatalf("Read(%q) = %#v, want a *SyntaxError", body, err)
			}
			return
		}
		var refused *ValidationError
		if err := o.Check(in); err != nil && !errors.As(err, &refused) {
			t.Fatalf("Check(%q) = %#v, want a *ValidationError", body, err)
		}
		written, err := appendStructure(nil, o.input, in)
		if err != nil {
			t.Fatalf("write what Read(%q) returned: %v", body, err)
		}
		again, err := read(o, "m", string(written))
		if err != nil || !reflect.DeepEqual(in, again) {
			t.Errorf("Read(%q) = %#v is written as %s and read as %#v, %v", body, in, written, again, err)
		}
	})
}
