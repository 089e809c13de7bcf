package converse

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// documentBlock returns a document as Claude takes it: a PDF as it is, all else as text.
func (t translation) documentBlock(o object) object {
	out := object{"type": "document", "source": t.documentSource(o), "title": o.text("name")}
	if o.has("context") {
		out["context"] = o["context"]
	}
	addCitations(out, o)
	return out
}

func (t translation) documentSource(o object) object {
	kind, value := union(o["source"])
	data, _ := value.([]byte)
	switch kind {
	case "content":
		list, _ := value.([]any)
		return object{"type": "content", "content": texts(list)}
	case "text":
		text, _ := value.(string)
		return plain(text)
	}
	if format := o.text("format"); format == "pdf" || format == "" && fileType(data) == "PDF" {
		return object{"type": "base64", "media_type": "application/pdf", "data": data}
	}
	return plain(Text(o.text("format"), data, t.budget))
}

func plain(text string) object {
	return object{"type": "text", "media_type": "text/plain", "data": text}
}

// Text returns the text of a document other than a PDF. Of Word and Excel files it is what their XML
// holds, of the old binary forms what can be printed.
func Text(format string, data []byte, b *claude.Budget) string {
	switch format {
	case "docx":
		return officeText(data, b, "word/document.xml")
	case "xlsx":
		return officeText(data, b, "xl/sharedStrings.xml", "xl/worksheets/")
	case "doc", "xls":
		return printable(data)
	}
	return strings.ToValidUTF8(string(data), "\ufffd")
}

// officeText returns the character data of the parts of an Office Open XML file whose names begin so.
func officeText(data []byte, b *claude.Budget, parts ...string) string {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return printable(data)
	}
	var text strings.Builder
	for _, f := range archive.File {
		wanted := func(part string) bool { return strings.HasPrefix(f.Name, part) }
		if !slices.ContainsFunc(parts, wanted) || b.Spent() {
			continue
		}
		part, err := f.Open()
		if err != nil {
			continue
		}
		writeCharacters(&text, bytes.NewReader(b.Read(part)))
		part.Close()
	}
	return text.String()
}

// writeCharacters writes the character data of XML, a line for each paragraph or row, as far as it can
// be read.
func writeCharacters(text *strings.Builder, r io.Reader) {
	d := xml.NewDecoder(r)
	for {
		token, err := d.RawToken()
		if err != nil {
			return
		}
		switch t := token.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			switch t.Name.Local {
			case "p", "si", "row":
				text.WriteByte('\n')
			case "c":
				text.WriteByte('\t')
			}
		}
	}
}

// shortestRun is how many printable characters in a row are taken for text.
const shortestRun = 4

func printable(data []byte) string {
	var text strings.Builder
	for run := range strings.FieldsFuncSeq(string(data), func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }) {
		if len(run) >= shortestRun {
			text.WriteString(run + "\n")
		}
	}
	return text.String()
}
