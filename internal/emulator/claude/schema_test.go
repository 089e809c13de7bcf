package claude

import (
	"encoding/json"
	"testing"
)

func TestSample(t *testing.T) {
	for _, c := range []struct{ name, schema, want string }{
		{"a string", `{"type":"string"}`, `"text"`},
		{"a short string", `{"type":"string","maxLength":2}`, `"te"`},
		{"a long string", `{"type":"string","minLength":6}`, `"textxx"`},
		{"a date", `{"type":"string","format":"date"}`, `"2026-01-01"`},
		{"an integer", `{"type":"integer"}`, `0`},
		{"a number with a least", `{"type":"integer","minimum":2.5}`, `3`},
		{"a number above", `{"type":"number","exclusiveMinimum":3}`, `4`},
		{"a number below", `{"type":"number","maximum":-2}`, `-2`},
		{"a number well below", `{"type":"integer","exclusiveMaximum":-2}`, `-3`},
		{"a truth", `{"type":"boolean"}`, `false`},
		{"null", `{"type":"null"}`, `null`},
		{"one of several types", `{"type":["integer","null"]}`, `0`},
		{"an enum", `{"enum":["b","a"]}`, `"b"`},
		{"a constant", `{"const":{"a":1}}`, `{"a":1}`},
		{"an object has what is required only", `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["b"]}`, `{"b":0}`},
		{"an object by its members", `{"properties":{"a":{}},"required":["a"]}`, `{"a":"text"}`},
		{"what is required but not described", `{"type":"object","required":["a"]}`, `{"a":null}`},
		{"an array", `{"type":"array","items":{"type":"integer"}}`, `[]`},
		{"an array with a least", `{"type":"array","items":{"type":"integer"},"minItems":2}`, `[0,0]`},
		{"the first of any", `{"anyOf":[{"type":"integer"},{"type":"string"}]}`, `0`},
		{"all of several", `{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}},"required":["b"]}]}`, `{"a":0,"b":false}`},
		{"a reference", `{"$defs":{"n":{"type":"integer"}},"type":"object","properties":{"a":{"$ref":"#/$defs/n"}},"required":["a"]}`, `{"a":0}`},
		{"a reference to nowhere", `{"$ref":"#/$defs/none"}`, `null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := readObject([]byte(c.schema))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(sample(map[string]any(o), "text"))
			if err != nil || string(got) != c.want {
				t.Errorf("sample(%s) = %s, %v, want %s", c.schema, got, err, c.want)
			}
		})
	}
}

func TestSampleEnds(t *testing.T) {
	for _, schema := range []string{
		`{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}},"required":["a","b","c"]}`,
		`{"type":"array","minItems":1000000000,"items":{"$ref":"#"}}`,
		`{"$ref":"#"}`,
	} {
		o, err := readObject([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(sample(map[string]any(o), ""))
		if err != nil || len(b) > 1<<20 {
			t.Errorf("sample(%s): %d bytes, %v, want at most a megabyte", schema, len(b), err)
		}
	}
}
