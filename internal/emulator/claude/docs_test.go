package claude

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

var update = flag.Bool("update", false, "write docs/emulator.md anew")

// TestDocs holds the table in docs/emulator.md to the sentences.
func TestDocs(t *testing.T) {
	const file, mark = "../../../docs/emulator.md", "<!-- sentences -->\n"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, _, ok := strings.Cut(string(page), mark)
	if !ok {
		t.Fatalf("%s has no line %s", file, mark)
	}
	want := text + mark + sentenceTable(t)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("%s is behind messages.json, run with -update; -want +got:\n%s", file, diff)
	}
}

func sentenceTable(t *testing.T) string {
	raw, err := os.ReadFile("../wording/data/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var data struct{ Sentences []wording.Sentence }
	if err := json.Unmarshal(raw, &data); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("\n| sentence | known from |\n|---|---|\n")
	for _, s := range data.Sentences {
		// Backquotes within a sentence ask for a longer fence.
		b.WriteString("| `` " + strings.ReplaceAll(s.Text, "|", `\|`) + " `` | " + string(s.Certainty) + " |\n")
	}
	return b.String()
}
