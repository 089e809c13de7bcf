package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestErrorBeforeTheFirstEventHasItsStatus(t *testing.T) {
	r := newRig(t, answers(exception("validationException", "max_tokens: too large")))
	if resp, text := r.send("POST", "/v1/messages", streamed); resp.StatusCode != 400 || !strings.Contains(text, `"invalid_request_error","message":"max_tokens: too large"`) {
		t.Errorf("Anthropic door: %d %s", resp.StatusCode, text)
	}
	if resp, text := r.send("POST", nativeStream, native); resp.StatusCode != 400 || text != `{"message":"max_tokens: too large"}` ||
		!strings.HasPrefix(resp.Header.Get("X-Amzn-Errortype"), "ValidationException:") {
		t.Errorf("native door: %d %s %v", resp.StatusCode, text, resp.Header)
	}
}

func TestBedrocksRefusalPassesWithItsStatus(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.bedrock/")
		w.Header().Set("X-Amzn-Requestid", "aws-9")
		w.WriteHeader(403)
		io.WriteString(w, `{"message":"You don't have access to the model with the specified model ID."}`)
	})
	resp, text := r.send("POST", "/v1/messages", streamed)
	if resp.StatusCode != 403 || !strings.Contains(text, `AccessDeniedException: You don't have access to the model`) ||
		!strings.Contains(text, "permission_error") || resp.Header.Get("X-Amzn-Requestid") != "aws-9" || resp.Header.Get("X-Should-Retry") != "false" {
		t.Errorf("Anthropic door: %d %s %v", resp.StatusCode, text, resp.Header)
	}
	resp, text = r.send("POST", nativeStream, native)
	if resp.StatusCode != 403 || text != `{"message":"You don't have access to the model with the specified model ID."}` {
		t.Errorf("native door: %d %s", resp.StatusCode, text)
	}
	if !strings.Contains(r.log.String(), "target=us.anthropic.claude-haiku-4-5-20251001-v1:0") || !strings.Contains(r.log.String(), "code=AccessDeniedException") || !strings.Contains(r.log.String(), "aws_request_id=aws-9") {
		t.Errorf("the log does not say what AWS said: %s", r.log)
	}
}

func TestStreamThatBreaksEndsInAnExplicitError(t *testing.T) {
	f := func(name, want string, sent ...[]byte) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, answers(sent...))
			resp, text := r.send("POST", "/v1/messages", streamed)
			events, last, ok := strings.Cut(text, "event: error\n")
			if resp.StatusCode != 200 || !ok || !strings.Contains(last, want) || strings.Contains(events, "message_stop") || !strings.Contains(events, "message_start") {
				t.Errorf("Anthropic door: %d\n%s", resp.StatusCode, text)
			}
			resp, text = r.send("POST", nativeStream, native)
			if resp.StatusCode != 200 || !strings.HasPrefix(text, string(start)) || !strings.Contains(text, "exception") || !strings.Contains(text, want) {
				t.Errorf("native door: %d %q", resp.StatusCode, text)
			}
			if log := r.log.String(); strings.Count(log, "msg=invocation") != 2 || !strings.Contains(log, "reason=") {
				t.Errorf("the log does not say what broke: %s", log)
			}
		})
	}
	f("it ends before message_stop", "before message_stop", start, delta)
	f("it is cut within a message", "broke off", start, delta[:40])
	f("an exception", "Too many tokens", start, delta, exception("throttlingException", "Too many tokens"))
	f("a flipped bit", "checksum", start, append(slices.Clone(delta[:100]), append([]byte{delta[100] ^ 1}, delta[101:]...)...))
}

func TestNativeExceptionIsTheOneThatBedrockSent(t *testing.T) {
	sent := exception("modelTimeoutException", "slow")
	r := newRig(t, answers(start, sent))
	if _, text := r.send("POST", nativeStream, native); text != string(start)+string(sent) {
		t.Errorf("got %q", text)
	}
}

// hang sends what it is given, then nothing until the client goes away.
func hang(gone chan<- struct{}, sent ...[]byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answers(sent...)(w, r)
		<-r.Context().Done()
		close(gone)
	}
}

func TestSilence(t *testing.T) {
	gone := make(chan struct{})
	r := newRig(t, hang(gone, start, delta), func(c *Config) { c.PingInterval = 100 * time.Millisecond })
	_, text := r.send("POST", "/v1/messages", streamed)
	if n := strings.Count(text, "event: ping\n"); n < 6 || n > 10 {
		t.Errorf("%d pings in a second of silence at one each 100 ms, want 9 or so:\n%s", n, text)
	}
	if !strings.Contains(text, "no event for 1s") {
		t.Errorf("an idle stream ends without an error:\n%s", text)
	}
	<-gone
	gone2 := make(chan struct{})
	r = newRig(t, hang(gone2, start, delta), func(c *Config) { c.PingInterval = 100 * time.Millisecond })
	if _, text := r.send("POST", nativeStream, native); strings.Contains(text, "ping") || !strings.Contains(text, "no event for 1s") {
		t.Errorf("native door: %q", text)
	}
	<-gone2
}

func TestEventsLeaveAsTheyCome(t *testing.T) {
	next := make(chan []byte)
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		for m := range next {
			w.Write(m)
			w.(http.Flusher).Flush()
		}
	})
	go func() { next <- start }()
	req, _ := http.NewRequest("POST", r.url+"/v1/messages", strings.NewReader(streamed))
	req.Header.Set("X-Api-Key", testKey)
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	expect := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == "event: "+want {
				return
			}
		}
		t.Fatalf("the stream ended before %s", want)
	}
	expect("message_start") // and only then does Bedrock go on
	next <- delta
	expect("content_block_delta")
	next <- stop
	expect("message_stop")
	close(next)
}

func TestClientThatGoesAwayStopsBedrock(t *testing.T) {
	gone := make(chan struct{})
	r := newRig(t, hang(gone, start, delta))
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, "POST", r.url+"/v1/messages", strings.NewReader(streamed))
	req.Header.Set("X-Api-Key", testKey)
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("Bedrock was not told")
	}
	deadline := time.Now().Add(5 * time.Second)
	for !strings.Contains(r.log.String(), "kind=canceled") && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if !strings.Contains(r.log.String(), "kind=canceled") {
		t.Errorf("log: %s", r.log)
	}
}

func TestClientThatDoesNotReadIsCut(t *testing.T) {
	r, conn, stopped := unread(t)
	io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: "+testKey+"\r\nContent-Length: "+
		strconv.Itoa(len(streamed))+"\r\n\r\n"+streamed)
	select {
	case <-stopped:
	case <-time.After(20 * time.Second):
		t.Fatal("the upstream is still being read")
	}
	deadline := time.Now().Add(5 * time.Second)
	for !strings.Contains(r.log.String(), "did not read for") && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if !strings.Contains(r.log.String(), "did not read for") {
		t.Errorf("log: %s", r.log)
	}
}

func TestHTTP2ByPriorKnowledge(t *testing.T) {
	r := newRig(t, answers(start, delta, stop))
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	h2 := &http.Transport{Protocols: protocols}
	defer h2.CloseIdleConnections()
	r.client = &http.Client{Transport: h2}
	resp, text := r.send("POST", nativeStream, native)
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 || text != string(slices.Concat(start, delta, stop)) {
		t.Errorf("HTTP/%d: %d, %d bytes", resp.ProtoMajor, resp.StatusCode, len(text))
	}
}

func TestMetricsAndTheOneLogLine(t *testing.T) {
	r := newRig(t, answers(start, delta, stop))
	r.send("POST", "/v1/messages", streamed, "X-Claude-Code-Session-Id", "session-1", "Anthropic-Beta", "files-api-2025-04-14")
	r.send("POST", nativePath, native)
	r.send("POST", "/v1/messages", `{"model":"gpt-9"}`)
	_, text := r.send("GET", "/metrics", "")
	for _, want := range []string{
		`outcrop_requests_total{door="anthropic",model="claude-haiku-4-5",operation="InvokeModelWithResponseStream",status="200"} 1`,
		`outcrop_requests_total{door="bedrock",model="claude-haiku-4-5",operation="InvokeModel",status="200"} 1`,
		`outcrop_errors_total{door="anthropic",kind="not_found",model="other"} 1`,
		`outcrop_tokens_total{model="claude-haiku-4-5",type="input"} 10`,
		`outcrop_tokens_total{model="claude-haiku-4-5",type="output"} 3`,
		`outcrop_time_to_first_content_seconds_count{door="anthropic",model="claude-haiku-4-5"} 1`,
		`outcrop_request_duration_seconds_count{door="bedrock",operation="InvokeModel"} 1`,
		`outcrop_open_streams 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d log lines for 3 invocations:\n%s", len(lines), r.log)
	}
	for _, want := range []string{"key=tester", "session=session-1", "model=claude-haiku-4-5 ", "target=us.anthropic.claude-haiku-4-5-20251001-v1:0",
		"input_tokens=7", "output_tokens=2", `left_out="beta files-api-2025-04-14"`, "first_content_ms="} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("the line lacks %s: %s", want, lines[0])
		}
	}
}

// blocked is a client whose connection takes nothing after the head of the answer, until a write
// deadline in the past.
type blocked struct {
	header http.Header
	cut    chan struct{}
}

func (b *blocked) Header() http.Header              { return b.header }
func (b *blocked) WriteHeader(int)                  {}
func (b *blocked) Flush()                           {}
func (b *blocked) Write([]byte) (int, error)        { <-b.cut; return 0, io.ErrClosedPipe }
func (b *blocked) SetWriteDeadline(time.Time) error { close(b.cut); return nil }

func TestPingThatBlocksIsCutToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &blocked{header: http.Header{}, cut: make(chan struct{})}
		began := time.Now()
		out := newStreamWriter(client, []byte("ping"), 15*time.Second, time.Minute)
		<-client.cut
		if got := time.Since(began); got != 75*time.Second {
			t.Errorf("cut after %v, want 15 s of silence and a minute in the ping", got)
		}
		out.Close()
	})
}

func TestPingsComeAfterSilenceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		began := time.Now()
		rec := httptest.NewRecorder()
		out := newStreamWriter(&noting{rec, func(p string) { got = append(got, p+" "+time.Since(began).String()) }}, []byte("ping"), 15*time.Second, time.Minute)
		time.Sleep(10 * time.Second)
		out.Write([]byte("event"))
		time.Sleep(14 * time.Second)
		out.Write([]byte("event"))
		time.Sleep(31 * time.Second)
		out.Close()
		time.Sleep(time.Hour)
		want := []string{"event 10s", "event 24s", "ping 39s", "ping 54s"}
		if !slices.Equal(got, want) {
			t.Errorf("written %v, want %v", got, want)
		}
	})
}

type noting struct {
	http.ResponseWriter
	note func(string)
}

func (n *noting) Write(p []byte) (int, error) { n.note(string(p)); return len(p), nil }
func (n *noting) Flush()                      {}

// A body that does not come must not hold a connection, whoever sends it.
func TestBodyThatDoesNotCome(t *testing.T) {
	r := newRig(t, answers())
	for _, key := range []string{"wrong-key-wrong-key", ""} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: "+key+"\r\nContent-Length: 5\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401") {
			t.Errorf("key %q: %q, %v; want 401 and the connection closed", key, answer, err)
		}
	}
}

func TestWholeAnswerCutByAShutdownIsAnError(t *testing.T) {
	began := make(chan struct{})
	for _, path := range []string{"/v1/messages", nativePath} {
		r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
			began <- struct{}{}
			<-r.Context().Done()
		})
		go func() { <-began; r.stop() }()
		body := map[bool]string{true: messages, false: native}[path == "/v1/messages"]
		resp, text := r.send("POST", path, body)
		if resp.StatusCode < 500 || !strings.Contains(text, "shutting down") {
			t.Errorf("%s: %d %q, want an error that names the shutdown", path, resp.StatusCode, text)
		}
	}
}

func TestPanicIsNotASuccess(t *testing.T) {
	r := newRig(t, answers(), func(c *Config) { c.Client = nil }) // a fault of ours
	req, _ := http.NewRequest("POST", r.url+"/v1/messages", strings.NewReader(messages))
	req.Header.Set("X-Api-Key", testKey)
	if resp, err := r.client.Do(req); err == nil {
		t.Errorf("the client reads %s", resp.Status)
	}
	if log := r.log.String(); !strings.Contains(log, "level=ERROR msg=panic") || !strings.Contains(log, "msg=invocation") || !strings.Contains(log, "status=500") {
		t.Errorf("log: %s", log)
	}
}

func TestBodyDeadline(t *testing.T) {
	began := time.Unix(1000, 0)
	f := func(name string, after time.Duration, n int, want time.Duration) {
		if got := bodyDeadline(began, began.Add(after), n).Sub(began); got != want {
			t.Errorf("%s: after %v with %d bytes the next must be there at %v, want %v", name, after, n, got, want)
		}
	}
	f("a start", 0, 0, 15*time.Second)
	f("a drip buys no time", 10*time.Second, 10, 15*time.Second+10*time.Second/bodyRate)
	f("what came fast buys a pause", 10*time.Second, 10<<20, 25*time.Second)
}

func TestBodiesThatAreRefused(t *testing.T) {
	r := newRig(t, answers())
	resp, text := r.send("POST", "/v1/messages", messages, "Content-Encoding", "gzip")
	if resp.StatusCode != 400 || !strings.Contains(text, "gzip") {
		t.Errorf("a compressed body: %d %s", resp.StatusCode, text)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: "+testKey+"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	answer, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400") || !strings.Contains(string(answer), "cannot be read") {
		t.Errorf("a malformed chunk: %q", answer)
	}
}

// A length that a request claims costs nothing before the bytes are there.
func TestClaimedLengthIsNotAllocated(t *testing.T) {
	r := &http.Request{ContentLength: maxBody, Body: io.NopCloser(strings.NewReader("{}"))}
	w := httptest.NewRecorder()
	if bytes := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Body = io.NopCloser(strings.NewReader("{}"))
			readBody(w, r)
		}
	}).AllocedBytesPerOp(); bytes > 256<<10 {
		t.Errorf("a body of 2 bytes that claims %d takes %d", maxBody, bytes)
	}
}

// Nor does a short body that does not come take more than it says.
func TestShortBodyTakesItsLength(t *testing.T) {
	for _, length := range []int64{-1, 0, 1, 300, believed} {
		r := &http.Request{ContentLength: length, Body: io.NopCloser(strings.NewReader(strings.Repeat("a", int(max(length, 0)))))}
		body, err := readBody(httptest.NewRecorder(), r)
		if want := max(int(length)+1, 4<<10); err != nil || len(body) != int(max(length, 0)) || cap(body) > want {
			t.Errorf("readBody of %d bytes: %d in room for %d, %v; want room for %d at most", length, len(body), cap(body), err, want)
		}
	}
}

// While a body grows it is there twice: what came, and the room that it is copied to.
func TestBodyThatGrowsTakesHalfAsMuchAgainAtMost(t *testing.T) {
	for _, length := range []int64{-1, 100, believed, maxBody - 1, maxBody} {
		body := make([]byte, 0, believed)
		for range 100 {
			next := grow(body[:cap(body)], length)
			if held := cap(body) + cap(next); held > maxBody*3/2 {
				t.Errorf("a body of length %d: %d MiB are held when it has %d", length, held>>20, cap(body)>>20)
			}
			if body = next; cap(body) > maxBody || length >= 0 && cap(body) > int(length) {
				break // one byte more than that is never read
			}
		}
	}
}

func TestConnectionsAfterWhichNothingIsTrusted(t *testing.T) {
	r := newRig(t, answers(start, delta, stop))
	f := func(name, method string, length int64, want bool) {
		t.Helper()
		req, err := http.NewRequest(method, r.url+"/v1/messages", strings.NewReader(messages))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("X-Api-Key", testKey)
		if resp, _ := r.do(req); resp.Close != want {
			t.Errorf("%s: the connection is closed: %v, want %v", name, resp.Close, want)
		}
	}
	f("by length", "POST", int64(len(messages)), false)
	f("chunked", "POST", -1, true)
	f("refused, chunked", "PUT", -1, true)
}

// Who asks and asks and reads no answer does not hold a connection either, whatever was asked.
func TestClientThatReadsNoAnswerAtAllIsCut(t *testing.T) {
	r := newRig(t, answers(start, delta, stop), func(c *Config) { c.StallTimeout = 300 * time.Millisecond })
	for _, request := range []string{
		"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		many := strings.Repeat(request, 1000)
		for err == nil {
			_, err = io.WriteString(conn, many)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%.20q without end: the connection is still there after 20 s", request)
		}
	}
}
