package eventstream

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// Every recorded stream is cut at every byte, has every bit flipped, and comes in pieces of any size.
//
// A cut or flip is read by a copy of a Reader that has read up to the damaged message, not from the stream's
// start, which would take the square of the time. That is equal: between two messages a Reader is what is in
// its buffer (here nothing), the offset for its errors, and the last block of headers that was good. The
// messages before are read, and compared, once. TestDamageAfterAWholeStream holds all this against streams
// that are read from their start.

// allBytes is how many bytes the recorded streams have: there are as many cuts, and eight times as many flips.
const allBytes = 59_641 + 129_816 + 351_726

// A tail is a stream from some message on. It gives at most 512 bytes a read, so that more has to be asked
// for.
type tail struct {
	rest  []byte
	end   error
	asked int // the longest buffer that was to be filled
}

func (s *tail) Read(p []byte) (int, error) {
	s.asked = max(s.asked, len(p))
	if len(s.rest) == 0 {
		return 0, s.end
	}
	n := copy(p[:min(len(p), 512)], s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// A message of a recorded stream.
type message struct {
	index  int
	raw    []byte
	rest   []byte // of the stream, from the message on
	before []byte // likewise, from the message before on
	reader Reader // that has read the messages before, and nothing more
}

// damaged returns the error that stands in place of the message when what is left of the stream is rest,
// and then end. It fails if there is none, or if the Reader's memory is out of bounds.
func (m *message) damaged(t *testing.T, rest []byte, end error) error {
	src := tail{rest: rest, end: end}
	r := m.reader
	r.src = &src
	got, err := r.Next()
	if err == nil {
		t.Fatalf("message %d: %q in place of an error", m.index, got.Raw())
	}
	if src.asked > 2*max(minBuffer, len(m.rest)) {
		t.Fatalf("message %d: a buffer of %d bytes for a stream of %d", m.index, src.asked, len(m.rest))
	}
	return err
}

// known reports whether err is one of those that say what is wrong with a stream.
func known(err error) bool {
	return errors.Is(err, ErrChecksum) || errors.Is(err, ErrLength) || errors.Is(err, ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF)
}

var errReset = errors.New("connection reset by peer")

func TestEveryCutOfEveryRecordedStream(t *testing.T) {
	cuts := forEveryByte(t, func(t *testing.T, m *message, at int) {
		err := m.damaged(t, m.rest[:at], io.EOF)
		if between := at == 0; between && err != io.EOF || !between && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("message %d cut after %d bytes: %v, want io.EOF between messages, io.ErrUnexpectedEOF within", m.index, at, err)
		}
		if err := m.damaged(t, m.rest[:at], errReset); !errors.Is(err, errReset) || errors.Is(err, io.EOF) {
			t.Fatalf("message %d reset after %d bytes: %v, want what the source said", m.index, at, err)
		}
	})
	if cuts != allBytes {
		t.Errorf("%d cuts, want %d", cuts, allBytes)
	}
	t.Logf("%d cuts, each with a clean end and with a reset", cuts)
}

func TestEveryFlippedBitOfEveryRecordedStream(t *testing.T) {
	flipped := forEveryByte(t, func(t *testing.T, m *message, at int) {
		for bit := range 8 {
			m.rest[at] ^= 1 << bit
			err := m.damaged(t, m.rest, io.EOF)
			m.rest[at] ^= 1 << bit
			if !known(err) {
				t.Fatalf("message %d, bit %d of byte %d flipped: %v", m.index, bit, at, err)
			}
		}
	})
	if flipped != allBytes {
		t.Errorf("the bits of %d bytes flipped, want %d", flipped, allBytes)
	}
	t.Logf("%d bits flipped", 8*flipped)
}

// forEveryByte calls f for each byte of each message of each recorded stream, and returns how often. Streams
// are tried in parallel; f may change the stream.
func forEveryByte(t *testing.T, f func(t *testing.T, m *message, at int)) int64 {
	var n atomic.Int64
	t.Run("streams", func(t *testing.T) {
		for _, s := range recordings.Streams(t) {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				m := &message{rest: s.Bytes()}
				m.before = m.rest
				for m.index, m.raw = range s.Messages {
					for at := range m.raw {
						f(t, m, at)
					}
					n.Add(int64(len(m.raw)))
					m.reader.src = bytes.NewReader(m.raw)
					got, err := m.reader.Next()
					if err != nil || !bytes.Equal(got.Raw(), m.raw) {
						t.Fatalf("undamaged, message %d is %q, %v; want %q", m.index, got.Raw(), err, m.raw)
					}
					m.before, m.rest = m.rest, m.rest[len(m.raw):]
				}
			})
		}
	})
	return n.Load()
}

// TestDamageAfterAWholeStream reads damaged streams from their start: a short one of each kind with every
// cut and flip, and the longest with some.
func TestDamageAfterAWholeStream(t *testing.T) {
	streams := recordings.Streams(t)
	slices.SortFunc(streams, func(a, b recordings.Stream) int { return len(a.Bytes()) - len(b.Bytes()) })
	shortest := func(recorded, invoke bool) recordings.Stream {
		return streams[slices.IndexFunc(streams, func(s recordings.Stream) bool { return s.Recorded == recorded && s.IsInvoke() == invoke })]
	}
	f := func(s recordings.Stream, every int) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			stream := s.Bytes()
			tried, whole, start := 0, 0, 0 // messages before the damaged one, and where that begins
			for bit := 0; bit < 8*len(stream); bit += every {
				tried++
				at := bit / 8
				for at >= start+len(s.Messages[whole]) {
					start += len(s.Messages[whole])
					whole++
				}
				got, err := readAll(bytes.NewReader(stream[:at]))
				if (err == io.EOF) != (at == start) || err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) || !slices.EqualFunc(got, s.Messages[:whole], bytes.Equal) {
					t.Fatalf("cut at %d: %d messages, %v; want the first %d", at, len(got), err, whole)
				}
				stream[at] ^= 1 << (bit % 8)
				got, err = readAll(bytes.NewReader(stream))
				stream[at] ^= 1 << (bit % 8)
				if !known(err) || !slices.EqualFunc(got, s.Messages[:whole], bytes.Equal) {
					t.Fatalf("bit %d of byte %d flipped: %d messages, %v; want the first %d", bit%8, at, len(got), err, whole)
				}
			}
			t.Logf("%d flips in %d bytes of %d messages", tried, len(stream), len(s.Messages))
		})
	}
	f(shortest(true, false), 1)
	f(shortest(true, true), 3) // coprime to 8: every byte, every place in it
	f(shortest(false, true), 1)
	f(streams[len(streams)-1], 97)
}

// TestEveryRecordedStreamInPieces reads every recorded stream in pieces of 1, 2, 7 and random bytes.
func TestEveryRecordedStreamInPieces(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	read := 0
	for _, s := range recordings.Streams(t) {
		for _, size := range recordings.PieceSizes(random) {
			got, err := readAll(recordings.Pieces(s.Bytes(), size.Next))
			if err != io.EOF || !slices.EqualFunc(got, s.Messages, bytes.Equal) {
				t.Errorf("%s in pieces of %s: %d messages, %v; want all %d as they were", s.Name, size.Name, len(got), err, len(s.Messages))
			}
			read++
		}
	}
	t.Logf("%d streams in pieces", read)
}

// TestEveryRecordedStreamInTwoPieces cuts every recorded stream into two pieces at every byte. What is
// before the message that the cut is in came whole: the message before stands for it.
func TestEveryRecordedStreamInTwoPieces(t *testing.T) {
	cuts := forEveryByte(t, func(t *testing.T, m *message, at int) {
		before := len(m.before) - len(m.rest)
		r := NewReader(&twoPieces{m.before[:before+at], m.rest[at:]})
		for place, end := 0, before+len(m.raw); place < end; {
			got, err := r.Next()
			if err != nil || !bytes.Equal(got.Raw(), firstOf(m.before[place:])) {
				t.Fatalf("message %d in two pieces after %d bytes: %q, %v; want it, and the one before, as they were", m.index, at, got.Raw(), err)
			}
			place += len(got.Raw())
		}
	})
	if cuts != allBytes {
		t.Errorf("%d cuts, want %d", cuts, allBytes)
	}
	t.Logf("%d streams in two pieces", cuts)
}

// twoPieces is a source that gives its first bytes at once and then the others.
type twoPieces [2][]byte

func (s *twoPieces) Read(p []byte) (int, error) {
	for i := range s {
		if len(s[i]) > 0 {
			n := copy(p, s[i])
			s[i] = s[i][n:]
			return n, nil
		}
	}
	return 0, io.EOF
}

// firstOf is the first message of an undamaged stream, by the length that it says.
func firstOf(stream []byte) []byte {
	return stream[:uint32(stream[0])<<24|uint32(stream[1])<<16|uint32(stream[2])<<8|uint32(stream[3])]
}
