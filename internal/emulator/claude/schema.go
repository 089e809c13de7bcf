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
	left  int // bytes that may still be made
	steps int // work that may still be done
}

// maxSchemaDepth, maxSample and maxSampleSteps bound what a schema can ask for, which may refer to
// itself and may want billions of everything. maxSample is more than any model's output tokens hold.
const (
	maxSchemaDepth = 32
	maxSample      = 1 << 20
	maxSampleSteps = 1 << 20
)

// sample returns a value of the schema: required members only, the first of the choices, the shortest
// array. A pattern is not followed. What does not fit into maxSample is left out.
func sample(schema any, text string) any { return newSampler(schema, text).value(schema) }

func newSampler(root any, text string) *sampler {
	return &sampler{root: root, text: text, left: maxSample, steps: maxSampleSteps}
}

// make takes n bytes from what may be made, and reports whether they were there. If not, nothing more
// is made.
func (s *sampler) make(n int) bool {
	ok := n <= s.left
	s.left = max(0, s.left-n)
	if !ok {
		s.left = 0
	}
	return ok
}

// work is make for steps.
func (s *sampler) work(n int) bool {
	ok := n <= s.steps
	s.steps -= n
	if !ok {
		s.steps = 0
	}
	return ok
}

func (s *sampler) value(schema any) any {
	o := object(nil)
	if m, ok := schema.(map[string]any); ok {
		o = m
	}
	if o == nil || s.depth >= maxSchemaDepth || !s.work(1) || !s.make(len("null")) {
		return nil
	}
	s.depth++
	defer func() { s.depth-- }()

	if v, ok := o["const"]; ok {
		return s.given(v)
	}
	if choices := o.list("enum"); len(choices) > 0 {
		return s.given(choices[0])
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
		return s.value(s.merge(o, all))
	}
	return s.typed(o)
}

// given returns a value that the schema itself holds, nil if it is too much.
func (s *sampler) given(v any) any {
	if !s.room(v) {
		return nil
	}
	return v
}

// room takes the bytes of a value from what may be made.
func (s *sampler) room(v any) bool {
	switch v := v.(type) {
	case string:
		return s.make(len(v) + 3)
	case json.Number:
		return s.make(len(v) + 1)
	case []any:
		return s.make(2) && !slices.ContainsFunc(v, func(item any) bool { return !s.room(item) })
	case map[string]any:
		for name, value := range v {
			if !s.make(len(name)+4) || !s.room(value) {
				return false
			}
		}
		return s.make(2)
	}
	return s.make(len("false,"))
}

func (s *sampler) typed(o object) any {
	switch schemaType(o) {
	case "object":
		return s.object(o)
	case "array":
		return s.array(o)
	case "integer", "number":
		return s.number(o)
	case "boolean":
		return false
	case "null":
		return nil
	}
	return s.string(o)
}

// array makes one item: all items of a schema are the same.
func (s *sampler) array(o object) any {
	least, _ := o.number("minItems")
	if least <= 0 {
		return []any{}
	}
	before := s.left
	item := s.value(o["items"])
	size := max(len("null,"), before-s.left+1)
	n := min(least, 1+s.left/size)
	s.make((n - 1) * size)
	return slices.Repeat([]any{item}, n)
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
		name, ok := v.(string)
		if !s.work(1) || !s.make(len(name)+4) {
			break
		}
		if ok {
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
		text = append(text, slices.Repeat([]rune{'x'}, min(least-len(text), s.left))...)
	}
	if most, ok := o.number("maxLength"); ok && most >= 0 && len(text) > most {
		text = text[:most]
	}
	if said := string(text); s.make(len(said)) {
		return said
	}
	return ""
}

// follow finds what a reference within the schema stands for: #/$defs/name.
func (s *sampler) follow(ref string) any {
	v := s.root
	path, ok := strings.CutPrefix(ref, "#")
	if !ok || !s.work(len(path)) {
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
func (s *sampler) merge(o object, all []any) map[string]any {
	if !s.workOn(o) || !s.work(len(all)) || slices.ContainsFunc(all, func(part any) bool { return !s.workOn(part) }) {
		return nil
	}
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

// workOn takes the steps of merging a schema.
func (s *sampler) workOn(schema any) bool {
	o := object(nil)
	switch schema := schema.(type) {
	case object:
		o = schema
	case map[string]any:
		o = schema
	}
	return s.work(len(o) + len(o.object("properties")) + len(o.list("required")))
}
