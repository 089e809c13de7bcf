package claude

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// An instruction is `call NAME {json}`, as the user wrote it.
type instruction struct {
	name  string
	input object // empty if there was none
	bare  bool   // nothing that looks like an input followed
	fault string // why what followed is no JSON object
}

// maxInstructions bounds what is read out of one turn, and what is to be done at a time.
const maxInstructions = 64

var callPattern = regexp.MustCompile(`\b[Cc]all\s+([A-Za-z0-9_-]{1,128})`)

// instructions finds all instructions in a text, in order. The search goes on behind each input, so
// that an input may speak of calls; it ends at an input that is no JSON.
func instructions(text string) (out []instruction) {
	for len(out) < maxInstructions {
		at := callPattern.FindStringSubmatchIndex(text)
		if at == nil {
			break
		}
		in := instruction{name: text[at[2]:at[3]], input: object{}}
		text = text[at[1]:]
		rest := strings.TrimLeft(text, " \t\r\n")
		if !strings.HasPrefix(rest, "{") {
			in.bare = true
			out = append(out, in)
			continue
		}
		d := json.NewDecoder(strings.NewReader(rest))
		d.UseNumber()
		if err := d.Decode(&in.input); err != nil {
			in.fault = err.Error()
			return append(out, in)
		}
		text = rest[d.InputOffset():]
		out = append(out, in)
	}
	return out
}

var wordsPattern = regexp.MustCompile(`\b[Ww]rite (\d{1,6}) words\b`)

// maxWords bounds what `write N words` makes; more than any model's output tokens.
const maxWords = 200_000

// wordsAsked returns N of `write N words`, 0 if that is not asked for.
func wordsAsked(text string) int {
	m := wordsPattern.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // at most six digits
	return min(n, maxWords)
}
