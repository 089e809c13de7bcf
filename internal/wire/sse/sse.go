// Package sse writes and reads server-sent events (text/event-stream), the form in which
// the Anthropic API streams its answers:
//
//	event: content_block_delta        a field: name, colon, one space at will, value
//	data: {"type":"content_block_…    several data lines make one value, joined by \n
//	                                  an empty line ends the event
//	: keep-alive                      a line that begins with a colon is a comment
//
// The rules are those of the WHATWG's HTML standard, section 9.2, "Server-sent events".
package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxEvent is the most bytes that a Reader gathers for one event: its name, its data and the
// line being read. It is above the 24 MiB of the longest event stream message.
const MaxEvent = 32 << 20

// ErrTooLong means that an event exceeds MaxEvent.
var ErrTooLong = errors.New("longer than 32 MiB")

var byteOrderMark = []byte("\xef\xbb\xbf")

// keepBuffer is the most that a Reader holds on to for the events to come.
const keepBuffer = 64 << 10

// AppendEvent appends an event to dst and returns the longer slice; it allocates only to
// make dst longer. An empty name leaves the event line out. data is one JSON text: CR and LF,
// which JSON has only between tokens, become spaces, as they do in the name, so that nothing
// in either can end the line.
func AppendEvent(dst, name, data []byte) []byte {
	if len(name) > 0 {
		dst = append(dst, "event: "...)
		dst = appendLine(dst, name)
	}
	dst = append(dst, "data: "...)
	dst = appendLine(dst, data)
	return append(dst, '\n')
}

// appendLine appends text as the rest of one line. The common case, no line end within,
// costs the two searches and a copy.
func appendLine(dst, text []byte) []byte {
	start := len(dst)
	dst = append(dst, text...)
	for _, end := range [...]byte{'\n', '\r'} {
		for rest := dst[start:]; ; {
			i := bytes.IndexByte(rest, end)
			if i < 0 {
				break
			}
			rest[i] = ' '
			rest = rest[i+1:]
		}
	}
	return append(dst, '\n')
}

// Event is a server-sent event. Its bytes are valid until the next call of the Reader's
// Next and must not be changed.
type Event struct {
	Name []byte // empty if the stream gave none, which browsers then call "message"
	Data []byte // empty if the stream had a data field with nothing in it
}

// Reader reads events. Lines may end in LF, CR or CRLF, and a byte order mark may come
// first. Comments, events without data and the fields id and retry are passed over. Bytes
// are given as they came, whether UTF-8 or not. It allocates nothing in steady state and is
// not safe for concurrent use.
type Reader struct {
	src     *bufio.Reader
	err     error // what Next ended with, returned ever after
	started bool  // the first line, where a byte order mark may be, is behind
	skipLF  bool  // the last line ended in CR: an LF now belongs to it

	long       []byte // the line being read, as far as it does not lie in src's buffer
	name, data []byte // of the event being read; every data line leaves its \n
}

// NewReader returns a Reader that reads from src.
func NewReader(src io.Reader) *Reader { return &Reader{src: bufio.NewReaderSize(src, 8<<10)} }

// Next returns the next event that has data.
//
// Where the stream ends between events, Next returns io.EOF. Where it ends within an event,
// the event is not returned, as the standard has it, and the error is io.ErrUnexpectedEOF:
// an answer is cut. ErrTooLong and what src failed with come wrapped. After an error every
// further call returns the same.
func (r *Reader) Next() (Event, error) {
	if r.err != nil {
		return Event{}, r.err
	}
	r.name, r.data = reuse(r.name), reuse(r.data)
	for {
		line, err := r.line()
		if !r.started {
			line = bytes.TrimPrefix(line, byteOrderMark)
			r.started = true
		}
		if err != nil {
			r.err = r.ended(line, err)
			return Event{}, r.err
		}
		if len(line) > 0 {
			r.field(line)
			continue
		}
		if n := len(r.data); n > 0 {
			return Event{Name: r.name, Data: r.data[: n-1 : n-1]}, nil
		}
		r.name = r.name[:0] // no data, no event
	}
}

// ended returns the error of a stream that ended or failed with err, within line.
func (r *Reader) ended(line []byte, err error) error {
	if err == io.EOF {
		inLine := len(line) > 0 && line[0] != ':'
		if !inLine && len(r.name) == 0 && len(r.data) == 0 {
			return io.EOF
		}
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("server-sent event: %w", err)
}

// field takes in a line that is not empty.
func (r *Reader) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	switch string(name) {
	case "event":
		r.name = append(r.name[:0], value...)
	case "data":
		r.data = append(r.data, value...)
		r.data = append(r.data, '\n')
	}
}

// line returns the next line without its end, valid until the next call. With an error it
// returns what there is of a line that did not end.
//
// The common case is a line that lies in src's buffer and is not copied.
func (r *Reader) line() ([]byte, error) {
	r.long = reuse(r.long)
	for {
		if _, err := r.src.Peek(1); err != nil {
			return r.long, err
		}
		b, err := r.src.Peek(r.src.Buffered())
		if err != nil {
			return r.long, err
		}
		if r.skipLF {
			r.skipLF = false
			if b[0] == '\n' {
				r.discard(1)
				continue
			}
		}
		n := lineEnd(b)
		if len(r.name)+len(r.data)+len(r.long)+n > MaxEvent {
			return nil, ErrTooLong
		}
		if n == len(b) {
			r.long = append(r.long, b...)
			r.discard(n)
			continue
		}
		line := b[:n]
		if len(r.long) > 0 {
			r.long = append(r.long, line...)
			line = r.long
		}
		r.skipLF = b[n] == '\r'
		r.discard(n + 1) // leaves line as it is until the next Peek
		return line, nil
	}
}

// discard drops n bytes that are buffered, so that it cannot fail.
func (r *Reader) discard(n int) { _, _ = r.src.Discard(n) }

// lineEnd returns the index of the first CR or LF, or len(b).
func lineEnd(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	if i := bytes.IndexByte(b, '\r'); i >= 0 {
		return i
	}
	return len(b)
}

// reuse empties b, and lets go of it if it was needed for something long.
func reuse(b []byte) []byte {
	if cap(b) > keepBuffer {
		return nil
	}
	return b[:0]
}
