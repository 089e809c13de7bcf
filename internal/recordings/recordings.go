// Package recordings holds what others recorded of Anthropic's API and of Amazon Bedrock, for tests:
// exchanges as they were, and the streams among their answers as AWS event streams; what tests frame and
// cut into pieces themselves; and JSONTestSuite. testdata/README.md says where each is from.
package recordings

import (
	"bufio"
	"compress/gzip"
	"embed"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

//go:embed testdata/*.jsonl.gz
var files embed.FS

// The sets of recordings.
const (
	Anthropic = "anthropic" // of Anthropic's Messages API
	Bedrock   = "bedrock"   // of Bedrock Runtime
)

// A Recording is one exchange.
type Recording struct {
	Repo, Commit, Licence string
	Paths                 []string // the cassettes that hold it, with the exchange's number
	Method, URI           string
	Beta                  string // anthropic-beta
	Request               string
	Status                int
	Headers               map[string]string
	Response              string
	Stream                []byte `json:"response_b64"` // a response that is an event stream
}

// Name tells a recording from the others of its set, but for some that differ by Paths only.
func (r Recording) Name() string { return r.Repo + "/" + ShortPath(r.Paths[0]) }

// ShortPath is a cassette's file with its folder.
func ShortPath(path string) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// unzip opens a file of testdata.
func unzip(t testing.TB, name string) io.Reader {
	t.Helper()
	f, err := files.Open("testdata/" + name + ".jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return unzipped
}

// Read returns the recordings of a set.
func Read(t testing.TB, set string) (out []Recording) {
	t.Helper()
	lines := bufio.NewScanner(unzip(t, set))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var r Recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s, line %d: %v", set, len(out)+1, err)
		}
		if r.Repo == "" || r.Commit == "" || r.Licence == "" || len(r.Paths) == 0 {
			t.Errorf("%s, line %d has no provenance", set, len(out)+1)
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
