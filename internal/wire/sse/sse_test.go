package sse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// event is an Event that lasts.
type event struct{ Name, Data string }

func readAll(src io.Reader) (all []event, err error) {
	r := NewReader(src)
	for {
		e, err := r.Next()
		if err != nil {
			return all, err
		}
		all = append(all, event{string(e.Name), string(e.Data)})
	}
}

func TestAppendEvent(t *testing.T) {
	f := func(name, data, want string) {
		t.Helper()
		if got := AppendEvent([]byte("before\n\n"), []byte(name), []byte(data)); string(got) != "before\n\n"+want {
			t.Errorf("AppendEvent(%q, %q) = %q, want %q behind what was there", name, data, got, want)
		}
	}
	f("ping", `{"type":"ping"}`, "event: ping\ndata: {\"type\":\"ping\"}\n\n")
	f("", `[DONE]`, "data: [DONE]\n\n")
	f("ping", "", "event: ping\ndata: \n\n")
	f("ping", "{\r\n\t\"type\":\n\n\"ping\"\r}", "event: ping\ndata: {  \t\"type\":  \"ping\" }\n\n")
	f("a\nevent: b\r\ndata: c", "{}\n\ndata: forged", "event: a event: b  data: c\ndata: {}  data: forged\n\n")
	f("ping", "{}\n", "event: ping\ndata: {} \n\n")
}

func TestAppendEventLeavesItsArguments(t *testing.T) {
	name, data := []byte("a\nb"), []byte("{\n}")
	AppendEvent(nil, name, data)
	if string(name) != "a\nb" || string(data) != "{\n}" {
		t.Errorf("AppendEvent changed its arguments to %q, %q", name, data)
	}
}

func TestReader(t *testing.T) {
	f := func(name, stream string, want ...event) {
		t.Helper()
		for _, src := range []io.Reader{
			strings.NewReader(stream),
			iotest.OneByteReader(strings.NewReader(stream)),
			iotest.DataErrReader(strings.NewReader(stream)),
		} {
			got, err := readAll(src)
			if err != io.EOF {
				t.Errorf("%s: %q from %T ends with %v, want io.EOF", name, stream, src, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %q from %T: events differ (-want +got):\n%s", name, stream, src, diff)
			}
		}
	}
	f("nothing", "")
	f("one event", "event: ping\ndata: {}\n\n", event{"ping", "{}"})
	f("event without a name", "data: {}\n\n", event{"", "{}"})
	f("the name is the event's own", "event: a\ndata: 1\n\ndata: 2\n\n", event{"a", "1"}, event{"", "2"})
	f("the last name wins", "event: a\nevent: b\ndata: 1\n\n", event{"b", "1"})
	f("name after the data", "data: 1\nevent: a\n\n", event{"a", "1"})
	f("carriage returns", "event: a\rdata: 1\r\rdata: 2\r\r", event{"a", "1"}, event{"", "2"})
	f("both", "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", event{"a", "1"}, event{"", "2"})
	f("mixed line ends", "event: a\rdata: 1\r\n\ndata: 2\n\r\n", event{"a", "1"}, event{"", "2"})
	f("lines joined", "data: 1\ndata:\ndata: 2\n\n", event{"", "1\n\n2"})
	f("empty data is data", "data\n\ndata:\n\ndata: \n\n", event{}, event{}, event{})
	f("two empty lines of data", "data\ndata\n\n", event{"", "\n"})
	f("no data, no event", "event: a\n\ndata: 1\n\n", event{"", "1"})
	f("empty lines", "\n\n\ndata: 1\n\n\n\n", event{"", "1"})
	f("one space is taken off", "data:1\ndata: 1\ndata:  1\n\n", event{"", "1\n1\n 1"})
	f("colons in the value", "data: a: b:c\n\n", event{"", "a: b:c"})
	f("comments", ": keep-alive\n\n:\ndata: 1\n: within\ndata: 2\n\n:end\n", event{"", "1\n2"})
	f("id, retry and others are passed over", "id: 1\nretry: 9\nfoo\nDATA: 3\n data: 4\ndata: 1\n\n", event{"", "1"})
	f("id alone at the end", "data: 1\n\nid: 1\n", event{"", "1"})
	f("byte order mark", "\xef\xbb\xbfdata: 1\n\n", event{"", "1"})
	f("byte order mark alone", "\xef\xbb\xbf")
	f("byte order mark before an empty line", "\xef\xbb\xbf\r\ndata: 1\n\n", event{"", "1"})
	f("only the first byte order mark", "\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n", event{"", "2"})
	f("no byte order mark later", "\n\xef\xbb\xbfdata: 1\n\ndata: 2\n\n", event{"", "2"})
	f("bytes that are not UTF-8", "data: \xff\x00\n\n", event{"", "\xff\x00"})
	f("comment cut at the end", "data: 1\n\n: bye", event{"", "1"})
	f("longer than the buffer", "data: "+strings.Repeat("x", 20_000)+"\r\ndata: y\r\n\r\n",
		event{"", strings.Repeat("x", 20_000) + "\ny"})

	// The examples of the standard, 9.2.6 "Interpreting an event stream".
	f("stocks", "data: YHOO\ndata: +2\ndata: 10\n\n", event{"", "YHOO\n+2\n10"})
	f("four blocks", ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
		event{"", "first event"}, event{"", "second event"}, event{"", " third event"})
	f("the same event twice", "data:test\n\ndata: test\n\n", event{"", "test"}, event{"", "test"})
}

func TestEndWithinAnEvent(t *testing.T) {
	f := func(name, stream string, want ...event) {
		t.Helper()
		r := NewReader(strings.NewReader(stream))
		var got []event
		var err error
		for {
			var e Event
			if e, err = r.Next(); err != nil {
				break
			}
			got = append(got, event{string(e.Name), string(e.Data)})
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %q ends with %v, want io.ErrUnexpectedEOF", name, stream, err)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%s: the second Next() = %v, want the same %v", name, again, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %q: events differ (-want +got):\n%s", name, stream, diff)
		}
	}
	f("data without the empty line", "data: 1\n\ndata: 2\n", event{"", "1"})
	f("data without its line end", "data: 1\n\ndata: 2", event{"", "1"})
	f("empty data", "data\n")
	f("name without data", "event: message_stop\n")
	f("half a field", "eve")
	f("a comment after the data", "data: 1\n: comment")
	f("examples of the standard: the last block is cut", "data\n\ndata\ndata\n\ndata:", event{"", ""}, event{"", "\n"})
}

// An event that ended must not wait for the byte after it, which may come much later.
func TestEventIsReturnedBeforeMoreIsRead(t *testing.T) {
	for _, stream := range []string{"data: 1\n\n", "data: 1\r\r", "data: 1\r\n\r\n", "\xef\xbb\xbfdata: 1\n\n"} {
		read := false
		e, err := NewReader(readFunc(func(p []byte) (int, error) {
			if read {
				t.Errorf("%q: read on after the event", stream)
				return 0, io.EOF
			}
			read = true
			return copy(p, stream), nil
		})).Next()
		if err != nil || string(e.Data) != "1" {
			t.Errorf("%q: Next() = %q, %v; want 1", stream, e.Data, err)
		}
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestEveryCutOfAStream(t *testing.T) {
	stream := "event: a\r\ndata: 1\r\ndata: 2\r\n\r\nevent: b\ndata: 3\n\n: bye\n"
	whole, err := readAll(strings.NewReader(stream))
	if err != io.EOF || len(whole) != 2 {
		t.Fatalf("%d events and %v, want 2 and io.EOF", len(whole), err)
	}
	for cut := range stream {
		got, err := readAll(strings.NewReader(stream[:cut]))
		complete := strings.Count(stream[:cut], "\r\n\r") + strings.Count(stream[:cut], "\n\n")
		if diff := cmp.Diff(whole[:complete:complete], append([]event{}, got...)); diff != "" {
			t.Errorf("cut at %d: events differ (-want +got):\n%s", cut, diff)
		}
		rest := strings.TrimLeft(stream[max(strings.LastIndex(stream[:cut], "\r\n\r"), strings.LastIndex(stream[:cut], "\n\n"), 0):cut], "\r\n")
		want := io.EOF
		if rest != "" && rest[0] != ':' {
			want = io.ErrUnexpectedEOF
		}
		if !errors.Is(err, want) {
			t.Errorf("cut at %d, after %q: %v, want %v", cut, rest, err, want)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	f := func(name string, src io.Reader, want error) {
		t.Helper()
		if got, err := readAll(src); len(got) != 1 || !errors.Is(err, want) {
			t.Errorf("%s: %d events and %v, want 1 and %v", name, len(got), err, want)
		}
	}
	idle := readFunc(func([]byte) (int, error) { return 0, nil })
	failing := func(stream string, err error) io.Reader {
		return io.MultiReader(strings.NewReader(stream), iotest.ErrReader(err))
	}
	f("canceled between events", failing("data: 1\n\n", context.Canceled), context.Canceled)
	f("canceled within an event", failing("data: 1\n\ndata: 2", context.Canceled), context.Canceled)
	f("body cut by the transport", failing("data: 1\n\n", io.ErrUnexpectedEOF), io.ErrUnexpectedEOF)
	f("no progress", io.MultiReader(strings.NewReader("data: 1\n\n"), idle), io.ErrNoProgress)
}

func TestEventsAreBounded(t *testing.T) {
	x := strings.Repeat("x", 1<<16)
	endlessly := func(s string) io.Reader { return &endless{stream: []byte(s)} }
	f := func(name string, src io.Reader, events int, want error) {
		t.Helper()
		r := NewReader(src)
		for range events {
			if _, err := r.Next(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if _, err := r.Next(); !errors.Is(err, want) {
			t.Errorf("%s: Next() = %v, want %v", name, err, want)
		}
		if n := cap(r.long) + cap(r.name) + cap(r.data); n > 3*MaxEvent {
			t.Errorf("%s: %d bytes of memory", name, n)
		}
	}
	f("a line without end", io.MultiReader(strings.NewReader("data: "), endlessly(x)), 0, ErrTooLong)
	f("data lines without end", endlessly("data: "+x+"\n"), 0, ErrTooLong)
	f("a comment without end", io.MultiReader(strings.NewReader(":"), endlessly(x)), 0, ErrTooLong)
	f("the longest data", io.MultiReader(strings.NewReader("data:"), io.LimitReader(endlessly(x), MaxEvent-5),
		strings.NewReader("\n\n")), 1, io.EOF)
	// A stream may hold more than MaxEvent of comments, as long as each is short.
	comment := ":" + x + "\n"
	f("comments for hours", io.MultiReader(strings.NewReader(strings.Repeat(comment, 600)),
		strings.NewReader("data: 1\n\n")), 1, io.EOF)
}

// endless repeats a stream for ever.
type endless struct {
	stream []byte
	at     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.stream[e.at:])
	e.at = (e.at + n) % len(e.stream)
	return n, nil
}

func TestWrittenEventsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []event
		toSpaces := strings.NewReplacer("\n", " ", "\r", " ")
		for range rapid.IntRange(0, 5).Draw(t, "events") {
			name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " ", "a\r\nb"})).Draw(t, "name")
			data := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " ", ":", "\r\n\r\n", "\xff"})).Draw(t, "data")
			stream = AppendEvent(stream, []byte(name), []byte(data))
			want = append(want, event{toSpaces.Replace(name), toSpaces.Replace(data)})
		}
		seed := rapid.Uint64().Draw(t, "seed")
		got, err := readAll(inPieces(stream, seed))
		if err != io.EOF {
			t.Fatalf("%q ends with %v, want io.EOF", stream, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: events differ (-want +got):\n%s", stream, diff)
		}
	})
}

// inPieces gives a stream in reads of random size.
func inPieces(stream []byte, seed uint64) io.Reader {
	random := rand.New(rand.NewPCG(seed, 0))
	return recordings.Pieces(stream, func() int { return 1 + random.IntN(20) })
}

// specified reads a whole stream by the letter of the standard, 9.2.5 and 9.2.6, with no
// thought of speed. It reports whether the stream ends within an event.
func specified(stream string) (all []event, cut bool) {
	stream = strings.TrimPrefix(stream, "\xef\xbb\xbf")
	stream = strings.ReplaceAll(stream, "\r\n", "\n")
	stream = strings.ReplaceAll(stream, "\r", "\n")
	lines := strings.Split(stream, "\n")
	last := lines[len(lines)-1]
	var name, data string
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			if data != "" {
				all = append(all, event{name, strings.TrimSuffix(data, "\n")})
			}
			name, data = "", ""
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			data += value + "\n"
		}
	}
	return all, name != "" || data != "" || (last != "" && last[0] != ':')
}

// FuzzReader holds the Reader to the standard, however the bytes are cut into reads.
func FuzzReader(f *testing.F) {
	f.Add([]byte("event: ping\r\ndata: {}\r\n\r\n: comment\ndata\rdata:  x\r\r"), uint64(1))
	f.Add([]byte("\xef\xbb\xbfdata:1\n\nid: 3\nretry:\nevent\ndata"), uint64(2))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		want, cut := specified(string(stream))
		got, err := readAll(inPieces(stream, seed))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: events differ (-standard +got):\n%s", stream, diff)
		}
		if cut != errors.Is(err, io.ErrUnexpectedEOF) || !cut && err != io.EOF {
			t.Errorf("%q ends with %v; cut within an event: %t", stream, err, cut)
		}
	})
}

// FuzzAppendEvent holds that whatever name and data are, they make one event.
func FuzzAppendEvent(f *testing.F) {
	f.Add([]byte("ping"), []byte("{}\n\nevent: forged\r\rdata: 1"))
	f.Fuzz(func(t *testing.T, name, data []byte) {
		got, err := readAll(bytes.NewReader(AppendEvent(nil, name, data)))
		toSpaces := strings.NewReplacer("\n", " ", "\r", " ")
		want := []event{{toSpaces.Replace(string(name)), toSpaces.Replace(string(data))}}
		if diff := cmp.Diff(want, got); diff != "" || err != io.EOF {
			t.Errorf("AppendEvent(%q, %q): %v, events differ (-want +got):\n%s", name, data, err, diff)
		}
	})
}

var delta = []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"'s the weather information for Seattle and San"}}`)

func TestSteadyStateAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 1<<10)
	if got := testing.AllocsPerRun(1000, func() {
		AppendEvent(dst, []byte("content_block_delta"), delta)
	}); got != 0 {
		t.Errorf("AppendEvent into a long enough slice allocates %v times, want 0", got)
	}
	r := NewReader(&endless{stream: AppendEvent(nil, []byte("content_block_delta"), delta)})
	if got := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("Next allocates %v times an event, want 0", got)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	name := []byte("content_block_delta")
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendEvent(dst[:0], name, delta)
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkReader(b *testing.B) {
	stream := AppendEvent(nil, []byte("content_block_delta"), delta)
	r := NewReader(&endless{stream: bytes.Repeat(stream, 100)})
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
