package wording

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestKeys holds the data to the code: every key that code names is there with the same values, and
// none is there that no code names.
func TestKeys(t *testing.T) {
	named := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`"([a-z0-9_]+)"`).FindAllSubmatch(src, -1) {
			named[string(m[1])] = true
		}
		for _, m := range regexp.MustCompile(`wording\.Say\("([a-z0-9_]+)"`).FindAllSubmatch(src, -1) {
			if _, ok := All()[string(m[1])]; !ok {
				t.Errorf("%s says %s, which is not in the data", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(All())) {
		if !named[key] {
			t.Errorf("no code says %s", key)
		}
	}
}

func TestSentences(t *testing.T) {
	for key, s := range All() {
		if s.Text == "" || s.Source == "" || !slices.Contains([]Certainty{Recorded, Documented, ThirdParty, Assumed}, s.Certainty) {
			t.Errorf("%s is not whole: %+v", key, s)
		}
	}
}

func TestSayCutsWhatIsVeryLong(t *testing.T) {
	got := Say("extra_inputs", "path", strings.Repeat("é", 1<<20))
	if want := ": Extra inputs are not permitted"; len(got) > longest+100 || !strings.HasSuffix(got, "é…"+want) {
		t.Errorf("Say: got %d bytes that end with %q", len(got), got[len(got)-40:])
	}
}
