package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Claude Code in print mode writes a file that holds a nonce and ends with an answer that quotes it,
// in every way in which it can be pointed at a gateway.
func TestClaudeCodeThroughServe(t *testing.T) {
	f := func(name string, env func(*gateway) []string) {
		t.Run(name, func(t *testing.T) {
			g := serveLocal(t)
			task := newTask(t)
			out := runClaude(t, exec.Command(claudeCode(t), task.arguments("--output-format", "stream-json", "--verbose")...), task.dir, env(g))
			task.check(t, finalAnswer(t, out), g.log.String())
		})
	}
	f("in Anthropic mode", anthropicMode)
	f("in Bedrock mode with a bearer key", func(g *gateway) []string {
		return append(bedrockMode(g), "AWS_BEARER_TOKEN_BEDROCK="+g.Key)
	})
	f("in Bedrock mode with SigV4 under the gateway's key pair", func(g *gateway) []string {
		return append(bedrockMode(g), "AWS_ACCESS_KEY_ID="+g.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+g.SecretAccessKey)
	})
}

func TestClaudeCodeByOutcropRun(t *testing.T) {
	f := func(name string, flags ...string) {
		t.Run(name, func(t *testing.T) {
			task := newTask(t)
			log := filepath.Join(t.TempDir(), "log")
			arguments := append([]string{"run", "--local", "--log", log}, flags...)
			arguments = append(append(arguments, "--", "claude"), task.arguments()...)
			out := runClaude(t, exec.Command(binary(t), arguments...), task.dir, []string{"ANTHROPIC_API_KEY=sk-ant-invented-and-not-to-be-used"})
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			task.check(t, out, string(text))
		})
	}
	f("in Anthropic mode")
	f("in Bedrock mode", "--bedrock")
}

func TestOutcropRunExitsAsClaudeCodeDoes(t *testing.T) {
	cmd := exec.Command(binary(t), "run", "--local", "--", "claude", "-p", "--model", "no-such-model", "hi")
	cmd.Env = claudeEnv(t)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("%v exited with %d (%v), want Claude Code's 1; it printed:\n%s", cmd, code, err, out)
	}
	if !bytes.Contains(out, []byte("no-such-model")) {
		t.Errorf("%v printed %q, want the unknown model named", cmd, out)
	}
}

// Where trying again cannot help Claude Code does not: left to itself it would for minutes.
func TestClaudeCodeGivesUpAtOnce(t *testing.T) {
	g := serveLocal(t)
	stranger := *g
	stranger.Key, stranger.SecretAccessKey = "not-a-key-of-this-gateway", strings.Repeat("x", 40)
	f := func(name, words string, env []string, arguments ...string) {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(claudeCode(t), append([]string{"-p", "hi", "--output-format", "stream-json", "--verbose"}, arguments...)...)
			cmd.Dir, cmd.Env, cmd.WaitDelay = t.TempDir(), claudeEnv(t, env...), time.Second
			kill := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
			defer kill.Stop()
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 1 || !bytes.Contains(out, []byte(words)) || bytes.Contains(out, []byte("api_retry")) {
				t.Errorf("%v ended with %d (%v), want 1, %q and no retries; it printed:\n%s", cmd, code, err, words, out)
			}
		})
	}
	f("a wrong key in Anthropic mode", "not a key of this Outcrop gateway", anthropicMode(&stranger))
	f("a wrong key in Bedrock mode", "not a key of this Outcrop gateway", append(bedrockMode(g), "AWS_BEARER_TOKEN_BEDROCK="+stranger.Key))
	f("a wrong secret in Bedrock mode", "signature we calculated does not match", append(bedrockMode(g), "AWS_ACCESS_KEY_ID="+g.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+stranger.SecretAccessKey))
	f("an unknown model in Anthropic mode", "issue with the selected model (claude-9)", anthropicMode(g), "--model", "claude-9")

	refused := func(name, words string, status int, exception, message string) {
		g := startGateway(t, []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=invented", "AWS_REGION=us-east-1",
			"AWS_ENDPOINT_URL=" + refusingBedrock(t, status, exception, message)})
		f(name+" in Anthropic mode", words, anthropicMode(g))
		f(name+" in Bedrock mode", words, append(bedrockMode(g), "AWS_BEARER_TOKEN_BEDROCK="+g.Key))
	}
	refused("a denial by IAM", "no identity-based policy", 403, "AccessDeniedException",
		"User: arn:aws:iam::123456789012:user/dev is not authorized to perform: bedrock:InvokeModel on resource: "+
			"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5-5 because no identity-based policy allows the bedrock:InvokeModel action")
	refused("the gateway's AWS credentials expired", "not about your Outcrop key", 403, "ExpiredTokenException", "The security token included in the request is expired")
	refused("a quota of the day", "per day", 429, "ThrottlingException", "Too many tokens per day, please wait before trying again.")
}

// refusingBedrock is an upstream that answers every invocation with one exception.
func refusingBedrock(t *testing.T, status int, exception, message string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet { // ListInferenceProfiles
			io.WriteString(w, `{"inferenceProfileSummaries":[]}`)
			return
		}
		w.Header().Set("X-Amzn-Errortype", exception+":http://internal.amazon.com/coral/com.amazon.bedrock/")
		w.WriteHeader(status)
		io.WriteString(w, `{"message":`+jsonText(message)+`}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func anthropicMode(g *gateway) []string {
	return []string{"ANTHROPIC_BASE_URL=" + g.URL, "ANTHROPIC_AUTH_TOKEN=" + g.Key}
}

func bedrockMode(g *gateway) []string {
	return []string{"CLAUDE_CODE_USE_BEDROCK=1", "AWS_REGION=" + g.Region, "ANTHROPIC_BEDROCK_BASE_URL=" + g.URL}
}

// A task is one tool loop: the model is told to write a nonce into a file and to read it again.
type task struct {
	dir, file, nonce string
}

func newTask(t *testing.T) task {
	dir, nonce := t.TempDir(), "nonce-"+rand.Text()
	return task{dir, filepath.Join(dir, nonce+".txt"), nonce}
}

func (k task) arguments(flags ...string) []string {
	prompt := fmt.Sprintf("call Write %s and then call Bash %s",
		jsonText(map[string]string{"file_path": k.file, "content": k.nonce}),
		jsonText(map[string]string{"command": "cat " + k.file}))
	return append([]string{"-p", prompt, "--allowedTools", "Write,Bash(cat:*)"}, flags...)
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// check looks at what came of it: the file, the answer, and what the upstream saw.
func (k task) check(t *testing.T, answer, log string) {
	t.Helper()
	if content, err := os.ReadFile(k.file); string(content) != k.nonce {
		t.Errorf("the file holds %q (%v), want %q", content, err, k.nonce)
	}
	if want := "Bash answered: " + k.nonce; !strings.Contains(answer, want) {
		t.Errorf("the final answer is %q, want %q in it", answer, want)
	}
	var turns []string
	for _, r := range upstream(log) {
		if r.field("status") != "200" {
			t.Errorf("the upstream refused: %s", r)
		}
		if r.field("operation") == "InvokeModelWithResponseStream" {
			turns = append(turns, r.field("last"))
		}
	}
	if want := []string{"text", "tool_result"}; !slices.Equal(turns, want) {
		t.Errorf("the upstream's log shows turns that end with %q, want %q: no retries, one turn with the results\n%s", turns, want, log)
	}
}

// claudeCode is the native binary of the pinned npm package, which works without its installer.
func claudeCode(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("node_modules/@anthropic-ai/claude-code-*/claude")
	if len(found) != 1 {
		t.Fatalf("found %q for Claude Code, want one: run npm ci in e2e/ first, as e2e/run does", found)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// claudeEnv is all that Claude Code gets to see: claude on PATH, an empty home, no telemetry, no
// updates.
func claudeEnv(t *testing.T, extra ...string) []string {
	t.Helper()
	env := cleanEnv(t.TempDir(), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_TELEMETRY=1", "DISABLE_AUTOUPDATER=1")
	env[0] = "PATH=" + filepath.Dir(claudeCode(t)) + string(os.PathListSeparator) + os.Getenv("PATH")
	return append(env, extra...)
}

// runClaude runs a command around Claude Code to its end and returns what it printed.
func runClaude(t *testing.T, cmd *exec.Cmd, dir string, env []string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env = dir, claudeEnv(t, env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	kill := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer kill.Stop()
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %v\nit printed:\n%s\nand as errors:\n%s", cmd, err, &stdout, &stderr)
	}
	return stdout.String()
}

// finalAnswer reads Claude Code's stream-json output: it must end well, without retries.
func finalAnswer(t *testing.T, out string) (answer string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var m struct {
			Type, Subtype, Result string
			IsError               bool `json:"is_error"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("Claude Code printed %q: %v", line, err)
		}
		switch {
		case m.Subtype == "api_retry", m.Subtype == "model_fallback":
			t.Errorf("Claude Code had to try again: %s", line)
		case m.Type == "result" && (m.IsError || m.Subtype != "success"):
			t.Errorf("Claude Code ended with %s", line)
		case m.Type == "result":
			answer = m.Result
		}
	}
	return answer
}
