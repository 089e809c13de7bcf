package claude

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"strings"
)

// A media is a picture or a PDF, of which only the measures are kept.
type media struct {
	path          string // of its base64 source
	format        string // PNG, JPEG, GIF, WebP or PDF
	bytes         int
	encoded       int // characters of base64
	width, height int // of a picture, in pixels
	pages         int // of a PDF
}

const (
	pixelsPerToken = 750  // Anthropic's documentation: a picture costs width * height / 750
	tokensPerPage  = 1500 // Anthropic's documentation: 1,500 to 3,000 tokens a page
	maxPixels      = 1 << 30
)

var imageTypes = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}

func readImage(source object, path string) (*media, error) {
	data, err := readBase64(source, path)
	if err != nil {
		return nil, err
	}
	m := &media{bytes: len(data), encoded: len(source.text("data")), path: path}
	if w, h, ok := webpSize(data); ok {
		m.format, m.width, m.height = "WebP", w, h
	} else if c, format, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		m.format, m.width, m.height = strings.ToUpper(format), c.Width, c.Height
	}
	if m.width < 1 || m.height < 1 || m.width > maxPixels/m.height {
		return nil, refuse("image_unreadable", "path", path+".data")
	}
	if kind, found := source.text("media_type"), "image/"+strings.ToLower(m.format); kind != found {
		return nil, refuse("image_other_type", "path", path, "type", kind, "found", found)
	}
	return m, nil
}

func readPDF(source object, path string, b *Budget) (*media, error) {
	data, err := readBase64(source, path)
	if err != nil {
		return nil, err
	}
	pages, ok := pdfPages(data, b)
	if !ok {
		return nil, refuse("pdf_unreadable", "path", path+".data")
	}
	return &media{format: "PDF", bytes: len(data), pages: pages, path: path}, nil
}

func readBase64(source object, path string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(source.text("data"))
	if err != nil || len(data) == 0 {
		return nil, refuse("bad_base64", "path", path)
	}
	return data, nil
}

// tokens counts what the picture or PDF costs; nil costs nothing.
func (m *media) tokens(long int) int {
	switch {
	case m == nil:
		return 0
	case m.format == "PDF":
		return m.pages * tokensPerPage
	}
	w, h := float64(m.width), float64(m.height)
	if scale := float64(long) / max(w, h); scale < 1 {
		w, h = w*scale, h*scale
	}
	return int(math.Ceil(w * h / pixelsPerToken))
}

// String describes the picture or PDF: "PNG image, 640 x 480 pixels, 1234 bytes".
func (m *media) String() string {
	if m.format != "PDF" {
		return fmt.Sprintf("%s image, %d x %d pixels, %d bytes", m.format, m.width, m.height, m.bytes)
	}
	if m.pages == 1 {
		return fmt.Sprintf("PDF, 1 page, %d bytes", m.bytes)
	}
	return fmt.Sprintf("PDF, %d pages, %d bytes", m.pages, m.bytes)
}

// webpSize reads the size of a WebP picture from its first chunk (RFC 9649): VP8X has it for the
// canvas, VP8L packs it into 28 bits, VP8 has it in the key frame's header.
func webpSize(data []byte) (width, height int, ok bool) {
	if len(data) < 30 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WEBP" {
		return 0, 0, false
	}
	switch chunk := data[20:]; string(data[12:16]) {
	case "VP8X":
		return 1 + little24(chunk[4:]), 1 + little24(chunk[7:]), true
	case "VP8L":
		bits := binary.LittleEndian.Uint32(chunk[1:])
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff), chunk[0] == 0x2f
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(chunk[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(chunk[8:]) & 0x3fff),
			bytes.Equal(chunk[3:6], []byte{0x9d, 0x01, 0x2a})
	}
	return 0, 0, false
}

func little24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
