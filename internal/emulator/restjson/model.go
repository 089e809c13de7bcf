package restjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A Service is what a service model describes. It is safe for concurrent use.
type Service struct {
	operations map[string]*Operation
	shapes     map[string]*shape
}

// An Operation is one of a Service's.
type Operation struct {
	name   string
	route  route
	status int
	input  *shape // nil if it takes none
	output *shape // nil if it gives none
}

// A shape is a type of the model, with its constraints.
type shape struct {
	name     string
	kind     string // the model's type: structure, list, map, string, integer, ...
	members  []*member
	byWire   map[string]*member // members of the body, by their name in JSON
	payload  *member            // the member that is the body
	element  *shape             // of a list, and the values of a map
	key      *shape             // of a map
	required map[string]bool

	union, document, sparse, sensitive   bool
	eventStream, event, exception, fault bool
	status                               int // of an exception
	timestampFormat                      string

	enum     []string
	allowed  map[string]bool // the enum
	pattern  *pattern
	min, max *bound
}

// A member is a field of a structure.
type member struct {
	name      string
	wire      string // its name on the wire; of a header, canonical by net/http
	location  string // "" is the body
	shape     *shape
	jsonValue bool // JSON text, base64 in a header

	eventHeader, eventPayload bool
}

// Operation returns the operation of that name, nil if there is none.
func (s *Service) Operation(name string) *Operation { return s.operations[name] }

// Name returns the operation's name; that of no operation, nil, is "".
func (o *Operation) Name() string {
	if o == nil {
		return ""
	}
	return o.name
}

// Parse reads a service model in botocore's api-2 form (metadata, operations, shapes). It reports
// shapes that are named and missing.
func Parse(model []byte) (*Service, error) {
	var file struct {
		Operations map[string]modelOperation
		Shapes     map[string]modelShape
	}
	if err := json.Unmarshal(model, &file); err != nil {
		return nil, fmt.Errorf("restjson: service model: %w", err)
	}
	b := builder{service: &Service{operations: map[string]*Operation{}, shapes: map[string]*shape{}}}
	for name := range file.Shapes {
		b.service.shapes[name] = &shape{name: name}
	}
	for name, m := range file.Shapes {
		b.fill(b.service.shapes[name], m)
	}
	for name, m := range file.Operations {
		b.service.operations[name] = b.operation(name, m)
	}
	return b.service, errors.Join(b.faults...)
}

// modelOperation is an operation in the file. Its input and output are a name, or an object with one.
type modelOperation struct {
	HTTP struct {
		Method       string
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	}
	Input, Output reference
}

// modelShape is a shape in the file.
type modelShape struct {
	Type            string
	Members         orderedMembers
	Member          reference
	Key, Value      reference
	Required        []string
	Payload         string
	Union           bool
	Document        bool
	Sparse          bool
	Sensitive       bool
	EventStream     bool `json:"eventstream"`
	Event           bool
	Exception       bool
	Fault           bool
	TimestampFormat string `json:"timestampFormat"`
	Enum            []string
	Pattern         string
	Min, Max        json.Number
	Error           struct {
		HTTPStatusCode int `json:"httpStatusCode"`
	}
}

type modelMember struct {
	name            string
	Shape           string
	Location        string
	LocationName    string `json:"locationName"`
	JSONValue       bool   `json:"jsonvalue"`
	TimestampFormat string `json:"timestampFormat"`
	EventHeader     bool   `json:"eventheader"`
	EventPayload    bool   `json:"eventpayload"`
}

// A reference names a shape: "Name" or {"shape": "Name"}; botocore writes the second, files without
// documentation also the first.
type reference string

// UnmarshalJSON takes both forms.
func (r *reference) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, (*string)(r)) == nil {
		return nil
	}
	var object struct{ Shape string }
	err := json.Unmarshal(raw, &object)
	*r = reference(object.Shape)
	return err
}

// orderedMembers keeps the file's order: it is that of what is written and of what is refused.
type orderedMembers []modelMember

// UnmarshalJSON reads an object's members in their order.
func (o *orderedMembers) UnmarshalJSON(raw []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		m := modelMember{}
		if err := dec.Decode(&m); err != nil {
			return err
		}
		m.name, _ = name.(string)
		*o = append(*o, m)
	}
	return nil
}

// A builder resolves names to shapes.
type builder struct {
	service *Service
	faults  []error
}

func (b *builder) operation(name string, m modelOperation) *Operation {
	o := &Operation{name: name, route: newRoute(m.HTTP.Method, m.HTTP.RequestURI), status: m.HTTP.ResponseCode}
	if o.status == 0 {
		o.status = 200
	}
	if m.Input != "" {
		o.input = b.shape(name, string(m.Input))
	}
	if m.Output != "" {
		o.output = b.shape(name, string(m.Output))
	}
	return o
}

func (b *builder) fill(s *shape, m modelShape) {
	s.kind, s.union, s.document, s.sparse, s.sensitive = m.Type, m.Union, m.Document, m.Sparse, m.Sensitive
	s.eventStream, s.event, s.exception, s.fault = m.EventStream, m.Event, m.Exception, m.Fault
	s.timestampFormat, s.enum, s.status = m.TimestampFormat, m.Enum, m.Error.HTTPStatusCode
	s.min, s.max = b.bound(s.name, m.Min), b.bound(s.name, m.Max)
	if m.Pattern != "" {
		s.pattern = newPattern(m.Pattern)
	}
	s.allowed, s.required = set(m.Enum), set(m.Required)
	switch s.kind {
	case "list":
		s.element = b.shape(s.name, string(m.Member))
	case "map":
		s.key, s.element = b.shape(s.name, string(m.Key)), b.shape(s.name, string(m.Value))
	case "structure":
		b.members(s, m)
	}
}

func (b *builder) members(s *shape, m modelShape) {
	s.byWire = map[string]*member{}
	for _, field := range m.Members {
		f := &member{name: field.name, wire: field.LocationName, location: field.Location, jsonValue: field.JSONValue,
			eventHeader: field.EventHeader, eventPayload: field.EventPayload,
			shape: b.shape(s.name, field.Shape)}
		if field.TimestampFormat != "" {
			own := *f.shape
			own.timestampFormat, own.kind = field.TimestampFormat, "timestamp" // the shape itself may not be filled yet
			f.shape = &own
		}
		if f.wire == "" && f.location != "headers" && f.location != "querystring" {
			f.wire = f.name // of those two, no name means every header and every parameter
		}
		s.members = append(s.members, f)
		if m.Payload == f.name {
			s.payload = f
		}
		if f.location == "" {
			s.byWire[f.wire] = f
		}
	}
	if m.Payload != "" && s.payload == nil {
		b.faults = append(b.faults, fmt.Errorf("restjson: %s has no member %s for its payload", s.name, m.Payload))
	}
}

func (b *builder) shape(user, name string) *shape {
	s, ok := b.service.shapes[name]
	if !ok {
		b.faults = append(b.faults, fmt.Errorf("restjson: %s names the shape %q, which is not in the model", user, name))
		return &shape{name: name}
	}
	return s
}

func (b *builder) bound(user string, n json.Number) *bound {
	if n == "" {
		return nil
	}
	value, err := n.Float64()
	if err != nil {
		b.faults = append(b.faults, fmt.Errorf("restjson: %s: %w", user, err))
	}
	return &bound{text: n.String(), value: value}
}

func set(names []string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, n := range names {
		all[n] = true
	}
	return all
}
