package claude

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"iter"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// A Prompt is a request as the model reads it, in the order tools, system, messages: a row of
// segments, each with its cost and, for the cache, a digest of all up to and including it.
type Prompt struct {
	segments []segment
}

// A segment is a tool, a block of system or a block of a message.
type segment struct {
	prefix [sha256.Size]byte // of this and all segments before it
	tokens int
	mark   *cacheControl // nil without a breakpoint
}

// Layout lays a request out as the prompt of a model.
func Layout(r *Request, m catalog.Model) *Prompt {
	l := layout{r: r, long: m.ImageMaxPixels}
	for _, t := range r.tools {
		if !t.deferred {
			l.add(t.cache, t.tokens(), t.writeTo)
		}
	}
	for _, b := range r.system {
		l.addBlock("system", b, 0)
	}
	// Anthropic's documentation: tool_choice and the thinking parameters are part of what a cached
	// prefix of messages depends on, and no part of what tools and system depend on.
	l.seed("%s %s %s %d", r.choice.kind, r.choice.name, r.thinking.kind, r.thinking.budget)
	for _, msg := range r.messages {
		frame := messageTokens
		for _, b := range msg.blocks {
			l.addBlock(msg.role, b, frame)
			frame = 0
		}
	}
	if last := len(l.p.segments) - 1; r.autoCache != nil && last >= 0 && l.p.segments[last].mark == nil {
		l.p.segments[last].mark = r.autoCache
	}
	return &l.p
}

// Tokens is what the prompt costs, cached or not: what CountTokens answers.
func (p *Prompt) Tokens() int {
	n := replyTokens
	for _, s := range p.segments {
		n += s.tokens
	}
	return n
}

// A layout is a Prompt in the making.
type layout struct {
	r     *Request
	long  int
	p     Prompt
	chain [sha256.Size]byte
}

func (l *layout) addBlock(role string, b block, frame int) {
	var mark *cacheControl
	for _, c := range b.breakpoints() {
		if mark == nil || c.hour {
			mark = &cacheControl{hour: c.hour}
		}
	}
	tokens := frame + b.tokens(l.long, l.definition)
	l.add(mark, tokens, func(h hash.Hash) {
		fmt.Fprintf(h, "%s %d ", role, frame)
		b.writeTo(h)
	})
}

// definition is what a tool costs that a tool_reference brings into the prompt.
func (l *layout) definition(name string) int {
	if t := l.r.tool(name); t != nil {
		return t.tokens()
	}
	return Tokens(name)
}

func (l *layout) add(mark *cacheControl, tokens int, write func(hash.Hash)) {
	h := sha256.New()
	h.Write(l.chain[:])
	write(h)
	h.Sum(l.chain[:0])
	l.p.segments = append(l.p.segments, segment{prefix: l.chain, tokens: tokens, mark: mark})
}

func (l *layout) seed(format string, args ...any) {
	l.chain = sha256.Sum256(fmt.Appendf(l.chain[:], format, args...))
}

// blocks are all blocks of system and messages.
func (r *Request) blocks() iter.Seq[block] {
	return func(yield func(block) bool) {
		for _, b := range r.system {
			if !yield(b) {
				return
			}
		}
		for _, m := range r.messages {
			for _, b := range m.blocks {
				if !yield(b) {
					return
				}
			}
		}
	}
}
