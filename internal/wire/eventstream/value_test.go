package eventstream

import (
	"math"
	"testing"
	"time"
)

func TestValues(t *testing.T) {
	uuid := [16]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}
	at := time.Date(2026, 11, 20, 18, 30, 0, 123_456_789, time.FixedZone("CET", 3600))
	type accessed struct {
		Bool, Int, Bytes, Text, Time, UUID any
	}
	// got calls every accessor and leaves nil where it says that v is not of its type.
	got := func(v Value) (a accessed) {
		if x, ok := v.Bool(); ok {
			a.Bool = x
		}
		if x, ok := v.Int(); ok {
			a.Int = x
		}
		if x, ok := v.Bytes(); ok {
			a.Bytes = string(x)
		}
		if x, ok := v.Text(); ok {
			a.Text = string(x)
		}
		if x, ok := v.Time(); ok {
			a.Time = x
		}
		if x, ok := v.UUID(); ok {
			a.UUID = x
		}
		return a
	}
	f := func(v Value, typ Type, want accessed, printed string) {
		t.Helper()
		if v.Type() != typ {
			t.Errorf("%v: Type() = %v, want %v", v, v.Type(), typ)
		}
		if a := got(v); a != want {
			t.Errorf("%v of %v: accessors give %+v, want %+v", v, typ, a, want)
		}
		if v.String() != printed {
			t.Errorf("String() of %v = %q, want %q", typ, v.String(), printed)
		}
	}
	f(Value{}, TypeTrue, accessed{}, "none")
	f(Bool(true), TypeTrue, accessed{Bool: true}, "true")
	f(Bool(false), TypeFalse, accessed{Bool: false}, "false")
	f(Int8(math.MinInt8), TypeInt8, accessed{Int: int64(math.MinInt8)}, "-128")
	f(Int16(math.MaxInt16), TypeInt16, accessed{Int: int64(math.MaxInt16)}, "32767")
	f(Int32(math.MinInt32), TypeInt32, accessed{Int: int64(math.MinInt32)}, "-2147483648")
	f(Int64(math.MaxInt64), TypeInt64, accessed{Int: int64(math.MaxInt64)}, "9223372036854775807")
	f(Bytes([]byte("\x00\xffab")), TypeBytes, accessed{Bytes: "\x00\xffab"}, "AP9hYg==")
	f(String("grüß"), TypeString, accessed{Text: "grüß"}, "grüß")
	f(Timestamp(at), TypeTimestamp, accessed{Time: time.Date(2026, 11, 20, 17, 30, 0, 123_000_000, time.UTC)}, "2026-11-20T17:30:00.123Z")
	f(UUID(uuid), TypeUUID, accessed{UUID: uuid}, "01234567-89ab-cdef-fedc-ba9876543210")

	if got := Type(12).String(); got != "type 12" {
		t.Errorf("Type(12).String() = %q, want %q", got, "type 12")
	}
}

func TestValuesOwnTheirBytes(t *testing.T) {
	b := []byte("before")
	v := Bytes(b)
	copy(b, "after!")
	if got, _ := v.Bytes(); string(got) != "before" {
		t.Errorf("Bytes(b) holds %q after b was changed, want %q", got, "before")
	}
}

func TestEqual(t *testing.T) {
	different := []Value{
		{}, Bool(true), Bool(false), Int8(1), Int16(1), Int32(1), Int64(1), Int64(2), Bytes([]byte("1")),
		String("1"), String("2"), String(""), Timestamp(time.UnixMilli(1)), UUID([16]byte{1}), UUID([16]byte{2}),
	}
	for i, v := range different {
		for j, w := range different {
			if got := v.Equal(w); got != (i == j) {
				t.Errorf("%v %v: Equal(%v %v) = %t, want %t", v.Type(), v, w.Type(), w, got, i == j)
			}
		}
	}
}
