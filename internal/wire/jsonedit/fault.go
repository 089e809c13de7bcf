package jsonedit

import (
	"bytes"
	"errors"
	"fmt"
)

// What [Parse] refuses; a [*SyntaxError] wraps one of them.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrNotObject = errors.New("not a JSON object")
	ErrDepth     = errors.New("nested too deep")
	ErrMembers   = errors.New("too many members")
)

// A SyntaxError says what is wrong with a text and where.
type SyntaxError struct {
	Offset  int64  // of the first byte that cannot stand; the text's length if it ends too early
	Problem string // in words, with what was found there; of the text no more than one byte
	Kind    error  // ErrSyntax, ErrNotObject, ErrDepth or ErrMembers
}

// Error returns the problem and its place, as in `expected a value, found ']' (byte 17)`.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s (byte %d)", e.Problem, e.Offset) }

// Unwrap returns e.Kind.
func (e *SyntaxError) Unwrap() error { return e.Kind }

// A fault is why a text is refused; faultNone is none. It is a number so that the scanner's functions
// return it in a register and the words are made only once it is wanted.
type fault uint8

const (
	faultNone fault = iota
	faultObject
	faultNotObject
	faultName
	faultColon
	faultValue
	faultComma
	faultControl
	faultEscape
	faultHex
	faultDigit
	faultLiteral
	faultTail
	faultDepth
	faultMembers
)

var faults = [...]struct {
	kind    error
	problem string
}{
	faultObject:    {ErrSyntax, "expected an object"},
	faultNotObject: {ErrNotObject, "expected an object"},
	faultName:      {ErrSyntax, "expected a member name in double quotes"},
	faultColon:     {ErrSyntax, "expected a colon"},
	faultValue:     {ErrSyntax, "expected a value"},
	faultComma:     {ErrSyntax, "expected a comma or the closing bracket"},
	faultControl:   {ErrSyntax, "expected the rest of a string, its control characters escaped"},
	faultEscape:    {ErrSyntax, `expected one of "\/bfnrtu after a backslash`},
	faultHex:       {ErrSyntax, `expected four hexadecimal digits after \u`},
	faultDigit:     {ErrSyntax, "expected a digit"},
	faultLiteral:   {ErrSyntax, "expected true, false or null"},
	faultTail:      {ErrSyntax, "expected nothing more after the object"},
	faultDepth:     {ErrDepth, fmt.Sprintf("expected at most %d levels", MaxDepth)},
	faultMembers:   {ErrMembers, fmt.Sprintf("expected at most %d members", MaxMembers)},
}

// syntaxError returns the error for fault f at src[at]. It shows one byte of the text at most: a prompt has
// no business in a log.
func syntaxError(src []byte, at int, f fault) *SyntaxError {
	row := faults[f]
	return &SyntaxError{int64(at), row.problem + ", found " + found(src[at:]), row.kind}
}

// found says in words what rest begins with.
func found(rest []byte) string {
	switch {
	case len(rest) == 0:
		return "the end of the text"
	case bytes.HasPrefix(rest, []byte("\ufeff")):
		return "a byte order mark"
	case rest[0] < ' ' || rest[0] > '~':
		return fmt.Sprintf("byte 0x%02x", rest[0])
	}
	return fmt.Sprintf("'%c'", rest[0])
}
