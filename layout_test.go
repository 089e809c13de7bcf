package outcrop_test

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/outcrop-dev/outcrop"

// mayImport is the house plan (docs/design/0001-house-plan.md): which packages stand on which.
//
// A key is a package of this module and all packages below it; the longest key decides, alone.
// A value lists what they may import besides the standard library: packages of this module and
// other modules, each with all below. "." is the root package only, "..." anything. Packages
// under one key do not see each other unless the value names the key.
var mayImport = map[string][]string{
	// The library.
	".": {"internal/wire", "internal/aws", "internal/catalog", "internal/shaping", "internal/diagnosis",
		"github.com/aws/aws-sdk-go-v2"},

	// The ground floor: bytes, AWS's rules, data.
	"internal/wire":           {},
	"internal/aws":            {},
	"internal/aws/credential": {"internal/aws/sigv4", "github.com/aws/aws-sdk-go-v2"},
	"internal/catalog":        {},

	// What the library decides with.
	"internal/shaping":   {"internal/wire", "internal/aws", "internal/catalog"},
	"internal/diagnosis": {"internal/wire", "internal/aws", "internal/catalog"},

	// The gateway: one package that knows the way, and the stages, which do not know each other.
	"internal/gateway":           {".", "internal/gateway", "internal/catalog", "internal/wire", "internal/aws"},
	"internal/gateway/dialect":   {".", "internal/catalog", "internal/wire", "internal/aws"},
	"internal/gateway/admission": {".", "internal/catalog", "internal/aws", "internal/gateway/store"},
	"internal/gateway/routing":   {".", "internal/catalog", "internal/aws"},
	"internal/gateway/ledger":    {".", "internal/catalog", "internal/gateway/store"},
	"internal/gateway/metrics":   {".", "internal/catalog", "internal/gateway/ledger", "github.com/prometheus/client_golang"},
	"internal/gateway/store":     {"."},
	"internal/gateway/admin":     {".", "internal/catalog", "internal/gateway/admission", "internal/gateway/ledger", "internal/gateway/store"},

	// The other side of the wire. It never imports the library: it must be able to prove it wrong.
	"internal/emulator": {"internal/emulator", "internal/wire", "internal/aws", "internal/catalog"},
	"bedrocktest":       {"internal/emulator", "internal/catalog"},

	// The terminal: what it is to read lines on one, and the conversation with a model.
	"internal/terminal": {"golang.org/x/term", "golang.org/x/sys/windows", "github.com/clipperhouse/displaywidth"},
	"internal/chat":     {".", "internal/terminal", "internal/catalog", "internal/wire"},

	// For tests only: see forTests.
	"internal/gateway/faulttest": {}, // it shares no code with what it tries
	"internal/recordings":        {"github.com/aws/aws-sdk-go-v2"},

	// Where it is all put together.
	"cmd/outcrop": {"..."},
}

// testsMayImport is what the tests of every package may import besides what the package itself
// may and the package itself.
var testsMayImport = append([]string{
	"bedrocktest",
	"github.com/aws/aws-sdk-go-v2", // someone else's truth
	"github.com/aws/smithy-go",
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal",
	"go.uber.org/goleak",
	"pgregory.net/rapid",
}, forTests...)

// forTests are packages that only tests may import, wherever the plan would allow it.
var forTests = []string{"internal/gateway/faulttest", "internal/recordings"}

// linksOnly says, for each public package, what a program that imports it may link besides the
// standard library and this module. Storage, command line, metrics and terminal stay out.
var linksOnly = map[string][]string{
	".":           {"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
	"bedrocktest": {},
}

// noNames are package names that say where code ended up, not what it is.
var noNames = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "core", "base", "shared", "misc"}

func TestLayout(t *testing.T) {
	house, err := readHouse(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(house) == 0 {
		t.Fatal("no package found")
	}
	for _, fault := range faults(mayImport, house) {
		t.Error(fault)
	}
	for pkg, r := range house {
		for _, p := range forTests {
			if slices.Contains(r.Imports, path.Join(module, p)) {
				t.Errorf("%s imports %s, which is for tests", pkg, p)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	plan := map[string][]string{
		".":                   {"lib/wire", "example.com/sdk"},
		"lib/wire":            {},
		"lib/gateway":         {".", "lib/gateway"},
		"lib/gateway/dialect": {".", "lib/wire"},
		"cmd":                 {"..."},
	}
	f := func(name string, house map[string]room, want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			if diff := cmp.Diff(want, faults(plan, house)); diff != "" {
				t.Errorf("faults(plan, %v), -want +got:\n%s", house, diff)
			}
		})
	}
	code := func(imports ...string) room { return room{Name: "x", Imports: imports} }
	tests := func(imports ...string) room { return room{Name: "x", TestImports: imports} }

	f("the plan is kept", map[string]room{
		".":                          code("net/http", module+"/lib/wire/sse", "example.com/sdk/config"),
		"lib/wire/sse":               code("bufio"),
		"lib/gateway":                code(module, module+"/lib/gateway/dialect/openai"),
		"lib/gateway/dialect/openai": code(module+"/lib/wire/sse", module),
		"cmd":                        code(module+"/lib/gateway", "example.com/flags"),
	})
	f("a lower floor imports a higher one", map[string]room{"lib/wire/sse": code(module)},
		"lib/wire/sse imports .: the house plan lets lib/wire import the standard library only")
	f("sisters on the ground floor", map[string]room{"lib/wire/sse": code(module + "/lib/wire/jsonedit")},
		"lib/wire/sse imports lib/wire/jsonedit: the house plan lets lib/wire import the standard library only")
	f("one stage imports another, which only the gateway may", map[string]room{"lib/gateway/dialect/openai": code(module + "/lib/gateway/dialect/bedrock")},
		"lib/gateway/dialect/openai imports lib/gateway/dialect/bedrock: the house plan lets lib/gateway/dialect import . or lib/wire")
	f("the root means the root, not all below it", map[string]room{"lib/gateway": code(module + "/lib/wire")},
		"lib/gateway imports lib/wire: the house plan lets lib/gateway import . or lib/gateway")
	f("another module where none is planned", map[string]room{"lib/wire": code("example.com/sdk")},
		"lib/wire imports example.com/sdk: the house plan lets lib/wire import the standard library only")
	f("a module whose name only begins alike", map[string]room{".": code("example.com/sdkx")},
		". imports example.com/sdkx: the house plan lets . import lib/wire or example.com/sdk")
	f("a package without a rule, and one whose name only begins like a rule", map[string]room{"lib/cache": code("sync"), "lib/wirex": code()},
		"lib/cache has no place in the house plan: add it to mayImport in layout_test.go with what it may stand on, and to docs/design/0001-house-plan.md",
		"lib/wirex has no place in the house plan: add it to mayImport in layout_test.go with what it may stand on, and to docs/design/0001-house-plan.md")
	f("cgo, even where anything goes", map[string]room{"cmd": code("C")},
		"cmd imports C: the project builds without cgo")
	f("a folder whose name says nothing", map[string]room{"lib/wire/util/hex": code()},
		`lib/wire/util/hex: "util" says nothing about the code: move it to where it is used, or find the noun`)
	f("a package clause that says nothing", map[string]room{"lib/wire/hex": {Name: "helpers"}},
		`lib/wire/hex: "helpers" says nothing about the code: move it to where it is used, or find the noun`)
	f("tests use the package itself, test modules and bedrocktest", map[string]room{
		"lib/wire/sse": tests("testing", module+"/lib/wire/sse", module+"/bedrocktest", "pgregory.net/rapid")})
	f("code uses a test module", map[string]room{"lib/wire": code("pgregory.net/rapid")},
		"lib/wire imports pgregory.net/rapid: the house plan lets lib/wire import the standard library only")
	f("tests keep to the plan too", map[string]room{"lib/wire": tests(module)},
		"lib/wire imports . in a test: the house plan lets lib/wire import the standard library only, and its tests what testsMayImport says")
}

func TestReadHouse(t *testing.T) {
	file := func(src string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(src)} }
	got, err := readHouse(fstest.MapFS{
		"go.mod":                     file("module x"),
		"client.go":                  file("package outcrop\nimport (\"io\"; _ \"net/http\")"),
		"client_test.go":             file("package outcrop_test\nimport \"testing\""),
		"internal/aws/file_plan9.go": file("//go:build plan9\n\npackage aws\nimport \"C\""),
		"internal/aws/testdata/a.go": file("package broken\nimport \"no\""),
		"internal/_old/a.go":         file("package old"),
		".hidden/a.go":               file("package hidden"),
		"e2e/go.mod":                 file("module e2e"),
		"e2e/deep/a.go":              file("package deep"),
		"docs/a.txt":                 file("no package"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]room{
		".":            {Name: "outcrop", Imports: []string{"io", "net/http"}, TestImports: []string{"testing"}},
		"internal/aws": {Name: "aws", Imports: []string{"C"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readHouse, -want +got:\n%s", diff)
	}
}

// TestPublicPackagesLinkLittle holds what other people's programs link when they import Outcrop.
func TestPublicPackagesLinkLittle(t *testing.T) {
	for pkg, modules := range linksOnly {
		list := goList(t, nil, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", path.Join(module, pkg))
		for _, dep := range list {
			if dep != module && !strings.HasPrefix(dep, module+"/") && !covers(modules, dep) {
				t.Errorf("importing %s links %s, may link besides the standard library only %v", path.Join(module, pkg), dep, modules)
			}
		}
	}
}

// A room is a package as its source files show it, whatever their build constraints.
type room struct {
	Name                 string   // from the package clause
	Imports, TestImports []string // sorted
}

// readHouse reads all packages of the module in fsys, by their path in it.
// Nested modules are not part of it.
func readHouse(fsys fs.FS) (map[string]room, error) {
	house := map[string]room{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return enter(fsys, name)
		case path.Ext(name) != ".go":
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		r := house[path.Dir(name)]
		imports := &r.Imports
		if strings.HasSuffix(name, "_test.go") {
			imports = &r.TestImports
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			*imports = append(*imports, imported)
		}
		slices.Sort(*imports)
		*imports = slices.Compact(*imports)
		if r.Name == "" {
			r.Name = strings.TrimSuffix(file.Name.Name, "_test")
		}
		house[path.Dir(name)] = r
		return nil
	})
	return house, err
}

// enter says whether the folder is part of the module, by fs.SkipDir if not.
func enter(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	if name := path.Base(dir); name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); !errors.Is(err, fs.ErrNotExist) {
		return fs.SkipDir // a module of its own
	}
	return nil
}

// faults returns a sentence for everything in the house that is against the plan.
func faults(plan map[string][]string, house map[string]room) []string {
	var out []string
	for _, pkg := range slices.Sorted(maps.Keys(house)) {
		r := house[pkg]
		for _, name := range append(strings.Split(pkg, "/"), r.Name) {
			if slices.Contains(noNames, name) {
				out = append(out, fmt.Sprintf("%s: %q says nothing about the code: move it to where it is used, or find the noun", pkg, name))
				break
			}
		}
		key, ok := rule(plan, pkg)
		if !ok {
			out = append(out, pkg+" has no place in the house plan: add it to mayImport in layout_test.go with what it may stand on, and to docs/design/0001-house-plan.md")
			continue
		}
		sentence := fmt.Sprintf(": the house plan lets %s import %s", key, either(plan[key]))
		for _, imported := range r.Imports {
			if imported == "C" {
				out = append(out, pkg+" imports C: the project builds without cgo")
			} else if target, ok := fromOutside(imported); ok && !covers(plan[key], target) {
				out = append(out, pkg+" imports "+target+sentence)
			}
		}
		for _, imported := range r.TestImports {
			if target, ok := fromOutside(imported); ok && target != pkg && !covers(plan[key], target) && !covers(testsMayImport, target) {
				out = append(out, pkg+" imports "+target+" in a test"+sentence+", and its tests what testsMayImport says")
			}
		}
	}
	return out
}

// rule returns the plan's key that decides for pkg: the longest that is pkg or above it.
func rule(plan map[string][]string, pkg string) (key string, ok bool) {
	for k := range plan {
		if covers([]string{k}, pkg) && len(k) > len(key) {
			key, ok = k, true
		}
	}
	return key, ok
}

// fromOutside turns an import path into the plan's way to name it. It reports false for the
// standard library, whose paths have no dot in their first element.
func fromOutside(imported string) (target string, outside bool) {
	if imported == module {
		return ".", true
	}
	if target, ok := strings.CutPrefix(imported, module+"/"); ok {
		return target, true
	}
	first, _, _ := strings.Cut(imported, "/")
	return imported, strings.Contains(first, ".")
}

// covers reports whether target is one of the paths or below one of them. "." covers itself only.
func covers(paths []string, target string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		return p == "..." || p == target || strings.HasPrefix(target, p+"/")
	})
}

// either puts what a rule allows into words.
func either(allowed []string) string {
	if len(allowed) == 0 {
		return "the standard library only"
	}
	return strings.Join(allowed, " or ")
}

// goList runs go list and returns its lines, sorted, each once.
func goList(t *testing.T, env []string, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)
	return slices.Compact(lines)
}
