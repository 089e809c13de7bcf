package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// A far is a Bedrock of the tests' own, since bedrocktest has no answers of many MB and none that wait.
// It keeps what came and counts what is under way.
type far struct {
	*httptest.Server
	open    atomic.Int64 // calls under way
	most    atomic.Int64 // of them at a time
	written atomic.Int64 // bytes of answers that its sockets took

	mu     sync.Mutex
	bodies []string
}

// startFar starts a far that answers streaming operations with stream, and all others at once.
func startFar(t *testing.T, stream http.HandlerFunc) *far {
	t.Helper()
	f := new(far)
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer f.open.Add(-1)
		raise(&f.most, f.open.Add(1))
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the gateway has taken it back
		}
		f.mu.Lock()
		f.bodies = append(f.bodies, string(body))
		f.mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "-stream") {
			w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
			stream(counting{w, &f.written}, r.WithContext(context.WithValue(r.Context(), bodyKey{}, string(body))))
			return
		}
		io.WriteString(w, wholeAnswer)
	}))
	f.Start()
	t.Cleanup(f.Close)
	return f
}

const wholeAnswer = `{"id":"msg_bdrk_1","type":"message","role":"assistant","content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":3,"output_tokens":1}}`

func raise(most *atomic.Int64, to int64) {
	for old := most.Load(); to > old && !most.CompareAndSwap(old, to); old = most.Load() {
	}
}

type bodyKey struct{}

// sent is the body of a request to a far.
func sent(r *http.Request) string { return r.Context().Value(bodyKey{}).(string) }

type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

func (c counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// came returns the bodies of all calls up to now.
func (f *far) came() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bodies)
}

// serveFar starts a gateway in front of f.
func serveFar(t *testing.T, f *far, flags ...string) *gateway {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("what a process takes is read from /proc")
	}
	return startGateway(t, []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=invented", "AWS_REGION=us-east-1"},
		append(flags, "--endpoint-url", f.URL)...)
}

// address is where the gateway listens.
func (g *gateway) address() string { return strings.TrimPrefix(g.URL, "http://") }

// memory is a figure of the process in bytes: VmRSS, what it holds now, or VmHWM, the most it held.
func (p *process) memory(t *testing.T, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s", field, text)
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}

// forgetPeak has VmHWM begin anew.
func (p *process) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// files is how many file descriptors the process has.
func (p *process) files(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// metric adds up the series of that name whose labels have all of the words in them.
func (g *gateway) metric(t *testing.T, name string, words ...string) (sum float64) {
	t.Helper()
	resp, err := once.Get(g.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		series, value, _ := strings.Cut(lines.Text(), " ")
		labels, ok := strings.CutPrefix(series, name)
		if !ok || labels != "" && labels[0] != '{' || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(labels, w) }) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// wantNothingLeft waits until the gateway has about as many files and goroutines as it had, beside
// connections to f that wait for the next call.
func (g *gateway) wantNothingLeft(t *testing.T, f *far, files int, goroutines float64) {
	t.Helper()
	eventually(t, 10*time.Second, func() bool { return f.open.Load() == 0 },
		func() string { return fmt.Sprintf("%d calls upstream are left", f.open.Load()) })
	f.CloseClientConnections()
	eventually(t, 10*time.Second, func() bool {
		return g.files(t) <= files+4 && g.metric(t, "go_goroutines") <= goroutines+8
	}, func() string {
		return fmt.Sprintf("%d files (%d before), %v goroutines (%v before)", g.files(t), files, g.metric(t, "go_goroutines"), goroutines)
	})
}

// once makes each request on a connection of its own.
var once = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

// eventually waits until ok, and fails the test with what says when limit is over.
func eventually(t *testing.T, limit time.Duration, ok func() bool, what func() string) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("after %v: %s", limit, what())
			return
		}
	}
}

// A streamDoor is a front door and how to ask it for a stream.
type streamDoor struct{ name, path, before, after string }

var streamDoors = []streamDoor{
	{"Anthropic", "/v1/messages", `{"model":"claude-haiku-4-5","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"`, `"}]}`},
	{"native", "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke-with-response-stream",
		`{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"`, `"}]}`},
}

func (d streamDoor) body(text string) string { return d.before + text + d.after }

const plainMessage = `{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`

// ask makes one ordinary request.
func (g *gateway) ask(t *testing.T, client *http.Client) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, g.URL+"/v1/messages", strings.NewReader(plainMessage))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+g.Key)
	resp, err := client.Do(req)
	if err != nil {
		t.Errorf("an ordinary request: %v", err)
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || string(text) != wholeAnswer {
		t.Errorf("an ordinary request: %d %.300s, %v", resp.StatusCode, text, err)
	}
}

// A pace is how long ordinary requests take.
type pace struct{ median, p99 time.Duration }

func (p pace) String() string { return fmt.Sprintf("median %v, p99 %v", p.median, p.p99) }

// paceOf sorts took.
func paceOf(took []time.Duration) pace {
	slices.Sort(took)
	n := len(took)
	return pace{took[n/2], took[n-1-n/100]}
}

// like reports whether a client would notice no difference to the pace it had. How slow the slowest were
// before tells how busy the machine is with something else.
func (p pace) like(before pace) bool {
	return p.median <= before.median+5*time.Millisecond+4*before.p99 && p.p99 <= 10*before.p99+20*time.Millisecond
}

// askMany is askBy with a connection that is kept.
func (g *gateway) askMany(t *testing.T, n int) pace {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	return g.askBy(t, client, n)
}

// askBy times ordinary requests of a client, one after the other.
func (g *gateway) askBy(t *testing.T, client *http.Client, n int) pace {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		g.ask(t, client)
		took[i] = time.Since(began)
	}
	return paceOf(took)
}

// wantPace times n ordinary requests and expects them to be like those before. A machine that is busy
// with something else may spoil two tries of three.
func (g *gateway) wantPace(t *testing.T, before pace, n int) (then pace) {
	t.Helper()
	for range 3 {
		if then = g.askMany(t, n); then.like(before) {
			return then
		}
	}
	t.Errorf("ordinary requests: %v, and %v meanwhile", before, then)
	return then
}

// connect opens a connection that ends with the test.
func (g *gateway) connect(t *testing.T) (*net.TCPConn, error) {
	conn, err := net.Dial("tcp", g.address())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * time.Minute)) // no test hangs for ever
	return conn.(*net.TCPConn), nil
}

// dial is connect for the goroutine of the test.
func (g *gateway) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := g.connect(t)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// heapGoal is how far the heap may grow before it is collected: a floor, or twice what was alive when it
// was collected last. That tells what is held better than the heap in use, in which there is garbage.
func (g *gateway) heapGoal(t *testing.T) int64 {
	t.Helper()
	return int64(g.metric(t, "go_memstats_next_gc_bytes"))
}

// fillHeap makes requests until the heap has been collected, so that what it may fill anyhow is not
// counted for what comes.
func (g *gateway) fillHeap(t *testing.T) {
	t.Helper()
	collected := g.metric(t, "go_gc_duration_seconds_count")
	eventually(t, 20*time.Second, func() bool {
		g.askMany(t, 100)
		return g.metric(t, "go_gc_duration_seconds_count") >= collected+1
	}, func() string { return "the heap is not collected" })
}

// wantHeapBack makes requests until the heap has been collected down to about the goal that it had.
func (g *gateway) wantHeapBack(t *testing.T, before int64) {
	t.Helper()
	collected := g.metric(t, "go_gc_duration_seconds_count")
	eventually(t, 20*time.Second, func() bool {
		g.askMany(t, 50)
		return g.metric(t, "go_gc_duration_seconds_count") >= collected+2 && g.heapGoal(t) <= before+heapSlack
	}, func() string {
		return fmt.Sprintf("the heap is collected at %d MiB, %d before", g.heapGoal(t)>>20, before>>20)
	})
}

// heapSlack is twice what idle connections and the like may hold.
const heapSlack = 4 << 20

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// chunkOf is an event stream message of one event, by AWS's encoder.
func chunkOf(t testing.TB, event string) []byte {
	payload, err := json.Marshal(struct {
		Bytes []byte `json:"bytes"`
		P     string `json:"p"`
	}{[]byte(event), "abc"})
	if err != nil {
		t.Fatal(err)
	}
	return encodeMessage(t, "event", ":event-type", "chunk", payload)
}

// lengthy is a streamed answer of about that many bytes, in deltas of n bytes of text.
func lengthy(t testing.TB, size, n int) http.HandlerFunc {
	messages := answerMessages(t, 1)
	piece := chunkOf(t, fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}`, strings.Repeat("word ", n/5)))
	burst := bytes.Repeat(piece, max(1, 16<<10/len(piece)))
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Write(bytes.Join(messages[:deltasAt], nil))
		for sent := 0; sent < size; sent += len(burst) {
			if _, err := w.Write(burst); err != nil {
				return
			}
		}
		w.Write(bytes.Join(messages[deltasAt:], nil))
	}
}

// stalled is how many clients do not read.
const stalled = 100

// What a stream may take whose client does not read: 256 KiB, unless single events are as long as none of
// Bedrock's are. Such an event is there as it came, as its payload, as JSON and as it leaves.
func TestClientsThatNeverReadAStream(t *testing.T) {
	for _, c := range []struct {
		text   int // bytes in each delta
		http2  bool
		cold   int64 // the most for each, when the gateway's heap has not grown to its floor yet
		filled int64 // and when it has
	}{
		{200, false, 256 << 10, 128 << 10},
		{200, true, 256 << 10, 128 << 10},
		{30_000, false, 384 << 10, 256 << 10},
		{65_000, false, 1536 << 10, 1536 << 10},
	} {
		for _, door := range streamDoors {
			t.Run(fmt.Sprintf("%s door, HTTP/2 %v, deltas of %d bytes", door.name, c.http2, c.text), func(t *testing.T) {
				neverRead(t, door, c.http2, c.text, c.cold, c.filled)
			})
		}
	}
}

func neverRead(t *testing.T, door streamDoor, http2 bool, text int, cold, filled int64) {
	const (
		answer = 40 << 20
		socket = answer/4 + 4<<20 // what sockets hold of it
	)
	f := startFar(t, lengthy(t, answer, text))
	g := serveFar(t, f)
	alone := g.askMany(t, 200)
	start := g.memory(t, "VmRSS")
	g.fillHeap(t)
	before, files, goroutines := g.memory(t, "VmRSS"), g.files(t), g.metric(t, "go_goroutines")
	goal := g.heapGoal(t)

	leave := g.ignore(t, door, http2, stalled)
	var last int64
	still := time.Now()
	eventually(t, 30*time.Second, func() bool { // until no more is taken from the upstream for a while
		if now := f.written.Load(); now != last {
			last, still = now, time.Now()
		}
		return f.open.Load() == stalled && time.Since(still) > 500*time.Millisecond
	}, func() string {
		return fmt.Sprintf("%d of %d streams are open, and more is read", f.open.Load(), stalled)
	})
	if last > stalled*socket {
		t.Errorf("the gateway has taken %d MiB of each answer that nobody reads, want %d at most", last/stalled>>20, socket>>20)
	}
	beside := g.wantPace(t, alone, 200)
	peak, held := g.memory(t, "VmHWM"), g.heapGoal(t)
	grown, beyond := (peak-start)/stalled, (peak-before)/stalled
	t.Logf("memory for each of %d stalled streams: %d KiB, %d once the heap has its floor; taken from the upstream: %d KiB each; ordinary requests: %v before, %v then",
		stalled, grown>>10, beyond>>10, last/stalled>>10, alone, beside)
	if grown > cold || beyond > filled {
		t.Errorf("a stalled stream takes %d KiB of memory, %d once the heap has its floor; want %d and %d at most", grown>>10, beyond>>10, cold>>10, filled>>10)
	}

	leave()
	g.wantNothingLeft(t, f, files, goroutines)
	g.wantHeapBack(t, goal)
	t.Logf("memory after: RSS %d KiB (%d before); the heap is collected at %d KiB (%d before, %d meanwhile)",
		g.memory(t, "VmRSS")>>10, before>>10, g.heapGoal(t)>>10, goal>>10, held>>10)
}

// ignore opens n streams that nobody reads; leave closes their connections.
func (g *gateway) ignore(t *testing.T, door streamDoor, http2 bool, n int) (leave func()) {
	t.Helper()
	if http2 {
		h, err := g.dialHTTP2(t)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			if _, err := h.post(door.path, door.body("hi"), true); err != nil {
				t.Fatal(err)
			}
		}
		return func() { h.conn.Close() }
	}
	var conns []net.Conn
	for range n {
		conn := g.dial(t)
		write(t, conn, string(post(door.path, door.body("hi"), withKey(g))))
		conns = append(conns, conn)
	}
	return func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// The upstream keeps the second half of each answer back until the gateway drains, so that no stream is
// over before.
func TestSIGTERMWithOpenStreams(t *testing.T) {
	const (
		each   = 100 // streams of a door
		pieces = 30
		length = 2 * time.Second // of the second half
	)
	messages := answerMessages(t, pieces)
	half := len(messages) / 2
	draining := make(chan struct{})
	f := startFar(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Join(messages[:half], nil))
		http.NewResponseController(w).Flush()
		select {
		case <-draining:
		case <-r.Context().Done():
			return
		}
		for _, m := range messages[half:] {
			w.Write(m)
			http.NewResponseController(w).Flush()
			time.Sleep(length / time.Duration(len(messages)-half))
		}
	})
	g := serveFar(t, f)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	h2 := &http.Client{Transport: &http.Transport{Protocols: protocols}} // all on one connection
	defer h2.CloseIdleConnections()
	type end struct {
		door string
		text []byte
		err  error
	}
	ends := make(chan end, each*len(streamDoors))
	for _, door := range streamDoors {
		for i := range each {
			go func() {
				text, err := g.read([]*http.Client{once, h2}[i%2], door)
				ends <- end{door.name, text, err}
			}()
		}
	}
	eventually(t, 10*time.Second, func() bool {
		return g.metric(t, "outcrop_open_streams") == float64(cap(ends)) && f.open.Load() == int64(cap(ends))
	}, func() string {
		return fmt.Sprintf("%v streams are open, %d calls upstream, want %d", g.metric(t, "outcrop_open_streams"), f.open.Load(), cap(ends))
	})
	g.cmd.Process.Signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, func() bool {
		conn, err := net.Dial("tcp", g.address())
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, func() string { return "a draining gateway still takes connections" })
	close(draining)
	want := map[string][]byte{"Anthropic": messagesEvents(t, messages), "native": bytes.Join(messages, nil)}
	complete := 0
	for range cap(ends) {
		switch e := <-ends; {
		case e.err != nil:
			t.Errorf("%s door: %v", e.door, e.err)
		case !bytes.Equal(e.text, want[e.door]) && t.Failed():
			// one is enough to read
		case !bytes.Equal(e.text, want[e.door]):
			t.Errorf("%s door: a stream of %d bytes, want %d; it ends in %q", e.door, len(e.text), len(want[e.door]), e.text[max(0, len(e.text)-200):])
		default:
			complete++
		}
	}
	last := time.Now()
	g.stop(t) // expects exit status 0
	took := time.Since(last)
	t.Logf("%d of %d streams complete, exit %v after the end of the last", complete, cap(ends), took)
	if took > 2*time.Second {
		t.Errorf("exit %v after the last stream's end, want 2 s at most", took)
	}
}

// read asks for a stream and reads it to its end.
func (g *gateway) read(client *http.Client, door streamDoor) ([]byte, error) {
	req, err := http.NewRequest(http.MethodPost, g.URL+door.path, strings.NewReader(door.body("hi")))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+g.Key)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return io.ReadAll(resp.Body)
}

// messagesEvents are the server-sent events that messages of Bedrock's are to become, read from them by
// AWS's decoder.
func messagesEvents(t *testing.T, messages [][]byte) []byte {
	t.Helper()
	var events bytes.Buffer
	for _, m := range messages {
		var chunk struct{ Bytes []byte }
		decoded, err := eventstream.NewDecoder().Decode(bytes.NewReader(m), nil)
		if err == nil {
			err = json.Unmarshal(decoded.Payload, &chunk)
		}
		var event struct{ Type string }
		if err == nil {
			err = json.Unmarshal(chunk.Bytes, &event)
		}
		if err != nil {
			t.Fatalf("message %q: %v", m, err)
		}
		fmt.Fprintf(&events, "event: %s\ndata: %s\n\n", event.Type, chunk.Bytes)
	}
	return events.Bytes()
}

// An answer that is not streamed is read whole before it is passed on. A client that does not read it
// holds that, and no more of it than its length as often as it takes to read and check it.
func TestClientsThatNeverReadAWholeAnswer(t *testing.T) {
	const (
		answer = 24 << 20 // Bedrock's own limit is a little more
		n      = 8
	)
	text := []byte(`{"type":"message","content":[{"type":"text","text":"` + strings.Repeat("word ", answer/5) + `"}]}`)
	var taken atomic.Int64
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); !bytes.Contains(body, []byte("much")) {
			io.WriteString(w, wholeAnswer)
			return
		}
		w.Write(text)
		taken.Add(1)
	}))
	t.Cleanup(large.Close)
	g := serveFar(t, &far{Server: large})
	alone := g.askMany(t, 100)
	before, files, goroutines := g.memory(t, "VmRSS"), g.files(t), g.metric(t, "go_goroutines")
	goal := g.heapGoal(t)
	var conns []net.Conn
	for i := range n {
		door := []string{"/v1/messages", "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke"}[i%2]
		body := []string{strings.Replace(plainMessage, "hi", "much", 1), streamDoors[1].body("much")}[i%2]
		conn := g.dial(t)
		write(t, conn, string(post(door, body, withKey(g))))
		conns = append(conns, conn)
	}
	eventually(t, 30*time.Second, func() bool { return taken.Load() == n },
		func() string { return fmt.Sprintf("%d of %d answers are read", taken.Load(), n) })
	beside := g.wantPace(t, alone, 100)
	grown := (g.memory(t, "VmHWM") - before) / n
	t.Logf("memory for each of %d stalled answers of %d MiB: %d MiB; ordinary requests: %v before, %v then",
		n, answer>>20, grown>>20, alone, beside)
	if grown > 4*answer {
		t.Errorf("a stalled answer of %d MiB takes %d MiB, want four times as much at most", answer>>20, grown>>20)
	}
	for _, conn := range conns {
		conn.Close()
	}
	g.wantNothingLeft(t, &far{Server: large}, files, goroutines)
	g.wantHeapBack(t, goal)
	t.Logf("memory after: RSS %d MiB (%d before), the heap is collected at %d MiB (%d before)", g.memory(t, "VmRSS")>>20, before>>20, g.heapGoal(t)>>20, goal>>20)
}

// Of 1,000 clients that leave in the middle of a stream, Bedrock hears within a second each.
func TestAbortsInTheMiddleOfAStream(t *testing.T) {
	const (
		total  = 1000
		atOnce = 20
	)
	ways := []func(*testing.T, *gateway, streamDoor, string) func() error{leaveByClosing, leaveByRST, leaveByReset}
	messages := answerMessages(t, 1)
	gone := new(sync.Map) // by the text that was asked
	f := startFar(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Join(messages[:deltasAt+1], nil))
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		id := regexp.MustCompile(`abort \d+`).FindString(sent(r))
		if at, ok := gone.Load(id); ok {
			at.(chan time.Time) <- time.Now()
		}
	})
	g := serveFar(t, f)
	g.askMany(t, 100)
	before, files, goroutines := g.memory(t, "VmRSS"), g.files(t), g.metric(t, "go_goroutines")

	var mu sync.Mutex
	var took []time.Duration
	next := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				if t.Failed() {
					continue // one that is not heard of is waited for long enough
				}
				id, heard := fmt.Sprintf("abort %d", i), make(chan time.Time, 1)
				gone.Store(id, heard)
				leave := ways[i%len(ways)](t, g, streamDoors[i/len(ways)%len(streamDoors)], id)
				if leave == nil {
					continue
				}
				left := time.Now()
				if err := leave(); err != nil {
					t.Errorf("%s: leave: %v", id, err)
				}
				select {
				case at := <-heard:
					mu.Lock()
					took = append(took, at.Sub(left))
					mu.Unlock()
				case <-time.After(10 * time.Second):
					t.Errorf("%s: the upstream has not heard of it after 10 s", id)
				}
			}
		})
	}
	for i := range total {
		next <- i
	}
	close(next)
	workers.Wait()
	if len(took) != total {
		t.Fatalf("%d of %d aborts reached the upstream", len(took), total)
	}
	slices.Sort(took)
	t.Logf("the upstream hears of an abort after %v, %v at most", took[total/2], took[total-1])
	if late := took[total-1]; late > time.Second {
		t.Errorf("an abort took %v to reach the upstream", late)
	}
	g.wantNothingLeft(t, f, files, goroutines)
	grown := g.memory(t, "VmRSS") - before
	t.Logf("memory after: %d KiB more than before", grown>>10)
	if grown > 32<<20 {
		t.Errorf("the gateway has %d MiB more than before", grown>>20)
	}
	if n := g.metric(t, "outcrop_errors_total", `kind="canceled"`); n != total {
		t.Errorf("the metrics count %v canceled, want %d", n, total)
	}
	if n := g.metric(t, "outcrop_open_streams"); n != 0 {
		t.Errorf("%v streams are open", n)
	}
	lines := map[string]int{}
	for line := range strings.Lines(g.log.String()) {
		if l := logLine(line); l.field("msg") == "invocation" && l.field("kind") == "canceled" {
			lines[l.field("request_id")]++
		}
	}
	for id, n := range lines {
		if n != 1 {
			t.Errorf("%s has %d lines in the log", id, n)
		}
	}
	if len(lines) != total {
		t.Errorf("the log has %d canceled invocations, want %d", len(lines), total)
	}
}

// begin opens a connection and reads the start of a stream.
func begin(t *testing.T, g *gateway, door streamDoor, text string) *net.TCPConn {
	conn, err := net.Dial("tcp", g.address())
	if err != nil {
		t.Error(err)
		return nil
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write(post(door.path, door.body(text), withKey(g))); err != nil {
		t.Error(err)
		return nil
	}
	head := make([]byte, 200) // of the answer, and what follows at once
	if _, err := io.ReadFull(conn, head); err != nil || !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
		t.Errorf("%s door: %q, %v", door.name, head, err)
		return nil
	}
	return conn.(*net.TCPConn)
}

func leaveByClosing(t *testing.T, g *gateway, door streamDoor, text string) func() error {
	conn := begin(t, g, door, text)
	if conn == nil {
		return nil
	}
	return conn.Close
}

func leaveByRST(t *testing.T, g *gateway, door streamDoor, text string) func() error {
	conn := begin(t, g, door, text)
	if conn == nil {
		return nil
	}
	conn.SetLinger(0)
	return conn.Close
}
