package eventstream

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"
)

// Type is the type of a header's value, numbered as on the wire.
type Type uint8

// The ten types. True and false are types of their own and have no bytes.
const (
	TypeTrue Type = iota
	TypeFalse
	TypeInt8
	TypeInt16
	TypeInt32
	TypeInt64
	TypeBytes
	TypeString
	TypeTimestamp
	TypeUUID
)

var typeNames = [...]string{"true", "false", "int8", "int16", "int32", "int64", "bytes", "string", "timestamp", "uuid"}

// String returns the name of the type, such as "int32".
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type " + strconv.Itoa(int(t))
}

// Value is the value of a header. The zero Value is none, and Append refuses it.
//
// A Value that came out of a Message looks into the Reader's memory and is valid as long as
// the Message. Values that were made by this package's functions have their own.
type Value struct {
	valid bool // tells the zero Value from true, whose type is 0
	typ   Type
	num   int64  // the integers; milliseconds of a timestamp
	data  []byte // bytes, string and UUID
}

// Bool returns a value of TypeTrue or TypeFalse.
func Bool(v bool) Value {
	if v {
		return Value{valid: true, typ: TypeTrue}
	}
	return Value{valid: true, typ: TypeFalse}
}

// Int8 returns a value of TypeInt8.
func Int8(v int8) Value { return Value{valid: true, typ: TypeInt8, num: int64(v)} }

// Int16 returns a value of TypeInt16.
func Int16(v int16) Value { return Value{valid: true, typ: TypeInt16, num: int64(v)} }

// Int32 returns a value of TypeInt32.
func Int32(v int32) Value { return Value{valid: true, typ: TypeInt32, num: int64(v)} }

// Int64 returns a value of TypeInt64.
func Int64(v int64) Value { return Value{valid: true, typ: TypeInt64, num: v} }

// Bytes returns a value of TypeBytes that holds a copy of v.
func Bytes(v []byte) Value { return Value{valid: true, typ: TypeBytes, data: bytes.Clone(v)} }

// String returns a value of TypeString. The format wants UTF-8; that is not checked.
func String(v string) Value { return Value{valid: true, typ: TypeString, data: []byte(v)} }

// Timestamp returns a value of TypeTimestamp: t, cut to the millisecond.
func Timestamp(t time.Time) Value {
	return Value{valid: true, typ: TypeTimestamp, num: t.UnixMilli()}
}

// UUID returns a value of TypeUUID.
func UUID(v [16]byte) Value { return Value{valid: true, typ: TypeUUID, data: v[:]} }

// Type returns the type of the value; for the zero Value it means nothing.
func (v Value) Type() Type { return v.typ }

// Bool returns the value of TypeTrue and TypeFalse, and whether v is one of them.
func (v Value) Bool() (value, ok bool) {
	return v.valid && v.typ == TypeTrue, v.valid && v.typ <= TypeFalse
}

// Int returns the value of the four integer types, and whether v is one of them.
func (v Value) Int() (value int64, ok bool) {
	if v.typ < TypeInt8 || v.typ > TypeInt64 {
		return 0, false
	}
	return v.num, true
}

// Bytes returns the bytes of TypeBytes, and whether v is one. They must not be changed.
func (v Value) Bytes() (value []byte, ok bool) {
	if v.typ != TypeBytes {
		return nil, false
	}
	return v.data, true
}

// Text returns the bytes of TypeString without copying them, and whether v is one. They
// must not be changed. The string itself, which lasts, is v.String().
func (v Value) Text() (value []byte, ok bool) {
	if v.typ != TypeString {
		return nil, false
	}
	return v.data, true
}

// Time returns the time of TypeTimestamp in UTC, and whether v is one.
func (v Value) Time() (value time.Time, ok bool) {
	if v.typ != TypeTimestamp {
		return time.Time{}, false
	}
	return time.UnixMilli(v.num).UTC(), true
}

// UUID returns the UUID of TypeUUID, and whether v is one.
func (v Value) UUID() (value [16]byte, ok bool) {
	if v.typ != TypeUUID {
		return value, false
	}
	return [16]byte(v.data), true
}

// Equal reports whether v and w have the same type and value.
func (v Value) Equal(w Value) bool {
	return v.valid == w.valid && v.typ == w.typ && v.num == w.num && bytes.Equal(v.data, w.data)
}

// String returns the value for printing, as a copy: a string as it is, bytes in base64, a
// timestamp in RFC 3339, a UUID with dashes. The zero Value prints as "none".
func (v Value) String() string {
	switch {
	case !v.valid:
		return "none"
	case v.typ <= TypeFalse:
		return v.typ.String()
	case v.typ <= TypeInt64:
		return strconv.FormatInt(v.num, 10)
	case v.typ == TypeBytes:
		return base64.StdEncoding.EncodeToString(v.data)
	case v.typ == TypeTimestamp:
		return time.UnixMilli(v.num).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	case v.typ == TypeUUID:
		x := hex.EncodeToString(v.data)
		return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
	}
	return string(v.data)
}
