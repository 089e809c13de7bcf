// Package jsonedit changes, adds and removes top-level members of a JSON object and leaves every other
// byte as it came: white space, the order of members, escapes, the spelling of numbers, even invalid UTF-8
// inside strings.
//
// An [Object] holds the text and where its members lie in it:
//
//	{ "model" : "claude" ,\n "max_tokens":1e3 }\n
//	^                    ^                   ^
//	'{' or ',' begins a member               the tail: white space, '}' and what follows
//
// Writing joins runs of the text with what was set in between, so that an edit costs what it changes and
// one copy. [Parse] checks the whole text first, nested values included; after that a value can be looked
// into without a tree, by [Member], [Elements], [String] and [Int], which trust what they read as far as
// the answer goes and never as far as bounds go.
package jsonedit

import (
	"iter"
	"slices"
	"unicode/utf8"
)

// MaxMembers is how many top-level members an object may have. Bookkeeping costs some hundred bytes a
// member, which a body of `"a":0,` repeated would otherwise multiply.
const MaxMembers = 10_000

// firstMembers is for how many members there is room at first: a usual request's or answer's.
const firstMembers = 12

// An Object is a JSON object whose top-level members can be changed. Names compare as [String] decodes
// them: a member written "\u006dodel" is model, and invalid UTF-8 in a name is U+FFFD.
//
// RFC 8259 lets an object have more than one member of a name, and readers differ in which of them they
// take. They are kept as they came until one is edited. Who decides by what Get says and passes the object
// on calls Set or Delete: after either, every reader sees what was decided by.
//
// Make one with [Parse] and use it by pointer. It keeps the slice it was made of. Reading methods may run
// concurrently with each other, not with Set and Delete.
type Object struct {
	src     []byte
	members []member
	tail    int // where the white space before the closing brace begins
	changed bool
}

// A member is one name and value. In the source it takes src[start:end], from the brace or comma before it
// to the next comma (the last one: to the end of its value), with its value at src[valueStart:valueEnd].
type member struct {
	name                             []byte // decoded
	value                            []byte // as it came, or as it was set
	added                            []byte // `,"name":` of a member that is not in the source
	start, valueStart, valueEnd, end int
	set                              bool // the value is not the source's
}

// Clone returns an Object that is edited apart from o. It keeps the same source.
func (o *Object) Clone() *Object {
	c := *o
	c.members = append(make([]member, 0, len(o.members)+2), o.members...)
	return &c
}

// Parse checks that src is one JSON object (RFC 8259) with nothing but white space around it, and finds
// its top-level members. It does not copy src, which must not change while the Object is in use.
//
// Refused, besides what is not JSON: nesting deeper than [MaxDepth] ([ErrDepth]), more than [MaxMembers]
// top-level members ([ErrMembers]), and a text that is some other JSON value ([ErrNotObject]; the rest of
// it is not looked at). Members of one name and invalid UTF-8 within strings are let through. The error is
// a [*SyntaxError].
func Parse(src []byte) (*Object, error) {
	o := &Object{src: src, members: make([]member, 0, firstMembers)}
	p := parser{object: o}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return o, nil
}

// Get returns the value of the member called name, as it came or as it was set; of several the last one's,
// which is what encoding/json, JavaScript and Python take. The bytes are the source's or those given to Set
// and must not be changed.
func (o *Object) Get(name string) (raw []byte, ok bool) {
	if i := o.index(decodable(name)); i >= 0 {
		return o.members[i].value, true
	}
	return nil, false
}

// Members yields the names and values that AppendTo would write, in that order. The object must not be
// changed meanwhile.
func (o *Object) Members() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := range o.members {
			if !yield(string(o.members[i].name), o.members[i].value) {
				return
			}
		}
	}
}

// Set gives the member called name the value raw: in its place if there is one, else in a new member at
// the end. Of several of the name the last one stays and the others go, also where its value is raw already.
// Raw must be one valid JSON value (see [Valid] and [AppendString]); Set does not check it, and writes it out
// as it is. Raw is kept, not copied.
func (o *Object) Set(name string, raw []byte) {
	raw = slices.Clip(raw)
	name = decodable(name)
	if i := o.index(name); i >= 0 {
		i -= o.remove(name, i)
		m := &o.members[i]
		if string(m.value) != string(raw) {
			m.value, m.set, o.changed = raw, true, true
		}
		return
	}
	added := append(make([]byte, 0, len(name)+4), ',')
	added = append(AppendString(added, name), ':')
	o.members = append(o.members, member{name: decoded(added[2 : len(added)-2]), value: raw, added: added})
	o.changed = true
}

// Delete removes the member called name, or all that are, with the white space before each.
func (o *Object) Delete(name string) {
	o.remove(decodable(name), len(o.members))
}

// remove takes the members called name that stand before o.members[end] out, and returns how many there
// were.
func (o *Object) remove(name string, end int) (n int) {
	kept := slices.DeleteFunc(o.members[:end], func(m member) bool { return string(m.name) == name })
	if n = end - len(kept); n > 0 {
		o.members = slices.Delete(o.members, len(kept), end)
		o.changed = true
	}
	return n
}

// Changed reports whether a Set or Delete had an effect, even if a later one undid it. If not, AppendTo
// appends the source as it came.
func (o *Object) Changed() bool { return o.changed }

// Len returns how many bytes AppendTo appends.
func (o *Object) Len() int {
	var room [16][]byte
	n := 0
	for _, chunk := range o.AppendChunks(room[:0]) {
		n += len(chunk)
	}
	return n
}

// AppendTo appends the object's text, with all that stood around it in the source, to dst, which must not
// overlap the source.
func (o *Object) AppendTo(dst []byte) []byte {
	var room [16][]byte
	dst = slices.Grow(dst, o.Len())
	for _, chunk := range o.AppendChunks(room[:0]) {
		dst = append(dst, chunk...)
	}
	return dst
}

// AppendChunks appends to dst the pieces that AppendTo would join: a few long ones of the source with what
// was set between them, for hashing and writing a large body without a second copy of it. The pieces must
// not be changed, and are valid until the next Set or Delete.
func (o *Object) AppendChunks(dst [][]byte) [][]byte {
	// src[from:to] is due but not yet appended: what stays as it came is one piece, however many
	// members it spans.
	from, to := 0, 0
	source := func(start, end int) {
		if start != to {
			dst = appendChunk(dst, o.src[from:to])
			from = start
		}
		to = end
	}
	insert := func(chunk []byte) {
		dst = appendChunk(dst, o.src[from:to])
		dst = appendChunk(dst, chunk)
		from = to
	}
	for i := range o.members {
		m := &o.members[i]
		comma := 0
		if i == 0 {
			source(0, o.brace()+1)
			comma = 1 // of the first, start is that brace or a comma that must go
		}
		switch {
		case m.added != nil:
			insert(m.added[comma:])
			insert(m.value)
		case m.set:
			source(m.start+comma, m.valueStart)
			insert(m.value)
			source(m.valueEnd, m.end)
		default:
			source(m.start+comma, m.end)
		}
	}
	if len(o.members) == 0 {
		source(0, o.brace()+1)
	}
	source(o.tail, len(o.src))
	return appendChunk(dst, o.src[from:to])
}

func appendChunk(dst [][]byte, chunk []byte) [][]byte {
	if len(chunk) == 0 {
		return dst
	}
	return append(dst, chunk)
}

// brace returns where the object's opening brace stands.
func (o *Object) brace() int { return space(o.src, 0) }

// index finds the last member called name, -1 if there is none.
func (o *Object) index(name string) int {
	for i := len(o.members) - 1; i >= 0; i-- {
		if string(o.members[i].name) == name {
			return i
		}
	}
	return -1
}

// decodable returns name as it would be read back once written: with U+FFFD for invalid UTF-8.
func decodable(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return string([]rune(name))
}
