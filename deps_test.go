package outcrop_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDependencies holds deps.txt to go.mod and to what the release binary links.
func TestDependencies(t *testing.T) {
	listed := readDeps(t, "deps.txt")
	linked := slices.Sorted(maps.Keys(linkedModules(t)))

	want := direct(t)
	got := slices.Sorted(slices.Values(slices.Concat(listed["direct"], listed["test"])))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deps.txt's direct and test lines are not what go.mod requires directly; every dependency has a line that says why (-go.mod +deps.txt):\n%s", diff)
	}
	got = slices.Sorted(slices.Values(slices.Concat(listed["direct"], listed["along"])))
	if diff := cmp.Diff(linked, got); diff != "" {
		t.Errorf("deps.txt's direct and along lines are not what ./cmd/outcrop links; every dependency has a line that says why (-linked +deps.txt):\n%s", diff)
	}
}

// floors are the lowest versions of modules that may be linked, because of what lower ones cost.
var floors = map[string]string{
	// v0.0.26 and v0.0.27 spend 32 ms in every start, mattn/go-runewidth#104.
	"github.com/mattn/go-runewidth": "v0.0.30",
}

func TestFloors(t *testing.T) {
	for _, fault := range below(floors, linkedModules(t)) {
		t.Error(fault)
	}
}

func TestBelow(t *testing.T) {
	floors := map[string]string{"example.com/a": "v0.0.30", "example.com/b": "v1.2.0"}
	f := func(name string, linked map[string]string, want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			if diff := cmp.Diff(want, below(floors, linked)); diff != "" {
				t.Errorf("below(%v, %v), -want +got:\n%s", floors, linked, diff)
			}
		})
	}
	f("not linked at all", nil)
	f("the floor itself, and a module without one", map[string]string{"example.com/a": "v0.0.30", "example.com/c": "v0.0.1"})
	f("higher in numbers, though not in letters", map[string]string{"example.com/b": "v1.10.0"})
	f("too low in numbers, though not in letters", map[string]string{"example.com/a": "v0.0.4"},
		"example.com/a v0.0.4 is linked, which must be v0.0.30 at least")
	f("a version before the floor", map[string]string{"example.com/b": "v1.2.0-rc.1"},
		"example.com/b v1.2.0-rc.1 is linked, which must be v1.2.0 at least")
}

// below returns a sentence for each linked module (path to version) whose version is under its floor.
func below(floors, linked map[string]string) []string {
	var out []string
	for _, m := range slices.Sorted(maps.Keys(floors)) {
		if v, ok := linked[m]; ok && older(v, floors[m]) {
			out = append(out, fmt.Sprintf("%s %s is linked, which must be %s at least", m, v, floors[m]))
		}
	}
	return out
}

// older reports whether version v, such as v1.2.3 or v1.2.3-rc.1, comes before the release floor.
func older(v, floor string) bool {
	var a, b [3]int
	fmt.Sscanf(v, "v%d.%d.%d", &a[0], &a[1], &a[2])
	fmt.Sscanf(floor, "v%d.%d.%d", &b[0], &b[1], &b[2])
	if c := slices.Compare(a[:], b[:]); c != 0 {
		return c < 0
	}
	return strings.Contains(v, "-")
}

// readDeps returns the modules of the list by kind and complains about lines that say too little.
func readDeps(t *testing.T, name string) map[string][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kinds := map[string][]string{"direct": nil, "test": nil, "along": nil}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if _, known := kinds[fields[0]]; !known || len(fields) < 4 {
			t.Errorf("%s:%d: want direct, test or along, a module and why it is there, got %q", name, n, lines.Text())
			continue
		}
		kinds[fields[0]] = append(kinds[fields[0]], fields[1])
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return kinds
}

// direct returns the modules that go.mod requires for this module's own packages, sorted.
func direct(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatalf("go mod edit -json: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, r := range mod.Require {
		if !r.Indirect {
			paths = append(paths, r.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// linkedModules returns the modules, path to version, that the release binary links on any system
// it is released for.
func linkedModules(t *testing.T) map[string]string {
	t.Helper()
	linked := map[string]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := goList(t, []string{"GOOS=" + system, "GOARCH=arm64", "CGO_ENABLED=0"},
			"-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}", "./cmd/outcrop")
		for _, at := range list {
			m, version, _ := strings.Cut(at, "@")
			linked[m] = version
		}
	}
	return linked
}
