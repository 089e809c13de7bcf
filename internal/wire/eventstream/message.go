package eventstream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
)

// Message is a checked message, looking into the memory of the Reader it came from: its
// bytes are valid until the Reader's next Next and must not be changed. The zero Message
// has no headers and no bytes.
type Message struct {
	raw        []byte
	headersEnd int
}

// Raw returns the whole message as it came, prelude to checksum, to be passed on.
func (m Message) Raw() []byte { return m.raw }

// Payload returns the payload, which may be empty.
func (m Message) Payload() []byte {
	if m.raw == nil {
		return nil
	}
	end := len(m.raw) - crcLen
	return m.raw[m.headersEnd:end:end]
}

// Header returns the value of the header of that name, and whether there is one. Names are
// compared byte for byte. Nothing is allocated.
func (m Message) Header(name string) (Value, bool) {
	h, ok := m.find(name)
	if !ok {
		return Value{}, false
	}
	return h.val(), true
}

// Text returns the bytes of the string header of that name, or nil if there is none of that
// type. Comparing them, as in string(m.Text(":event-type")) == "chunk", allocates nothing.
func (m Message) Text(name string) []byte {
	h, ok := m.find(name)
	if !ok || h.typ != TypeString {
		return nil
	}
	return h.value
}

// Headers returns the headers in the order in which they came. The names are copies.
func (m Message) Headers() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for block := m.RawHeaders(); len(block) > 0; {
			h, rest, err := cutHeader(block)
			if err != nil || !yield(string(h.name), h.val()) {
				return
			}
			block = rest
		}
	}
}

// find walks the headers, which is faster than any index for the three that AWS sends.
func (m Message) find(name string) (rawHeader, bool) {
	for block := m.RawHeaders(); len(block) > 0; {
		h, rest, err := cutHeader(block)
		if err != nil {
			break // cannot be: the headers were checked
		}
		if string(h.name) == name {
			return h, true
		}
		block = rest
	}
	return rawHeader{}, false
}

// RawHeaders returns all headers as they came. Two messages whose RawHeaders are equal have the
// same headers.
func (m Message) RawHeaders() []byte {
	if m.raw == nil {
		return nil
	}
	return m.raw[preludeLen:m.headersEnd]
}

// prelude is what a message says of its lengths.
type prelude struct {
	total, headers int
}

// parsePrelude reads the prelude at the start of b, which has its 12 bytes. The checksum
// comes first: it tells a damaged length from one that never was in bounds.
func parsePrelude(b []byte) (prelude, error) {
	want, got := binary.BigEndian.Uint32(b[8:]), crc32.ChecksumIEEE(b[:8])
	if want != got {
		return prelude{}, fmt.Errorf("%w: prelude says %08x, its bytes give %08x", ErrChecksum, want, got)
	}
	total, headers := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	switch {
	case total < minMessage || total > MaxMessage:
		return prelude{}, fmt.Errorf("%w: message of %d bytes, want %d to %d", ErrLength, total, minMessage, MaxMessage)
	case headers > MaxHeaders || headers > total-minMessage:
		return prelude{}, fmt.Errorf("%w: headers of %d bytes in a message of %d, at most %d",
			ErrLength, headers, total, min(MaxHeaders, total-minMessage))
	}
	return prelude{int(total), int(headers)}, nil
}

// parseMessage checks the rest of a message whose prelude is p, but for what is in its headers.
func parseMessage(raw []byte, p prelude) (Message, error) {
	end := len(raw) - crcLen
	want, got := binary.BigEndian.Uint32(raw[end:]), crc32.ChecksumIEEE(raw[:end])
	if want != got {
		return Message{}, fmt.Errorf("%w: message says %08x, its %d bytes give %08x", ErrChecksum, want, len(raw), got)
	}
	return Message{raw, preludeLen + p.headers}, nil
}

// Append appends one encoded message to dst and returns the longer slice. It allocates only
// to make dst longer. What it refuses (ErrLength, ErrHeader) is not written: then it returns
// dst as it was.
func Append(dst []byte, headers []Header, payload []byte) ([]byte, error) {
	if len(payload) > MaxMessage-minMessage {
		return dst, fmt.Errorf("encode event stream message: %w: payload of %d bytes, at most %d",
			ErrLength, len(payload), MaxMessage-minMessage)
	}
	start := len(dst)
	b := append(dst, make([]byte, preludeLen)...)
	for _, h := range headers {
		var err error
		if b, err = appendHeader(b, h); err != nil {
			return dst, fmt.Errorf("encode event stream message: %w", err)
		}
		if n := len(b) - start - preludeLen; n > MaxHeaders {
			return dst, fmt.Errorf("encode event stream message: %w: more than %d bytes of headers", ErrLength, MaxHeaders)
		}
	}
	block := b[start+preludeLen:]
	if err := checkHeaders(block); err != nil {
		return dst, fmt.Errorf("encode event stream message: %w", err)
	}
	total := minMessage + len(block) + len(payload)
	if total > MaxMessage {
		return dst, fmt.Errorf("encode event stream message: %w: %d bytes, at most %d", ErrLength, total, MaxMessage)
	}
	b = slices.Grow(b, len(payload)+crcLen)
	head := b[start:]
	binary.BigEndian.PutUint32(head[0:], uint32(total))
	binary.BigEndian.PutUint32(head[4:], uint32(len(block)))
	binary.BigEndian.PutUint32(head[8:], crc32.ChecksumIEEE(head[:8]))
	b = append(b, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:])), nil
}
