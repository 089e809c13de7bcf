package restjson

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// Read reads the operation's input from the path's labels, which are percent-decoded, and the request's
// query, headers and body, which is given apart. The map is new and shares nothing with body but the
// blob or string that is the whole body. The error is a *SyntaxError.
func (o *Operation) Read(labels map[string]string, r *http.Request, body []byte) (map[string]any, error) {
	in := map[string]any{}
	if o.input == nil {
		return in, nil
	}
	if err := readBody(o.input, body, in); err != nil {
		return nil, err
	}
	req := request{labels: labels, query: r.URL.Query(), header: r.Header}
	for _, m := range o.input.members {
		v, err := req.member(m)
		if err != nil {
			return nil, err
		}
		if v != nil {
			in[m.name] = v
		}
	}
	return in, nil
}

func readBody(s *shape, body []byte, in map[string]any) error {
	if s.payload != nil {
		v, err := readPayload(s.payload.shape, body)
		if v != nil {
			in[s.payload.name] = v
		}
		return err
	}
	if len(s.byWire) == 0 || len(body) == 0 {
		return nil
	}
	v, err := decode(s, body)
	if all, ok := v.(map[string]any); ok {
		for name, value := range all {
			in[name] = value
		}
	}
	return err
}

// readPayload reads a body that is one member; an empty one is none.
func readPayload(s *shape, body []byte) (any, error) {
	switch {
	case len(body) == 0 || s.eventStream:
		return nil, nil
	case s.kind == "blob":
		return body, nil
	case s.kind == "string":
		return string(body), nil
	}
	v, err := decode(s, body)
	return v, err
}

// A request is where members outside the body are read from.
type request struct {
	labels map[string]string
	query  url.Values
	header http.Header
}

// member returns a member's value, nil if it is absent or in the body.
func (r *request) member(m *member) (any, error) {
	switch m.location {
	case "uri":
		if text, ok := r.labels[m.wire]; ok {
			return parseText(m.shape, text, inURI)
		}
	case "querystring":
		return r.queryMember(m)
	case "header":
		return r.headerMember(m)
	case "headers":
		return r.prefixed(m), nil
	}
	return nil, nil
}

func (r *request) queryMember(m *member) (any, error) {
	if m.shape.kind == "map" {
		return everyParameter(m.shape, r.query), nil
	}
	values, ok := r.query[m.wire]
	if !ok {
		return nil, nil
	}
	if m.shape.kind == "list" {
		return parseTexts(m.shape.element, values, inURI)
	}
	return parseText(m.shape, values[0], inURI)
}

// everyParameter holds also those parameters that other members are bound to (Smithy, httpQueryParams).
func everyParameter(s *shape, query url.Values) any {
	if len(query) == 0 {
		return nil
	}
	out := make(map[string]any, len(query))
	for name, values := range query {
		if s.element.kind == "list" {
			out[name] = anyStrings(values)
		} else {
			out[name] = values[0]
		}
	}
	return out
}

func anyStrings(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func (r *request) headerMember(m *member) (any, error) {
	values, ok := r.header[textproto.CanonicalMIMEHeaderKey(m.wire)]
	if !ok || len(values) == 0 {
		return nil, nil
	}
	text := strings.Join(values, ", ")
	switch {
	case m.jsonValue:
		return jsonText(text)
	case m.shape.kind == "list":
		return parseTexts(m.shape.element, splitHeader(m.shape.element, text), inHeader)
	}
	return parseText(m.shape, text, inHeader)
}

// jsonText takes a header's JSON out of its base64. The value is the text.
func jsonText(text string) (any, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, badBase64(text)
	}
	if !json.Valid(raw) {
		return nil, notJSON()
	}
	return string(raw), nil
}

// prefixed collects the headers under a prefix. Names of headers know no case; here they are lower.
func (r *request) prefixed(m *member) any {
	out := map[string]any{}
	for name, values := range r.header {
		name = strings.ToLower(name)
		if rest, ok := strings.CutPrefix(name, strings.ToLower(m.wire)); ok {
			out[rest] = strings.Join(values, ", ")
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func parseTexts(s *shape, texts []string, place string) (any, error) {
	out := make([]any, len(texts))
	for i, text := range texts {
		v, err := parseText(s, text, place)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// parseText reads a value that stands as text outside the body.
func parseText(s *shape, text, place string) (any, error) {
	switch s.kind {
	case "string":
		return text, nil
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true", nil
		}
	case "timestamp":
		return parseTime(formatOf(s, place), text)
	case "blob":
		return blob(text)
	default:
		if special(text) && (s.kind == "float" || s.kind == "double") {
			return json.Number(text), nil
		}
		if v, ok := number(s, text); ok && isNumber(text) {
			return v, nil
		}
	}
	return nil, mismatch(s, []byte(`"`))
}

// isNumber reports whether text is a number as JSON writes it.
func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') && json.Valid([]byte(text)) && strings.TrimSpace(text) == text
}

// splitHeader splits a header that is a list: at commas, but a date has one of its own, and a quoted
// string any.
func splitHeader(s *shape, text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if s.kind == "timestamp" && formatOf(s, inHeader) == "rfc822" {
		return pairs(strings.Split(text, ","))
	}
	var out []string
	for rest, more := text, true; more; {
		var item string
		item, rest, more = cutItem(rest)
		out = append(out, item)
	}
	return out
}

func pairs(halves []string) []string {
	var out []string
	for i := 0; i < len(halves); i += 2 {
		out = append(out, strings.TrimSpace(strings.Join(halves[i:min(i+2, len(halves))], ",")))
	}
	return out
}

// cutItem cuts the first item off a list and unquotes it.
func cutItem(text string) (item, rest string, more bool) {
	text = strings.TrimLeft(text, " \t")
	if !strings.HasPrefix(text, `"`) {
		item, rest, more = strings.Cut(text, ",")
		return strings.TrimRight(item, " \t"), rest, more
	}
	var b strings.Builder
	i := 1
	for ; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	_, rest, more = strings.Cut(text[min(i+1, len(text)):], ",")
	return b.String(), rest, more
}
