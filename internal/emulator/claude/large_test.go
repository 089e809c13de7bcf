package claude

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

// patience is how long one request may take: hundreds of times what it does on an idle machine, and
// much less than what work that grows with the square of a request would take.
const patience = 20 * time.Second

// TestLarge takes bodies of a size that Bedrock takes, made to be much work.
func TestLarge(t *testing.T) {
	many := func(n int, format string) string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(out, ",")
	}
	calls := many(64, `call none%d {}`)
	small := `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + packedPDF(t) + `"}}`
	for name, c := range map[string]struct{ body, want string }{
		"stop sequences": {body(user("write 100000 words"), `"stop_sequences":[`+many(300_000, `"zq%d"`)+`]`), ""},
		"betas and what they open": {with(`"anthropic_beta":["tool-search-tool-2025-10-19",`+strings.Repeat(`"pdfs-2024-09-25",`, 200_000)+`"pdfs-2024-09-25"]`,
			`"tools":[{"name":"a","input_schema":{"type":"object"}},`+many(50_000, `{"name":"t%d","input_schema":{"type":"object"},"defer_loading":true}`)+`]`), ""},
		"tools that are named in vain":   {body(user(calls), `"tools":[`+many(20_000, `{"name":"a_rather_long_name_of_a_tool_%d","input_schema":{"type":"object"}}`)+`]`), ""},
		"small PDFs that unpack to much": {body(content(strings.Repeat(small+",", 200) + small)), ""},
		"calls without results": {body(`[{"role":"user","content":"a"},{"role":"assistant","content":[` + many(50_000, `{"type":"tool_use","id":"x%d","name":"b","input":{}}`) + `]},{"role":"user","content":"b"}]`),
			"messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: x0, x1,"},
		"what is asked for beside results": {body(`[{"role":"user","content":"a"},` + many(2900, `{"role":"assistant","content":[{"type":"tool_use","id":"x%[1]d","name":"b","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"x%[1]d","content":"c"},{"type":"text","text":"`+calls+`"}]}`) + `]`), ""},
		"a member's name":                  {with(`"` + strings.Repeat("k", 10_000_000) + `":1`), "kkkk"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			reply, err := invoke(setting(t, opus55), &Cache{}, c.body, epoch)
			if took := time.Since(start); took > patience {
				t.Errorf("took %v", took)
			}
			said := fmt.Sprint(err)
			if reply != nil {
				said = textOfReply(reply)
			}
			if !strings.HasPrefix(said, c.want) || (err != nil) != (c.want != "") {
				t.Errorf("got %.300s, want %q", said, c.want)
			}
			if len(said) > 1_000_000 {
				t.Errorf("says %d bytes", len(said))
			}
		})
	}
}

func textOfReply(reply *Reply) string {
	var out strings.Builder
	for _, c := range reply.Content {
		out.WriteString(c.Text)
	}
	return out.String()
}

// TestPackedDocumentsShareABudget: behind one that unpacks to all that a request may, another is not
// looked into any more.
func TestPackedDocumentsShareABudget(t *testing.T) {
	document := func(data string) string {
		return `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + data + `"}}`
	}
	pages, bomb := document(packed(t, []byte("<</Type /Pages /Count 3>>"))), document(packedPDF(t))
	for src, want := range map[string]string{content(pages): "PDF, 3 pages", content(bomb, pages): "PDF, 1 page"} {
		if said := textOfReply(mustInvoke(t, opus55, body(src))); !strings.Contains(said, want) || strings.Contains(said, "3 pages") != (want == "PDF, 3 pages") {
			t.Errorf("got %q, want %s in it", said, want)
		}
	}
}

// packedPDF is a PDF of 32 KB with an object stream that unpacks to 32 MB.
func packedPDF(t *testing.T) string { return packed(t, make([]byte, 32<<20)) }

// packed is a PDF with one object stream.
func packed(t *testing.T, objects []byte) string {
	t.Helper()
	var pdf bytes.Buffer
	pdf.WriteString("%PDF-1.5\n/Type /ObjStm stream\n")
	z := zlib.NewWriter(&pdf)
	if _, err := z.Write(objects); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(pdf.Bytes())
}
