package restjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// depthLimit is how deep arrays and objects may nest in a body. It is the default of Jackson, on which
// AWS's front end stands, and keeps the recursion here small.
const depthLimit = 1000

// A decoder walks JSON that is known to be valid, by the shapes. Each byte is looked at a fixed number
// of times, members that the model does not have are skipped without a copy.
type decoder struct {
	src []byte
	at  int
}

// decode reads a whole body by a shape.
func decode(s *shape, body []byte) (any, error) {
	if nestsDeeper(body, depthLimit) {
		return nil, tooDeep()
	}
	if !json.Valid(body) {
		return nil, notJSON()
	}
	d := decoder{src: body}
	return d.value(s)
}

// nestsDeeper reports whether arrays and objects nest deeper than limit. It takes any bytes.
func nestsDeeper(src []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// first moves to the next value and returns its first byte.
func (d *decoder) first() byte {
	for d.src[d.at] <= ' ' || d.src[d.at] == ',' || d.src[d.at] == ':' {
		d.at++
	}
	return d.src[d.at]
}

// raw returns the next value as it stands.
func (d *decoder) raw() []byte {
	d.first()
	start, depth := d.at, 0
	for d.at < len(d.src) {
		switch d.src[d.at] {
		case '"':
			d.skipString()
		case '{', '[':
			depth++
			d.at++
		case '}', ']':
			depth--
			d.at++
		default:
			d.at++
			if depth == 0 {
				d.skipWord()
			}
		}
		if depth == 0 {
			break
		}
	}
	return d.src[start:d.at]
}

func (d *decoder) skipString() {
	for d.at++; d.src[d.at] != '"'; d.at++ {
		if d.src[d.at] == '\\' {
			d.at++
		}
	}
	d.at++
}

// skipWord goes to the end of a number, true, false or null.
func (d *decoder) skipWord() {
	for d.at < len(d.src) && bytes.IndexByte([]byte(",]} \t\r\n"), d.src[d.at]) < 0 {
		d.at++
	}
}

// more reports whether the array or object that was begun has another value, and ends it if not.
func (d *decoder) more() bool {
	if c := d.first(); c != ']' && c != '}' {
		return true
	}
	d.at++
	return false
}

func (d *decoder) name() string {
	name, _ := jsonedit.String(d.raw())
	return name
}

// null reports whether the next value is null, and goes past it.
func (d *decoder) null() bool {
	if d.first() != 'n' {
		return false
	}
	d.raw()
	return true
}

// value reads a value by its shape. Null, which the caller has taken care of, does not fit.
func (d *decoder) value(s *shape) (any, error) {
	first := d.first()
	switch {
	case s.document:
		return d.document(), nil
	case s.kind == "structure" && first == '{':
		return d.structure(s)
	case s.kind == "map" && first == '{':
		return d.mapping(s)
	case s.kind == "list" && first == '[':
		return d.list(s)
	case first == '{' || first == '[' || first == 'n' || !s.scalar():
		return nil, mismatch(s, d.src[d.at:])
	}
	return d.scalar(s)
}

func (d *decoder) structure(s *shape) (any, error) {
	out := make(map[string]any, 4)
	for d.at++; d.more(); {
		m, ok := s.byWire[d.name()]
		if !ok || d.null() {
			if !ok {
				d.raw()
			} else {
				delete(out, m.name) // of members that stand twice, the last counts
			}
			continue
		}
		v, err := d.value(m.shape)
		if err != nil {
			return nil, err
		}
		out[m.name] = v
	}
	return out, nil
}

func (d *decoder) mapping(s *shape) (any, error) {
	out := map[string]any{}
	for d.at++; d.more(); {
		name := d.name()
		v, err := d.item(s)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

func (d *decoder) list(s *shape) (any, error) {
	out := []any{}
	for d.at++; d.more(); {
		v, err := d.item(s)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// item reads a value of a list or map, nil for null where the shape is sparse.
func (d *decoder) item(s *shape) (any, error) {
	if s.sparse && d.null() {
		return nil, nil
	}
	return d.value(s.element)
}

// document reads a value of any type.
func (d *decoder) document() any {
	switch d.first() {
	case '{':
		out := map[string]any{}
		for d.at++; d.more(); {
			name := d.name()
			out[name] = d.document()
		}
		return out
	case '[':
		out := []any{}
		for d.at++; d.more(); {
			out = append(out, d.document())
		}
		return out
	}
	return word(d.raw())
}

func word(raw []byte) any {
	switch raw[0] {
	case '"':
		s, _ := jsonedit.String(raw)
		return s
	case 't', 'f':
		return raw[0] == 't'
	case 'n':
		return nil
	}
	return json.Number(raw)
}

// scalar reads a string, number or boolean.
func (d *decoder) scalar(s *shape) (any, error) {
	raw := d.raw()
	switch v := word(raw).(type) {
	case string:
		return quoted(s, v)
	case bool:
		if s.kind == "boolean" {
			return v, nil
		}
	case json.Number:
		if s.kind == "timestamp" && formatOf(s, inBody) == "unixTimestamp" {
			return unixTime(string(v))
		}
		if n, ok := number(s, string(v)); ok {
			return n, nil
		}
	}
	return nil, mismatch(s, raw)
}

// quoted makes a value of a JSON string.
func quoted(s *shape, text string) (any, error) {
	switch s.kind {
	case "string":
		return text, nil
	case "blob":
		return blob(text)
	case "timestamp":
		if format := formatOf(s, inBody); format != "unixTimestamp" {
			return parseTime(format, text)
		}
	case "float", "double":
		if special(text) {
			return json.Number(text), nil
		}
	}
	return nil, mismatch(s, []byte(`"`))
}

func blob(text string) (any, error) {
	data, err := base64.StdEncoding.AppendDecode(make([]byte, 0, base64.StdEncoding.DecodedLen(len(text))), []byte(text))
	if err != nil {
		return nil, badBase64(text)
	}
	return data, nil
}

// special reports whether text is one of the three numbers that JSON cannot write.
func special(text string) bool {
	return text == "NaN" || text == "Infinity" || text == "-Infinity"
}

// number makes a number of a type from its text, which is JSON's.
func number(s *shape, text string) (json.Number, bool) {
	switch s.kind {
	case "integer", "short", "byte":
		return integer(text, math.MinInt32, math.MaxInt32)
	case "long":
		return integer(text, math.MinInt64, math.MaxInt64)
	case "float", "double":
		_, err := strconv.ParseFloat(text, 64)
		return json.Number(text), err == nil
	}
	return "", false
}

// integer cuts the fraction off, and a number that is too large to the largest. Tests of emulators of
// DynamoDB, which has the same front end, say that it refuses neither; what value comes of it is assumed.
func integer(text string, low, high int64) (json.Number, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil && !math.IsInf(f, 0):
			return "", false
		case f >= math.MaxInt64:
			n = math.MaxInt64
		case f <= math.MinInt64:
			n = math.MinInt64
		default:
			n = int64(f)
		}
	}
	return json.Number(strconv.FormatInt(min(max(n, low), high), 10)), true
}

// unixTime reads seconds since 1970, with a fraction down to the millisecond as AWS has it.
func unixTime(text string) (any, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(seconds) > maxUnix {
		return nil, badTime(text)
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}
