package claude

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"iter"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// This file is what the embedded Bedrock's other models share with Claude: how they read an
// instruction, look at a picture, count and cache a prompt, and end an answer.

// A Call is `call NAME {json}` as a user wrote it.
type Call struct {
	Name  string
	Input string // a JSON object
	Bare  bool   // nothing that looks like an input followed
	Fault string // why what followed is no JSON object; "" for none
}

// Calls returns the calls that a text asks for, in order.
func Calls(text string) []Call {
	var out []Call
	for _, in := range instructions(text) {
		out = append(out, Call{in.name, string(compact(in.input)), in.bare, in.fault})
	}
	return out
}

// Words returns the text that `write N words` in asked makes, "" if that is not asked for.
func Words(asked string) string { return words(wordsAsked(asked)) }

// Shorten keeps the first n characters of a text and says how many there were.
func Shorten(text string, n int) string { return shorten(text, n) }

// Sample returns a value that fits a JSON Schema, with what it requires and no more. text is what
// strings say where they may say anything.
func Sample(schema any, text string) any { return sample(schema, text) }

// JSON returns v as JSON with sorted keys, "" if v cannot be JSON.
func JSON(v any) string { return string(compact(v)) }

// Look describes a picture or PDF ("PNG image, 640 x 480 pixels, 1234 bytes") and says how many tokens
// it costs. ok is false if data is neither.
func Look(data []byte, b *Budget) (description string, tokens int, ok bool) {
	source := object{"type": "base64", "media_type": "application/pdf", "data": base64.StdEncoding.EncodeToString(data)}
	m, err := readPDF(source, "", b)
	if err != nil {
		source["media_type"] = pictureType(data)
		m, err = readImage(source, "")
	}
	if err != nil {
		return "", 0, false
	}
	return m.String(), m.tokens(smallLongEdge), true
}

// smallLongEdge is to how many pixels models scale the longer edge of a picture down.
const smallLongEdge = 1568

// pictureType returns the media type that a picture's first bytes show.
func pictureType(data []byte) string {
	for magic, kind := range map[string]string{"\x89PNG": "image/png", "\xff\xd8\xff": "image/jpeg", "GIF8": "image/gif", "RIFF": "image/webp"} {
		if bytes.HasPrefix(data, []byte(magic)) {
			return kind
		}
	}
	return ""
}

// Append adds a segment to a prompt: what it says, what it costs and, if it ends a prefix to be
// cached, for how long (5m or 1h, else ""). The zero Prompt is empty and ready.
func (p *Prompt) Append(content []byte, tokens int, ttl string) {
	var chain [sha256.Size]byte
	if n := len(p.segments); n > 0 {
		chain = p.segments[n-1].prefix
	}
	own := sha256.Sum256(content)
	s := segment{prefix: sha256.Sum256(append(chain[:], own[:]...)), tokens: tokens}
	if ttl != "" {
		s.mark = &cacheControl{hour: ttl == "1h"}
	}
	p.segments = append(p.segments, s)
}

// NewReply returns an answer of content that ends where a stop sequence or maxTokens ends it, its
// output counted. input is what its prompt costs.
func NewReply(m catalog.Model, content []Content, stopReason string, maxTokens int, stops []string, input Usage) *Reply {
	for i, c := range content {
		if c.Kind == "thinking" && c.seal == nil {
			content[i].seal = func(thought string) (shown, signature string) { return thought, c.Signature }
		}
	}
	r := &Reply{Model: m, Content: content, StopReason: stopReason, Usage: input}
	r.cut(maxTokens, shortestStops(stops))
	return r
}

// NewToolUseID returns an ID for a tool_use block.
func NewToolUseID() string { return newID("toolu_bdrk_01") }

// Pieces returns the pieces in which a stream sends a text.
func Pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			piece := firstTokens(text, deltaTokens)
			if text = text[len(piece):]; !yield(piece) {
				return
			}
		}
	}
}
