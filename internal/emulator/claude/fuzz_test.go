package claude

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// FuzzInvoke takes any body the whole way. Whatever is accepted must add up.
func FuzzInvoke(f *testing.F) {
	files, err := filepath.Glob("testdata/claude-code/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, seed := range []string{
		body(user("hi")), body(user(`call Write {"a":1} call Read`), writeAndRead), body(user("write 9 words"), think),
		body(`[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+pngData(2, 2)+`"}}]}]`, `"cache_control":{"type":"ephemeral"}`),
		body(toolTurns("call Write {}", `{"type":"tool_use","id":"a","name":"Write","input":{}}`, `{"type":"tool_result","tool_use_id":"a","content":"x"}`), writeAndRead),
	} {
		f.Add([]byte(seed))
	}
	model, _ := catalog.Lookup("opus")
	in := Setting{Model: model, Account: "123456789012"}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := Parse(src)
		if err != nil || r.Check(in) != nil {
			return
		}
		p := Layout(r, in.Model)
		usage := (&Cache{}).Use(p, in, epoch)
		if got, want := usage.InputTokens+usage.CacheRead+usage.CacheWrite, p.Tokens(); got != want {
			t.Errorf("usage sums up to %d tokens, the prompt has %d", got, want)
		}
		r.LastTurn()
		reply := r.Answer(in, usage)
		if reply.Usage.OutputTokens > r.maxTokens {
			t.Errorf("%d output tokens, at most %d allowed", reply.Usage.OutputTokens, r.maxTokens)
		}
		if _, err := json.Marshal(reply.Message()); err != nil {
			t.Errorf("Message: %v", err)
		}
		for e := range reply.Events() {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("event %s: %v", e.Type, err)
			}
		}
	})
}

// FuzzMedia reads any bytes as a picture and as a PDF.
func FuzzMedia(f *testing.F) {
	f.Add([]byte("%PDF-1.5\n<< /Type /ObjStm >> stream\nx\x9c\x03\x00\x00\x00\x00\x01<< /Type /Pages /Count 3 >>"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8X0123456789012345678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if pages, ok := pdfPages(data); ok != (pages > 0) {
			t.Errorf("pdfPages = %d, %v", pages, ok)
		}
		source := object{"type": "base64", "media_type": "image/webp", "data": base64.StdEncoding.EncodeToString(data)}
		if m, err := readImage(source, "source"); err == nil && (m.width < 1 || m.height < 1 || m.tokens(1568) < 1) {
			t.Errorf("readImage: %+v costs %d tokens", m, m.tokens(1568))
		}
	})
}
