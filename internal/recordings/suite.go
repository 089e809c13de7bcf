package recordings

import (
	"encoding/json"
	"path"
	"testing"
)

// A JSONFile is one of JSONTestSuite.
type JSONFile struct {
	Path string `json:"name"` // test_parsing/NAME or test_transform/NAME
	Name string `json:"-"`    // y_… is valid JSON, n_… is not, others may be either
	Data []byte
}

// JSONSuite returns the files of JSONTestSuite.
func JSONSuite(t testing.TB) (files []JSONFile) {
	t.Helper()
	for lines := json.NewDecoder(unzip(t, "JSONTestSuite")); lines.More(); {
		var file JSONFile
		if err := lines.Decode(&file); err != nil {
			t.Fatal(err)
		}
		file.Name = path.Base(file.Path)
		files = append(files, file)
	}
	if len(files) != 340 {
		t.Fatalf("the suite has %d files, want 340", len(files))
	}
	return files
}
