package converse

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"regexp"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// Limits of AWS's documentation of Message (API_runtime_Message). They hold for each message.
const (
	imageLimit    = 20
	imageBytes    = 3_932_160 // 3.75 MB, which is 5 MB in base64
	imagePixels   = 8000      // of an edge
	documentLimit = 5
	documentBytes = 4_718_592 // 4.5 MB
)

// imagesFit holds pictures to Converse's limits. Claude has its own, and more than twenty have been
// taken for it since 2026 (accelerated-intelligent-document-processing-on-aws, issue 994).
func imagesFit(r *reading) error {
	if r.traits.ManyImages {
		return nil
	}
	budget := claude.NewBudget()
	for _, m := range r.messages {
		images := m.of("image")
		if len(images) > imageLimit {
			return Returned(fmt.Sprintf("too many images and documents: %d + %d > %d", len(images), len(m.of("document")), imageLimit))
		}
		for _, b := range images {
			data := b.object().object("source").bytes("bytes")
			if len(data) > imageBytes {
				return refuse("converse_image_bytes", "path", b.path+".image.source.bytes")
			}
			if _, _, ok := claude.Look(data, budget); !ok {
				return Returned(wording.Say("converse_bad_image", "path", b.path+".image.source.bytes"))
			}
			if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && max(c.Width, c.Height) > imagePixels {
				return refuse("converse_image_pixels", "path", b.path+".image.source.bytes")
			}
		}
	}
	return nil
}

// documentName is what the live service takes; it takes underscores too, which its sentence does not
// name (aws-samples/generative-ai-use-cases issue 1671, measured).
var (
	documentName = regexp.MustCompile(`^[A-Za-z0-9 ()\[\]_-]+$`)
	twoSpaces    = regexp.MustCompile(`  `)
)

func documentsFit(r *reading) error {
	names := map[string]bool{}
	for _, m := range r.messages {
		for _, b := range m.documents() {
			name := b.object().text("name")
			switch {
			case !documentName.MatchString(name), twoSpaces.MatchString(name):
				return refuse("converse_document_name")
			case names[name]:
				return refuse("converse_duplicate_document")
			}
			names[name] = true
			if err := documentFits(b); err != nil {
				return err
			}
		}
		if len(m.of("document")) > documentLimit {
			return refuse("converse_too_many_documents", "path", m.path+".content", "limit", documentLimit)
		}
		if m.has("document") && !m.has("text", "guardContent") {
			return refuse("converse_document_without_text")
		}
	}
	return nil
}

// documents are the message's own and those within results of tools.
func (m message) documents() []block {
	out := m.of("document")
	for _, b := range m.of("toolResult") {
		out = append(out, message{blocks: b.inner()}.of("document")...)
	}
	return out
}

func documentFits(b block) error {
	data := b.object().object("source").bytes("bytes")
	if data == nil {
		return nil
	}
	if len(data) > documentBytes {
		return refuse("converse_document_bytes", "path", b.path+".document.source.bytes")
	}
	given, found := b.object().text("format"), fileType(data)
	if want := wantedType[given]; want != "" && want != found {
		return refuse("converse_document_type", "found", found, "given", typeName[given])
	}
	return nil
}

// wantedType is what the bytes of a format must look like. All others may look like anything.
var wantedType = map[string]string{"pdf": "PDF", "docx": "ZIP", "xlsx": "ZIP"}

// typeName is what the service calls a format. Only PDF and PLAIN_TEXT have been seen.
var typeName = map[string]string{"pdf": "PDF", "docx": "DOCX", "xlsx": "XLSX"}

// fileType tells what bytes are by how they begin.
func fileType(data []byte) string {
	switch head := data[:min(len(data), 1024)]; {
	case bytes.Contains(head, []byte("%PDF-")):
		return "PDF"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "ZIP"
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return "OLE2"
	case bytes.IndexByte(head, 0) >= 0:
		return "BINARY"
	}
	return "PLAIN_TEXT"
}
