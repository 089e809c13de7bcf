package claude

import (
	"fmt"
	"strings"
)

// quoteLimit is how many characters of a tool's result an answer quotes.
const quoteLimit = 4000

// quote says what the tools answered.
func (r *Request) quote(results []block) (out []string) {
	if len(results) == 0 {
		return nil
	}
	called := map[string]string{}
	for b := range r.blocks() {
		if b.kind() == "tool_use" {
			called[b.text("id")] = b.text("name")
		}
	}
	for _, b := range results {
		name := called[b.text("tool_use_id")]
		if name == "" {
			name = "A tool"
		}
		verb := "answered"
		if b.is("is_error") {
			verb = "failed"
		}
		out = append(out, fmt.Sprintf("%s %s: %s", name, verb, shorten(describe(b.inner), quoteLimit)))
	}
	return out
}

// describe tells what blocks hold: text without the client's reminders, all else by what it is.
func describe(blocks []block) string {
	var out []string
	for _, b := range blocks {
		switch b.kind() {
		case "text":
			if s := strings.TrimSpace(reminder.ReplaceAllString(b.text("text"), "")); s != "" {
				out = append(out, s)
			}
		case "tool_reference":
			out = append(out, "the tool "+b.text("tool_name"))
		case "image":
			out = append(out, b.media.String())
		case "document":
			out = append(out, describeDocument(b))
		case "search_result":
			out = append(out, "search result "+b.text("title")+": "+describe(b.inner))
		}
	}
	if len(out) == 0 {
		return "(nothing)"
	}
	return strings.Join(out, "\n")
}

func describeDocument(b block) string {
	title := ""
	if t := b.text("title"); t != "" {
		title = fmt.Sprintf("%q, ", t)
	}
	if b.media != nil {
		return title + b.media.String()
	}
	n := 0
	for _, in := range b.inner {
		n += len(in.text("text"))
	}
	return fmt.Sprintf("%stext document, %d bytes", title, n)
}

// converse answers where no tool is concerned.
func (r *Request) converse(t task, in Setting) string {
	if n := wordsAsked(t.asked); n > 0 {
		return words(n)
	}
	var out []string
	for _, b := range t.last.blocks {
		switch b.kind() {
		case "image":
			out = append(out, "I see a "+b.media.String()+".")
		case "document":
			out = append(out, "I have read a document: "+describeDocument(b)+".")
		}
	}
	if t.asked != "" {
		out = append(out, "You said: "+shorten(t.asked, 400))
	}
	who := fmt.Sprintf("I am %s as the embedded Bedrock plays it", in.Model.Name)
	if t.turns > 1 {
		who += fmt.Sprintf(", and this is your turn %d", t.turns)
	}
	return strings.Join(append(out, who+". Write `call NAME {json}` and I use that tool."), "\n\n")
}

// shorten keeps the first n characters and says how many there were.
func shorten(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return fmt.Sprintf("%s… (%d characters in all)", string(runes[:n]), len(runes))
}

var vocabulary = strings.Fields(`the rock that comes to the surface shows what lies below it layer by layer
	sand and lime and slate each with its own age and grain and the water that runs over it cuts a little deeper every year`)

// words returns n words in sentences.
func words(n int) string {
	var b strings.Builder
	for i := range n {
		word := vocabulary[i%len(vocabulary)]
		if i%12 == 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
		switch {
		case i == n-1:
			b.WriteString(".")
		case i%60 == 59:
			b.WriteString(".\n\n")
		case i%12 == 11:
			b.WriteString(". ")
		default:
			b.WriteString(" ")
		}
	}
	return b.String()
}
