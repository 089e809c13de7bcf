// Package eventstream reads and writes application/vnd.amazon.eventstream, the framing in
// which AWS sends the events of a streamed answer.
//
// A message is a prelude, headers, a payload and a checksum over all of them. Every number
// is big-endian, every checksum CRC-32 (IEEE):
//
//	 0        4        8        12            12+H           T-4      T
//	+--------+--------+--------+-------------+--------------+--------+
//	| total  | header | CRC of | headers     | payload      | CRC of |
//	| length | length | 0..8   | H bytes     | T-H-16 bytes | 0..T-4 |
//	| T      | H      |        |             |              |        |
//	+--------+--------+--------+-------------+--------------+--------+
//
//	header:  name length (1 byte), name, type (1 byte), value
//
//	type  value                       type  value
//	   0  true, no bytes                 5  int64
//	   1  false, no bytes                6  length (2 bytes), bytes
//	   2  int8                           7  length (2 bytes), UTF-8
//	   3  int16                          8  milliseconds since 1970, int64
//	   4  int32                          9  UUID, 16 bytes
//
// Bedrock sends three kinds of message, told apart by the header ":message-type":
//
//	event      ":event-type" names the event, the payload is its JSON
//	exception  ":exception-type" names the modelled exception, the payload is its JSON
//	error      ":error-code" and ":error-message", no payload
//
// The format is the one of the Smithy specification, "Amazon Event Stream", and of the
// decoders in AWS's SDKs, against which the tests hold this package. Where those differ,
// the stricter one is followed: header names are not empty (AWS's C library) and occur once
// (botocore), and one message has at most 24 MiB, of which at most 128 KiB are headers.
package eventstream

import "errors"

// The bounds of a message. A Reader refuses what exceeds them and Append does not write it.
const (
	MaxMessage = 24 << 20  // bytes of a whole message, prelude to checksum
	MaxHeaders = 128 << 10 // bytes of its headers together
	MaxName    = 1<<8 - 1  // bytes of a header's name, which has at least one
)

// MaxValue is the number of bytes that Append lets a bytes or string header have, because
// AWS's encoders stop there. A Reader takes as many as the length field can say, 65,535.
const MaxValue = 1<<15 - 1

const (
	preludeLen = 12 // total length, header length and their checksum
	crcLen     = 4
	minMessage = preludeLen + crcLen
)

// What can be wrong with a message, for errors.Is. The errors that a Reader returns also
// say at which byte of the stream the message begins, and the figures that do not agree.
var (
	// ErrChecksum means that bytes were altered, lost or inserted on the way, or that the
	// stream is not an event stream: a proxy's HTML page usually ends here.
	ErrChecksum = errors.New("checksum mismatch")

	// ErrLength means that a message, its headers or a part of a header is too short, too
	// long, or longer than what holds it.
	ErrLength = errors.New("length out of bounds")

	// ErrHeader means that the headers are not a whole number of well-formed headers, each
	// with a name of its own.
	ErrHeader = errors.New("malformed header")
)
