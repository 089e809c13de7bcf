package restjson

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// What a refusal lists and repeats is bounded, so that a large request cannot make a larger answer.
const (
	violationLimit = 100    // AWS lists at least 11 (litellm issue 19384); its limit is not known
	valueLimit     = 60_000 // AWS repeats at least 51,200 bytes (amplify-cli issue 14940)
)

// A bound is a min or max, as the model writes it.
type bound struct {
	text  string
	value float64
}

// Check holds an input, as Read returns it, to the model's constraints: required members, lengths,
// ranges, patterns, enums, and that of a union exactly one member is set. The error is a *ValidationError.
func (o *Operation) Check(input map[string]any) error {
	if o.input == nil {
		return nil
	}
	c := checker{}
	c.structure(o.input, input, "", false)
	return c.err()
}

// CheckMember holds a value to the constraints of a member of the operation's input, under the member's
// name: for what another operation carries in another form.
func (o *Operation) CheckMember(name string, value any) error {
	c := checker{}
	for _, m := range o.input.members {
		if m.name == name {
			c.value(m.shape, value, name, false)
		}
	}
	return c.err()
}

// err is all that was found wrong, as one refusal.
func (c *checker) err() error {
	violations := strings.Join(c.violations, "; ")
	switch {
	case c.count == 1:
		return &ValidationError{wording.Say("restjson_violation", "violations", violations)}
	case c.count > 1:
		return &ValidationError{wording.Say("restjson_violations", "count", c.count, "violations", violations)}
	case c.union != "":
		return &ValidationError{c.union}
	}
	return nil
}

// A checker collects violations, in the order of the model.
type checker struct {
	violations []string // at most violationLimit
	count      int      // of all, also those that are not listed
	union      string   // the first refusal of a union: behind the front end, so only if nothing else is wrong
}

// broken notes a violation at a path. The value is repeated where AWS repeats it.
func (c *checker) broken(path, value, constraint string) {
	c.count++
	if len(c.violations) < violationLimit {
		c.violations = append(c.violations,
			wording.Say("restjson_value", "value", value, "path", path, "constraint", constraint))
	}
}

// value checks a value and what is in it. Hidden says that AWS does not repeat values from here on.
func (c *checker) value(s *shape, v any, path string, hidden bool) {
	hidden = hidden || s.sensitive
	switch v := v.(type) {
	case map[string]any:
		switch {
		case s.kind == "map":
			c.mapping(s, v, path, hidden)
		case s.kind == "structure" && !s.document && !s.eventStream:
			c.structure(s, v, path, hidden)
		}
	case []any:
		if s.kind == "list" {
			c.list(s, v, path, hidden)
		}
	default:
		for _, constraint := range s.broken(v) {
			c.broken(path, shown(s, v, hidden), constraint)
		}
	}
}

func (c *checker) structure(s *shape, v map[string]any, path string, hidden bool) {
	if s.union {
		c.oneMember(s, v, path)
		hidden = hidden || s.hides()
	}
	for _, m := range s.members {
		at := join(path, m.name)
		field, ok := v[m.name]
		switch {
		case ok && field != nil:
			c.value(m.shape, field, at, hidden)
		case s.required[m.name]:
			c.broken(at, missing(hidden), wording.Say("restjson_required"))
		}
	}
}

// oneMember holds a union to exactly one member.
func (c *checker) oneMember(s *shape, v map[string]any, path string) {
	var names []string
	set := 0
	for _, m := range s.members {
		names = append(names, m.name)
		if v[m.name] != nil {
			set++
		}
	}
	if set == 1 || c.union != "" {
		return
	}
	members := strings.Join(names, ", ")
	if set == 0 {
		c.union = wording.Say("restjson_union_empty", "shape", s.name, "path", plain(path), "members", members)
	} else {
		c.union = wording.Say("restjson_union_several", "shape", s.name, "path", plain(path), "members", members)
	}
}

// plain is a path as the code behind the front end writes it: messages.0.content.0, not
// messages.1.member.content.1.member.
func plain(path string) string {
	parts := strings.Split(path, ".")
	out := parts[:0]
	for i, part := range parts {
		if n, err := strconv.Atoi(part); err == nil && i+1 < len(parts) && parts[i+1] == "member" {
			part = strconv.Itoa(n - 1)
		} else if part == "member" {
			continue
		}
		out = append(out, part)
	}
	return strings.Join(out, ".")
}

// hides reports whether AWS repeats no value below this union: it does not for content blocks, some of
// which are sensitive (openclaw issue 12892), and does for tools, none of which is (litellm issue 19384).
func (s *shape) hides() bool {
	return slices.ContainsFunc(s.members, func(m *member) bool { return m.shape.sensitive })
}

func (c *checker) list(s *shape, v []any, path string, hidden bool) {
	c.own(s, v, path, hidden)
	if !s.element.scalar() || s.element.document {
		for i, item := range v {
			if item != nil {
				c.value(s.element, item, fmt.Sprintf("%s.%d.member", path, i+1), hidden)
			}
		}
		return
	}
	if slices.ContainsFunc(v, func(item any) bool { return item != nil && len(s.element.broken(item)) > 0 }) {
		c.broken(path, shown(s, v, hidden), wording.Say("restjson_list_members", "constraints", s.element.constraints()))
	}
}

func (c *checker) mapping(s *shape, v map[string]any, path string, hidden bool) {
	c.own(s, v, path, hidden)
	var badKey, badValue bool
	for _, name := range slices.Sorted(maps.Keys(v)) {
		badKey = badKey || len(s.key.broken(name)) > 0
		item := v[name]
		switch {
		case item == nil:
		case s.element.scalar():
			badValue = badValue || len(s.element.broken(item)) > 0
		default:
			c.value(s.element, item, join(path, name)+".member", hidden)
		}
	}
	if badKey {
		c.broken(path, shown(s, v, hidden), wording.Say("restjson_map_keys", "constraints", s.key.constraints()))
	}
	if badValue {
		c.broken(path, shown(s, v, hidden), wording.Say("restjson_map_values", "constraints", s.element.constraints()))
	}
}

// own checks a list's or map's own length.
func (c *checker) own(s *shape, v any, path string, hidden bool) {
	for _, constraint := range s.broken(v) {
		c.broken(path, shown(s, v, hidden), constraint)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// shown is a value as a refusal repeats it, with a space behind; nothing for what AWS does not repeat:
// what is sensitive, bytes, and lists and maps of structures.
func shown(s *shape, v any, hidden bool) string {
	text, ok := javaText(s, v)
	if hidden || !ok {
		return ""
	}
	return "'" + cut(text) + "' "
}

func missing(hidden bool) string {
	if hidden {
		return ""
	}
	return "null "
}

// javaText is a value as Java prints it.
func javaText(s *shape, v any) (string, bool) {
	if s.sensitive || s.document || s.kind == "blob" {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		if (s.kind == "float" || s.kind == "double") && !strings.ContainsAny(string(v), ".eENI") {
			return string(v) + ".0", true
		}
		return string(v), true
	case []any:
		return javaList(s, v)
	}
	return "", false
}

func javaList(s *shape, v []any) (string, bool) {
	var b strings.Builder
	for i, item := range v {
		text, ok := javaText(s.element, item)
		if !ok {
			return "", false
		}
		if i > 0 {
			b.WriteString(", ")
		}
		if b.WriteString(text); b.Len() > valueLimit {
			break
		}
	}
	return "[" + b.String() + "]", s.element.scalar()
}

// cut shortens a text that is too long to be repeated.
func cut(text string) string {
	if len(text) <= valueLimit {
		return text
	}
	return strings.ToValidUTF8(text[:valueLimit], "") + "..."
}

// broken returns the sentences of the constraints that a value of this shape breaks, in the order in
// which answers of Bedrock list them: the longest length, the pattern, the least length.
func (s *shape) broken(v any) []string {
	var out []string
	size, isLength, known := measure(v)
	if known && s.max != nil && !(size <= s.max.value) {
		out = append(out, s.sentence(isLength, true))
	}
	if text, ok := v.(string); ok {
		if s.pattern != nil && !s.pattern.matches(text) {
			out = append(out, s.patternSentence())
		}
		if len(s.enum) > 0 && !s.allowed[text] {
			out = append(out, s.enumSentence())
		}
	}
	if known && s.min != nil && !(size >= s.min.value) {
		out = append(out, s.sentence(isLength, false))
	}
	return out
}

// constraints lists all of a shape's, as AWS does for the members of lists and maps.
func (s *shape) constraints() string {
	var all []string
	isLength := s.kind == "string" || s.kind == "blob" || !s.scalar()
	if s.max != nil {
		all = append(all, s.sentence(isLength, true))
	}
	if s.min != nil {
		all = append(all, s.sentence(isLength, false))
	}
	if s.pattern != nil {
		all = append(all, s.patternSentence())
	}
	if len(s.enum) > 0 {
		all = append(all, s.enumSentence())
	}
	return strings.Join(all, ", ")
}

func (s *shape) sentence(isLength, isMax bool) string {
	switch {
	case isLength && isMax:
		return wording.Say("restjson_max_length", "limit", s.max.text)
	case isLength:
		return wording.Say("restjson_min_length", "limit", s.min.text)
	case isMax:
		return wording.Say("restjson_max_value", "limit", s.max.text)
	}
	return wording.Say("restjson_min_value", "limit", s.min.text)
}

func (s *shape) patternSentence() string {
	return wording.Say("restjson_pattern", "pattern", s.pattern.text)
}

func (s *shape) enumSentence() string {
	return wording.Say("restjson_enum", "values", strings.Join(s.enum, ", "))
}

// measure returns what min and max are about: a length or a number.
func measure(v any) (size float64, isLength, known bool) {
	switch v := v.(type) {
	case string:
		return float64(utf8.RuneCountInString(v)), true, true
	case []byte:
		return float64(len(v)), true, true
	case []any:
		return float64(len(v)), true, true
	case map[string]any:
		return float64(len(v)), true, true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil && !math.IsInf(f, 0) {
			return 0, false, false
		}
		return f, false, true
	}
	return 0, false, false
}

// A pattern is a regular expression of the model, compiled when it is first used. AWS's match the whole
// text.
type pattern struct {
	text    string
	compile func() (*regexp.Regexp, error)
}

func newPattern(text string) *pattern {
	return &pattern{text, sync.OnceValues(func() (*regexp.Regexp, error) { return regexp.Compile(`\A(?:` + text + `)\z`) })}
}

// matches reports whether the whole text matches. A pattern that Go cannot compile takes everything; a
// test lists such patterns.
func (p *pattern) matches(text string) bool {
	re, err := p.compile()
	return err != nil || re.MatchString(text)
}
