package claude

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
)

// A sampler makes values that fit a JSON Schema. text is what strings say where they may say anything.
type sampler struct {
	root  any
	text  string
	depth int
	made  int // values so far
}

// maxSchemaDepth and maxValues bound schemas that refer to themselves.
const (
	maxSchemaDepth = 32
	maxValues      = 10_000
)

// sample returns a value of the schema: required members only, the first of the choices, the shortest
// array. A pattern is not followed.
func sample(schema any, text string) any {
	s := &sampler{root: schema, text: text}
	return s.value(schema)
}

func (s *sampler) value(schema any) any {
	o := object(nil)
	if m, ok := schema.(map[string]any); ok {
		o = m
	}
	if o == nil || s.depth >= maxSchemaDepth || s.made >= maxValues {
		return nil
	}
	s.made++
	s.depth++
	defer func() { s.depth-- }()

	if v, ok := o["const"]; ok {
		return v
	}
	if choices := o.list("enum"); len(choices) > 0 {
		return choices[0]
	}
	if ref := o.text("$ref"); ref != "" {
		return s.value(s.follow(ref))
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		if choices := o.list(name); len(choices) > 0 {
			return s.value(choices[0])
		}
	}
	if all := o.list("allOf"); len(all) > 0 {
		return s.value(merge(o, all))
	}
	return s.typed(o)
}

func (s *sampler) typed(o object) any {
	switch schemaType(o) {
	case "object":
		return s.object(o)
	case "array":
		least, _ := o.number("minItems")
		out := make([]any, max(0, min(least, maxValues-s.made)))
		for i := range out {
			out[i] = s.value(o["items"])
		}
		return out
	case "integer", "number":
		return s.number(o)
	case "boolean":
		return false
	case "null":
		return nil
	}
	return s.string(o)
}

// schemaType returns the first type, or the one that other members let guess.
func schemaType(o object) string {
	if t := o.text("type"); t != "" {
		return t
	}
	for _, t := range o.list("type") {
		if name, ok := t.(string); ok {
			return name
		}
	}
	switch {
	case o.has("properties"):
		return "object"
	case o.has("items"):
		return "array"
	}
	return "string"
}

func (s *sampler) object(o object) any {
	out := map[string]any{}
	properties := o.object("properties")
	for _, v := range o.list("required") {
		if name, ok := v.(string); ok {
			out[name] = s.value(properties[name])
		}
	}
	return out
}

// number returns zero, or the number nearest to it that the limits allow.
func (s *sampler) number(o object) any {
	limit := func(name string) (float64, bool) {
		n, ok := o[name].(json.Number)
		if !ok {
			return 0, false
		}
		f, err := n.Float64()
		return f, err == nil
	}
	n := 0.0
	if low, ok := limit("minimum"); ok {
		n = max(n, math.Ceil(low))
	}
	if low, ok := limit("exclusiveMinimum"); ok {
		n = max(n, math.Floor(low)+1)
	}
	if high, ok := limit("maximum"); ok {
		n = min(n, math.Floor(high))
	}
	if high, ok := limit("exclusiveMaximum"); ok {
		n = min(n, math.Ceil(high)-1)
	}
	return n
}

// formats are strings of the formats that JSON Schema knows.
var formats = map[string]string{
	"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00Z", "duration": "PT0S",
	"email": "someone@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uri": "https://example.com/", "uuid": "00000000-0000-4000-8000-000000000000",
}

func (s *sampler) string(o object) any {
	if v, ok := formats[o.text("format")]; ok {
		return v
	}
	text := []rune(s.text)
	if least, ok := o.number("minLength"); ok && len(text) < least {
		text = append(text, slices.Repeat([]rune{'x'}, min(least-len(text), maxValues))...)
	}
	if most, ok := o.number("maxLength"); ok && most >= 0 && len(text) > most {
		text = text[:most]
	}
	return string(text)
}

// follow finds what a reference within the schema stands for: #/$defs/name.
func (s *sampler) follow(ref string) any {
	v := s.root
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if name == "" {
			continue
		}
		m, _ := v.(map[string]any)
		v = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return v
}

// merge returns one schema that says what all of them say, as far as members go.
func merge(o object, all []any) map[string]any {
	out := maps.Clone(o)
	delete(out, "allOf")
	properties, required := map[string]any{}, slices.Clone(o.list("required"))
	maps.Copy(properties, o.object("properties"))
	for _, v := range all {
		part, _ := v.(map[string]any)
		for name, value := range part {
			if _, ok := out[name]; !ok {
				out[name] = value
			}
		}
		maps.Copy(properties, object(part).object("properties"))
		required = append(required, object(part).list("required")...)
	}
	if len(properties) > 0 {
		out["properties"], out["required"] = properties, required
	}
	return out
}
