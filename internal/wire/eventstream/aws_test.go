package eventstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	aws "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// These tests hold the package to the encoder and decoder of AWS's SDK for Go.

// anyHeaders draws headers with different names, of every type.
func anyHeaders() *rapid.Generator[[]Header] {
	name := rapid.OneOf(
		rapid.SampledFrom([]string{":event-type", ":content-type", ":message-type", ":date", "a"}),
		rapid.StringN(1, -1, MaxName))
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.IntRange(0, MaxValue),
		func(n int) string { return strings.Repeat("v", n) }))
	value := rapid.OneOf(
		rapid.Map(rapid.Bool(), Bool),
		rapid.Map(rapid.Int8(), Int8),
		rapid.Map(rapid.Int16(), Int16),
		rapid.Map(rapid.Int32(), Int32),
		rapid.Map(rapid.Int64(), Int64),
		rapid.Map(rapid.SliceOf(rapid.Byte()), Bytes),
		rapid.Map(text, String),
		// AWS's type counts nanoseconds within, so that it has the years 1678 to 2261.
		rapid.Map(rapid.Int64Range(-9e12, 9e12), func(ms int64) Value { return Timestamp(time.UnixMilli(ms)) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) Value { return UUID([16]byte(b)) }))
	header := rapid.Custom(func(t *rapid.T) Header {
		return Header{name.Draw(t, "name"), value.Draw(t, "value")}
	})
	return rapid.SliceOfNDistinct(header, 0, 20, func(h Header) string { return h.Name })
}

// toAWS makes an AWS header of one of ours.
func toAWS(h Header) aws.Header {
	v := h.Value
	var w aws.Value
	switch n, _ := v.Int(); v.Type() {
	case TypeTrue, TypeFalse:
		w = aws.BoolValue(v.Type() == TypeTrue)
	case TypeInt8:
		w = aws.Int8Value(n)
	case TypeInt16:
		w = aws.Int16Value(n)
	case TypeInt32:
		w = aws.Int32Value(n)
	case TypeInt64:
		w = aws.Int64Value(n)
	case TypeBytes:
		b, _ := v.Bytes()
		w = aws.BytesValue(b)
	case TypeString:
		w = aws.StringValue(v.String())
	case TypeTimestamp:
		at, _ := v.Time()
		w = aws.TimestampValue(at)
	case TypeUUID:
		u, _ := v.UUID()
		w = aws.UUIDValue(u)
	}
	return aws.Header{Name: h.Name, Value: w}
}

// fromAWS makes one of our headers of AWS's.
func fromAWS(h aws.Header) Header {
	switch w := h.Value.(type) {
	case aws.BoolValue:
		return Header{h.Name, Bool(bool(w))}
	case aws.Int8Value:
		return Header{h.Name, Int8(int8(w))}
	case aws.Int16Value:
		return Header{h.Name, Int16(int16(w))}
	case aws.Int32Value:
		return Header{h.Name, Int32(int32(w))}
	case aws.Int64Value:
		return Header{h.Name, Int64(int64(w))}
	case aws.BytesValue:
		return Header{h.Name, Bytes(w)}
	case aws.StringValue:
		return Header{h.Name, String(string(w))}
	case aws.TimestampValue:
		return Header{h.Name, Timestamp(time.Time(w))}
	case aws.UUIDValue:
		return Header{h.Name, UUID(w)}
	}
	return Header{Name: fmt.Sprintf("%s of %T", h.Name, h.Value)}
}

// agreesWithAWS returns how AWS's decoder reads encoded otherwise than as m.
func agreesWithAWS(m Message, encoded []byte) error {
	theirs, err := aws.NewDecoder().Decode(bytes.NewReader(encoded), nil)
	if err != nil {
		return fmt.Errorf("AWS's decoder: %w", err)
	}
	var headers []Header
	for _, h := range theirs.Headers {
		headers = append(headers, fromAWS(h))
	}
	if diff := cmp.Diff(headers, headersOf(m)); diff != "" {
		return fmt.Errorf("headers (-AWS +got):\n%s", diff)
	}
	if !bytes.Equal(theirs.Payload, m.Payload()) {
		return fmt.Errorf("payload %q, AWS's %q", m.Payload(), theirs.Payload)
	}
	return nil
}

func TestSameBytesAsAWSEncoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		headers := anyHeaders().Draw(t, "headers")
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		got, err := Append(nil, headers, payload)
		if errors.Is(err, ErrLength) {
			t.Skip("headers of more than 128 KiB, which AWS's encoder would write")
		}
		if err != nil {
			t.Fatalf("Append: %v", err)
		}

		msg := aws.Message{Payload: payload}
		for _, h := range headers {
			msg.Headers = append(msg.Headers, toAWS(h))
		}
		var want bytes.Buffer
		if err := aws.NewEncoder().Encode(&want, msg); err != nil {
			t.Fatalf("AWS's encoder: %v", err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("Append = %x\nAWS's encoder: %x", got, want.Bytes())
		}
	})
}

func TestSameMessagesAsAWSDecoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var ends []int
		for range rapid.IntRange(1, 4).Draw(t, "messages") {
			longer, err := Append(stream, anyHeaders().Draw(t, "headers"), rapid.SliceOf(rapid.Byte()).Draw(t, "payload"))
			if errors.Is(err, ErrLength) {
				continue // headers of more than 128 KiB
			}
			if err != nil {
				t.Fatalf("Append: %v", err)
			}
			stream, ends = longer, append(ends, len(longer))
		}
		r := NewReader(bytes.NewReader(stream))
		start := 0
		for _, end := range ends {
			m, err := r.Next()
			if err != nil {
				t.Fatalf("Next(): %v", err)
			}
			if err := agreesWithAWS(m, stream[start:end]); err != nil {
				t.Fatalf("message at byte %d: %v", start, err)
			}
			start = end
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatalf("Next() at the end: %v, want io.EOF", err)
		}
	})
}

func TestRecordedStreamsAsAWSDecodes(t *testing.T) {
	for _, name := range []string{"claude-invoke.bin", "claude-converse.bin"} {
		for _, raw := range raws(t, testdata(t, name)) {
			m, err := NewReader(bytes.NewReader(raw)).Next()
			if err != nil {
				t.Fatal(err)
			}
			if err := agreesWithAWS(m, raw); err != nil {
				t.Errorf("%s: message %q: %v", name, raw, err)
			}
		}
	}
}
