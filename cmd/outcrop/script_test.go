package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// The scripts in testdata/script are what users do, one story each.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"outcrop": main,
		"ask":     func() { os.Exit(ask()) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each outcrop takes a second to end under the race detector
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"bedrock": startBedrock},
	})
}

// startBedrock is the script command "bedrock [-cut BYTES | -gone]": an embedded Bedrock, and the
// environment that leads AWS's SDKs to it. With -cut its answers end after that many bytes; with -gone
// nobody listens there any more.
func startBedrock(ts *testscript.TestScript, neg bool, args []string) {
	cut := -1
	if len(args) == 2 && args[0] == "-cut" {
		cut, _ = strconv.Atoi(args[1])
		args = nil
	}
	gone := slices.Equal(args, []string{"-gone"})
	if neg || len(args) > 0 && !gone {
		ts.Fatalf("usage: bedrock [-cut BYTES | -gone]")
	}
	srv := bedrocktest.NewServer(scriptTB{ts: ts})
	ts.Defer(srv.Close)
	for _, entry := range srv.Env() {
		name, value, _ := strings.Cut(entry, "=")
		ts.Setenv(name, value)
	}
	if gone {
		srv.Close()
	}
	if cut >= 0 {
		ts.Setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", startCutting(ts, srv.URL, int64(cut)))
	}
}

// startCutting starts a proxy that breaks answers off.
func startCutting(ts *testscript.TestScript, to string, after int64) string {
	target, err := url.Parse(to)
	ts.Check(err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the signature covers it
		},
		ModifyResponse: func(r *http.Response) error {
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(r.Body, after), r.Body}
			r.ContentLength = -1
			r.Header.Del("Content-Length")
			return nil
		},
	}
	srv := httptest.NewServer(proxy)
	ts.Defer(srv.Close)
	return srv.URL
}

// scriptTB lets a script own a Server.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

func (scriptTB) Helper()                             {}
func (scriptTB) Cleanup(func())                      {}
func (s scriptTB) Fatal(args ...any)                 { s.ts.Fatalf("%v", args) }
func (s scriptTB) Fatalf(format string, args ...any) { s.ts.Fatalf(format, args...) }

// ask is a client for scripts: it sends its argument to the gateway that its environment names, by
// the Anthropic Messages API, and prints status and answer. With "wait" it waits for a signal.
func ask() int {
	if os.Args[1] == "wait" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Stdout.WriteString("waiting\n")
		<-ctx.Done()
		return 7
	}
	body := `{"model":"` + os.Args[1] + `","max_tokens":200,"messages":[{"role":"user","content":"` + os.Args[2] + `"}]}`
	req, err := http.NewRequest("POST", os.Getenv("ANTHROPIC_BASE_URL")+"/v1/messages", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("ANTHROPIC_AUTH_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	os.Stdout.WriteString(resp.Status + " " + string(text) + "\n")
	return 0
}
