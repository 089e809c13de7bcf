package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/gateway/faulttest"
	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// doors are those that a fault is tried at.
var doors = []faulttest.Door{faulttest.Anthropic, faulttest.Native}

// The gateway's idle limit and time-out: faultLimit for the faults that end by it and by nothing else,
// which the client waits for faultSlack longer, and patience for all others, which a busy machine may
// delay.
const (
	faultLimit = 2 * time.Second
	faultSlack = 3 * time.Second
	patience   = time.Minute
)

// maxGrowth is how much the process may grow while faults are served.
const maxGrowth = 32 << 20

// Every fault ends at every door as faulttest's table says, three times over, and the gateway is none
// the worse. The faults of a round run side by side, since throttles wait for seconds, and then those that
// wait for a limit, whose time is taken; the rounds do not, since the retry budget is for all.
func TestFaultsEndAsTheTableSays(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("rounds", func(t *testing.T) {
		upstream := faulttest.NewServer(t)
		growth := watchGrowth()
		patient, limited := newFaultRig(t, upstream, patience), newFaultRig(t, upstream, faultLimit)
		for round := range 3 {
			tryFaults(round, upstream, patient, func(f faulttest.Fault) bool { return !f.Waits })
			tryFaults(round, upstream, limited, func(f faulttest.Fault) bool { return f.Waits })
		}
		if grown := growth(); grown > maxGrowth {
			t.Errorf("the process grew by %d bytes, may grow by %d", grown, maxGrowth)
		} else {
			t.Logf("the process grew by %.1f MiB", float64(grown)/(1<<20))
		}
	})
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

// newFaultRig makes a gateway in front of the upstream, with limit for its idle limit and its time-out.
func newFaultRig(t *testing.T, upstream *faulttest.Server, limit time.Duration) *rig {
	t.Helper()
	r := &rig{t: t, log: &lockedBuffer{}, client: &http.Client{Transport: &http.Transport{}, Timeout: 2 * patience}}
	r.serve(upstream.URL, nil, outcrop.WithIdleTimeout(limit), outcrop.WithTimeout(limit))
	return r
}

// tryFaults tries the faults that are meant at every door, side by side.
func tryFaults(round int, upstream *faulttest.Server, r *rig, meant func(faulttest.Fault) bool) {
	var group sync.WaitGroup
	for _, f := range faulttest.All() {
		for _, door := range doors {
			if meant(f) {
				group.Go(func() { faultTry{r.t, r, upstream, f, door}.try(fmt.Sprint(door, " ", round+1)) })
			}
		}
	}
	group.Wait()
}

// watchGrowth watches how much memory the process has from the system; the function that it returns
// says by how much that grew at most. It counts what the Go runtime has mapped and not given back, heap,
// stacks and all: the race detector's shadow, many times that, is not in it, as it would be in the
// resident set.
func watchGrowth() (stop func() int64) {
	debug.FreeOSMemory() // else what tests before this one have left would do for these faults
	begin := mapped()
	done, peak := make(chan struct{}), make(chan int64)
	go func() {
		most, tick := begin, time.NewTicker(2*time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, mapped())
			select {
			case <-done:
				peak <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-peak - begin
	}
}

func mapped() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// A faultTry is a fault to be tried at a door. Several may run at once.
type faultTry struct {
	*testing.T
	rig      *rig
	upstream *faulttest.Server
	fault    faulttest.Fault
	door     faulttest.Door
}

// try makes one call, under a tag of its own, and then a good one.
func (f faultTry) try(tag string) {
	want := f.fault.Ends[f.door]
	began := time.Now()
	got := f.call(f.fault.Prompt(tag))
	if took := time.Since(began); f.fault.Waits && (took < faultLimit || took >= faultLimit+faultSlack) {
		f.failed(tag, "it took %v, want %v to %v", took, faultLimit, faultLimit+faultSlack)
	}
	f.check(tag, got, want)
	f.checkRecord(tag, got, want)
	seen := f.upstream.Seen(f.fault, tag)
	if seen.Requests != f.fault.Requests {
		f.failed(tag, "%d requests reached the upstream, want %d", seen.Requests, f.fault.Requests)
	}
	if f.fault.HangsUp {
		f.checkHungUp(tag)
	}
	f.check(tag+", then a good one", f.call("hello"), faulttest.End{Status: http.StatusOK})
}

func (f faultTry) failed(tag, format string, args ...any) {
	f.Errorf("%s at the %s door (%s): %s", f.fault, f.door, tag, fmt.Sprintf(format, args...))
}

// checkHungUp expects that the gateway has left an answer that does not end by itself, and early.
func (f faultTry) checkHungUp(tag string) {
	deadline := time.Now().Add(10 * time.Second)
	for f.upstream.Seen(f.fault, tag).HungUp == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if seen := f.upstream.Seen(f.fault, tag); seen.HungUp != 1 || seen.Sent > 20<<20 {
		f.failed(tag, "%d connections were left after %d bytes, want 1 after 20 MiB at most", seen.HungUp, seen.Sent)
	}
}

// checkRecord expects the one line of the log, which the gateway counts by, to have the status that the
// client got, the kind of error, and of a stream's usage what Bedrock had reported before it broke.
func (f faultTry) checkRecord(tag string, got reply, want faulttest.End) {
	id := "request_id=" + got.header.Get("Request-Id") + " "
	var line string
	for deadline := time.Now().Add(10 * time.Second); line == "" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for l := range strings.Lines(f.rig.log.String()) {
			if strings.Contains(l, id) {
				line = l
			}
		}
	}
	fields := []string{fmt.Sprintf(" status=%d ", want.Status), " kind=" + want.Kind + " "}
	if want.Complete() {
		fields = fields[:1]
	}
	if want.InStream() {
		fields = append(fields, " input_tokens=9 ", " output_tokens=1 ") // message_start has them
	}
	for _, field := range fields {
		if !strings.Contains(line, field) {
			f.failed(tag, "the log says %q, want it to have %q", line, field)
		}
	}
	if want.Complete() && strings.Contains(line, " kind=") {
		f.failed(tag, "the log says %q, want no kind of error", line)
	}
}

// A reply is what a client has read of an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error // of reading the body
}

// call asks at the door, in the fault's operation.
func (f faultTry) call(text string) reply {
	content, _ := json.Marshal(text)
	path, body := "/v1/messages", fmt.Sprintf(`{"model":"claude-haiku-4-5","stream":%t,"max_tokens":99,"messages":[{"role":"user","content":%s}]}`, f.fault.Streamed(), content)
	if f.door == faulttest.Native {
		path, body = nativePath, fmt.Sprintf(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":99,"messages":[{"role":"user","content":%s}]}`, content)
		if f.fault.Streamed() {
			path = nativeStream
		}
	}
	req, err := http.NewRequest("POST", f.rig.url+path, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	resp, err := f.rig.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, answer, err}
}

// check holds a reply to how it must end.
func (f faultTry) check(tag string, got reply, want faulttest.End) {
	if got.err != nil || got.status != want.Status {
		f.failed(tag, "status %d (%v) with %.500q, want %d and an answer that ends in order", got.status, got.err, got.body, want.Status)
		return
	}
	switch {
	case want.Status != http.StatusOK:
		f.checkRefusal(tag, got, want)
	case !f.fault.Streamed():
		if string(got.body) != faulttest.Whole {
			f.failed(tag, "the answer is %q, want %q", got.body, faulttest.Whole)
		}
	case f.door == faulttest.Anthropic:
		f.checkEvents(tag, got, want)
	default:
		f.checkMessages(tag, got, want)
	}
}

// checkRefusal expects an error in the shape of the door.
func (f faultTry) checkRefusal(tag string, got reply, want faulttest.End) {
	read := func() (code, message string, err error) { return nativeError(got.header, string(got.body)) }
	if f.door == faulttest.Anthropic {
		read = func() (code, message string, err error) { return anthropicError(string(got.body)) }
	}
	code, message, err := read()
	if err != nil || code != want.Type || !strings.Contains(message, want.Words) {
		f.failed(tag, "refused as %q: %q (%v, %.300q), want %q with %q", code, message, err, got.body, want.Type, want.Words)
	}
}

// checkEvents expects server-sent events: a prefix of the good ones, then one error, or all of them.
func (f faultTry) checkEvents(tag string, got reply, want faulttest.End) {
	n, rest := cutEvents(goodEvents(), string(got.body))
	f.checkCount(tag, n, want)
	if want.Complete() {
		if rest != "" {
			f.failed(tag, "%q follows, want nothing", rest)
		}
		return
	}
	data, err := errorEvent(rest)
	if err != nil {
		f.failed(tag, "%d good events, then %v", n, err)
		return
	}
	if errorType, message, err := anthropicError(data); err != nil || errorType != want.Type || !strings.Contains(message, want.Words) {
		f.failed(tag, "%d good events, then %q (%v), want an error event %s with %q", n, rest, err, want.Type, want.Words)
	}
}

// goodEvents are the events of a good answer.
func goodEvents() (events []recordings.Event) {
	for _, data := range faulttest.Events() {
		var peek struct{ Type string }
		json.Unmarshal([]byte(data), &peek)
		events = append(events, recordings.Event{Type: peek.Type, Data: data})
	}
	return events
}

// checkCount holds how many of the good events came to how many words the fault lets through.
func (f faultTry) checkCount(tag string, n int, want faulttest.End) {
	events := 2 + f.fault.Words
	switch {
	case want.Complete():
		events = len(faulttest.Events())
	case f.fault.Name == "nofinal":
		events++ // the end of the content block
	case f.fault.MayLose() && 0 < n && n < events:
		return
	}
	if n != events {
		f.failed(tag, "%d good events, want %d", n, events)
	}
}

// checkMessages expects an event stream that AWS's decoder reads: a prefix of the good one, then one
// exception, or all of it.
func (f faultTry) checkMessages(tag string, got reply, want faulttest.End) {
	var events []string
	var exception *eventstream.Message
	others := 0
	in := bytes.NewReader(got.body)
	for in.Len() > 0 && exception == nil {
		m, err := eventstream.NewDecoder().Decode(in, nil)
		if err != nil {
			f.failed(tag, "AWS's decoder after %d events: %v", len(events), err)
			return
		}
		switch {
		case headerOf(m, ":message-type") == "exception":
			exception = &m
		case headerOf(m, ":event-type") == "chunk":
			var chunk struct{ Bytes []byte }
			if err := json.Unmarshal(m.Payload, &chunk); err != nil {
				f.failed(tag, "%q: %v", m.Payload, err)
			}
			events = append(events, string(chunk.Bytes))
		case string(m.Payload) == faulttest.NewEvent:
			others++
		default:
			f.failed(tag, "an unexpected message %v %q", m.Headers, m.Payload)
		}
	}
	good := faulttest.Events()
	if diff := cmp.Diff(good[:min(len(good), len(events))], events); diff != "" {
		f.failed(tag, "events that were not sent, -want +got:\n%s", diff)
	}
	f.checkCount(tag, len(events), want)
	if passed := f.fault.Name == "newevent" && !strings.Contains(tag, "good one"); passed != (others == 1) {
		f.failed(tag, "%d unknown events passed on, want it to be %t", others, passed)
	}
	if want.Complete() {
		if exception != nil {
			f.failed(tag, "it ends with %v %q, want no exception", exception.Headers, exception.Payload)
		}
		return
	}
	f.checkException(tag, exception, in.Len(), want)
}

// checkException expects the exception that ends a stream, with nothing behind it.
func (f faultTry) checkException(tag string, m *eventstream.Message, behind int, want faulttest.End) {
	if m == nil {
		f.failed(tag, "no exception, want %s", want.Type)
		return
	}
	if name, message, err := nativeException(*m); err != nil || name != want.Type || !strings.Contains(message, want.Words) || behind > 0 {
		f.failed(tag, "the exception %q: %q (%v), %d bytes behind it; want %s with %q and nothing", name, m.Payload, err, behind, want.Type, want.Words)
	}
}
