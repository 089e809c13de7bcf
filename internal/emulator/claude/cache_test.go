package claude

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A part is a block of a prompt as the tests see it: a text, with or without a breakpoint.
type part struct {
	section string // tools, system, user or assistant
	text    string
	mark    string // "", 5m or 1h
}

func (p part) control() string {
	switch p.mark {
	case "":
		return ""
	case "5m":
		return `,"cache_control":{"type":"ephemeral"}`
	}
	return `,"cache_control":{"type":"ephemeral","ttl":"` + p.mark + `"}`
}

// cost is the part's price, worked out by hand: a word a token, a frame for each message.
func (p part) cost() int {
	words := len(strings.Fields(p.text))
	switch p.section {
	case "tools": // the frame of a tool, its name, {"type":"object"}
		return callFrame + 1 + words + 9
	case "system":
		return words
	}
	return words + messageTokens
}

// write makes a body of parts; each part of the conversation is a message.
func write(parts []part, more ...string) string {
	var tools, system, messages []string
	for _, p := range parts {
		switch p.section {
		case "tools":
			tools = append(tools, fmt.Sprintf(`{"name":"t%d","description":%s,"input_schema":{"type":"object"}%s}`, len(tools), quoted(p.text), p.control()))
		case "system":
			system = append(system, fmt.Sprintf(`{"type":"text","text":%s%s}`, quoted(p.text), p.control()))
		default:
			messages = append(messages, fmt.Sprintf(`{"role":%q,"content":[{"type":"text","text":%s%s}]}`, p.section, quoted(p.text), p.control()))
		}
	}
	return body("["+strings.Join(messages, ",")+"]", append(more, `"tools":[`+strings.Join(tools, ",")+`]`, `"system":[`+strings.Join(system, ",")+`]`)...)
}

// words returns n words, all of one token, beginning with a word of their own.
func wordsOf(name string, n int) string { return name + strings.Repeat(" rock", n-1) }

// A step sends a prompt and says what part of it is read, written for five minutes and for an hour,
// as numbers of parts: read is the parts [0,read), and so on.
type step struct {
	name               string
	after              time.Duration // since the step before
	parts              []part
	model, account     string // the test's if empty
	more               string
	read, short, hours [2]int
}

func TestCache(t *testing.T) {
	tool := part{"tools", wordsOf("tool", 300), ""}
	big := part{"tools", wordsOf("tool", 600), ""}
	system := part{"system", wordsOf("system", 400), ""}
	ask := part{"user", wordsOf("ask", 200), ""}
	say := part{"assistant", wordsOf("say", 50), ""}
	more := part{"user", wordsOf("more", 100), ""}
	mark := func(p part, ttl string) part { p.mark = ttl; return p }
	other := func(p part) part { p.text = "new" + p.text[3:]; return p }
	row := func(n int, p part) (out []part) {
		for i := range n {
			section := []string{"user", "assistant"}[i%2]
			out = append(out, part{section, fmt.Sprintf("%s %d", wordsOf("row", 30), i), ""})
		}
		return append(out, p)
	}

	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"written, then read", []step{
			{name: "first", parts: []part{tool, mark(system, "5m"), ask}, short: [2]int{0, 2}},
			{name: "again", parts: []part{tool, mark(system, "5m"), ask}, read: [2]int{0, 2}},
			{name: "with another question", parts: []part{tool, mark(system, "5m"), more}, read: [2]int{0, 2}},
		}},
		{"no breakpoint, no cache", []step{
			{name: "first", parts: []part{tool, system, ask}},
			{name: "again", parts: []part{tool, system, ask}},
		}},
		{"a conversation that grows reads what it wrote and writes what is new", []step{
			{name: "turn 1", parts: []part{tool, mark(system, "5m"), mark(ask, "5m")}, short: [2]int{0, 3}},
			{name: "turn 2", parts: []part{tool, mark(system, "5m"), ask, say, mark(more, "5m")}, read: [2]int{0, 3}, short: [2]int{3, 5}},
			{name: "turn 3", parts: []part{tool, mark(system, "5m"), ask, say, more, say, mark(ask, "5m")}, read: [2]int{0, 5}, short: [2]int{5, 7}},
		}},
		{"what stands before decides: tools, then system, then messages", []step{
			{name: "first", parts: []part{mark(big, "5m"), mark(system, "5m"), mark(ask, "5m")}, short: [2]int{0, 3}},
			{name: "another question", parts: []part{mark(big, "5m"), mark(system, "5m"), mark(other(ask), "5m")}, read: [2]int{0, 2}, short: [2]int{2, 3}},
			{name: "another system prompt", parts: []part{mark(big, "5m"), mark(other(system), "5m"), mark(ask, "5m")}, read: [2]int{0, 1}, short: [2]int{1, 3}},
			{name: "another tool", parts: []part{mark(other(big), "5m"), mark(system, "5m"), mark(ask, "5m")}, short: [2]int{0, 3}},
		}},
		{"a prefix shorter than the model's minimum is not cached", []step{
			{name: "511 tokens", parts: []part{mark(part{"system", wordsOf("short", 511), ""}, "5m"), ask}},
			{name: "again", parts: []part{mark(part{"system", wordsOf("short", 511), ""}, "5m"), ask}},
			{name: "512 tokens", parts: []part{mark(part{"system", wordsOf("long", 512), ""}, "5m"), ask}, short: [2]int{0, 1}},
			{name: "512 again", parts: []part{mark(part{"system", wordsOf("long", 512), ""}, "5m"), ask}, read: [2]int{0, 1}},
		}},
		{"five minutes, begun anew by each use", []step{
			{name: "written", parts: []part{tool, mark(system, "5m"), ask}, short: [2]int{0, 2}},
			{name: "4:59 later", after: 5*time.Minute - time.Second, parts: []part{tool, mark(system, "5m"), ask}, read: [2]int{0, 2}},
			{name: "4:59 after that", after: 5*time.Minute - time.Second, parts: []part{tool, mark(system, "5m"), ask}, read: [2]int{0, 2}},
			{name: "5:00 after that", after: 5 * time.Minute, parts: []part{tool, mark(system, "5m"), ask}, short: [2]int{0, 2}},
		}},
		{"an hour", []step{
			{name: "written", parts: []part{tool, mark(system, "1h"), ask}, hours: [2]int{0, 2}},
			{name: "59 minutes later", after: 59 * time.Minute, parts: []part{tool, mark(system, "1h"), ask}, read: [2]int{0, 2}},
			{name: "an hour after that", after: time.Hour, parts: []part{tool, mark(system, "1h"), ask}, hours: [2]int{0, 2}},
		}},
		{"an hour for the system, five minutes for the rest", []step{
			{name: "written", parts: []part{tool, mark(system, "1h"), mark(ask, "5m")}, hours: [2]int{0, 2}, short: [2]int{2, 3}},
			{name: "ten minutes later", after: 10 * time.Minute, parts: []part{tool, mark(system, "1h"), mark(ask, "5m")}, read: [2]int{0, 2}, short: [2]int{2, 3}},
		}},
		{"the cache is the model's", []step{
			{name: "Opus 5.5", parts: []part{tool, mark(system, "5m"), ask}, short: [2]int{0, 2}},
			{name: "Sonnet 5.5", model: "sonnet", parts: []part{tool, mark(system, "5m"), ask}, short: [2]int{0, 2}},
		}},
		{"the cache is the account's", []step{
			{name: "one", parts: []part{tool, mark(system, "5m"), ask}, short: [2]int{0, 2}},
			{name: "another", account: "210987654321", parts: []part{tool, mark(system, "5m"), ask}, short: [2]int{0, 2}},
		}},
		{"twenty blocks are looked at, the marked one among them", []step{
			{name: "written", parts: row(20, mark(ask, "5m")), short: [2]int{0, 21}},
			{name: "19 further", parts: append(row(20, ask), row(18, mark(more, "5m"))...), read: [2]int{0, 21}, short: [2]int{21, 40}},
		}},
		{"the twenty-first block back is too far", []step{
			{name: "written", parts: row(20, mark(ask, "5m")), short: [2]int{0, 21}},
			{name: "20 further", parts: append(row(20, ask), row(19, mark(more, "5m"))...), short: [2]int{0, 41}},
		}},
		{"tool_choice and thinking are part of the messages' prefix, not of the system's", []step{
			{name: "first", model: "claude-opus-5", parts: []part{tool, mark(system, "5m"), mark(ask, "5m")}, short: [2]int{0, 3}},
			{name: "with tool_choice", model: "claude-opus-5", more: `"tool_choice":{"type":"any"}`, parts: []part{tool, mark(system, "5m"), mark(ask, "5m")}, read: [2]int{0, 2}, short: [2]int{2, 3}},
			{name: "with thinking", model: "claude-opus-5", more: `"thinking":{"type":"adaptive"}`, parts: []part{tool, mark(system, "5m"), mark(ask, "5m")}, read: [2]int{0, 2}, short: [2]int{2, 3}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache, now := &Cache{}, epoch
			for _, s := range c.steps {
				now = now.Add(s.after)
				in := setting(t, "opus")
				if s.model != "" {
					in = setting(t, s.model)
				}
				if s.account != "" {
					in.Account = s.account
				}
				var extra []string
				if s.more != "" {
					extra = []string{s.more}
				}
				reply, err := invoke(in, cache, write(s.parts, extra...), now)
				if err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
				checkUsage(t, s, reply.Usage)
			}
		})
	}
}

// checkUsage works the figures out from the parts' prices and compares.
func checkUsage(t *testing.T, s step, got Usage) {
	t.Helper()
	sum := func(r [2]int) (n int) {
		for _, p := range s.parts[r[0]:r[1]] {
			n += p.cost()
		}
		return n
	}
	total := sum([2]int{0, len(s.parts)}) + replyTokens
	var want Usage
	want.CacheRead, want.CacheCreation.FiveMinutes, want.CacheCreation.Hour = sum(s.read), sum(s.short), sum(s.hours)
	want.CacheWrite = want.CacheCreation.FiveMinutes + want.CacheCreation.Hour
	want.InputTokens = total - want.CacheRead - want.CacheWrite
	got.OutputTokens, got.OutputDetails = 0, nil
	if got != want {
		t.Errorf("%s: got usage %+v, want %+v", s.name, got, want)
	}
}

func TestCacheDoesNotSeeTheMarkItself(t *testing.T) {
	cache, in := &Cache{}, setting(t, "opus")
	long := quoted(wordsOf("long", 600))
	for i, messages := range []string{
		`[{"role":"user","content":[{"type":"text","text":` + long + `,"cache_control":{"type":"ephemeral"}}]}]`,
		`[{"role":"user","content":` + long + `},{"role":"assistant","content":"ok"},{"role":"user","content":[{"type":"text","text":"go on","cache_control":{"type":"ephemeral"}}]}]`,
	} {
		reply, err := invoke(in, cache, body(messages), epoch)
		if err != nil {
			t.Fatal(err)
		}
		if read, want := reply.Usage.CacheRead, i*(600+messageTokens); read != want {
			t.Errorf("call %d: %d tokens read, want %d", i+1, read, want)
		}
	}
}

func TestCacheIsForAllAtOnce(t *testing.T) {
	cache, in := &Cache{}, setting(t, "opus")
	parts := []part{{"system", wordsOf("system", 600), "5m"}, {"user", "ask", ""}}
	var mu sync.Mutex
	var reads []int
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			reply, err := invoke(in, cache, write(parts), epoch)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			reads = append(reads, reply.Usage.CacheRead)
		})
	}
	all.Wait()
	slices.Sort(reads)
	want := append([]int{0}, slices.Repeat([]int{600}, 15)...)
	if !slices.Equal(reads, want) {
		t.Errorf("16 calls at once read %v tokens, want one to write and the others to read: %v", reads, want)
	}
}

func TestCacheIsBounded(t *testing.T) {
	cache, in := &Cache{}, setting(t, "opus")
	p := &Prompt{segments: []segment{{tokens: 1000, mark: &cacheControl{}}}}
	for i := range cacheLimit + 10 {
		p.segments[0].prefix[0], p.segments[0].prefix[1], p.segments[0].prefix[2] = byte(i), byte(i>>8), byte(i>>16)
		cache.Use(p, in, epoch.Add(time.Duration(i)))
	}
	if got := len(cache.entries); got > cacheLimit {
		t.Errorf("cache holds %d prefixes, want at most %d", got, cacheLimit)
	}
	if usage := cache.Use(p, in, epoch.Add(time.Second)); usage.CacheRead != 1000 {
		t.Errorf("the prefix written last: %d tokens read, want 1000", usage.CacheRead)
	}
}
