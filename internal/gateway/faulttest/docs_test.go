package faulttest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table in docs/faults.md anew")

// The guide's table is that of the tests.
func TestDocs(t *testing.T) {
	const file = "../../../docs/faults.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "<!-- faults -->\n\n")
	have, after, ok2 := strings.Cut(rest, "\n<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no table between its marks", file)
	}
	want := table()
	if *update {
		if err := os.WriteFile(file, []byte(before+"<!-- faults -->\n\n"+want+"\n<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("%s is behind the faults, run with -update; -want +got:\n%s", file, diff)
	}
}

// table is All as Markdown. What the native door's message has, the other's has as well.
func table() string {
	var b strings.Builder
	b.WriteString("| Fault | Bedrock | Asked | Anthropic door | Native door | Kind | The message has |\n|---|---|---|---|---|---|---|\n")
	for _, f := range All() {
		name := "`" + f.Name + "`"
		if !f.Streamed() {
			name += ", not streamed"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %s |\n", name, f.Does, f.Requests, cell(f.Ends[Anthropic]), cell(f.Ends[Native]), kind(f.Ends[Native]), f.Ends[Native].Words)
	}
	return b.String()
}

// cell says how an answer ends.
func cell(e End) string {
	switch {
	case e.Complete():
		return "complete"
	case e.InStream():
		return fmt.Sprintf("error `%s`", e.Type)
	}
	return fmt.Sprintf("%d `%s`", e.Status, e.Type)
}

// kind is what the gateway logs and counts an error as.
func kind(e End) string {
	if e.Complete() {
		return ""
	}
	return "`" + e.Kind + "`"
}
