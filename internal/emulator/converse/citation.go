package converse

import "strings"

// citedBlock returns citationsContent as Claude's text block with citations.
func citedBlock(o object) object {
	var text strings.Builder
	for _, v := range o.list("content") {
		text.WriteString(asObject(v).text("text"))
	}
	out := textBlock(text.String())
	citations := []any{}
	for _, v := range o.list("citations") {
		if c := citation(asObject(v)); c != nil {
			citations = append(citations, c)
		}
	}
	if len(citations) > 0 {
		out["citations"] = citations
	}
	return out
}

// A place is how Claude names what a citation's location says.
type place struct {
	kind   string
	fields map[string]string // Claude's by Converse's
}

var places = map[string]place{
	"documentChar":         {"char_location", map[string]string{"documentIndex": "document_index", "start": "start_char_index", "end": "end_char_index"}},
	"documentPage":         {"page_location", map[string]string{"documentIndex": "document_index", "start": "start_page_number", "end": "end_page_number"}},
	"documentChunk":        {"content_block_location", map[string]string{"documentIndex": "document_index", "start": "start_block_index", "end": "end_block_index"}},
	"searchResultLocation": {"search_result_location", map[string]string{"searchResultIndex": "search_result_index", "start": "start_block_index", "end": "end_block_index"}},
	"web":                  {"web_search_result_location", map[string]string{"url": "url"}},
}

// citation returns a citation as Claude's, nil if its location is of no kind that Claude has.
func citation(o object) object {
	kind, value := union(o["location"])
	p, ok := places[kind]
	if !ok {
		return nil
	}
	c := object{"type": p.kind}
	for from, to := range p.fields {
		if v, ok := asObject(value)[from]; ok {
			c[to] = v
		}
	}
	var cited strings.Builder
	for _, v := range o.list("sourceContent") {
		cited.WriteString(asObject(v).text("text"))
	}
	c["cited_text"] = cited.String()
	title := "document_title"
	if kind == "web" || kind == "searchResultLocation" {
		title = "title"
	}
	if o.has("title") {
		c[title] = o["title"]
	}
	if kind == "searchResultLocation" && o.has("source") {
		c["source"] = o["source"]
	}
	return c
}
