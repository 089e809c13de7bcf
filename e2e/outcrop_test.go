package e2e

import (
	"bufio"
	"bytes"
	"context"
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

// A process is an outcrop that serves.
type process struct {
	cmd  *exec.Cmd
	log  *transcript
	once sync.Once
}

// A gateway is a running outcrop serve.
type gateway struct {
	*process
	URL             string
	Region          string
	Key             string
	AccessKeyID     string `json:"aws_access_key_id"`
	SecretAccessKey string `json:"aws_secret_access_key"`
}

// A local is a running outcrop local: the embedded Bedrock without a gateway before it.
type local struct {
	*process
	URL             string
	Region          string
	AccessKeyID     string `json:"aws_access_key_id"`
	SecretAccessKey string `json:"aws_secret_access_key"`
	APIKey          string `json:"aws_bearer_token_bedrock"`
	CAFile          string `json:"ca_file"` // "" without --tls
}

// gatewayKey is an Outcrop key that the tests set.
const gatewayKey = "invented-key-of-the-e2e-tests-0123456789"

// startLocal starts outcrop local in an empty environment.
func startLocal(t testing.TB, flags ...string) *local {
	t.Helper()
	l := new(local)
	l.process = start(t, nil, append([]string{"local"}, flags...), l)
	return l
}

// serveLocal starts outcrop serve --local in an empty environment.
func serveLocal(t testing.TB, flags ...string) *gateway {
	t.Helper()
	return startGateway(t, nil, append(flags, "--local")...)
}

// serveBefore starts outcrop serve in front of a Bedrock that records what reaches it.
func serveBefore(t testing.TB, srv *bedrocktest.Server, flags ...string) *gateway {
	t.Helper()
	return startGateway(t, srv.Env(), append(flags, "--show-secrets")...)
}

func startGateway(t testing.TB, env []string, flags ...string) *gateway {
	t.Helper()
	g := new(gateway)
	g.process = start(t, append(env, "OUTCROP_KEY="+gatewayKey), append([]string{"serve"}, flags...), g)
	g.Key = gatewayKey
	return g
}

// start starts outcrop on a free port in an environment of env alone and decodes what it prints to
// connect with. It is stopped when the test ends.
func start(t testing.TB, env, arguments []string, face any) *process {
	t.Helper()
	p := &process{log: new(transcript)}
	p.cmd = exec.Command(binary(t), append(arguments, "--listen", "127.0.0.1:0", "--json")...)
	p.cmd.Env = cleanEnv(t.TempDir(), env...)
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("log of %v:\n%s", p.cmd, p.log)
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, face)
	}
	if err != nil {
		t.Fatalf("%v printed %q: %v", p.cmd, line, err)
	}
	go io.Copy(io.Discard, stdout)
	return p
}

// stop ends it as an init system does, and expects it to end well. Its log is whole then.
func (p *process) stop(t testing.TB) {
	p.once.Do(func() {
		ended := time.AfterFunc(20*time.Second, func() { p.cmd.Process.Kill() })
		defer ended.Stop()
		p.cmd.Process.Signal(syscall.SIGTERM)
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("%v after SIGTERM: %v, want exit status 0", p.cmd, err)
		}
	})
}

// A stream is an answer of any SDK's that comes in pieces.
type stream interface {
	Next() bool
	Err() error
	Close() error
}

// leaveStreams leaves two streams of a server with chunkDelay in the middle, one by canceling its
// context, the other by closing it, and expects the server to see it. It returns the error of the former.
func leaveStreams(t *testing.T, p *process, open func(ctx context.Context, text string) stream) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	canceled, closed := open(ctx, "write 20000 words"), open(t.Context(), "write 20000 words")
	defer canceled.Close()
	for range 3 { // so that the answers have begun
		if !canceled.Next() || !closed.Next() {
			t.Fatalf("the streams ended: %v, %v", canceled.Err(), closed.Err())
		}
	}
	cancel()
	closed.Close()
	for canceled.Next() {
	}
	for range 4 { // the log has something behind them
		s := open(t.Context(), "hi")
		for s.Next() {
		}
		if err := s.Err(); err != nil {
			t.Error(err)
		}
		s.Close()
	}
	p.wantLeft(t, 2)
	return canceled.Err()
}

// wantLeft ends the server and expects that its Bedrock has seen clients leave n streams, each at once
// and not only when the client ended: n requests or more are behind it in the log.
func (p *process) wantLeft(t *testing.T, n int) {
	t.Helper()
	p.stop(t)
	requests := bedrockLog(p.log.String())
	left := 0
	for _, r := range requests[:max(0, len(requests)-n)] {
		if r.field("status") == "200" && strings.Contains(string(r), `"fault":`) {
			left++
		}
	}
	if left != n {
		t.Errorf("%d of %d requests ended because the client left, want %d", left, len(requests), n)
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

// upstream returns the requests that a gateway's embedded Bedrock has logged, in the order of their
// answers' ends.
func upstream(log string) (requests []logLine) {
	for _, l := range bedrockLog(log) {
		if l.field("component") == "embedded-bedrock" {
			requests = append(requests, l)
		}
	}
	return requests
}

// bedrockLog returns the requests that an embedded Bedrock has logged, be there a gateway before it or
// not.
func bedrockLog(log string) (requests []logLine) {
	for line := range strings.Lines(log) {
		if l := logLine(line); l.field("msg") == "request" && l.field("operation") != "" {
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
