package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"

	"github.com/outcrop-dev/outcrop/internal/gateway/faulttest"
)

// The gateways' limits: faultLimit at the one for faults that end by it and by nothing else, patientLimit at
// the one for all others, which a busy machine may delay. What takes longer than hanging hangs.
const (
	faultLimit   = 2 * time.Second
	patientLimit = time.Minute
	hanging      = 2 * patientLimit
)

// faultGateways are outcrop serve, twice, in front of an upstream whose answers break.
type faultGateways struct {
	upstream         *faulttest.Server
	patient, limited *gateway
}

func serveFaults(t *testing.T) faultGateways {
	t.Helper()
	upstream := faulttest.NewServer(t)
	env := []string{"AWS_ACCESS_KEY_ID=AKIDINVENTED", "AWS_SECRET_ACCESS_KEY=invented", "AWS_REGION=us-east-1"}
	start := func(limit time.Duration) *gateway {
		return startGateway(t, env, "--endpoint-url", upstream.URL, "--idle-timeout", limit.String(), "--timeout", limit.String(), "--show-secrets")
	}
	return faultGateways{upstream, start(patientLimit), start(faultLimit)}
}

// each runs f for all faults side by side, each at the gateway that is for it: throttles, stalls and hangs
// wait. Those that wait for a limit must take as long, and not much longer.
func (gs faultGateways) each(t *testing.T, f func(*gateway, faulttest.Fault)) {
	var group sync.WaitGroup
	for _, fault := range faulttest.All() {
		group.Go(func() {
			if !fault.Waits {
				f(gs.patient, fault)
				return
			}
			began := time.Now()
			f(gs.limited, fault)
			if took := time.Since(began); took < faultLimit || took > 5*faultLimit {
				t.Errorf("%s: it took %v, want %v to %v", fault, took, faultLimit, 5*faultLimit)
			}
		})
	}
	group.Wait()
}

// Anthropic's SDK throws on every answer that breaks, and has the whole text of every other.
func TestFaultsByAnthropicSDKForGo(t *testing.T) {
	t.Parallel()
	gs := serveFaults(t)
	clients := map[*gateway]anthropic.Client{}
	for _, g := range []*gateway{gs.patient, gs.limited} {
		clients[g] = anthropic.NewClient(overGateway(g)...)
	}
	gs.each(t, func(g *gateway, f faulttest.Fault) {
		said, err := sayText(t, clients[g], f.Streamed(), f.Prompt("anthropic"))
		want := f.Ends[faulttest.Anthropic]
		wantSaid(t, f, said, err, want)
		if want.Complete() {
			return
		}
		e, ok := errors.AsType[*anthropic.Error](err)
		if !ok || e.StatusCode != want.Status || e.Type() != anthropic.ErrorType(want.Type) || !strings.Contains(e.Error(), jsonInner(want.Words)) {
			t.Errorf("%s: %T %v, want the API's %d %s with %q", f, err, err, want.Status, want.Type, want.Words)
		}
		if got := gs.upstream.Seen(f, "anthropic").Requests; got != f.Requests {
			t.Errorf("%s: %d requests reached the upstream, want %d", f, got, f.Requests)
		}
	})
	for _, claude := range clients {
		wantWell(t, func() (string, error) { return sayText(t, claude, true, "hello") })
	}
}

// sayText has the SDK send a message, streamed or not, and returns the text that came.
func sayText(t *testing.T, claude anthropic.Client, streamed bool, prompt string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), hanging)
	defer cancel()
	params := say(anthropic.ModelClaudeHaiku4_5, prompt)
	if !streamed {
		message, err := claude.Messages.New(ctx, params)
		if err != nil {
			return "", err
		}
		return text(message), nil
	}
	stream := claude.Messages.NewStreaming(ctx, params)
	defer stream.Close()
	var said strings.Builder
	for stream.Next() {
		said.WriteString(stream.Current().Delta.Text)
	}
	return said.String(), stream.Err()
}

// jsonInner is how text stands in a JSON string.
func jsonInner(text string) string { return strings.Trim(jsonText(text), `"`) }

// wantSaid expects all words of an answer that is complete, and else an error after those that the fault
// lets through.
func wantSaid(t *testing.T, f faulttest.Fault, said string, err error, want faulttest.End) {
	t.Helper()
	text := faulttest.Text()
	if !want.Complete() {
		text = strings.Join(faulttest.Words[:f.Words], " ")
	}
	if f.MayLose() && strings.HasPrefix(text, said) {
		text = said
	}
	if said != text || want.Complete() != (err == nil) {
		t.Errorf("%s: %q, error %v; want %q, and an error %t", f, said, err, text, !want.Complete())
	}
}

func wantWell(t *testing.T, call func() (string, error)) {
	t.Helper()
	if said, err := call(); said != faulttest.Text() || err != nil {
		t.Errorf("after all faults: %q, %v; want a good answer", said, err)
	}
}

// AWS's SDK throws likewise, with the type that it has for the exception. It does not notice by itself
// when a stream simply ends.
func TestFaultsByAWSSDKForGo(t *testing.T) {
	t.Parallel()
	gs := serveFaults(t)
	clients := map[*gateway]*bedrockruntime.Client{}
	for _, g := range []*gateway{gs.patient, gs.limited} {
		config := gatewayConfig(g)
		config.RetryMaxAttempts = 1
		clients[g] = bedrockruntime.NewFromConfig(config)
	}
	gs.each(t, func(g *gateway, f faulttest.Fault) {
		said, err := invokeText(t, clients[g], f.Streamed(), f.Prompt("aws"))
		want := f.Ends[faulttest.Native]
		wantSaid(t, f, said, err, want)
		if !want.Complete() {
			wantTyped(t, f, err, want)
		}
		if got := gs.upstream.Seen(f, "aws").Requests; got != f.Requests {
			t.Errorf("%s: %d requests reached the upstream, want %d", f, got, f.Requests)
		}
	})
	for _, client := range clients {
		wantWell(t, func() (string, error) { return invokeText(t, client, true, "hello") })
	}
}

// wantTyped expects the type that the SDK has for an exception where its service model lets the operation
// have it, and the exception's name in any case.
func wantTyped(t *testing.T, f faulttest.Fault, err error, want faulttest.End) {
	t.Helper()
	code := strings.ToUpper(want.Type[:1]) + want.Type[1:]
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), want.Words) {
		t.Errorf("%s: %T %v, want %s with %q", f, err, err, code, want.Words)
		return
	}
	operation := invokeModel[0]
	if f.Streamed() {
		operation = invokeModel[1]
	}
	i := slices.IndexFunc(exceptions, func(e exception) bool { return e.code == code })
	if i < 0 {
		t.Errorf("%s: %s is no exception of Bedrock's", f, code)
		return
	}
	declared := exceptions[i].refused
	if want.InStream() {
		declared = exceptions[i].streamed
	}
	if slices.Contains(declared, operation) && exceptions[i].as(err) == nil {
		t.Errorf("%s: %T %v is not of the SDK's type for %s", f, err, err, code)
	}
	var response interface{ HTTPStatusCode() int }
	if !want.InStream() && (!errors.As(err, &response) || response.HTTPStatusCode() != want.Status) {
		t.Errorf("%s: %v, want status %d", f, err, want.Status)
	}
}

// invokeText calls InvokeModel, streamed or not, and returns the text that came.
func invokeText(t *testing.T, client *bedrockruntime.Client, streamed bool, prompt string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), hanging)
	defer cancel()
	if !streamed {
		out, err := client.InvokeModel(ctx, invoke(haiku, prompt))
		if err != nil {
			return "", err
		}
		var m spoken
		if err := json.Unmarshal(out.Body, &m); err != nil || len(m.Content) != 1 {
			return string(out.Body), fmt.Errorf("no message of one block: %w", err)
		}
		return m.Content[0].Text, nil
	}
	out, err := client.InvokeModelWithResponseStream(ctx, invokeStream(haiku, prompt, 1000))
	if err != nil {
		return "", err
	}
	stream := out.GetStream()
	defer stream.Close()
	var said strings.Builder
	for event := range stream.Events() {
		var delta struct{ Delta struct{ Text string } }
		if chunk, ok := event.(*types.ResponseStreamMemberChunk); ok {
			if err := json.Unmarshal(chunk.Value.Bytes, &delta); err != nil {
				return said.String(), err
			}
		}
		said.WriteString(delta.Delta.Text)
	}
	return said.String(), stream.Err()
}

// Three rounds of all faults at both doors cost the program next to no memory, and those that do not end
// by themselves are left early: hugeframe has 200 MB to send.
func TestFaultsDoNotCostMemory(t *testing.T) {
	t.Parallel()
	const most = 32 << 20
	gs := serveFaults(t)
	gateways := [2]*gateway{gs.patient, gs.limited}
	memory := func() (peaks [2]int64, err error) {
		for i, g := range gateways {
			claude := anthropic.NewClient(overGateway(g)...)
			wantWell(t, func() (string, error) { return sayText(t, claude, true, "hello") })
			if peaks[i], err = peakMemory(g.cmd.Process.Pid); err != nil {
				return peaks, err
			}
		}
		return peaks, nil
	}
	before, err := memory()
	for round := range 3 {
		gs.each(t, func(g *gateway, f faulttest.Fault) {
			var both sync.WaitGroup
			for door, want := range f.Ends {
				both.Go(func() { postFault(t, gs.upstream, g, f, door, fmt.Sprint("round ", round, " ", door), want.Status) })
			}
			both.Wait()
		})
	}
	if err != nil {
		t.Skipf("the program's memory is not known here: %v", err)
	}
	after, err := memory()
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range gateways {
		t.Logf("VmHWM of %d was %.1f MiB after one answer, %.1f MiB after three rounds of faults", g.cmd.Process.Pid, float64(before[i])/(1<<20), float64(after[i])/(1<<20))
		if after[i]-before[i] > most {
			t.Errorf("the program's memory grew by %d bytes, may grow by %d", after[i]-before[i], most)
		}
	}
}

// peakMemory is the most memory that a process has had resident (VmHWM).
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0, errors.New("no VmHWM in it")
	}
	kilobytes, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kilobytes << 10, err
}

// postFault asks at a door without an SDK and reads all of the answer.
func postFault(t *testing.T, upstream *faulttest.Server, g *gateway, f faulttest.Fault, door faulttest.Door, tag string, want int) {
	path, body := "/v1/messages", fmt.Sprintf(`{"model":"claude-haiku-4-5","stream":%t,"max_tokens":99,"messages":[{"role":"user","content":%s}]}`,
		f.Streamed(), jsonText(f.Prompt(tag)))
	if door == faulttest.Native {
		path, body = "/model/"+haiku+"/invoke", string(messagesBody(f.Prompt(tag)))
		if f.Streamed() {
			path += "-with-response-stream"
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), hanging)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", g.URL+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+g.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Errorf("%s at the %s door: %v", f, door, err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != want {
		t.Errorf("%s at the %s door: %d (%v), want %d and an answer that ends in order", f, door, resp.StatusCode, err, want)
	}
	if seen := upstream.Seen(f, tag); seen.Sent > 20<<20 {
		t.Errorf("%s at the %s door: %d bytes were taken of an answer that is none", f, door, seen.Sent)
	}
}
