package eventstream

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Header is a header to be written by Append.
type Header struct {
	Name  string // 1 to MaxName bytes
	Value Value
}

// valueLen is the number of bytes a value of each type has; -1: they follow their length.
var valueLen = [...]int{
	TypeTrue: 0, TypeFalse: 0, TypeInt8: 1, TypeInt16: 2, TypeInt32: 4, TypeInt64: 8,
	TypeBytes: -1, TypeString: -1, TypeTimestamp: 8, TypeUUID: 16,
}

// rawHeader is a header as it lies in a message.
type rawHeader struct {
	name  []byte
	typ   Type
	value []byte // without the length before bytes and strings
}

// cutHeader splits the first header off a block of headers, which is not empty. Nothing the
// block says is trusted.
func cutHeader(block []byte) (h rawHeader, rest []byte, err error) {
	n := 1 + int(block[0]) // where the type is
	if n == 1 {
		return h, nil, fmt.Errorf("%w: empty name", ErrHeader)
	}
	if n >= len(block) {
		return h, nil, fmt.Errorf("%w: name of %d bytes and a type in the last %d bytes", ErrHeader, n-1, len(block)-1)
	}
	h.name, h.typ, rest = block[1:n], Type(block[n]), block[n+1:]
	if int(h.typ) >= len(valueLen) {
		return h, nil, fmt.Errorf("%w: %q has the unknown type %d", ErrHeader, h.name, h.typ)
	}
	size := valueLen[h.typ]
	if size < 0 {
		if len(rest) < 2 {
			return h, nil, fmt.Errorf("%w: %q ends within the length of its value", ErrHeader, h.name)
		}
		size, rest = int(binary.BigEndian.Uint16(rest)), rest[2:]
	}
	if size > len(rest) {
		return h, nil, fmt.Errorf("%w: %q has a value of %d bytes in the last %d bytes", ErrHeader, h.name, size, len(rest))
	}
	h.value = rest[:size:size]
	return h, rest[size:], nil
}

// checkHeaders returns an error unless block is a whole number of well-formed headers with
// different names.
//
// The common case is three headers: up to eight names are compared with one another on the
// stack. More go to a map, lest 40,000 headers take 40,000² comparisons.
func checkHeaders(block []byte) error {
	var few [8][]byte
	var many map[string]bool
	for n := 0; len(block) > 0; n++ {
		h, rest, err := cutHeader(block)
		if err != nil {
			return err
		}
		duplicate := false
		if n < len(few) {
			for _, name := range few[:n] {
				duplicate = duplicate || bytes.Equal(name, h.name)
			}
			few[n] = h.name
		} else {
			if many == nil {
				many = make(map[string]bool)
				for _, name := range few {
					many[string(name)] = true
				}
			}
			duplicate = many[string(h.name)]
			many[string(h.name)] = true
		}
		if duplicate {
			return fmt.Errorf("%w: %q occurs twice", ErrHeader, h.name)
		}
		block = rest
	}
	return nil
}

// val returns the value of a checked header, looking into the same memory.
func (h rawHeader) val() Value {
	v := Value{valid: true, typ: h.typ}
	switch h.typ {
	case TypeInt8:
		v.num = int64(int8(h.value[0]))
	case TypeInt16:
		v.num = int64(int16(binary.BigEndian.Uint16(h.value)))
	case TypeInt32:
		v.num = int64(int32(binary.BigEndian.Uint32(h.value)))
	case TypeInt64, TypeTimestamp:
		v.num = int64(binary.BigEndian.Uint64(h.value))
	case TypeBytes, TypeString, TypeUUID:
		v.data = h.value
	}
	return v
}

// appendHeader appends the encoded header.
func appendHeader(dst []byte, h Header) ([]byte, error) {
	v := h.Value
	switch {
	case h.Name == "":
		return nil, fmt.Errorf("%w: empty name", ErrHeader)
	case len(h.Name) > MaxName:
		return nil, fmt.Errorf("%w: header name of %d bytes, at most %d", ErrLength, len(h.Name), MaxName)
	case !v.valid:
		return nil, fmt.Errorf("%w: %q has no value", ErrHeader, h.Name)
	case len(v.data) > MaxValue:
		return nil, fmt.Errorf("%w: header %q has a value of %d bytes, at most %d", ErrLength, h.Name, len(v.data), MaxValue)
	}
	dst = append(dst, byte(len(h.Name)))
	dst = append(dst, h.Name...)
	dst = append(dst, byte(v.typ))
	switch v.typ {
	case TypeInt8:
		dst = append(dst, byte(v.num))
	case TypeInt16:
		dst = binary.BigEndian.AppendUint16(dst, uint16(v.num))
	case TypeInt32:
		dst = binary.BigEndian.AppendUint32(dst, uint32(v.num))
	case TypeInt64, TypeTimestamp:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.num))
	case TypeBytes, TypeString:
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(v.data)))
	}
	return append(dst, v.data...), nil
}
