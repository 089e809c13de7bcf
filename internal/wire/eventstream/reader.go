package eventstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// minBuffer holds some ten of Bedrock's events: a stream that comes in events needs no more.
	minBuffer = 2 << 10

	// burstBuffer is what the buffer grows to while reads fill it.
	burstBuffer = 16 << 10

	// keepBuffer is the most that a Reader holds on to for the messages to come: a longer
	// message pays for its own memory.
	keepBuffer = 64 << 10

	// maxEmptyReads is bufio's patience with a source that gives neither bytes nor an error.
	maxEmptyReads = 100
)

// Reader reads messages from a stream. Its memory grows with the bytes that arrive, never
// by what a message claims to be, so that a stream costs at most about twice what was sent.
// In steady state it allocates nothing. It is not safe for concurrent use.
type Reader struct {
	src    io.Reader
	srcErr error // what the source ended with, returned once buf is used up
	err    error // what Next ended with, returned ever after

	buf        []byte
	start, end int   // buf[start:end] came and was not returned yet
	full       bool  // the last read filled buf
	offset     int64 // of buf[start] in the stream, for errors

	// checked is the last block of headers that was found good. Nearly every message of a
	// stream has the same: comparing it costs a fifth of checking it again (BenchmarkReader).
	checked []byte
}

// keepHeaders is the longest block worth keeping for comparison; Bedrock's have 70 to 90 bytes.
const keepHeaders = 256

// NewReader returns a Reader that reads from src, each time as much as src gives.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Next returns the next message, with both checksums and every header checked. The message
// is valid until Next is called again.
//
// Where the stream ends between two messages, Next returns io.EOF. Where it ends within
// one, the error is io.ErrUnexpectedEOF; where a message is bad, ErrChecksum, ErrLength or
// ErrHeader; where src fails, what src returned; all wrapped with the place. After an error
// there is no finding the next message, so every further call returns the same error.
func (r *Reader) Next() (Message, error) {
	if r.err != nil {
		return Message{}, r.err
	}
	m, err := r.next()
	if err != nil {
		r.err, r.buf = err, nil
		return Message{}, err
	}
	r.start += len(m.raw)
	r.offset += int64(len(m.raw))
	return m, nil
}

// Buffered reports whether Next will return without reading from the source: a whole
// message is in memory, or what is there is known to be bad, or the source has ended. While
// it does, a writer need not flush yet.
func (r *Reader) Buffered() bool {
	if r.err != nil || r.srcErr != nil {
		return true
	}
	b := r.buf[r.start:r.end]
	if len(b) < preludeLen {
		return false
	}
	p, err := parsePrelude(b)
	return err != nil || p.total <= len(b)
}

func (r *Reader) next() (Message, error) {
	if err := r.fill(preludeLen); err != nil {
		return Message{}, r.ended(err, preludeLen)
	}
	p, err := parsePrelude(r.buf[r.start:r.end])
	if err != nil {
		return Message{}, r.refused(err)
	}
	if err := r.fill(p.total); err != nil {
		return Message{}, r.ended(err, p.total)
	}
	end := r.start + p.total
	m, err := parseMessage(r.buf[r.start:end:end], p)
	if err != nil {
		return Message{}, r.refused(err)
	}
	if err := r.check(m.RawHeaders()); err != nil {
		return Message{}, r.refused(err)
	}
	return m, nil
}

// check checks a block of headers, unless it is the one checked before.
func (r *Reader) check(block []byte) error {
	if len(block) > 0 && bytes.Equal(block, r.checked) {
		return nil
	}
	if err := checkHeaders(block); err != nil {
		return err
	}
	if len(block) <= keepHeaders {
		r.checked = append(r.checked[:0], block...)
	}
	return nil
}

// fill reads until at least n bytes, at most MaxMessage, are there.
func (r *Reader) fill(n int) error {
	if r.end-r.start >= n {
		return nil
	}
	r.compact()
	for empty := 0; r.end < n; {
		if r.srcErr != nil {
			return r.srcErr
		}
		if r.end == len(r.buf) || r.full && len(r.buf) < burstBuffer {
			r.grow()
		}
		got, err := r.src.Read(r.buf[r.end:])
		if got < 0 || got > len(r.buf)-r.end {
			return errors.New("the source returned an impossible count")
		}
		r.end += got
		r.full = r.end == len(r.buf)
		r.srcErr = err
		if got > 0 || err != nil {
			empty = 0
		} else if empty++; empty == maxEmptyReads {
			return io.ErrNoProgress
		}
	}
	return nil
}

// compact moves what is left, a part of one message, to the front of the buffer. That
// happens at most twice a message, and once for each full buffer where messages are short.
func (r *Reader) compact() {
	if r.start == 0 {
		return
	}
	left := r.buf[r.start:r.end]
	if len(r.buf) > keepBuffer && len(left) < minBuffer {
		r.buf = make([]byte, minBuffer)
	}
	r.start, r.end = 0, copy(r.buf, left)
}

// grow doubles a buffer that is full or was filled by a read, so that it is never more than twice what has
// arrived.
func (r *Reader) grow() {
	buf := make([]byte, min(max(minBuffer, 2*len(r.buf)), MaxMessage))
	copy(buf, r.buf)
	r.buf = buf
}

// refused wraps what is wrong with the message at the current place.
func (r *Reader) refused(err error) error {
	return fmt.Errorf("event stream message at byte %d: %w", r.offset, err)
}

// ended wraps the error that kept n bytes of a message from coming.
func (r *Reader) ended(err error, n int) error {
	have := r.end - r.start
	if err == io.EOF {
		if have == 0 {
			return io.EOF
		}
		err = io.ErrUnexpectedEOF
	}
	what := "bytes"
	if n == preludeLen {
		what = "bytes of the prelude"
	}
	return fmt.Errorf("event stream message at byte %d, after %d of %d %s: %w", r.offset, have, n, what, err)
}
