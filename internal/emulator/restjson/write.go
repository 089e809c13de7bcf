package restjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// Write writes an output: the headers into h, Content-Type among them, and returns status and body.
// Members that are nil or unknown are left out. Besides the types that Read returns it takes Go's
// integers and floats for numbers, []string and []map[string]any for lists, and json.RawMessage for
// documents. An output that is an event stream has no body; AppendEvent makes it. The error says
// which value does not fit the model.
func (o *Operation) Write(h http.Header, output map[string]any) (status int, body []byte, err error) {
	if o.output == nil {
		return o.status, nil, nil
	}
	status, body, err = write(h, o.output, output, o.status)
	if err != nil {
		err = fmt.Errorf("restjson: output of %s: %w", o.name, err)
	}
	return status, body, err
}

// WriteError writes an exception by its shape. The code is the shape's name, with the namespace behind a
// colon where there is one. Of a code that the model does not have, all fields are written and the
// status is 400.
func (s *Service) WriteError(h http.Header, code string, fields map[string]any) (status int, body []byte) {
	h.Set("X-Amzn-Errortype", code)
	name, _, _ := strings.Cut(code, ":")
	name = name[strings.LastIndexByte(name, '#')+1:]
	exception, ok := s.shapes[name]
	if !ok || !exception.exception {
		exception = &shape{document: true}
		h.Set("Content-Type", jsonType)
		body, err := appendValue(nil, exception, fields)
		if err != nil {
			body = []byte("{}")
		}
		return http.StatusBadRequest, body
	}
	status = exception.status
	if status == 0 {
		status = http.StatusBadRequest
		if exception.fault {
			status = http.StatusInternalServerError
		}
	}
	status, body, err := write(h, exception, fields, status)
	if err != nil {
		h.Set("Content-Type", jsonType)
		body = []byte("{}") // the refusal goes out, if without its details
	}
	return status, body
}

const (
	jsonType   = "application/json"
	streamType = "application/vnd.amazon.eventstream"
)

func write(h http.Header, s *shape, v map[string]any, status int) (int, []byte, error) {
	body, contentType, err := writeBody(s, v)
	if err != nil {
		return status, nil, err
	}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	for _, m := range s.members {
		value, ok := v[m.name]
		if !ok || value == nil {
			continue
		}
		switch m.location {
		case "statusCode":
			n, err := strconv.Atoi(fmt.Sprint(value))
			if err != nil || n < 100 || n > 999 {
				return status, nil, fmt.Errorf("%s: %v is not a status", m.name, value)
			}
			status = n
		case "header", "headers":
			if err := writeHeader(h, m, value); err != nil {
				return status, nil, fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return status, body, nil
}

func writeBody(s *shape, v map[string]any) (body []byte, contentType string, err error) {
	if s.payload == nil {
		body, err = appendStructure(nil, s, v)
		return body, jsonType, err
	}
	p, value := s.payload.shape, v[s.payload.name]
	switch {
	case p.eventStream:
		return nil, streamType, nil
	case value == nil:
		return nil, "", nil
	case p.kind == "blob":
		raw, ok := value.([]byte)
		if !ok {
			return nil, "", misfit(p, value)
		}
		return raw, "application/octet-stream", nil
	case p.kind == "string":
		text, ok := value.(string)
		if !ok {
			return nil, "", misfit(p, value)
		}
		return []byte(text), "text/plain", nil
	}
	body, err = appendValue(nil, p, value)
	return body, jsonType, err
}

func misfit(s *shape, v any) error { return fmt.Errorf("a %T is no %s (%s)", v, s.kind, s.name) }

func writeHeader(h http.Header, m *member, v any) error {
	if m.location == "header" {
		text, err := headerText(m, v)
		if err == nil {
			h.Set(m.wire, text)
		}
		return err
	}
	all, ok := v.(map[string]any)
	if !ok {
		return misfit(m.shape, v)
	}
	for name, value := range all {
		text, err := scalarText(m.shape.element, value, inHeader)
		if err != nil {
			return err
		}
		h.Set(m.wire+name, text)
	}
	return nil
}

func headerText(m *member, v any) (string, error) {
	if m.jsonValue {
		text, ok := v.(string)
		if !ok {
			return "", misfit(m.shape, v)
		}
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	}
	if m.shape.kind != "list" {
		return scalarText(m.shape, v, inHeader)
	}
	items, ok := elements(v)
	if !ok {
		return "", misfit(m.shape, v)
	}
	texts := make([]string, len(items))
	for i, item := range items {
		text, err := scalarText(m.shape.element, item, inHeader)
		if err != nil {
			return "", err
		}
		if m.shape.element.kind == "string" && strings.ContainsAny(text, `",`) {
			text = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		}
		texts[i] = text
	}
	return strings.Join(texts, ", "), nil
}

// scalarText is a scalar as it stands outside of JSON.
func scalarText(s *shape, v any, place string) (string, error) {
	switch s.kind {
	case "string":
		if text, ok := v.(string); ok {
			return text, nil
		}
	case "boolean":
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), nil
		}
	case "timestamp":
		if t, ok := v.(time.Time); ok {
			return formatTime(formatOf(s, place), t), nil
		}
	case "blob":
		if data, ok := v.([]byte); ok {
			return base64.StdEncoding.EncodeToString(data), nil
		}
	default:
		return numberText(s, v)
	}
	return "", misfit(s, v)
}

// numberText is a number's text, that of not-a-number and the infinities included.
func numberText(s *shape, v any) (string, error) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case int:
		text = strconv.Itoa(v)
	case int32:
		text = strconv.FormatInt(int64(v), 10)
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = floatText(v)
	default:
		return "", misfit(s, v)
	}
	if isNumber(text) || special(text) && (s.kind == "float" || s.kind == "double") {
		return text, nil
	}
	return "", fmt.Errorf("%q is no number", text)
}

func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// elements returns the elements of any of the slices that Write takes for a list.
func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case []string:
		return anyStrings(v), true
	case []map[string]any:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = m
		}
		return out, true
	}
	return nil, false
}

// appendValue appends a value as JSON.
func appendValue(dst []byte, s *shape, v any) ([]byte, error) {
	switch {
	case s.document:
		return appendDocument(dst, v)
	case s.kind == "structure":
		fields, ok := v.(map[string]any)
		if !ok {
			return dst, misfit(s, v)
		}
		return appendStructure(dst, s, fields)
	case s.kind == "map":
		return appendMap(dst, s, v)
	case s.kind == "list":
		return appendList(dst, s, v)
	}
	return appendScalar(dst, s, v)
}

// appendStructure appends the members of the body, in the model's order.
func appendStructure(dst []byte, s *shape, v map[string]any) ([]byte, error) {
	start := len(dst)
	dst = append(dst, '{')
	for _, m := range s.members {
		field, ok := v[m.name]
		if m.location != "" || m.eventHeader || !ok || field == nil {
			continue
		}
		dst = comma(dst, start)
		dst = append(jsonedit.AppendString(dst, m.wire), ':')
		var err error
		if dst, err = appendValue(dst, m.shape, field); err != nil {
			return dst, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return append(dst, '}'), nil
}

// comma separates from what has been appended since start, where the bracket stands.
func comma(dst []byte, start int) []byte {
	if len(dst) > start+1 {
		dst = append(dst, ',')
	}
	return dst
}

func appendMap(dst []byte, s *shape, v any) ([]byte, error) {
	all, ok := v.(map[string]any)
	if !ok {
		return dst, misfit(s, v)
	}
	start := len(dst)
	dst = append(dst, '{')
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] == nil && !s.sparse {
			continue
		}
		dst = comma(dst, start)
		dst = append(jsonedit.AppendString(dst, name), ':')
		var err error
		if dst, err = appendItem(dst, s, all[name]); err != nil {
			return dst, fmt.Errorf("%s: %w", name, err)
		}
	}
	return append(dst, '}'), nil
}

func appendList(dst []byte, s *shape, v any) ([]byte, error) {
	items, ok := elements(v)
	if !ok {
		return dst, misfit(s, v)
	}
	start := len(dst)
	dst = append(dst, '[')
	for i, item := range items {
		if item == nil && !s.sparse {
			continue
		}
		dst = comma(dst, start)
		var err error
		if dst, err = appendItem(dst, s, item); err != nil {
			return dst, fmt.Errorf("%d: %w", i, err)
		}
	}
	return append(dst, ']'), nil
}

func appendItem(dst []byte, s *shape, v any) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	return appendValue(dst, s.element, v)
}

func appendScalar(dst []byte, s *shape, v any) ([]byte, error) {
	text, err := scalarText(s, v, inBody)
	switch {
	case err != nil:
		return dst, err
	case s.kind == "string", s.kind == "timestamp" && formatOf(s, inBody) != "unixTimestamp", special(text):
		return jsonedit.AppendString(dst, text), nil
	case s.kind == "blob":
		return append(append(append(dst, '"'), text...), '"'), nil
	}
	return append(dst, text...), nil
}

// appendDocument appends any JSON value.
func appendDocument(dst []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	encoder := json.NewEncoder(buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return dst, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
