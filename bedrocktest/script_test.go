package bedrocktest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// TestSteps holds what each constructor and method makes of an answer.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		name   string
		step   bedrocktest.Step
		stream bool
		want   []string // in status, headers and body
	}{
		{"blocks", bedrocktest.Thinking("Hm.").Text("a").ToolUse("W", struct{ X string }{"<&>"}).WithID("toolu_1").ToolUse("V", nil), false,
			[]string{"200", `"thinking":"Hm."`, `"text":"a"`, `"id":"toolu_1","name":"W","input":{"X":`, `"name":"V","input":{}`, `"stop_reason":"tool_use"`}},
		{"how it ends", bedrocktest.Text("a").StopSequence("END").Tokens(1, 2).CacheTokens(3, 4), false,
			[]string{`"stop_reason":"stop_sequence","stop_sequence":"END"`, `"input_tokens":1,`, `"output_tokens":2`, `"cache_read_input_tokens":3`, `"cache_creation_input_tokens":4`}},
		{"a failure", bedrocktest.Failure("ModelErrorException", "no").WithStatus(499).WithHeader("Retry-After", "9").WithField("originalStatusCode", 500), false,
			[]string{"499", "Retry-After:[9]", `"message":"no","originalStatusCode":500`, "ModelErrorException:"}},
		{"a body", bedrocktest.Body(200, "<html>").WithStatus(502).WithHeader("Content-Type", "text/html"), false, []string{"502", "Content-Type:[text/html]", "<html>"}},
		{"events", bedrocktest.Events(`{"type":"ping"}`).Pace(0), true, []string{"200", `{"bytes":"eyJ0eXBlIjoicGluZyJ9"`}},
		{"messages", bedrocktest.Message("chunk", "a").Message("b", `{"c":1}`), true, []string{"200", "chunk", `{"c":1}`}},
		{"an exception", bedrocktest.Pass().ExceptionAfter(1, "modelStreamErrorException", "no").WithField("originalStatusCode", 500), true,
			[]string{":exception-type", "modelStreamErrorException", `{"message":"no","originalStatusCode":500}`}},
		{"an error", bedrocktest.Pass().ErrorAfter(1, "Internal", "no"), true, []string{":error-code", "Internal"}},
		{"unchecked", bedrocktest.Text("scripted").Unchecked().OnModel("us.anthropic.*").OnOperation("Invoke*").Delay(time.Millisecond), false, []string{`"text":"scripted"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := bedrocktest.NewServer(t, bedrocktest.WithChunkDelay(0))
			srv.Script(c.step)
			operation := "invoke"
			if c.stream {
				operation = "invoke-with-response-stream"
			}
			resp := invoke(srv, operation, "hi")
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(resp.StatusCode, resp.Header, string(body))
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want it to have %q", got, want)
				}
			}
			if unused := srv.Unused(); unused != nil {
				t.Errorf("Unused() = %q", unused)
			}
		})
	}
}

// TestAStepIsTheBeginningOfSeveral holds that methods change copies only.
func TestAStepIsTheBeginningOfSeveral(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	text, failure := bedrocktest.Text("a").Text("b"), bedrocktest.Failure("ThrottlingException", "").WithHeader("A", "1")
	text.Text("c").Stop("max_tokens").Times(3)
	text.Text("d")
	failure.WithHeader("A", "2").WithStatus(500).WithField("x", 1)
	srv.Script(text, failure)
	if got, want := ask(srv, "hi"), `200 "a" "b" end_turn`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	resp := invoke(srv, "invoke", "hi")
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 429 || resp.Header.Get("A") != "1" || strings.Contains(string(body), "x") {
		t.Errorf("got %d %v %s, want the failure as it was", resp.StatusCode, resp.Header, body)
	}
}

// A spy is a test that has been told to fail.
type spy struct {
	testing.TB
	fatal string
}

func (s *spy) Fatalf(format string, args ...any) {
	if s.fatal == "" {
		s.fatal = fmt.Sprintf(format, args...)
	}
}

func TestFaultySteps(t *testing.T) {
	for _, c := range []struct {
		name string
		step bedrocktest.Step
		want string
	}{
		{"not so often", bedrocktest.Text("a").Times(0), "steps[1].times: want 1 or more; for every call use always"},
		{"an unknown exception", bedrocktest.Failure("Throttling", ""), `steps[1].failure.code: unknown exception "Throttling"; known: `},
		{"an input that is no object", bedrocktest.ToolUse("W", 1), "steps[1].answer.content[0].input: want an object"},
		{"an input that has no JSON", bedrocktest.ToolUse("W", make(chan int)), "steps[1].answer.content[0].input: want an object"},
		{"an event that is no JSON", bedrocktest.Events("{"), "steps[1].events[0]: want an event of Claude's"},
		{"two answers", bedrocktest.Failure("ThrottlingException", "").Text("a"), "steps[1]: has answer and failure: one step, one answer"},
		{"the ID of a text", bedrocktest.Text("a").WithID("x"), "steps[1]: WithID goes behind ToolUse"},
		{"the status of a text", bedrocktest.Text("a").WithStatus(500), "steps[1]: WithStatus is for Failure and Body"},
		{"a header of a text", bedrocktest.Text("a").WithHeader("A", "b"), "steps[1]: WithHeader is for Failure and Body"},
		{"a field of a text", bedrocktest.Text("a").WithField("A", "b"), "steps[1]: WithField is for Failure and ExceptionAfter"},
		{"a stall without an answer", bedrocktest.NoAnswer(bedrocktest.Stall), "steps[1].failure.connection: want cut or reset"},
		{"a stream that is none", bedrocktest.Pass().BreakAfterBytes(3, bedrocktest.Cut).OnOperation("CountTokens"), `steps[1].when.operation: "CountTokens" cannot be answered so`},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := &spy{TB: t}
			srv := bedrocktest.NewServer(told)
			srv.Script(bedrocktest.Pass(), c.step)
			if !strings.HasPrefix(told.fatal, "bedrocktest: Script: "+c.want) {
				t.Errorf("the test was told %q, want %q", told.fatal, c.want)
			}
		})
	}
	told := &spy{TB: t}
	bedrocktest.NewServer(told).ScriptFile(filepath.Join(t.TempDir(), "none.json"))
	if !strings.HasPrefix(told.fatal, "bedrocktest: ScriptFile: open ") {
		t.Errorf("a file that is not there: the test was told %q", told.fatal)
	}
}

func TestScriptFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script.json")
	const file = `{"steps": [{"answer": {"content": "scripted"}}, {"failure": {"code": "AccessDeniedException"}}]}`
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := bedrocktest.NewServer(t)
	srv.Script(bedrocktest.Pass())
	srv.ScriptFile(path)
	if diff := cmp.Diff([]string{"step 1 was taken 0 of 1 times", "step 2 (" + path + ":1) was taken 0 of 1 times", "step 3 (" + path + ":1) was taken 0 of 1 times"}, srv.Unused()); diff != "" {
		t.Errorf("Unused(), -want +got:\n%s", diff)
	}
	for _, want := range []string{`200 "You said: hi`, `200 "scripted"`, "403 AccessDeniedException: You don't have access"} {
		if got := ask(srv, "hi"); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestResetOverTLS: under TLS too it is the TCP connection that is reset.
func TestResetOverTLS(t *testing.T) {
	srv := bedrocktest.NewTLSServer(t)
	srv.Script(bedrocktest.NoAnswer(bedrocktest.Reset), bedrocktest.Text("one two three").BreakAfter(2, bedrocktest.Reset))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(srv.CAPEM())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}} // HTTP/1.1
	defer client.CloseIdleConnections()
	_, err := client.Do(post(t, srv, opus, srv.APIKey))
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("without an answer: got %v, want a reset", err)
	}
	r := post(t, srv, opus, srv.APIKey)
	r.URL.Path += "-with-response-stream"
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, syscall.ECONNRESET) || strings.Count(string(body), ":message-type") != 2 {
		t.Errorf("within a stream: got %q, %v, want two messages and a reset", body, err)
	}
	if got := srv.Requests(); len(got) != 2 || got[0].Status != 0 || got[1].Status != 200 {
		t.Errorf("Requests() = %+v, want both, the first without a status", got)
	}
}

// TestStepsWhileCallsAreUnderWay adds steps in a test as it goes along.
func TestStepsWhileCallsAreUnderWay(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	for i := range 3 {
		text := fmt.Sprint("answer ", i)
		srv.Script(bedrocktest.Text(text))
		if got := ask(srv, "hi"); !strings.Contains(got, text) {
			t.Errorf("got %s, want %s", got, text)
		}
	}
}
