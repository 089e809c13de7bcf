package claude

import (
	"encoding/json"
	"fmt"
	"strings"
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
	long := strings.Repeat("x", 10_000)
	for name, schema := range map[string]string{
		"an object of itself":          `{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}},"required":["a","b","c"]}`,
		"arrays of arrays of arrays":   `{"type":"array","minItems":1000000000,"items":{"$ref":"#"}}`,
		"a reference to itself":        `{"$ref":"#"}`,
		"many nothings":                `{"type":"array","minItems":1000000000}`,
		"many long constants":          `{"type":"array","minItems":9999,"items":{"const":"` + long + `"}}`,
		"many objects of constants":    `{"type":"array","minItems":9999,"items":{"const":{"` + long + `":["` + long + `"]}}}`,
		"many long choices":            `{"type":"array","minItems":9999,"items":{"enum":["` + long + `"]}}`,
		"many members with long names": `{"type":"array","minItems":9999,"items":{"type":"object","required":["` + long + `"]}}`,
		"many long strings":            `{"type":"array","minItems":9999,"items":{"type":"string","minLength":10000}}`,
		"a string without end":         `{"type":"string","minLength":1000000000}`,
		"what no model can say":        `{"const":"` + strings.Repeat(long, 200) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(sampleOf(t, schema))
			if err != nil || len(b) > 1<<20 {
				t.Errorf("%d bytes, %v, want at most %d", len(b), err, 1<<20)
			}
		})
	}
}

// TestSampleIsLittleWork counts what is allocated, which tells how often a schema was gone through.
func TestSampleIsLittleWork(t *testing.T) {
	var properties, required []string
	for i := range 1000 {
		properties, required = append(properties, fmt.Sprintf(`"p%d":{}`, i)), append(required, fmt.Sprintf(`"p%d"`, i))
	}
	wide := `{"properties":{` + strings.Join(properties, ",") + `}}`
	for name, schema := range map[string]string{
		"many items by a long reference":        `{"type":"array","minItems":9999,"items":{"$ref":"#` + strings.Repeat("/a", 1000) + `"}}`,
		"a reference that is longer than needs": `{"$ref":"#` + strings.Repeat("/a", 1_000_000) + `"}`,
		"many items of many parts":              `{"type":"array","minItems":9999,"items":{"allOf":[` + wide + `]}}`,
		"parts of parts":                        `{"$defs":{"a":` + wide + `},"allOf":[{"$ref":"#"},` + strings.Repeat(wide+",", 100) + wide + `]}`,
		"objects of objects of many members":    `{"type":"object","required":["a","b","c",` + strings.Join(required, ",") + `],"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			o := schemaIn(t, schema)
			if n := testing.AllocsPerRun(1, func() { sample(o, "") }); n > 300_000 {
				t.Errorf("%.0f allocations", n)
			}
		})
	}
}

func sampleOf(t *testing.T, schema string) any {
	t.Helper()
	return sample(schemaIn(t, schema), "")
}

func schemaIn(t *testing.T, schema string) map[string]any {
	t.Helper()
	o, err := readObject([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	return o
}
