package restjson

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A suite is one of botocore's: shapes and cases of one operation.
type suite struct {
	Description string
	Metadata    json.RawMessage
	Shapes      json.RawMessage
	Cases       []vector
}

type vector struct {
	ID    string
	Given struct {
		Name   string
		Errors []struct{ Shape string }
	}
	Raw        map[string]json.RawMessage `json:"-"`
	Params     json.RawMessage
	Serialized struct {
		Method, URI, Body string
		Headers           map[string]string
	}
	Result, Error json.RawMessage
	ErrorCode     string
	Response      struct {
		StatusCode int `json:"status_code"`
		Headers    map[string]string
		Body       *string
	}
}

// UnmarshalJSON keeps the operation as it stands beside what is read of it.
func (v *vector) UnmarshalJSON(raw []byte) error {
	type plain vector
	if err := json.Unmarshal(raw, (*plain)(v)); err != nil {
		return err
	}
	return json.Unmarshal(raw, &v.Raw)
}

func suites(t testing.TB, name string) []suite {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []suite
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *suite) service(t testing.TB, v *vector) *Service {
	t.Helper()
	model, err := json.Marshal(map[string]any{
		"metadata": s.Metadata, "shapes": s.Shapes,
		"operations": map[string]any{v.Given.Name: v.Raw["given"]},
	})
	if err != nil {
		t.Fatal(err)
	}
	service, err := Parse(model)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// Cases that ask of clients alone what a server cannot see or does otherwise, with the reason. A case
// that is listed and passes fails.
var (
	clientInput = map[string]string{
		"RestJsonQueryIdempotencyTokenAutoFill":          "the token that the client fills in is there for the server",
		"RestJsonQueryParamsStringListMap":               "a server puts every parameter into the map, bound ones too (Smithy, RestJsonServersQueryParamsStringListMap)",
		"RestJsonQueryPrecedence":                        "a server puts every parameter into the map, bound ones too (Smithy, RestJsonServersPutAllQueryParamsInMap)",
		"RestJsonHttpPrefixHeadersAreNotPresent":         "an empty map leaves nothing on the wire",
		"RestJsonOmitsEmptyListQueryValues":              "an empty list leaves nothing on the wire",
		"RestJsonHttpWithEmptyStructurePayload":          "the client writes {} for no payload; a server reads an empty structure",
		"RestJsonHttpWithHeadersButNoPayload":            "the client writes {} for no payload; a server reads an empty structure",
		"SDKAppliedContentEncoding_restJson1":            "compression, and the case has no body; Bedrock's models have no requestcompression",
		"SDKAppendedGzipAfterProvidedEncoding_restJson1": "compression, and the case has no body; Bedrock's models have no requestcompression",
	}
	clientOutput = map[string]string{
		"RestJsonDateTimeWithNegativeOffset":               "what a client must accept; a server writes UTC",
		"RestJsonDateTimeWithPositiveOffset":               "what a client must accept; a server writes UTC",
		"RestJsonEmptyInputAndEmptyOutputJsonObjectOutput": noPayload,
		"RestJsonGreetingWithErrorsNoPayload":              noPayload,
		"RestJsonHttpResponseCodeWithNoPayload":            noPayload,
		"RestJsonIgnoreQueryParamsInResponseNoPayload":     noPayload,
		"RestJsonNoInputAndOutputNoPayload":                noPayload,
		"RestJsonFooErrorUsingCode":                        codeInBody,
		"RestJsonFooErrorUsingCodeAndNamespace":            codeInBody,
		"RestJsonFooErrorUsingCodeUriAndNamespace":         codeInBody,
		"RestJsonFooErrorWithDunderType":                   codeInBody,
		"RestJsonFooErrorWithDunderTypeAndNamespace":       codeInBody,
		"RestJsonFooErrorWithDunderTypeUriAndNamespace":    codeInBody,
		"RestJsonDeserializesDenseSetMapAndSkipsNull":      "what a client must skip; a server writes no null",
		"RestJsonDoesntDeserializeNullStructureValues":     "what a client must skip; a server writes no null",
		"RestJsonDeserializeIgnoreType":                    "what a client must skip; a server writes no __type",
	}
)

const (
	noPayload  = "what a client must accept; a server writes {} (the case beside it)"
	codeInBody = "where a client must look besides X-Amzn-Errortype, which a server writes"
)

func TestInputVectors(t *testing.T) {
	passed, excluded := 0, 0
	for _, s := range suites(t, "input-rest-json.json") {
		for i := range s.Cases {
			v := &s.Cases[i]
			t.Run(v.ID, func(t *testing.T) {
				o := s.service(t, v).Operation(v.Given.Name)
				got, err := readVector(t, o, v)
				want := values(t, o.input, v.Params)
				diff := cmp.Diff(want, got, cmp.Comparer(sameNumber))
				if why, ok := clientInput[v.ID]; ok {
					excluded++
					if err == nil && diff == "" {
						t.Errorf("is listed as %q and passes", why)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if diff != "" {
					t.Fatalf("Read(%s %s), -want +got:\n%s", v.Serialized.Method, v.Serialized.URI, diff)
				}
				passed++
			})
		}
	}
	t.Logf("%d input vectors pass, %d are for clients only", passed, excluded)
	if excluded != len(clientInput) {
		t.Errorf("%d of %d listed cases are there", excluded, len(clientInput))
	}
}

// readVector reads the request as the vector has it.
func readVector(t *testing.T, o *Operation, v *vector) (map[string]any, error) {
	t.Helper()
	path, query, _ := strings.Cut(v.Serialized.URI, "?")
	path = strings.TrimPrefix(path, "/custom") // in one case the endpoint has a path of its own
	r := &http.Request{Method: v.Serialized.Method, URL: &url.URL{RawQuery: query}, Header: http.Header{}}
	for name, value := range v.Serialized.Headers {
		r.Header.Set(name, value)
	}
	labels, ok := o.Match(v.Serialized.Method, path)
	if !ok {
		t.Fatalf("%s %s is not for %s", v.Serialized.Method, path, o.Name())
	}
	return o.Read(labels, r, []byte(v.Serialized.Body))
}

// values turns a vector's parameters into values of this package: there, blobs are text and timestamps
// numbers.
func values(t testing.TB, s *shape, raw json.RawMessage) map[string]any {
	t.Helper()
	if s == nil || raw == nil {
		return map[string]any{}
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return value(t, s, v).(map[string]any)
}

func value(t testing.TB, s *shape, v any) any {
	t.Helper()
	if s.document {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, m := range s.members {
			if v[m.name] != nil {
				out[m.name] = value(t, m.shape, v[m.name])
			}
		}
		for name, item := range v {
			if s.kind == "map" && (item != nil || s.sparse) {
				out[name] = value(t, s.element, item)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, value(t, s.element, item))
		}
		return out
	case string:
		switch s.kind {
		case "blob":
			return []byte(v)
		case "float", "double":
			return json.Number(v)
		}
	case json.Number:
		if s.kind == "timestamp" {
			seconds, err := v.Float64()
			if err != nil {
				t.Fatal(err)
			}
			return time.UnixMilli(int64(seconds*1000 + 0.5)).UTC()
		}
	}
	return v
}

// sameNumber compares what numbers are worth.
func sameNumber(a, b json.Number) bool {
	x, errX := strconv.ParseFloat(string(a), 64)
	y, errY := strconv.ParseFloat(string(b), 64)
	return a == b || errX == nil && errY == nil && x == y
}

func TestOutputVectors(t *testing.T) {
	passed, excluded := 0, 0
	for _, s := range suites(t, "output-rest-json.json") {
		for i := range s.Cases {
			v := &s.Cases[i]
			t.Run(v.ID, func(t *testing.T) {
				diff := writeVector(t, s.service(t, v), v)
				if why, ok := clientOutput[v.ID]; ok {
					excluded++
					if diff == "" {
						t.Errorf("is listed as %q and passes", why)
					}
					return
				}
				if diff != "" {
					t.Fatalf("%s differs, -want +got:\n%s", v.Given.Name, diff)
				}
				passed++
			})
		}
	}
	t.Logf("%d output vectors pass, %d are for clients only", passed, excluded)
	if excluded != len(clientOutput) {
		t.Errorf("%d of %d listed cases are there", excluded, len(clientOutput))
	}
}

// TestOutputBodiesAreRead holds the reader also to what clients must read.
func TestOutputBodiesAreRead(t *testing.T) {
	read := 0
	for _, s := range suites(t, "output-rest-json.json") {
		for i := range s.Cases {
			v := &s.Cases[i]
			o := s.service(t, v).Operation(v.Given.Name)
			if v.ErrorCode != "" || o.output == nil || o.output.payload != nil || v.Response.Body == nil || *v.Response.Body == "" ||
				v.ID == "RestJsonDeserializesDenseSetMapAndSkipsNull" { // a server refuses that null
				continue
			}
			read++
			got, err := decode(o.output, []byte(*v.Response.Body))
			want := values(t, o.output, v.Result)
			for _, m := range o.output.members {
				if m.location != "" {
					delete(want, m.name)
				}
			}
			if diff := cmp.Diff(any(want), got, cmp.Comparer(sameNumber)); err != nil || diff != "" {
				t.Errorf("%s: error %v, -want +got:\n%s", v.ID, err, diff)
			}
		}
	}
	t.Logf("%d bodies of output vectors are read", read)
}

// writeVector writes the vector's result or error and compares what a client sees.
func writeVector(t *testing.T, service *Service, v *vector) string {
	t.Helper()
	w := httptest.NewRecorder()
	o := service.Operation(v.Given.Name)
	var body []byte
	var status int
	if v.ErrorCode == "" {
		var err error
		if status, body, err = o.Write(w.Header(), values(t, o.output, v.Result)); err != nil {
			t.Fatal(err)
		}
	} else {
		code := v.ErrorCode
		if sent := v.Response.Headers["X-Amzn-Errortype"]; sent != "" {
			code = sent // with the namespace that the case has
		}
		fields := values(t, service.shapes[v.ErrorCode], v.Error)
		status, body = service.WriteError(w.Header(), code, fields)
	}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	return seen(v, w)
}

// seen compares status, the headers that the case names, and the body if it has one.
func seen(v *vector, w *httptest.ResponseRecorder) string {
	got := map[string]any{"status": w.Code}
	want := map[string]any{"status": v.Response.StatusCode}
	for name, value := range v.Response.Headers {
		if name == "Content-Length" {
			got[name], want[name] = strconv.Itoa(w.Body.Len()), value
			continue
		}
		got[name], want[name] = w.Header().Get(name), value
	}
	if v.Response.Body != nil {
		got["body"], want["body"] = meaning(w.Body.String()), meaning(*v.Response.Body)
	}
	return cmp.Diff(want, got, cmp.Comparer(sameNumber))
}

// meaning is JSON decoded, and any other text as it is.
func meaning(body string) any {
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) == nil {
		return v
	}
	return body
}
