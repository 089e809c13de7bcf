package family

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
)

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

func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// quoteLimit is how many characters of a tool's result an answer quotes.
const quoteLimit = 4000

// quote says what a tool answered.
func (c *Conversation) quote(name string, result object) string {
	if name == "" {
		name = "A tool"
	}
	verb := "answered"
	if result.text("status") == "error" {
		verb = "failed"
	}
	var said []string
	for _, v := range result.list("content") {
		text, other, _ := c.look(asObject(v))
		said = append(said, strings.TrimSpace(text+" "+other))
	}
	if len(said) == 0 {
		said = []string{"(nothing)"}
	}
	return name + " " + verb + ": " + claude.Shorten(strings.Join(said, "\n"), quoteLimit)
}

// look reads a block: the text in it, what else it shows, described, and what it costs.
func (c *Conversation) look(b object) (text, other string, tokens int) {
	for _, kind := range slices.Sorted(maps.Keys(b)) {
		o := b.object(kind)
		switch kind {
		case "text":
			text = b.text(kind)
			return text, "", claude.Tokens(text)
		case "json":
			text = claude.JSON(b[kind])
			return text, "", claude.Tokens(text)
		case "guardContent":
			if guarded := o.object("text"); guarded != nil {
				return guarded.text("text"), "", claude.Tokens(guarded.text("text"))
			}
			other, tokens = c.picture(o.object("image"))
			return "", other, tokens
		case "image":
			other, tokens = c.picture(o)
			return "", other, tokens
		case "document":
			other, tokens = c.document(o)
			return "", other, tokens
		case "video", "audio":
			data, _ := o.object("source")["bytes"].([]byte)
			return "", fmt.Sprintf("%s %s, %d bytes", strings.ToUpper(o.text("format")), kind, len(data)), 1 + len(data)/bytesPerToken
		case "toolUse":
			return "", "", frameTokens + claude.Tokens(o.text("name")) + claude.Tokens(claude.JSON(o["input"]))
		case "toolResult":
			return "", "", frameTokens + c.within(o.list("content"))
		case "searchResult":
			return "", "search result " + o.text("title"), claude.Tokens(o.text("title")) + c.within(o.list("content"))
		case "reasoningContent":
			return "", "", claude.Tokens(o.object("reasoningText").text("text"))
		case "citationsContent":
			return "", "", c.within(o.list("content"))
		}
	}
	return "", "", 0
}

// bytesPerToken is made up: what video and audio cost depends on their length, which is not looked for.
const bytesPerToken = 1000

func (c *Conversation) within(blocks []any) (tokens int) {
	for _, v := range blocks {
		_, _, n := c.look(asObject(v))
		tokens += n
	}
	return tokens
}

func (c *Conversation) picture(o object) (description string, tokens int) {
	data, _ := o.object("source")["bytes"].([]byte)
	if description, tokens, ok := claude.Look(data, c.budget); ok {
		return description, tokens
	}
	return fmt.Sprintf("%s image, %d bytes", strings.ToUpper(o.text("format")), len(data)), 1
}

func (c *Conversation) document(o object) (description string, tokens int) {
	source := o.object("source")
	data, _ := source["bytes"].([]byte)
	name := fmt.Sprintf("%q, ", o.text("name"))
	if data != nil && o.text("format") == "pdf" {
		if description, tokens, ok := claude.Look(data, c.budget); ok {
			return name + description, tokens
		}
	}
	parts := []string{source.text("text"), converse.Text(o.text("format"), data, c.budget)}
	for _, v := range source.list("content") {
		parts = append(parts, asObject(v).text("text"))
	}
	text := strings.Join(parts, "")
	return fmt.Sprintf("%s%s document, %d bytes", name, strings.TrimSpace(o.text("format")+" text"), len(text)), claude.Tokens(text)
}
