package claude

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLastTextIsWhatTheModelReads holds the cheap reading of a body to the whole one.
func TestLastTextIsWhatTheModelReads(t *testing.T) {
	files, err := filepath.Glob("testdata/claude-code/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no bodies", err)
	}
	written := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Parse(raw)
		if err != nil {
			continue // one that is refused
		}
		got, want := LastText(raw), r.lastTurn().written()
		if turns := r.turns; turns[len(turns)-1].role != "user" {
			want = ""
		}
		if got != want {
			t.Errorf("LastText(%s) = %q, want %q", name, got, want)
		}
		if got != "" {
			written++
		}
	}
	if written == 0 {
		t.Error("no body has any text")
	}
}

func FuzzLastText(f *testing.F) {
	for _, seed := range []string{
		"", "[]", `{"messages":[{"role":"user","content":"<system-reminder>hi"}]}`, `{"messages":[{"role":"user","content":[{"text":"a"},{"type":"image"},{"text":1},null]},{"role":"system"}]}`,
		`{"messages":[{"role":"assistant","content":null},{"role":"user"},{"role":1}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if text := LastText(body); len(text) > 3*len(body) { // a byte that is no UTF-8 becomes three
			t.Errorf("LastText(%q) = %q, which is not in it", body, text)
		}
	})
}
