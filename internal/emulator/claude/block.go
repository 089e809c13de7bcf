package claude

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
)

// A block is a content block: of a message, of system, or of a block that holds others.
type block struct {
	object
	path  string
	inner []block       // of a tool_result, a search_result or a document made of blocks
	media *media        // of an image or PDF
	cache *cacheControl // nil without a breakpoint
}

// A cacheControl marks the end of a prefix to be cached.
type cacheControl struct{ hour bool } // for an hour rather than five minutes

// A place says which kinds of blocks may stand there.
type place []string

var (
	inSystem     = place{"text"}
	inToolResult = place{"document", "image", "search_result", "text", "tool_reference"}
	inDocument   = place{"image", "text"}
	inSearch     = place{"text"}
	inMessage    = place{
		"bash_code_execution_tool_result", "code_execution_tool_result", "compaction", "container_upload", "document",
		"image", "mcp_tool_result", "mcp_tool_use", "redacted_thinking", "search_result", "server_tool_use", "text",
		"text_editor_code_execution_tool_result", "thinking", "tool_addition", "tool_reference", "tool_removal",
		"tool_result", "tool_search_tool_result", "tool_use", "web_fetch_tool_result", "web_search_tool_result",
	}
)

func (b block) kind() string { return b.text("type") }

// readBlocks reads content: a string, which is one text block, or an array of blocks.
func readBlocks(content any, path string, allowed place) ([]block, error) {
	if s, ok := content.(string); ok {
		return []block{{object: object{"type": "text", "text": s}, path: path + ".0"}}, nil
	}
	list, ok := content.([]any)
	if !ok {
		return nil, refuse(path, "Input should be a valid array")
	}
	blocks := make([]block, 0, len(list))
	for i, v := range list {
		b, err := readBlock(v, fmt.Sprintf("%s.%d", path, i), allowed)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

func readBlock(v any, path string, allowed place) (block, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return block{}, refuse(path, "Input should be a valid dictionary or object to extract fields from")
	}
	b := block{object: o, path: path}
	if !b.has("type") {
		return b, refuse(path+".type", "Field required")
	}
	if !slices.Contains(allowed, b.kind()) {
		return b, refuse(path, "Input tag '%s' found using 'type' does not match any of the expected tags: '%s'", b.kind(), strings.Join(allowed, "', '"))
	}
	if err := b.require(); err != nil {
		return b, err
	}
	var err error
	if b.cache, err = readCacheControl(o, path+".cache_control"); err != nil {
		return b, err
	}
	return b, b.readInner()
}

// requiredTexts are the members without which a block says nothing, all of them strings.
var requiredTexts = map[string][]string{
	"text":           {"text"},
	"thinking":       {"thinking", "signature"},
	"tool_use":       {"id", "name"},
	"tool_result":    {"tool_use_id"},
	"tool_reference": {"tool_name"},
}

func (b block) require() error {
	for _, name := range requiredTexts[b.kind()] {
		if !b.has(name) {
			return refuse(b.path+"."+b.kind()+"."+name, "Field required")
		}
		if _, ok := b.object[name].(string); !ok {
			return refuse(b.path+"."+b.kind()+"."+name, "Input should be a valid string")
		}
	}
	if b.kind() == "tool_use" && b.object.object("input") == nil {
		return refuse(b.path+".tool_use.input", "Input should be a valid dictionary")
	}
	return nil
}

// readInner reads the blocks within the block, and the picture or PDF that it is.
func (b *block) readInner() (err error) {
	switch b.kind() {
	case "tool_result":
		if b.has("content") {
			b.inner, err = readBlocks(b.object["content"], b.path+".tool_result.content", inToolResult)
		}
	case "search_result":
		if b.has("content") {
			b.inner, err = readBlocks(b.object["content"], b.path+".search_result.content", inSearch)
		}
	case "image":
		b.media, err = readImage(b.object.object("source"), b.path+".image.source")
	case "document":
		return b.readDocument()
	}
	return err
}

func (b *block) readDocument() (err error) {
	source, path := b.object.object("source"), b.path+".document.source"
	switch source.text("type") {
	case "base64":
		b.media, err = readPDF(source, path)
	case "text":
		b.inner = []block{{object: object{"type": "text", "text": source.text("data")}, path: path}}
	case "content":
		b.inner, err = readBlocks(source["content"], path+".content", inDocument)
	default: // url and file are not on Bedrock
		err = refuse(path, "Input tag '%s' found using 'type' does not match any of the expected tags: 'base64', 'content', 'text'", source.text("type"))
	}
	return err
}

func readCacheControl(o object, path string) (*cacheControl, error) {
	if !o.has("cache_control") {
		return nil, nil
	}
	c := o.object("cache_control")
	if kind := c.text("type"); kind != "ephemeral" {
		return nil, refuse(path, "Input tag '%s' found using 'type' does not match any of the expected tags: 'ephemeral'", kind)
	}
	switch ttl := c.text("ttl"); {
	case ttl == "1h":
		return &cacheControl{hour: true}, nil
	case ttl == "5m", !c.has("ttl"):
		return &cacheControl{}, nil
	}
	return nil, refuse(path+".ephemeral.ttl", "Input should be '5m' or '1h'")
}

// breakpoints returns the cache_control of the block and of those within it, in order.
func (b block) breakpoints() []cacheControl {
	var out []cacheControl
	for _, in := range b.inner {
		out = append(out, in.breakpoints()...)
	}
	if b.cache != nil {
		out = append(out, *b.cache)
	}
	return out
}

// writeTo writes what the block means to h: equal for blocks that differ only in what the model
// does not see, such as cache_control, or a string in place of one text block.
func (b block) writeTo(h hash.Hash) {
	o := maps.Clone(b.object)
	delete(o, "cache_control")
	if !o.is("is_error") {
		delete(o, "is_error")
	}
	if b.inner != nil {
		delete(o, "content")
		delete(o, "source")
	}
	own := sha256.Sum256(compact(o))
	h.Write(own[:])
	for _, in := range b.inner {
		in.writeTo(h)
	}
	fmt.Fprintf(h, "%d;", len(b.inner))
}

// tokens counts what the block costs in a prompt; definition returns what a tool_reference stands for.
func (b block) tokens(long int, definition func(name string) int) int {
	n := 0
	for _, in := range b.inner {
		n += in.tokens(long, definition)
	}
	switch b.kind() {
	case "text":
		return n + Tokens(b.text("text"))
	case "thinking":
		return n + thinkingTokens(b.text("thinking"), b.text("signature"))
	case "tool_use":
		return n + callTokens(b.text("name"), string(compact(b.object["input"])))
	case "tool_result":
		return n + callFrame
	case "tool_reference":
		return n + definition(b.text("tool_name"))
	case "image":
		return n + b.media.tokens(long)
	case "document", "search_result":
		return n + b.media.tokens(long) + Tokens(b.text("title")) + Tokens(b.text("context")) + Tokens(b.text("source"))
	}
	return n + Tokens(string(compact(b.object)))
}

// callFrame is what the frame around a tool's call or result costs.
const callFrame = 4

func callTokens(name, input string) int { return callFrame + Tokens(name) + Tokens(input) }
