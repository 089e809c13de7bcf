package converse

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// A Refusal says why a request is not answered, as AWS does.
type Refusal struct {
	Status  int
	Code    string // AWS's name of the exception
	Message string
}

// Error returns code and message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// refuse returns a ValidationException with the sentence of a key.
func refuse(key string, namesAndValues ...any) error {
	return &Refusal{http.StatusBadRequest, "ValidationException", wording.Say(key, namesAndValues...)}
}

// Returned wraps what a model says of a request, as Converse does: it names its own members for those of
// Claude's body that it knows (accelerated-intelligent-document-processing-on-aws, issue 778).
func Returned(message string) *Refusal {
	message = strings.ReplaceAll(message, ".source.base64", ".source.bytes")
	return &Refusal{http.StatusBadRequest, "ValidationException", wording.Say("converse_model_errors", "errors", message)}
}

// An object is a structure or document of an input.
type object map[string]any

func asObject(v any) object {
	m, _ := v.(map[string]any)
	return m
}

func (o object) object(name string) object { return asObject(o[name]) }

func (o object) list(name string) []any {
	l, _ := o[name].([]any)
	return l
}

// text returns a string member, "" if it is absent or something else.
func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

func (o object) bytes(name string) []byte {
	b, _ := o[name].([]byte)
	return b
}

func (o object) is(name string) bool {
	b, _ := o[name].(bool)
	return b
}

func (o object) has(name string) bool { return o[name] != nil }

// integer returns a member that is a whole number.
func (o object) integer(name string) (int, bool) {
	n, _ := o[name].(json.Number)
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// union returns the member that a union has, "" for none.
func union(v any) (name string, value any) {
	o := asObject(v)
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if o[name] != nil {
			return name, o[name]
		}
	}
	return "", nil
}

// A message is one member of messages.
type message struct {
	role   string
	path   string
	blocks []block
}

// A block is a content block, of a message, of system, or within a toolResult.
type block struct {
	kind  string // the union's member: text, image, toolUse, ...
	value any
	path  string
}

// object returns the block's value, nil if that is a text.
func (b block) object() object { return asObject(b.value) }

// text returns the block's text, "" if it is none.
func (b block) text() string {
	s, _ := b.value.(string)
	return s
}

func readMessages(input object) []message {
	var out []message
	for i, v := range input.list("messages") {
		m := asObject(v)
		path := "messages." + strconv.Itoa(i)
		out = append(out, message{role: m.text("role"), path: path, blocks: readBlocks(m.list("content"), path+".content")})
	}
	return out
}

func readBlocks(list []any, path string) []block {
	out := make([]block, 0, len(list))
	for i, v := range list {
		kind, value := union(v)
		out = append(out, block{kind, value, path + "." + strconv.Itoa(i)})
	}
	return out
}

// inner returns the blocks within a toolResult.
func (b block) inner() []block {
	if b.kind != "toolResult" {
		return nil
	}
	return readBlocks(b.object().list("content"), b.path+".toolResult.content")
}

// of returns the message's blocks of one kind.
func (m message) of(kind string) (out []block) {
	for _, b := range m.blocks {
		if b.kind == kind {
			out = append(out, b)
		}
	}
	return out
}

// has reports whether the message has a block of one of the kinds.
func (m message) has(kinds ...string) bool {
	return slices.ContainsFunc(m.blocks, func(b block) bool { return slices.Contains(kinds, b.kind) })
}
