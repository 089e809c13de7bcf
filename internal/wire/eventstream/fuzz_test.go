package eventstream

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"
)

// FuzzReader holds for any bytes at all: no panic, memory in proportion to what came, and a
// message that is returned is read likewise by AWS's decoder and written back by Append.
func FuzzReader(f *testing.F) {
	f.Add(testdata(f, "claude-converse.bin"), false)
	f.Add(sealHeaders("\x01a\x09abcdefghijklmnop\x01b\x08abcdefgh\x01c\x05abcdefgh\x01d\x04abcd"), false)
	f.Add(sealHeaders("\x01a\x03ab\x01b\x02a\x01c\x06\x00\x01a\x01d\x07\x00\x01a\x01e\x00\x01f\x01"), true)
	f.Add(seal(MaxMessage, 0, nil), false)
	f.Fuzz(func(t *testing.T, stream []byte, repair bool) {
		if repair {
			mend(stream)
		}
		r := NewReader(bytes.NewReader(stream))
		for at := 0; ; {
			m, err := r.Next()
			if len(r.buf) > 2*max(minBuffer, len(stream)) {
				t.Fatalf("%d bytes of memory for a stream of %d", len(r.buf), len(stream))
			}
			if err != nil {
				known := err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrChecksum) ||
					errors.Is(err, ErrLength) || errors.Is(err, ErrHeader)
				if !known || (err == io.EOF) != (at == len(stream)) {
					t.Fatalf("Next() after %d of %d bytes: %v", at, len(stream), err)
				}
				return
			}
			raw := stream[at : at+len(m.Raw())]
			if !bytes.Equal(m.Raw(), raw) {
				t.Fatalf("Raw() = %x, want %x", m.Raw(), raw)
			}
			if err := agreesWithAWS(m, raw); err != nil {
				t.Fatalf("message %x: %v", raw, err)
			}
			again, err := Append(nil, headersOf(m), m.Payload())
			if tooLong := longestValue(m) > MaxValue; tooLong != errors.Is(err, ErrLength) || (err != nil) != tooLong {
				t.Fatalf("Append of %x: %v", raw, err)
			}
			if err == nil && !bytes.Equal(again, raw) {
				t.Fatalf("Append = %x, want %x", again, raw)
			}
			at += len(raw)
		}
	})
}

// mend sets right the checksums of the messages in stream, lest the fuzzer never get past
// them.
func mend(stream []byte) {
	for len(stream) >= minMessage {
		binary.BigEndian.PutUint32(stream[8:], crc32.ChecksumIEEE(stream[:8]))
		total := int64(binary.BigEndian.Uint32(stream))
		if total < minMessage || total > int64(len(stream)) {
			return
		}
		end := total - crcLen
		binary.BigEndian.PutUint32(stream[end:], crc32.ChecksumIEEE(stream[:end]))
		stream = stream[total:]
	}
}

func longestValue(m Message) (n int) {
	for _, v := range m.Headers() {
		n = max(n, len(v.data))
	}
	return n
}

// FuzzAppend holds for any header and payload: Append refuses it, or Reader and AWS's
// decoder read back the same.
func FuzzAppend(f *testing.F) {
	f.Add(":event-type", "chunk", ":chunk-signature", []byte("signature"), int64(-1), []byte("{}"))
	f.Add("", "", "", []byte(nil), int64(0), []byte(nil))
	f.Fuzz(func(t *testing.T, name, text, name2 string, data []byte, number int64, payload []byte) {
		headers := []Header{
			{name, String(text)}, {name2, Bytes(data)}, {"int8", Int8(int8(number))}, {"int16", Int16(int16(number))},
			{"int32", Int32(int32(number))}, {"int64", Int64(number)}, {"flag", Bool(number < 0)},
		}
		b, err := Append(nil, headers, payload)
		if err != nil {
			legal := name != name2 && name != "" && name2 != "" && len(name) <= MaxName && len(name2) <= MaxName &&
				len(text) <= MaxValue && len(data) <= MaxValue && len(payload) < MaxMessage-MaxHeaders
			for _, h := range headers[2:] {
				legal = legal && name != h.Name && name2 != h.Name
			}
			if legal || b != nil {
				t.Fatalf("Append(%q) = %x, %v", headers, b, err)
			}
			return
		}
		m, err := NewReader(bytes.NewReader(b)).Next()
		if err != nil {
			t.Fatalf("Next() on what Append wrote, %s: %v", base64.StdEncoding.EncodeToString(b), err)
		}
		if err := agreesWithAWS(m, b); err != nil {
			t.Fatal(err)
		}
		if v, ok := m.Header(name); !ok || v.String() != text {
			t.Fatalf("Header(%q) = %q, %t; want %q", name, v, ok, text)
		}
		if !bytes.Equal(m.Payload(), payload) {
			t.Fatalf("Payload() = %q, want %q", m.Payload(), payload)
		}
	})
}
