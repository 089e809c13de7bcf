// Package wording holds the sentences with which the embedded Bedrock refuses, each with where it was
// seen and how sure it is, so that a wrong one is corrected in one place:
//
//	{"key": "prompt_too_long", "text": "prompt is too long: {tokens} tokens > {limit} maximum",
//	 "certainty": "documented", "source": "Anthropic, context windows"}
//
// Code names the key and fills in the values; a test holds keys and code to each other.
package wording

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// A Certainty says how a sentence is known.
type Certainty string

const (
	Recorded   Certainty = "recorded"    // in a recorded answer of the live service
	Documented Certainty = "documented"  // by AWS or Anthropic, or in their software
	ThirdParty Certainty = "third-party" // quoted by users of the live service
	Assumed    Certainty = "assumed"     // ours, in the same style, since none is known
)

// A Sentence is one refusal.
type Sentence struct {
	Key       string    `json:"key"`
	Text      string    `json:"text"` // with {name} where a value goes
	Certainty Certainty `json:"certainty"`
	Source    string    `json:"source"` // where it was seen; for assumed ones what it is made after
}

//go:embed data/*.json
var files embed.FS

var load = sync.OnceValue(func() map[string]Sentence {
	all := map[string]Sentence{}
	names, err := fs.Glob(files, "data/*.json")
	if err != nil {
		panic("wording: " + err.Error())
	}
	for _, name := range names {
		var file struct{ Sentences []Sentence }
		raw, err := files.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(raw, &file)
		}
		if err != nil {
			panic("wording: embedded " + name + ": " + err.Error())
		}
		for _, s := range file.Sentences {
			if _, ok := all[s.Key]; ok {
				panic("wording: " + s.Key + " stands twice")
			}
			all[s.Key] = s
		}
	}
	return all
})

// All returns every sentence by its key.
func All() map[string]Sentence { return load() }

// Say returns the sentence of a key with its values filled in, which come as name and value in turn.
// What is very long of them is cut. A key that is not in the data is a fault of this build.
func Say(key string, namesAndValues ...any) string {
	s, ok := load()[key]
	if !ok {
		panic("wording: no sentence " + key)
	}
	var pairs []string
	for i, v := range namesAndValues {
		text := fmt.Sprint(v)
		if i%2 == 0 {
			text = "{" + text + "}"
		}
		pairs = append(pairs, cut(text))
	}
	return strings.NewReplacer(pairs...).Replace(s.Text)
}

// longest is how many bytes of a value a sentence repeats. Requests may be many megabytes, and all of
// one can stand in one name.
const longest = 8 << 10

// cut shortens a value to longest, at the end of a character.
func cut(value string) string {
	if len(value) <= longest {
		return value
	}
	return strings.ToValidUTF8(value[:longest], "") + "…"
}
