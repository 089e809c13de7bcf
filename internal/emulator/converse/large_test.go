package converse_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
)

// TestLarge takes inputs made to be much work. The limit is hundreds of times what they take, and much
// less than work that grows with the square of an input would.
func TestLarge(t *testing.T) {
	many := func(n int, format string) string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(out, ",")
	}
	talk := func(turns ...string) string {
		return `{"messages":[{"role":"user","content":[` + strings.Join(turns, `]},{"role":"user","content":[`) + `]}],"toolConfig":{"tools":[{"toolSpec":{"name":"b","inputSchema":{"json":{}}}}]}}`
	}
	calls := strings.Replace(talk(`{"text":"a"}`, many(50_000, `{"toolUse":{"toolUseId":"x%d","name":"b","input":{}}}`), many(50_000, `{"toolResult":{"toolUseId":"x%d","content":[]}}`)),
		`]},{"role":"user"`, `]},{"role":"assistant"`, 1)
	documents, packed := make([]string, 200), packedWord(t)
	for i := range documents {
		documents[i] = fmt.Sprintf(`{"text":"a"},{"document":{"name":"d%d","format":"docx","source":{"bytes":"%s"}}}`, i, packed)
	}
	for name, in := range map[string]string{"calls and their results": calls, "small documents that unpack to much": talk(documents...)} {
		t.Run(name, func(t *testing.T) {
			tree, start := input(t, in), time.Now()
			if err := converse.Check(tree, of(t, opus), false); err != nil {
				t.Fatalf("Check: %v", err)
			}
			body, err := converse.Messages(tree, of(t, opus))
			if err != nil || len(body) > 100<<20 {
				t.Errorf("Messages: %d bytes, %v", len(body), err)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// packedWord is a Word file of 16 KB with 16 MB of text.
func packedWord(t *testing.T) string {
	t.Helper()
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	w, err := z.Create("word/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("a"), 16<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(file.Bytes())
}
