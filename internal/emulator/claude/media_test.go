package claude

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"strings"
	"testing"
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// webp makes the head of a WebP file with one chunk.
func webp(kind string, chunk ...byte) string {
	b := append([]byte("RIFF\x00\x00\x00\x00WEBP"+kind+"\x00\x00\x00\x00"), chunk...)
	return b64(append(b, make([]byte, 20)...))
}

func TestImages(t *testing.T) {
	picture := image.NewPaletted(image.Rect(0, 0, 40, 30), color.Palette{color.Black, color.White})
	var asJPEG, asGIF bytes.Buffer
	if err := jpeg.Encode(&asJPEG, picture, nil); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&asGIF, picture, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, mediaType, data, want string
		model                       string
		tokens                      int
	}{
		{"PNG", "image/png", pngData(640, 480), "PNG image, 640 x 480 pixels", "opus", 410}, // 307200 / 750 = 409.6
		{"JPEG", "image/jpeg", b64(asJPEG.Bytes()), "JPEG image, 40 x 30 pixels", "opus", 2},
		{"GIF", "image/gif", b64(asGIF.Bytes()), "GIF image, 40 x 30 pixels", "opus", 2},
		{"WebP, lossy", "image/webp", webp("VP8 ", 0, 0, 0, 0x9d, 0x01, 0x2a, 0x2c, 0x01, 0xc8, 0x00), "WebP image, 300 x 200 pixels", "opus", 80},
		{"WebP, lossless", "image/webp", webp("VP8L", 0x2f, 0x2b, 0xc1, 0x31, 0x00), "WebP image, 300 x 200 pixels", "opus", 80},
		{"WebP, extended", "image/webp", webp("VP8X", 0, 0, 0, 0, 0x2b, 0x01, 0, 0xc7, 0, 0), "WebP image, 300 x 200 pixels", "opus", 80},
		{"a large one is scaled down to 2576 from 4.7 on", "image/png", pngData(5152, 10), "PNG image, 5152 x 10 pixels", "opus", 18}, // 2576 * 5 / 750 = 17.2
		{"and to 1568 before", "image/png", pngData(3136, 10), "PNG image, 3136 x 10 pixels", "claude-haiku-4-5", 11},                 // 1568 * 5 / 750 = 10.5
	} {
		t.Run(c.name, func(t *testing.T) {
			src := func(block string) string {
				return body(`[{"role":"user","content":[` + block + `{"type":"text","text":"hi"}]}]`)
			}
			with := mustInvoke(t, c.model, src(fmt.Sprintf(`{"type":"image","source":{"type":"base64","media_type":%q,"data":%q}},`, c.mediaType, c.data)))
			raw, _ := base64.StdEncoding.DecodeString(c.data)
			want := fmt.Sprintf("I see a %s, %d bytes.\n", c.want, len(raw))
			if got := only(t, with, "text").Text; !strings.HasPrefix(got, want) {
				t.Errorf("got %q, want it to begin with %q", got, want)
			}
			without := mustInvoke(t, c.model, src(""))
			if got := with.Usage.InputTokens - without.Usage.InputTokens; got != c.tokens {
				t.Errorf("the image costs %d tokens, want %d", got, c.tokens)
			}
		})
	}
}

func TestPDFPages(t *testing.T) {
	page := "<< /Type /Page /Parent 1 0 R >>\n"
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	fmt.Fprint(z, "<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>")
	z.Close()
	for _, c := range []struct {
		name, data string
		want       int
		ok         bool
	}{
		{"a page tree with its count", "%PDF-1.4\n<< /Type /Pages /Count 3 /Kids [] >>" + strings.Repeat(page, 3), 3, true},
		{"the count before the type", "%PDF-1.4\n<< /Count 7 /Type/Pages >>", 7, true},
		{"inner nodes count less than the root", "%PDF-1.4\n<</Type/Pages/Count 4>><</Type/Pages/Count 9>><</Type/Pages/Count 5>>", 9, true},
		{"an outline's count is not the pages'", "%PDF-1.4\n<< /Type /Outlines /Count 80 >>\n<< /Type /Pages /Count 2 >>", 2, true},
		{"page objects without a tree", "%PDF-1.4\n" + strings.Repeat(page, 5), 5, true},
		{"a packed page tree", "%PDF-1.5\n1 0 obj << /Type /ObjStm /N 1 >> stream\r\n" + packed.String() + "\nendstream", 2, true},
		{"a packed object that is cut", "%PDF-1.5\n1 0 obj << /Type /ObjStm >> stream\n" + packed.String()[:10], 1, true},
		{"nothing to be seen of pages", "%PDF-1.7\n", 1, true},
		{"something before the head", "\n\n%PDF-1.4\n" + page, 1, true},
		{"no PDF", "hello", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := pdfPages([]byte(c.data), NewBudget()); got != c.want || ok != c.ok {
				t.Errorf("pdfPages(%.60q) = %d, %v, want %d, %v", c.data, got, ok, c.want, c.ok)
			}
		})
	}
}

func TestPDFsAreDescribed(t *testing.T) {
	data := "%PDF-1.4\n<< /Type /Pages /Count 3 >>"
	document := func(title string) string {
		return body(`[{"role":"user","content":[{"type":"document"` + title + `,"source":{"type":"base64","media_type":"application/pdf","data":"` + b64([]byte(data)) + `"}},{"type":"text","text":"hi"}]}]`)
	}
	reply := mustInvoke(t, "opus", document(`,"title":"report"`))
	if got, want := only(t, reply, "text").Text, fmt.Sprintf("I have read a document: \"report\", PDF, 3 pages, %d bytes.\n\nYou said: hi", len(data)); !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
	plain := mustInvoke(t, "opus", document(""))
	hi := mustInvoke(t, "opus", body(user("hi")))
	if got, want := plain.Usage.InputTokens-hi.Usage.InputTokens, 3*tokensPerPage; got != want {
		t.Errorf("three pages cost %d tokens, want %d", got, want)
	}
}
