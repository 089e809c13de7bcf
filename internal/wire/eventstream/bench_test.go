package eventstream

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	aws "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// endless repeats a stream for ever, as one connection that is never idle.
type endless struct {
	stream []byte
	at     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.stream[e.at:])
	e.at = (e.at + n) % len(e.stream)
	return n, nil
}

// BenchmarkReader is the hot path: one of Bedrock's recorded messages, about 290 bytes,
// read, told from an exception and its payload taken.
func BenchmarkReader(b *testing.B) {
	stream := testdata(b, "claude-invoke.bin")
	r := NewReader(&endless{stream: stream})
	b.SetBytes(int64(len(stream) / len(raws(b, stream))))
	b.ReportAllocs()
	for b.Loop() {
		m, err := r.Next()
		if err != nil {
			b.Fatal(err)
		}
		if string(m.Text(":message-type")) != "event" || len(m.Payload()) == 0 {
			b.Fatalf("message %q is not an event", m.Raw())
		}
	}
}

// BenchmarkAWSDecoder is the same with the decoder of AWS's SDK, for comparison.
func BenchmarkAWSDecoder(b *testing.B) {
	stream := testdata(b, "claude-invoke.bin")
	d := aws.NewDecoder()
	buf := make([]byte, 8<<10)
	b.SetBytes(int64(len(stream) / len(raws(b, stream))))
	b.ReportAllocs()
	src := &endless{stream: stream}
	for b.Loop() {
		m, err := d.Decode(src, buf)
		if err != nil {
			b.Fatal(err)
		}
		if m.Headers.Get(":message-type").String() != "event" || len(m.Payload) == 0 {
			b.Fatal("message is not an event")
		}
	}
}

func BenchmarkReaderBySize(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			stream, err := Append(nil, chunkHeaders, bytes.Repeat([]byte("x"), size))
			if err != nil {
				b.Fatal(err)
			}
			r := NewReader(&endless{stream: stream})
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 200)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = Append(dst[:0], chunkHeaders, payload); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	r := NewReader(&endless{stream: testdata(t, "claude-invoke.bin")})
	if got := testing.AllocsPerRun(2000, func() {
		m, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := m.Header(":event-type"); !ok || v.Type() != TypeString {
			t.Fatalf("Header(:event-type) = %v, %t; want a string", v, ok)
		}
		if string(m.Text(":message-type")) != "event" || len(m.Payload()) == 0 {
			t.Fatalf("message %q is not an event", m.Raw())
		}
		r.Buffered()
	}); got != 0 {
		t.Errorf("Next, Header, Text, Payload and Buffered allocate %v times a message, want 0", got)
	}

	payload := make([]byte, 200)
	dst := make([]byte, 0, 1<<10)
	if got := testing.AllocsPerRun(1000, func() {
		if _, err := Append(dst, chunkHeaders, payload); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("Append into a long enough slice allocates %v times, want 0", got)
	}
}

// chunkHeaders are those of a chunk of InvokeModelWithResponseStream.
var chunkHeaders = []Header{
	{":event-type", String("chunk")},
	{":content-type", String("application/json")},
	{":message-type", String("event")},
}

// raws returns a copy of each message of a stream that must be whole.
func raws(t testing.TB, stream []byte) (all [][]byte) {
	t.Helper()
	for r := NewReader(bytes.NewReader(stream)); ; {
		m, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("Next() on a recorded stream: %v", err)
		}
		all = append(all, bytes.Clone(m.Raw()))
	}
}
