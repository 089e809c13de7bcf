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
// start, which would take the square of the time. The messages before are read, and compared, once. That is
// equal. Between two messages a Reader is
//   - what is in its buffer: the next bytes of the stream, as many as have come. Here there are none; where all
//     comes in bursts, the damage is among them (message.inBurst).
//   - the buffer's size, and whether the last read filled it (full): they say how much is asked for at a time,
//     and nothing of what is made of it.
//   - the last block of headers that was good, and the offset for its errors.
//
// TestDamageAfterAWholeStream holds all this against streams that are read from their start, in small reads
// and in bursts that the buffer grows with.

// allBytes is how many bytes the recorded streams have: there are as many cuts, and eight times as many flips.
const allBytes = 59_641 + 129_816 + 351_726

// A tail is a stream from some message on.
type tail struct {
	rest  []byte
	end   error
	most  int // bytes a read
	asked int // the longest buffer that was to be filled
}

// fewBytes a read are so few that more have to be asked for.
const fewBytes = 512

func (s *tail) Read(p []byte) (int, error) {
	s.asked = max(s.asked, len(p))
	if len(s.rest) == 0 {
		return 0, s.end
	}
	n := copy(p[:min(len(p), s.most)], s.rest)
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

	burst *Reader // that has read the messages before, and as much more as it asked for
	buf   []byte  // in place of its buffer
	grown int     // how often the damage was in a buffer that had grown
}

// damaged returns the error that stands in place of the message when what is left of the stream is rest,
// and then end. It fails if there is none, or if the Reader's memory is out of bounds.
func (m *message) damaged(t *testing.T, rest []byte, end error) error {
	src := tail{rest: rest, end: end, most: fewBytes}
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

// inBurst does as damaged does, with a Reader that has got the stream in bursts: so much of the first length
// bytes of what is left as it had read ahead is in its buffer, and the rest comes at once.
func (m *message) inBurst(t *testing.T, length int, end error) error {
	r := *m.burst
	ahead := min(length, r.end-r.start)
	r.full = r.full && ahead == r.end-r.start // else the last read was cut short
	m.buf = slices.Grow(m.buf[:0], len(r.buf))[:len(r.buf)]
	r.buf, r.end = m.buf, r.start+copy(m.buf[r.start:], m.rest[:ahead])
	src := tail{rest: m.rest[ahead:length], end: end, most: len(m.rest)}
	r.src = &src
	got, err := r.Next()
	if err == nil {
		t.Fatalf("in a burst, message %d: %q in place of an error", m.index, got.Raw())
	}
	if src.asked > 2*max(minBuffer, int(m.burst.offset)+len(m.rest)) {
		t.Fatalf("in a burst, message %d: a buffer of %d bytes for a stream of %d", m.index, src.asked, int(m.burst.offset)+len(m.rest))
	}
	if ahead > 0 && len(m.buf) > minBuffer {
		m.grown++
	}
	return err
}

// known reports whether err is one of those that say what is wrong with a stream.
func known(err error) bool {
	return errors.Is(err, ErrChecksum) || errors.Is(err, ErrLength) || errors.Is(err, ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF)
}

var errReset = errors.New("connection reset by peer")

func TestEveryCutOfEveryRecordedStream(t *testing.T) {
	cuts, inGrown := forEveryByte(t, func(t *testing.T, m *message, at int) {
		for _, err := range []error{m.damaged(t, m.rest[:at], io.EOF), m.inBurst(t, at, io.EOF)} {
			if between := at == 0; between && err != io.EOF || !between && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("message %d cut after %d bytes: %v, want io.EOF between messages, io.ErrUnexpectedEOF within", m.index, at, err)
			}
		}
		for _, err := range []error{m.damaged(t, m.rest[:at], errReset), m.inBurst(t, at, errReset)} {
			if !errors.Is(err, errReset) || errors.Is(err, io.EOF) {
				t.Fatalf("message %d reset after %d bytes: %v, want what the source said", m.index, at, err)
			}
		}
	})
	if cuts != allBytes || inGrown < allBytes {
		t.Errorf("%d cuts, %d of them in a buffer that had grown, want %d, and half of two each", cuts, inGrown, allBytes)
	}
	t.Logf("%d cuts, each with a clean end and with a reset; %d of these in a buffer that had grown with a burst", cuts, inGrown)
}

// In a burst one bit of each byte is flipped, one after the other.
func TestEveryFlippedBitOfEveryRecordedStream(t *testing.T) {
	flipped, inGrown := forEveryByte(t, func(t *testing.T, m *message, at int) {
		for bit := range 8 {
			m.rest[at] ^= 1 << bit
			errs := append(make([]error, 0, 2), m.damaged(t, m.rest, io.EOF))
			if bit == at%8 {
				errs = append(errs, m.inBurst(t, len(m.rest), io.EOF))
			}
			m.rest[at] ^= 1 << bit
			for _, err := range errs {
				if !known(err) {
					t.Fatalf("message %d, bit %d of byte %d flipped: %v", m.index, bit, at, err)
				}
			}
		}
	})
	if flipped != allBytes || inGrown < allBytes/2 {
		t.Errorf("the bits of %d bytes flipped, %d of them in a buffer that had grown, want %d and half of it", flipped, inGrown, allBytes)
	}
	t.Logf("%d bits flipped, and %d in bursts, %d of these in a buffer that had grown", 8*flipped, flipped, inGrown)
}

// forEveryByte calls f for each byte of each message of each recorded stream, and returns how often, and how
// often inBurst had the damage in a buffer that had grown. Streams are tried in parallel; f may change the
// stream.
func forEveryByte(t *testing.T, f func(t *testing.T, m *message, at int)) (tried, inGrown int64) {
	var n, grown atomic.Int64
	t.Run("streams", func(t *testing.T) {
		for _, s := range recordings.Streams(t) {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				m := &message{rest: s.Bytes()}
				m.burst = NewReader(bytes.NewReader(s.Bytes()))
				m.before = m.rest
				for m.index, m.raw = range s.Messages {
					for at := range m.raw {
						f(t, m, at)
					}
					n.Add(int64(len(m.raw)))
					grown.Add(int64(m.grown))
					m.grown = 0
					m.reader.src = bytes.NewReader(m.raw)
					got, err := m.reader.Next()
					if err != nil || !bytes.Equal(got.Raw(), m.raw) {
						t.Fatalf("undamaged, message %d is %q, %v; want %q", m.index, got.Raw(), err, m.raw)
					}
					if got, err := m.burst.Next(); err != nil || !bytes.Equal(got.Raw(), m.raw) {
						t.Fatalf("undamaged, in a burst, message %d is %q, %v; want %q", m.index, got.Raw(), err, m.raw)
					}
					m.before, m.rest = m.rest, m.rest[len(m.raw):]
				}
			})
		}
	})
	return n.Load(), grown.Load()
}

// TestDamageAfterAWholeStream reads damaged streams from their start, in small reads and in bursts: a short
// one of each kind with every cut and flip, and the longest with some.
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
			if got, want := burstOf(t, stream), min(burstBuffer, len(stream)); got < want {
				t.Fatalf("the buffer grew to %d bytes, want %d: nothing here shows what a burst does", got, want)
			}
			tried, whole, start := 0, 0, 0 // messages before the damaged one, and where that begins
			for bit := 0; bit < 8*len(stream); bit += every {
				tried++
				at := bit / 8
				for at >= start+len(s.Messages[whole]) {
					start += len(s.Messages[whole])
					whole++
				}
				for _, most := range []int{fewBytes, len(stream)} {
					got, err := readAll(&tail{rest: stream[:at], end: io.EOF, most: most})
					if (err == io.EOF) != (at == start) || err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) || !slices.EqualFunc(got, s.Messages[:whole], bytes.Equal) {
						t.Fatalf("cut at %d: %d messages, %v; want the first %d", at, len(got), err, whole)
					}
					stream[at] ^= 1 << (bit % 8)
					got, err = readAll(&tail{rest: stream, end: io.EOF, most: most})
					stream[at] ^= 1 << (bit % 8)
					if !known(err) || !slices.EqualFunc(got, s.Messages[:whole], bytes.Equal) {
						t.Fatalf("bit %d of byte %d flipped: %d messages, %v; want the first %d", bit%8, at, len(got), err, whole)
					}
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

// burstOf returns how large a Reader's buffer gets when the stream comes in one burst.
func burstOf(t *testing.T, stream []byte) (largest int) {
	r := NewReader(bytes.NewReader(stream))
	for {
		if _, err := r.Next(); err == io.EOF {
			return largest
		} else if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, len(r.buf))
	}
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
	cuts, _ := forEveryByte(t, func(t *testing.T, m *message, at int) {
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
