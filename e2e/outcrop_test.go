package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// TestMain removes the binary that the tests have built.
func TestMain(m *testing.M) {
	code := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

var buildDir string

// build builds the program once, as it is released.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "outcrop-e2e-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	path := filepath.Join(dir, "outcrop")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "./cmd/outcrop")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return path, nil
})

func binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A gateway is a running outcrop serve.
type gateway struct {
	URL             string
	Region          string
	Key             string
	AccessKeyID     string `json:"aws_access_key_id"`
	SecretAccessKey string `json:"aws_secret_access_key"`

	log *transcript
}

// gatewayKey is an Outcrop key that the tests set.
const gatewayKey = "invented-key-of-the-e2e-tests-0123456789"

// serveLocal starts outcrop serve --local in an empty environment.
func serveLocal(t testing.TB) *gateway {
	t.Helper()
	return startGateway(t, nil, "--local")
}

// serveBefore starts outcrop serve in front of a Bedrock that records what reaches it.
func serveBefore(t testing.TB, srv *bedrocktest.Server, flags ...string) *gateway {
	t.Helper()
	return startGateway(t, srv.Env(), append(flags, "--show-secrets")...)
}

func startGateway(t testing.TB, env []string, flags ...string) *gateway {
	t.Helper()
	g := &gateway{log: new(transcript)}
	cmd := exec.Command(binary(t), append([]string{"serve", "--listen", "127.0.0.1:0", "--json"}, flags...)...)
	cmd.Env = append(cleanEnv(t.TempDir(), "OUTCROP_KEY="+gatewayKey), env...)
	cmd.Stderr = g.log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cmd, g.log) })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, g)
	}
	if err != nil {
		t.Fatalf("%v printed %q: %v", cmd, line, err)
	}
	g.Key = gatewayKey
	go io.Copy(io.Discard, stdout)
	return g
}

// stop ends a gateway as an init system does, and expects it to end well.
func stop(t testing.TB, cmd *exec.Cmd, log *transcript) {
	ended := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer ended.Stop()
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v after SIGTERM: %v, want exit status 0", cmd, err)
	}
	if t.Failed() {
		t.Logf("log of %v:\n%s", cmd, log)
	}
}

// cleanEnv is an environment of nothing but PATH, HOME and what is given.
func cleanEnv(home string, extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, extra...)
}

// A transcript collects what a process writes. It is safe for concurrent use.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns all that was written.
func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// upstream returns the requests that the embedded Bedrock has logged, in the order of their answers.
func upstream(log string) (requests []logLine) {
	for line := range strings.Lines(log) {
		if l := logLine(line); l.field("component") == "embedded-bedrock" && l.field("operation") != "" {
			requests = append(requests, l)
		}
	}
	return requests
}

// A logLine is a line of the program's log, as text or as JSON.
type logLine string

// field returns a value without white space in it.
func (l logLine) field(name string) string {
	m := regexp.MustCompile(`\b` + name + `"?[=:]"?([^"\s]*?)[",}\s]`).FindStringSubmatch(string(l))
	if m == nil {
		return ""
	}
	return m[1]
}
