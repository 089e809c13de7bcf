package claude

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"maps"
	"strconv"
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

// A breakpoint is a cacheControl and the path of what it stands at.
type breakpoint struct {
	cacheControl
	path string
}

func (b block) kind() string { return b.text("type") }

// readBlocks reads content whose shape is right: a string, which is one text block, or an array of
// blocks. The error is that of a picture or PDF that is none.
func readBlocks(content any, path string, budget *Budget) ([]block, error) {
	if s, ok := content.(string); ok {
		return []block{{object: object{"type": "text", "text": s}, path: path + ".0"}}, nil
	}
	list, _ := content.([]any)
	blocks := make([]block, len(list))
	for i, v := range list {
		o, _ := v.(map[string]any)
		b := &blocks[i]
		*b = block{object: o, path: path + "." + strconv.Itoa(i), cache: readCacheControl(o)}
		if err := b.readInner(budget); err != nil {
			return nil, err
		}
	}
	return blocks, nil
}

// readInner reads the blocks within the block, and the picture or PDF that it is.
func (b *block) readInner(budget *Budget) (err error) {
	switch b.kind() {
	case "tool_result":
		b.inner, err = readBlocks(b.object["content"], b.path+".tool_result.content", budget)
	case "search_result":
		b.inner, err = readBlocks(b.object["content"], b.path+".search_result.content", budget)
	case "image":
		b.media, err = readImage(b.object.object("source"), b.path+".image.source.base64")
	case "document":
		return b.readDocument(budget)
	}
	return err
}

func (b *block) readDocument(budget *Budget) (err error) {
	source, path := b.object.object("source"), b.path+".document.source"
	switch source.text("type") {
	case "base64":
		b.media, err = readPDF(source, path+".base64", budget)
	case "text":
		b.inner = []block{{object: object{"type": "text", "text": source.text("data")}, path: path}}
	case "content":
		b.inner, err = readBlocks(source["content"], path+".content.content", budget)
	}
	return err
}

func readCacheControl(o object) *cacheControl {
	if !o.has("cache_control") {
		return nil
	}
	return &cacheControl{hour: o.object("cache_control").text("ttl") == "1h"}
}

// breakpoints returns the cache_control of the block and of those within it, in order.
func (b block) breakpoints() []breakpoint {
	var out []breakpoint
	for _, in := range b.inner {
		out = append(out, in.breakpoints()...)
	}
	if b.cache != nil {
		out = append(out, breakpoint{*b.cache, b.path})
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
