package faulttest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"math/bits"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The table has the faults that it should have, and each row can be checked.
func TestAll(t *testing.T) {
	count, names := map[Class]int{}, map[string]bool{}
	for _, f := range All() {
		count[f.Class]++
		if names[f.String()] {
			t.Errorf("%s is there twice", f)
		}
		names[f.String()] = true
		if f.Does == "" || f.Requests < 1 || f.serve == nil || len(f.Ends) != 2 {
			t.Errorf("%s: %q with %d requests and %d ends, want all of them", f, f.Does, f.Requests, len(f.Ends))
		}
		if !strings.Contains(f.Ends[Anthropic].Words, f.Ends[Native].Words) {
			t.Errorf("%s: %q at one door, %q at the other", f, f.Ends[Anthropic].Words, f.Ends[Native].Words)
		}
		for door, end := range f.Ends {
			if end.Status == 0 || end.Complete() != (end.Words == "") || end.Complete() != (end.Kind == "") || end.Kind != f.Ends[Native].Kind || end.Complete() != (f.Words == len(Words)) && f.Name != "nofinal" {
				t.Errorf("%s at the %s door: %+v after %d words cannot be", f, door, end, f.Words)
			}
			if f.Class == MustError && end.Complete() || f.Class == MustComplete && !end.Complete() {
				t.Errorf("%s at the %s door: %+v is not %s", f, door, end, f.Class)
			}
		}
	}
	if diff := cmp.Diff(map[Class]int{MustError: 17, MustComplete: 4, StatusKept: 7, NotStreamed: 7}, count); diff != "" {
		t.Errorf("faults of each class, -want +got:\n%s", diff)
	}
	if len(Words) != 20 {
		t.Errorf("%d words, want 20", len(Words))
	}
}

// ask sends what the gateway would and returns the response, whose body is still to be read.
func ask(t *testing.T, s *Server, streamed bool, text string) (*http.Response, error) {
	t.Helper()
	path := "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke"
	if streamed {
		path += "-with-response-stream"
	}
	body := `{"anthropic_version":"bedrock-2023-05-31","max_tokens":99,"messages":[{"role":"user","content":[{"type":"text","text":` + quote(text) + `}]}]}`
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := transport.RoundTrip(req)
	if err == nil {
		t.Cleanup(func() { resp.Body.Close() })
	}
	return resp, err
}

// decode reads messages with AWS's decoder until there are no more: io.EOF, or what is wrong.
func decode(r io.Reader) (messages []eventstream.Message, err error) {
	for {
		m, err := eventstream.NewDecoder().Decode(r, nil)
		if err != nil {
			return messages, err
		}
		messages = append(messages, m)
	}
}

// eventsOf are the events of the model's in messages.
func eventsOf(t *testing.T, messages []eventstream.Message) (events []string) {
	t.Helper()
	for _, m := range messages {
		var chunk struct{ Bytes string }
		if h := m.Headers.Get(":event-type"); h == nil || h.String() != "chunk" {
			continue
		}
		if err := json.Unmarshal(m.Payload, &chunk); err != nil {
			t.Fatal(err)
		}
		event, err := base64.StdEncoding.DecodeString(chunk.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, string(event))
	}
	return events
}

// find returns the fault of that name.
func find(t *testing.T, streamed bool, name string) Fault {
	t.Helper()
	i := slices.IndexFunc(All(), func(f Fault) bool { return f.Streamed() == streamed && f.Name == name })
	if i < 0 {
		t.Fatalf("no fault %q", name)
	}
	return All()[i]
}

func TestStreamsAreWhatAWSDecodes(t *testing.T) {
	s := NewServer(t)
	isChecksum := func(err error) bool { return errors.As(err, new(eventstream.ChecksumError)) }
	isLength := func(err error) bool { return errors.As(err, new(eventstream.LengthError)) }
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	end := func(err error) bool { return err == io.EOF }
	f := func(prompt string, messages int, ended func(error) bool) {
		t.Run(prompt, func(t *testing.T) {
			resp, err := ask(t, s, true, prompt)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(resp.Body)
			few := len(got) < messages && len(got) > 0 && strings.Contains(prompt, "trunc-rst") // a reset may overtake some
			if len(got) != messages && !few || !ended(err) {
				t.Errorf("%d messages, then %v; want %d, and another end", len(got), err, messages)
			}
			events := eventsOf(t, got)
			if want := Events()[:min(len(Events()), len(events))]; !slices.Equal(events, want) {
				t.Errorf("events -want +got:\n%s", cmp.Diff(want, events))
			}
			for _, m := range got {
				if m.Headers.Get(":message-type").String() == "exception" && !bytes.Contains(m.Payload, []byte(`{"message":"`)) {
					t.Errorf("the exception %s has no message", m.Payload)
				}
			}
		})
	}
	prompt := func(name string) string { return find(t, true, name).Prompt("decode") }
	f("hello", 25, end)
	f(prompt("trunc-mid"), 8, is(io.ErrUnexpectedEOF))
	f(prompt("trunc-clean"), 12, end)
	f(prompt("trunc-rst"), 12, is(syscall.ECONNRESET))
	f(prompt("nofinal"), 23, end)
	f(prompt("crc-msg"), 8, isChecksum)
	f(prompt("crc-prelude"), 8, isChecksum)
	f(prompt("exc-throttle"), 9, end)
	f(prompt("exc-model"), 9, end)
	f(prompt("exc-internal"), 9, end)
	f(prompt("exc-first"), 1, end)
	f(prompt("zerolen"), 8, isLength)
	f(prompt("garbage"), 8, isChecksum)
	f(prompt("empty"), 0, end)
	f(prompt("bytewise"), 25, end)
	f(prompt("split2"), 25, end)
	f(prompt("split7"), 25, end)
	f(prompt("newevent"), 26, end)
}

func TestExceptionsHaveTheirNames(t *testing.T) {
	s := NewServer(t)
	for name, want := range map[string]string{
		"exc-throttle": "throttlingException", "exc-model": "modelStreamErrorException",
		"exc-internal": "internalServerException", "exc-first": "throttlingException",
	} {
		resp, err := ask(t, s, true, find(t, true, name).Prompt("name"))
		if err != nil {
			t.Fatal(err)
		}
		messages, _ := decode(resp.Body)
		if len(messages) == 0 {
			t.Fatalf("%s: no message", name)
		}
		h := messages[len(messages)-1].Headers
		if got := h.Get(":exception-type"); got == nil || got.String() != want || h.Get(":message-type").String() != "exception" {
			t.Errorf("%s ends with %v, want the exception %s", name, h, want)
		}
	}
}

// AWS's decoder reads on where a prelude lies about lengths, so it is looked at by hand.
func TestPreludesThatLie(t *testing.T) {
	s := NewServer(t)
	f := func(name string, total, headers uint32) {
		t.Helper()
		resp, err := ask(t, s, true, find(t, true, name).Prompt("lie"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got := make([]byte, 12+64)
		io.CopyN(io.Discard, resp.Body, int64(len(bytes.Join(good()[:eight], nil))))
		if _, err := io.ReadFull(resp.Body, got); err != nil {
			t.Fatal(err)
		}
		if binary.BigEndian.Uint32(got) != total || binary.BigEndian.Uint32(got[4:]) != headers ||
			binary.BigEndian.Uint32(got[8:]) != crc32.ChecksumIEEE(got[:8]) || !bytes.Equal(got[12:], make([]byte, 64)) {
			t.Errorf("%s: %x after 8 messages, want %d bytes with %d of headers, a right checksum and zeros", name, got, total, headers)
		}
	}
	f("hugeframe", 0xFFFFFFF0, 0)
	f("hdrlen", 200, 5000)
}

// A wrong checksum is one bit, and all that is wrong: the other one is right.
func TestWrongChecksumsAreOneBit(t *testing.T) {
	s := NewServer(t)
	whole := good()[eight]
	covered := len(whole) - 4 // by the message's checksum
	f := func(name string, from, to int, preludeIsRight, messageIsRight bool) {
		t.Helper()
		resp, err := ask(t, s, true, find(t, true, name).Prompt("bits"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got := make([]byte, len(whole))
		io.CopyN(io.Discard, resp.Body, int64(len(bytes.Join(good()[:eight], nil))))
		if _, err := io.ReadFull(resp.Body, got); err != nil {
			t.Fatal(err)
		}
		flipped, there := 0, 0
		for i := range covered {
			n := bits.OnesCount8(got[i] ^ whole[i])
			flipped += n
			if from <= i && i < to {
				there += n
			}
		}
		if flipped != 1 || there != 1 {
			t.Errorf("%s: %d bits flipped, %d of them in bytes %d to %d, want one, there:\n%x\n%x", name, flipped, there, from, to, whole, got)
		}
		prelude := binary.BigEndian.Uint32(got[8:]) == crc32.ChecksumIEEE(got[:8])
		message := binary.BigEndian.Uint32(got[covered:]) == crc32.ChecksumIEEE(got[:covered])
		if prelude != preludeIsRight || message != messageIsRight {
			t.Errorf("%s: the prelude's checksum is right: %t, the message's: %t; want %t, %t", name, prelude, message, preludeIsRight, messageIsRight)
		}
	}
	f("crc-msg", 12+int(binary.BigEndian.Uint32(whole[4:])), covered, true, false)
	f("crc-prelude", 8, 12, false, true)
}

func TestAnswersWithStatus(t *testing.T) {
	s := NewServer(t)
	f := func(name string, streamed bool, prompt string, status int, word string) {
		t.Helper()
		resp, err := ask(t, s, streamed, prompt)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := io.ReadAll(resp.Body)
		if resp.StatusCode != status || err != nil || !strings.Contains(string(text), word) || word == "" && len(text) > 0 {
			t.Errorf("%s: %d %s (%v), want %d with %q", name, resp.StatusCode, text, err, status, word)
		}
		code := resp.Header.Get("X-Amzn-Errortype")
		if status >= 400 != strings.Contains(code, "Exception:") {
			t.Errorf("%s: x-amzn-errortype %q with status %d", name, code, status)
		}
	}
	prompt := func(streamed bool, name string) string { return find(t, streamed, name).Prompt("status") }
	for _, streamed := range []bool{true, false} {
		f("throttled", streamed, prompt(streamed, "429"), 429, throttled)
		f("denied", streamed, prompt(streamed, "403"), 403, noAccess)
	}
	f("500", true, prompt(true, "500"), 500, failed)
	f("503", true, prompt(true, "503"), 503, unavailable)
	f("400", true, prompt(true, "400"), 400, invalid)
	f("an error under 200", true, prompt(true, "json200"), 200, invalid)
	f("a good answer", false, "hello", 200, Whole)
	f("bad JSON", false, prompt(false, "bad-json"), 200, `"type":}`)
	f("HTML", false, prompt(false, "html"), 200, "<html>")
	f("nothing", false, prompt(false, "empty"), 200, "")
	f("a fault that there is not", false, "fault: no-such (status)", 501, "no such fault")
	f("the first of three", true, prompt(true, "429-429-200"), 429, throttled)
	f("the second", true, prompt(true, "429-429-200"), 429, throttled)
	f("the third", true, prompt(true, "429-429-200"), 200, "chunk")
	f("the first with another tag", true, find(t, true, "429-429-200").Prompt("other"), 429, throttled)
	if got, want := s.Seen(find(t, true, "429-429-200"), "status").Requests, 3; got != want {
		t.Errorf("%d requests seen, want %d", got, want)
	}
}

func TestResetAndTruncated(t *testing.T) {
	s := NewServer(t)
	if _, err := ask(t, s, true, find(t, true, "reset").Prompt("1")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v, want a TCP reset", err)
	}
	resp, err := ask(t, s, false, find(t, false, "truncated").Prompt("1"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != Whole[:40] || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("truncated: %q, %v; want 40 bytes and an unexpected end", text, err)
	}
}

// The server sees who leaves what it would not end itself.
func TestSeenHangingUp(t *testing.T) {
	s := NewServer(t)
	for _, f := range All() {
		if !f.HangsUp {
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		body := `{"messages":[{"role":"user","content":` + quote(f.Prompt("leave")) + `}]}`
		path := map[bool]string{true: "/model/m/invoke-with-response-stream", false: "/model/m/invoke"}[f.Streamed()]
		req, err := http.NewRequestWithContext(ctx, "POST", s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		left := make(chan struct{})
		go func() {
			defer close(left)
			if resp, err := new(http.Transport).RoundTrip(req); err == nil {
				io.CopyN(io.Discard, resp.Body, 1000)
				resp.Body.Close()
			}
		}()
		wait(t, f.String()+": no request", func() bool { return s.Seen(f, "leave").Requests == 1 })
		if f.Name == "hang" {
			if got := s.Seen(f, "leave").HungUp; got != 0 {
				t.Errorf("%s: %d hung up before the client did", f, got)
			}
			cancel()
		}
		<-left
		wait(t, f.String()+": the client's leaving is not seen", func() bool { return s.Seen(f, "leave").HungUp == 1 })
		if sent := s.Seen(f, "leave").Sent; sent > 100_000_000 {
			t.Errorf("%s: %d bytes were sent to a client that reads 1000", f, sent)
		}
		cancel()
	}
}

// wait polls until there is what a test waits for.
func wait(t *testing.T, otherwise string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}

// Close ends what hangs, and that is nobody's hanging up.
func TestCloseIsNotHangingUp(t *testing.T) {
	s := NewServer(t)
	f := find(t, false, "hang")
	done := make(chan error, 1)
	go func() {
		_, err := ask(t, s, false, f.Prompt("close"))
		done <- err
	}()
	wait(t, "no request", func() bool { return s.Seen(f, "close").Requests == 1 })
	s.Close()
	if err := <-done; err == nil {
		t.Error("the hanging call has an answer, want none")
	}
	if got := s.Seen(f, "close").HungUp; got != 0 {
		t.Errorf("%d hung up, want none", got)
	}
}
