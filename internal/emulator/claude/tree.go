package claude

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// A Refusal says why a request is not answered, in the words of the Messages API: "path: reason".
// On Bedrock it is a ValidationException.
type Refusal struct{ Message string }

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// refuse returns the Refusal that a sentence of wording/data/messages.json makes.
func refuse(key string, namesAndValues ...any) error {
	return &Refusal{wording.Say(key, namesAndValues...)}
}

// An object is a JSON object as encoding/json reads it, with numbers as json.Number.
type object map[string]any

// readObject reads body, which must be one JSON object and nothing after it.
func readObject(body []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, malformed(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse("malformed", "fault", "more than one JSON value")
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("malformed_kind", "kind", kindOf(v))
	}
	return o, nil
}

// malformed keeps AWS's sentence whole and adds what is wrong.
func malformed(err error) error {
	if err == io.EOF {
		return refuse("malformed", "fault", "empty body")
	}
	return refuse("malformed", "fault", err)
}

// kindOf names a JSON value as Bedrock's schema checker does.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "Null"
	case bool:
		return "Boolean"
	case json.Number:
		return "Number"
	case string:
		return "String"
	case []any:
		return "JSONArray"
	}
	return "JSONObject"
}

// text returns a string member, "" if it is absent or something else.
func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// object returns a member that is an object, nil if it is absent or something else.
func (o object) object(name string) object {
	m, _ := o[name].(map[string]any)
	return m
}

// list returns a member that is an array.
func (o object) list(name string) []any {
	l, _ := o[name].([]any)
	return l
}

// is reports whether a member is the literal true.
func (o object) is(name string) bool {
	b, _ := o[name].(bool)
	return b
}

// has reports whether a member is there and not null.
func (o object) has(name string) bool { return o[name] != nil }

// number returns a member that is a whole number.
func (o object) number(name string) (int, bool) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, false
	}
	return whole(n)
}

// whole reads 5, 5.0 and 5e0, which JSON does not tell apart.
func whole(n json.Number) (int, bool) {
	if i, err := strconv.Atoi(n.String()); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -1<<53 {
		return 0, false
	}
	return int(f), true
}

// compact returns v as JSON with sorted keys, so that equal values have equal bytes.
func compact(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil // not with what encoding/json has read itself
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// texts returns a member that is an array of strings.
func (o object) texts(name string) []string {
	var out []string
	for _, v := range o.list(name) {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}
