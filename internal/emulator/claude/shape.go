package claude

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A shape is what a JSON value has to be. The shapes of a whole body are the table in shapes.go; look
// walks a value and returns the first place where it is something else, as a *Refusal.
type shape interface {
	look(v any, at *place, w *walk) error
}

// A walk is one pass over a body. It gathers what only some requests may have, for Check to decide.
type walk struct {
	gated []gated
}

// A gated is a member, or a kind of block or tool, that stands in the body and has a gate.
type gated struct {
	open    gate
	refusal func() error // if the gate is closed
}

// A gate says whether a request may have something: with a beta, or on some models only.
type gate func(r *Request, in Setting) bool

// A place is where in the body a value stands. Its text is made only when somebody asks for it.
type place struct {
	up    *place
	name  string
	index int // if name is empty
}

func (p *place) member(name string) *place { return &place{up: p, name: name} }
func (p *place) item(i int) *place         { return &place{up: p, index: i} }

// String returns the path as the Messages API writes it: messages.0.content.1.text.cache_control.
func (p *place) String() string {
	if p == nil {
		return ""
	}
	name := p.name
	if name == "" {
		name = strconv.Itoa(p.index)
	}
	if p.up == nil {
		return name
	}
	return p.up.String() + "." + name
}

// A field is one member of a record.
type field struct {
	name  string
	shape shape
	need  bool // it must be there; null counts as absent
	open  gate // nil for always
}

// A record is an object with these members and no others.
type record []field

func (f record) look(v any, at *place, w *walk) error {
	o, ok := v.(map[string]any)
	if !ok {
		return refuse("not_an_object", "path", at)
	}
	return f.lookIn(o, at, w, "")
}

// lookIn looks at an object that may have one member more, which is known already.
func (f record) lookIn(o object, at *place, w *walk, more string) error {
	for _, m := range f {
		if err := m.look(o, at, w); err != nil {
			return err
		}
	}
	return f.lookForOthers(o, at, more)
}

func (m field) look(o object, at *place, w *walk) error {
	if !o.has(m.name) {
		if m.need {
			return refuse("field_required", "path", at.member(m.name))
		}
		return nil
	}
	if m.open != nil {
		w.gated = append(w.gated, gated{m.open, func() error { return refuse("extra_inputs", "path", at.member(m.name)) }})
	}
	return m.shape.look(o[m.name], at.member(m.name), w)
}

// lookForOthers refuses the first member, by name, that the record does not have.
func (f record) lookForOthers(o object, at *place, more string) error {
	known := 0
	if _, ok := o[more]; ok {
		known++
	}
	for _, m := range f {
		if _, ok := o[m.name]; ok {
			known++
		}
	}
	if known == len(o) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if name != more && !slices.ContainsFunc(f, func(m field) bool { return m.name == name }) {
			return refuse("extra_inputs", "path", at.member(name))
		}
	}
	return nil
}

// A tagged is one of several records, told apart by their member type. The tag is part of the path.
type tagged struct {
	cases    []variant
	fallback string // the tag where there is none
}

// A variant is one of the records of a tagged, without its type.
type variant struct {
	tag    string
	fields record
	open   gate // nil for always
}

func (t tagged) look(v any, at *place, w *walk) error {
	o, ok := v.(map[string]any)
	if !ok {
		return refuse("not_an_object", "path", at)
	}
	tag := t.fallback
	if object(o).has("type") {
		if tag, ok = o["type"].(string); !ok {
			return refuse("valid_string", "path", at.member("type"))
		}
	} else if tag == "" {
		return refuse("field_required", "path", at.member("type"))
	}
	i := slices.IndexFunc(t.cases, func(k variant) bool { return k.tag == tag })
	if i < 0 {
		return t.unknown(tag, at)
	}
	if open := t.cases[i].open; open != nil {
		w.gated = append(w.gated, gated{open, func() error { return t.unknown(tag, at) }})
	}
	return t.cases[i].fields.lookIn(o, at.member(tag), w, "type")
}

func (t tagged) unknown(tag string, at *place) error {
	var tags []string
	for _, k := range t.cases {
		if k.open == nil {
			tags = append(tags, k.tag)
		}
	}
	return refuse("unknown_tag", "path", at, "tag", tag, "tags", quoteAll(tags, ", "))
}

// A text is a string.
type text struct{ pattern *regexp.Regexp } // nil for any

func (t text) look(v any, at *place, _ *walk) error {
	s, ok := v.(string)
	if !ok {
		return refuse("valid_string", "path", at)
	}
	if t.pattern != nil && !t.pattern.MatchString(s) {
		return refuse("string_pattern", "path", at, "pattern", t.pattern)
	}
	return nil
}

// A choiceOf is one of some strings; last stands before the last of them where they are listed.
type choiceOf struct {
	values []string
	last   string
}

func oneOf(values ...string) choiceOf { return choiceOf{values, " or "} }

func (c choiceOf) look(v any, at *place, _ *walk) error {
	if s, ok := v.(string); ok && slices.Contains(c.values, s) {
		return nil
	}
	return refuse("one_of", "path", at, "values", quoteAll(c.values, c.last))
}

// An integer is a whole number.
type integer struct{ least int }

func (n integer) look(v any, at *place, _ *walk) error {
	number, ok := v.(json.Number)
	if !ok {
		return refuse("valid_integer", "path", at)
	}
	i, ok := whole(number)
	switch {
	case !ok:
		return refuse("valid_integer", "path", at)
	case i < n.least:
		return refuse("at_least", "path", at, "least", n.least)
	}
	return nil
}

// A fraction is a number from 0 to 1.
type fraction struct{}

func (fraction) look(v any, at *place, _ *walk) error {
	number, ok := v.(json.Number)
	if !ok {
		return refuse("valid_number", "path", at)
	}
	if f, err := number.Float64(); err != nil || f < 0 || f > 1 {
		return refuse("range_0_1", "path", at)
	}
	return nil
}

// A boolean is true or false.
type boolean struct{}

func (boolean) look(v any, at *place, _ *walk) error {
	if _, ok := v.(bool); !ok {
		return refuse("valid_boolean", "path", at)
	}
	return nil
}

// A mapping is an object with any members.
type mapping struct{}

func (mapping) look(v any, at *place, _ *walk) error {
	if _, ok := v.(map[string]any); !ok {
		return refuse("valid_dictionary", "path", at)
	}
	return nil
}

// anything is any value.
type anything struct{}

func (anything) look(any, *place, *walk) error { return nil }

// A listOf is an array.
type listOf struct{ each shape }

func (l listOf) look(v any, at *place, w *walk) error {
	list, ok := v.([]any)
	if !ok {
		return refuse("valid_array", "path", at)
	}
	for i, item := range list {
		if err := l.each.look(item, at.item(i), w); err != nil {
			return err
		}
	}
	return nil
}

// A textOr is a string in place of something longer.
type textOr struct{ shape }

func (t textOr) look(v any, at *place, w *walk) error {
	if _, ok := v.(string); ok {
		return nil
	}
	return t.shape.look(v, at, w)
}

// quoteAll returns 'a', 'b' and, after last, 'c'.
func quoteAll(values []string, last string) string {
	if n := len(values) - 1; n > 0 {
		return "'" + strings.Join(values[:n], "', '") + "'" + last + "'" + values[n] + "'"
	}
	return "'" + strings.Join(values, "") + "'"
}
