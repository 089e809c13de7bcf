package script

import (
	"bytes"
	"encoding/json"
)

// A node is a JSON value with the line on which it begins.
type node struct {
	kind    kind
	line    int
	raw     json.RawMessage
	members []member // of an object, in order
	items   []*node  // of a list
}

type member struct {
	name  string
	value *node
}

type kind string

const (
	anObject kind = "an object"
	aList    kind = "a list"
	aString  kind = "a string"
	aNumber  kind = "a number"
	aBoolean kind = "a boolean"
	aNull    kind = "null"
)

// String says what the node is, for a fault.
func (n *node) String() string {
	if n.kind == anObject || n.kind == aList || n.kind == aNull || len(n.raw) > 60 {
		return string(n.kind)
	}
	return string(n.raw)
}

// text returns the value of a string, "" for all else.
func (n *node) text() (s string) {
	if n.kind == aString {
		json.Unmarshal(n.raw, &s) // valid, for it has been parsed
	}
	return s
}

// parse makes nodes of data, which is valid JSON and so not deeper than encoding/json lets it be.
func parse(data []byte) *node {
	p := &parser{data: data, tokens: json.NewDecoder(bytes.NewReader(data)), line: 1}
	p.tokens.UseNumber() // no number is too large
	return p.value()
}

type parser struct {
	data   []byte
	tokens *json.Decoder
	line   int   // at counted
	at     int64 // up to where lines have been counted
}

// next returns the next token and where it begins.
func (p *parser) next() (json.Token, int64) {
	start := p.tokens.InputOffset()
	for bytes.IndexByte([]byte(" \t\r\n,:"), p.data[start]) >= 0 {
		start++
	}
	p.line += bytes.Count(p.data[p.at:start], []byte("\n"))
	p.at = start
	token, err := p.tokens.Token()
	if err != nil {
		panic("script: valid JSON is not: " + err.Error())
	}
	return token, start
}

func (p *parser) value() *node {
	token, start := p.next()
	n := &node{line: p.line}
	switch token := token.(type) {
	case json.Delim:
		p.fill(n, token)
	case string:
		n.kind = aString
	case json.Number:
		n.kind = aNumber
	case bool:
		n.kind = aBoolean
	default:
		n.kind = aNull
	}
	n.raw = p.data[start:p.tokens.InputOffset()]
	return n
}

// fill reads what an object or a list holds, and its end.
func (p *parser) fill(n *node, begin json.Delim) {
	n.kind = aList
	if begin == '{' {
		n.kind = anObject
	}
	for p.tokens.More() {
		if n.kind == aList {
			n.items = append(n.items, p.value())
			continue
		}
		name, _ := p.next()
		n.members = append(n.members, member{name.(string), p.value()})
	}
	p.next()
}
