package outcrop_test

import (
	"bufio"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Budgets of the release binary.
const (
	maxBinary = 32_000_000 // bytes

	// noPruning is how the linker marks a function that may call any method by its name. One that
	// is reached (through html/template, say) makes it keep every method of every AWS client:
	// 14 to 20 MB at once.
	noPruning = "<ReflectMethod>"
)

var release = flag.Bool("release", false, "build the release binary and hold it to its budgets (make budgets)")

// TestReleaseBinary builds ./cmd/outcrop as make build does, and has the linker say what keeps what.
func TestReleaseBinary(t *testing.T) {
	if !*release {
		t.Skip("builds the release binary; run by make budgets, or with -release")
	}
	binary := filepath.Join(t.TempDir(), "outcrop")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -dumpdep", "-o", binary, "./cmd/outcrop")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	edges := 0
	var other []string
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20) // generic names are long
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasSuffix(line, noPruning):
			t.Errorf("the linker can no longer drop unused methods, because of %s", line)
		case strings.Contains(line, " -> "):
			edges++
		default:
			other = append(other, line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, strings.Join(other, "\n"))
	}
	if edges == 0 {
		t.Fatal("the linker printed no dependency, so that this test would see none")
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBinary {
		t.Errorf("the release binary has %d bytes, budget %d", info.Size(), maxBinary)
	}
	t.Logf("release binary: %.1f MB of %.1f MB", float64(info.Size())/1e6, float64(maxBinary)/1e6)
}
