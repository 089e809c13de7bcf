package eventstream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// readAll returns copies of the messages before the error that ends src.
func readAll(src io.Reader) (all [][]byte, err error) {
	r := NewReader(src)
	for {
		m, err := r.Next()
		if err != nil {
			return all, err
		}
		all = append(all, bytes.Clone(m.Raw()))
	}
}

// seal writes the lengths and checksums of a message that may be wrong in all else.
func seal(total, headers int, rest []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(total))
	b = binary.BigEndian.AppendUint32(b, uint32(headers))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(b, rest...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// sealHeaders is seal for a block of headers and no payload, with the right lengths.
func sealHeaders(block string) []byte {
	return seal(minMessage+len(block), len(block), []byte(block))
}

func TestReadsOfAnySizeGiveTheSameMessages(t *testing.T) {
	stream := bytes.Repeat(testdata(t, "claude-invoke.bin"), 3) // longer than the buffer
	want := raws(t, stream)
	random := rand.New(rand.NewPCG(1, 2))
	sizes := append(recordings.PieceSizes(random),
		recordings.PieceSize{Name: "all at once", Next: func() int { return len(stream) }},
		recordings.PieceSize{Name: "with pauses", Next: func() int { return random.IntN(3) }})
	for _, size := range sizes {
		pieces := func() io.Reader { return recordings.Pieces(stream, size.Next) }
		for end, src := range map[string]io.Reader{"by itself": pieces(), "with the last piece": iotest.DataErrReader(pieces())} {
			got, err := readAll(src)
			if err != io.EOF {
				t.Errorf("%s, the end comes %s: ends with %v, want io.EOF", size.Name, end, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, the end comes %s: messages differ (-want +got):\n%s", size.Name, end, diff)
			}
		}
	}
}

func TestEveryCutIsSeen(t *testing.T) {
	stream := testdata(t, "claude-converse.bin")
	whole := raws(t, stream)
	boundary := map[int]int{0: 0} // offset to number of messages before it
	for i, at := 0, 0; i < len(whole); i++ {
		at += len(whole[i])
		boundary[at] = i + 1
	}
	complete := 0
	for cut := range stream {
		got, err := readAll(bytes.NewReader(stream[:cut]))
		n, atBoundary := boundary[cut]
		if atBoundary {
			complete = n
			if err != io.EOF {
				t.Errorf("cut at %d, between messages: %v, want io.EOF", cut, err)
			}
		} else if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d, within a message: %v, want io.ErrUnexpectedEOF", cut, err)
		}
		if !slices.EqualFunc(got, whole[:complete], bytes.Equal) {
			t.Fatalf("cut at %d: messages %q, want the first %d of %q", cut, got, complete, whole)
		}
	}
}

func TestEveryFlippedBitIsSeen(t *testing.T) {
	stream := testdata(t, "claude-converse.bin")
	whole := raws(t, stream)
	for i, at := 0, 0; at < len(stream); at++ {
		if at == len(bytes.Join(whole[:i+1], nil)) {
			i++
		}
		for bit := range 8 {
			stream[at] ^= 1 << bit
			got, err := readAll(bytes.NewReader(stream))
			stream[at] ^= 1 << bit
			if !errors.Is(err, ErrChecksum) {
				t.Errorf("bit %d of byte %d flipped: %v, want ErrChecksum", bit, at, err)
			}
			if !slices.EqualFunc(got, whole[:i], bytes.Equal) {
				t.Fatalf("bit %d of byte %d flipped: messages %q, want the first %d of %q", bit, at, got, i, whole)
			}
		}
	}
}

func TestRefusedMessages(t *testing.T) {
	f := func(name string, stream []byte, want error, says string) {
		t.Helper()
		r := NewReader(bytes.NewReader(stream))
		m, err := r.Next()
		if !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: Next() = %q, %v; want %v saying %q", name, m.Raw(), err, want, says)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%s: the second Next() = %v, want the same %v", name, again, err)
		}
	}
	f("a page of HTML", []byte("<html><body>502 Bad Gateway"), ErrChecksum, "byte 0: checksum mismatch: prelude says 6f64793e")
	f("total below 16", seal(15, 0, nil), ErrLength, "message of 15 bytes")
	f("total of zero", seal(0, 0, nil), ErrLength, "message of 0 bytes")
	f("total above 24 MiB", seal(MaxMessage+1, 0, nil), ErrLength, "message of 25165825 bytes, want 16 to 25165824")
	f("total of 4 GiB", seal(1<<32-1, 0, nil), ErrLength, "4294967295")
	f("headers longer than the message", seal(20, 5, make([]byte, 4)), ErrLength, "headers of 5 bytes in a message of 20, at most 4")
	f("headers above 128 KiB", seal(1<<20, MaxHeaders+1, nil), ErrLength, "headers of 131073 bytes")
	f("header length of 4 GiB", seal(1<<20, 1<<32-1, nil), ErrLength, "4294967295")

	f("empty name", sealHeaders("\x00\x00"), ErrHeader, "empty name")
	f("name beyond the block", sealHeaders("\x05name"), ErrHeader, "name of 5 bytes and a type in the last 4 bytes")
	f("no type", sealHeaders("\x04name"), ErrHeader, "name of 4 bytes and a type in the last 4 bytes")
	f("unknown type", sealHeaders("\x04name\x0a"), ErrHeader, `"name" has the unknown type 10`)
	f("type 255", sealHeaders("\x04name\xff"), ErrHeader, "unknown type 255")
	f("string without its length", sealHeaders("\x04name\x07\x00"), ErrHeader, "within the length of its value")
	f("string beyond the block", sealHeaders("\x04name\x07\x00\x03ab"), ErrHeader, "value of 3 bytes in the last 2 bytes")
	f("bytes beyond the block", sealHeaders("\x04name\x06\xff\xffab"), ErrHeader, "value of 65535 bytes")
	f("cut int8", sealHeaders("\x04name\x02"), ErrHeader, "value of 1 bytes in the last 0 bytes")
	f("cut int16", sealHeaders("\x04name\x03a"), ErrHeader, "value of 2 bytes")
	f("cut int32", sealHeaders("\x04name\x04abc"), ErrHeader, "value of 4 bytes")
	f("cut int64", sealHeaders("\x04name\x05abcdefg"), ErrHeader, "value of 8 bytes")
	f("cut timestamp", sealHeaders("\x04name\x08abcdefg"), ErrHeader, "value of 8 bytes")
	f("cut uuid", sealHeaders("\x04name\x09abcdefghijklmno"), ErrHeader, "value of 16 bytes")
	f("trailing byte", sealHeaders("\x04name\x00\x01"), ErrHeader, "name of 1 bytes and a type in the last 0 bytes")
	f("a name twice", sealHeaders("\x01a\x00\x01b\x00\x01a\x01"), ErrHeader, `"a" occurs twice`)

	many := ""
	for c := range 20 {
		many += "\x01" + string(rune('a'+c)) + "\x00"
	}
	f("a name twice, far apart", sealHeaders(many+"\x01b\x01"), ErrHeader, `"b" occurs twice`)
	f("a name twice, both late", sealHeaders(many+"\x01s\x01"), ErrHeader, `"s" occurs twice`)
	if _, err := NewReader(bytes.NewReader(sealHeaders(many))).Next(); err != nil {
		t.Errorf("twenty different names: %v", err)
	}
	if _, err := NewReader(bytes.NewReader(sealHeaders("\x01a\x07\xff\xff" + strings.Repeat("v", 65535)))).Next(); err != nil {
		t.Errorf("the longest value that the format has: %v", err)
	}

	second := append(sealHeaders("\x01a\x00"), sealHeaders("\x00")...)
	if _, err := readAll(bytes.NewReader(second)); !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), "at byte 19") {
		t.Errorf("bad second message: %v, want ErrHeader at byte 19", err)
	}
}

// A bad prelude must end the stream at once: waiting for the bytes it claims may be for ever.
func TestBadPreludeIsRefusedBeforeMoreIsRead(t *testing.T) {
	for name, head := range map[string][]byte{
		"bad checksum": []byte("HTTP/1.1 502"),
		"bad length":   seal(MaxMessage+1, 0, nil)[:preludeLen],
	} {
		r := NewReader(io.MultiReader(bytes.NewReader(head), readFunc(func([]byte) (int, error) {
			t.Errorf("%s: read on after the prelude", name)
			return 0, io.EOF
		})))
		if _, err := r.Next(); !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrLength) {
			t.Errorf("%s: Next() = %v, want ErrChecksum or ErrLength", name, err)
		}
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestTruncationSaysHowMuchCame(t *testing.T) {
	message := sealHeaders("\x01a\x00")
	f := func(n int, says string) {
		t.Helper()
		_, err := readAll(bytes.NewReader(append(bytes.Clone(message), message[:n]...)))
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), says) {
			t.Errorf("cut after %d bytes of the second message: %v, want io.ErrUnexpectedEOF saying %q", n, err, says)
		}
	}
	f(1, "at byte 19, after 1 of 12 bytes of the prelude")
	f(12, "at byte 19, after 12 of 19 bytes")
	f(18, "at byte 19, after 18 of 19 bytes")
}

func TestSourceErrors(t *testing.T) {
	message := sealHeaders("\x01a\x00")
	f := func(name string, src io.Reader, messages int, want error) {
		t.Helper()
		got, err := readAll(src)
		if len(got) != messages || !errors.Is(err, want) {
			t.Errorf("%s: %d messages and %v, want %d and %v", name, len(got), err, messages, want)
		}
	}
	failing := func(n int, err error) io.Reader {
		return io.MultiReader(bytes.NewReader(message[:n]), iotest.ErrReader(err))
	}
	f("canceled between messages", failing(len(message), context.Canceled), 1, context.Canceled)
	f("canceled within a message", failing(5, context.Canceled), 0, context.Canceled)
	f("timed out before the first", failing(0, context.DeadlineExceeded), 0, context.DeadlineExceeded)
	f("error together with the last bytes", iotest.DataErrReader(failing(len(message), io.ErrClosedPipe)), 1, io.ErrClosedPipe)
	f("end together with the last bytes", iotest.DataErrReader(bytes.NewReader(message)), 1, io.EOF)
	f("body cut by the transport between messages", failing(len(message), io.ErrUnexpectedEOF), 1, io.ErrUnexpectedEOF)

	idle := readFunc(func([]byte) (int, error) { return 0, nil })
	f("no progress", io.MultiReader(bytes.NewReader(message[:3]), idle), 0, io.ErrNoProgress)
	for _, n := range []int{-1, 1 << 30} {
		src := readFunc(func([]byte) (int, error) { return n, nil })
		if _, err := NewReader(src).Next(); err == nil || !strings.Contains(err.Error(), "impossible count") {
			t.Errorf("source that returns %d: %v, want an error of an impossible count", n, err)
		}
	}
}

func TestBufferedTellsWhetherNextWouldRead(t *testing.T) {
	message := sealHeaders("\x01a\x00")
	var reads [][]byte
	src := readFunc(func(p []byte) (int, error) {
		if len(reads) == 0 {
			return 0, io.EOF
		}
		n := copy(p, reads[0])
		reads = reads[1:]
		return n, nil
	})
	r := NewReader(src)
	f := func(name string, buffered bool, wantErr error) {
		t.Helper()
		if got := r.Buffered(); got != buffered {
			t.Errorf("%s: Buffered() = %t, want %t", name, got, buffered)
		}
		before := len(reads)
		_, err := r.Next()
		if !errors.Is(err, wantErr) {
			t.Errorf("%s: Next() = %v, want %v", name, err, wantErr)
		}
		if read := len(reads) != before; buffered && read {
			t.Errorf("%s: Next() read although Buffered() said it would not", name)
		}
	}
	two := append(bytes.Clone(message), message...)
	reads = [][]byte{append(two, message[:13]...), message[13:], []byte("not a prelude")}
	f("nothing read yet", false, nil)
	f("second message came with the first", true, nil)
	f("third message came in part", false, nil)
	f("used up", false, ErrChecksum)
	f("ended by an error", true, ErrChecksum)

	reads = [][]byte{append(bytes.Clone(message), "not a prelude"...)}
	r = NewReader(src)
	f("nothing read yet", false, nil)
	f("a bad prelude came with the first", true, ErrChecksum)

	reads = [][]byte{append(bytes.Clone(message), message[:3]...)}
	r = NewReader(iotest.DataErrReader(src))
	f("nothing read yet", false, nil)
	f("the end came with the first", true, io.ErrUnexpectedEOF)
}

func TestMemoryFollowsWhatCame(t *testing.T) {
	claim := seal(MaxMessage, 0, nil)[:preludeLen]
	r := NewReader(io.MultiReader(bytes.NewReader(claim), readFunc(func(p []byte) (int, error) {
		if len(p) > minBuffer {
			t.Errorf("offers %d bytes for a message of which %d have come", len(p), preludeLen)
		}
		return 0, io.EOF
	})))
	if _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Next() = %v, want io.ErrUnexpectedEOF", err)
	}

	large := seal(MaxMessage, 0, make([]byte, MaxMessage-minMessage))
	small := sealHeaders("\x01a\x00")
	came := 0
	src := io.MultiReader(bytes.NewReader(large), bytes.NewReader(small), bytes.NewReader(small))
	r = NewReader(readFunc(func(p []byte) (int, error) {
		if limit := max(minBuffer, came); len(p) > limit {
			t.Fatalf("offers %d bytes when %d have come", len(p), came)
		}
		n, err := src.Read(p)
		came += n
		return n, err
	}))
	for i, want := range []int{len(large), len(small), len(small)} {
		m, err := r.Next()
		if err != nil || len(m.Raw()) != want {
			t.Fatalf("message %d: %d bytes, %v; want %d", i, len(m.Raw()), err, want)
		}
	}
	if len(r.buf) > keepBuffer {
		t.Errorf("keeps %d bytes after small messages, want at most %d", len(r.buf), keepBuffer)
	}
	if _, err := r.Next(); err != io.EOF || r.buf != nil {
		t.Errorf("at the end: %v and %d bytes kept, want io.EOF and none", err, len(r.buf))
	}
}
