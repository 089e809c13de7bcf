package claude

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

// lookback is how many blocks the cache looks at for a prefix it knows, from each breakpoint back,
// the breakpoint's own among them.
const lookback = 20

const (
	shortTTL = 5 * time.Minute
	longTTL  = time.Hour
)

// cacheLimit bounds how many prefixes a Cache keeps.
const cacheLimit = 1 << 16

// A Cache is the prompt cache: the prefixes that were sent with a breakpoint at their end, by account
// and model, each for the time its breakpoint asked for since it was last used. It keeps digests,
// never what was sent. The zero Cache is empty and ready; it is safe for concurrent use.
type Cache struct {
	mu      sync.Mutex // guards entries
	entries map[cacheKey]cacheEntry
}

type cacheKey struct {
	account, model string
	prefix         [sha256.Size]byte
}

type cacheEntry struct {
	ttl     time.Duration
	expires time.Time
}

// Use looks a prompt up, keeps the prefixes that it marks, and tells what of it is read from the
// cache, what is written to it, and what is neither: their sum is p.Tokens(). Prefixes shorter than
// the model's minimum are not kept.
func (c *Cache) Use(p *Prompt, in Setting, now time.Time) Usage {
	marks, ends := p.marks(in.Model.CacheMinTokens)
	usage := Usage{InputTokens: p.Tokens()}
	if len(marks) == 0 {
		return usage
	}
	c.mu.Lock()
	defer c.mu.Unlock()

	read := c.longest(p, marks, in, now) // segments read, counted from the start
	hour := read                         // segments up to the last breakpoint for an hour
	for _, i := range marks {
		if ttl := p.segments[i].mark.ttl(); i >= read {
			c.put(in, p.segments[i].prefix, cacheEntry{ttl, now.Add(ttl)}, now)
			if ttl == longTTL {
				hour = i + 1
			}
		} else {
			c.keep(in, p.segments[i], now)
		}
	}
	last := marks[len(marks)-1] + 1
	usage.CacheRead = ends[read]
	usage.CacheCreation.Hour = ends[hour] - ends[read]
	usage.CacheCreation.FiveMinutes = ends[last] - ends[hour]
	usage.CacheWrite = ends[last] - ends[read]
	usage.InputTokens -= ends[last]
	return usage
}

// marks returns the segments with a breakpoint that are long enough to be cached, and for every
// number of segments what they cost together.
func (p *Prompt) marks(least int) (marks, ends []int) {
	ends = make([]int, 1, len(p.segments)+1)
	for i, s := range p.segments {
		ends = append(ends, ends[i]+s.tokens)
		if s.mark != nil && ends[i+1] >= least {
			marks = append(marks, i)
		}
	}
	return marks, ends
}

// longest returns how many segments the longest prefix has that is known, and makes it live on.
func (c *Cache) longest(p *Prompt, marks []int, in Setting, now time.Time) int {
	for _, mark := range slices.Backward(marks) {
		for i := mark; i >= 0 && i > mark-lookback; i-- {
			if c.keep(in, p.segments[i], now) {
				return i + 1
			}
		}
	}
	return 0
}

// keep starts the time of an entry anew, and reports whether there is one.
func (c *Cache) keep(in Setting, s segment, now time.Time) bool {
	k := cacheKey{in.Account, in.Model.BedrockID, s.prefix}
	e, ok := c.entries[k]
	if !ok || !now.Before(e.expires) {
		return false
	}
	e.expires = now.Add(e.ttl)
	c.entries[k] = e
	return true
}

func (c *Cache) put(in Setting, prefix [sha256.Size]byte, e cacheEntry, now time.Time) {
	if c.entries == nil {
		c.entries = map[cacheKey]cacheEntry{}
	}
	if len(c.entries) >= cacheLimit {
		c.evict(now)
	}
	c.entries[cacheKey{in.Account, in.Model.BedrockID, prefix}] = e
}

// evict drops what has expired, and the quarter that would expire first if that is not enough.
func (c *Cache) evict(now time.Time) {
	var ends []time.Time
	for k, e := range c.entries {
		if now.Before(e.expires) {
			ends = append(ends, e.expires)
		} else {
			delete(c.entries, k)
		}
	}
	if len(ends) < cacheLimit {
		return
	}
	slices.SortFunc(ends, time.Time.Compare)
	limit := ends[len(ends)/4]
	for k, e := range c.entries {
		if !e.expires.After(limit) {
			delete(c.entries, k)
		}
	}
}

func (c *cacheControl) ttl() time.Duration {
	if c.hour {
		return longTTL
	}
	return shortTTL
}
