package restjson

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/outcrop-dev/outcrop/internal/wire/eventstream"
	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// AppendEvent appends one member of the operation's output event stream as a message: an event or an
// exception. A value may hold a string "p", which no model has: the padding that Bedrock adds to the
// payload so that lengths say nothing of the text. The error says which value does not fit the model.
func (o *Operation) AppendEvent(dst []byte, name string, value map[string]any) ([]byte, error) {
	m := o.event(name)
	if m == nil {
		return dst, fmt.Errorf("restjson: %s has no event %s", o.name, name)
	}
	headers := []eventstream.Header{{Name: ":event-type", Value: eventstream.String(name)}}
	kind := "event"
	if m.shape.exception {
		headers[0].Name, kind = ":exception-type", "exception"
	}
	payload, contentType, err := eventPayload(m.shape, value)
	if err != nil {
		return dst, fmt.Errorf("restjson: event %s of %s: %w", name, o.name, err)
	}
	headers = append(headers,
		eventstream.Header{Name: ":content-type", Value: eventstream.String(contentType)},
		eventstream.Header{Name: ":message-type", Value: eventstream.String(kind)})
	for _, field := range m.shape.members {
		if v := value[field.name]; field.eventHeader && v != nil {
			h, err := eventHeader(field, v)
			if err != nil {
				return dst, fmt.Errorf("restjson: event %s of %s: %s: %w", name, o.name, field.name, err)
			}
			headers = append(headers, h)
		}
	}
	return eventstream.Append(dst, headers, payload)
}

// event finds an event of the output's stream.
func (o *Operation) event(name string) *member {
	if o.output == nil {
		return nil
	}
	for _, stream := range o.output.members {
		if !stream.shape.eventStream {
			continue
		}
		for _, m := range stream.shape.members {
			if m.name == name {
				return m
			}
		}
	}
	return nil
}

// eventPayload writes the member that is the payload, or else all members as JSON.
func eventPayload(s *shape, value map[string]any) (payload []byte, contentType string, err error) {
	for _, m := range s.members {
		if m.eventPayload {
			one := shape{payload: m}
			return writeBody(&one, value)
		}
	}
	payload, err = appendStructure(nil, s, value)
	if p, ok := value["p"].(string); ok && err == nil {
		payload = comma(payload[:len(payload)-1], 0)
		payload = append(payload, `"p":`...)
		payload = append(jsonedit.AppendString(payload, p), '}')
	}
	return payload, jsonType, err
}

// eventHeader writes a member as a header of the message.
func eventHeader(m *member, v any) (eventstream.Header, error) {
	h := eventstream.Header{Name: m.wire}
	switch v := v.(type) {
	case string:
		h.Value = eventstream.String(v)
	case bool:
		h.Value = eventstream.Bool(v)
	case []byte:
		h.Value = eventstream.Bytes(v)
	case time.Time:
		h.Value = eventstream.Timestamp(v)
	default:
		text, err := numberText(m.shape, v)
		if err != nil {
			return h, err
		}
		n, err := json.Number(text).Int64()
		if err != nil {
			return h, err
		}
		h.Value = eventstream.Int64(n)
		if m.shape.kind == "integer" {
			h.Value = eventstream.Int32(int32(n))
		}
	}
	return h, nil
}
