package recordings

import (
	"io"
	"math/rand/v2"
)

// A PieceSize is one of the ways in which streams are delivered to the tests.
type PieceSize struct {
	Name string
	Next func() int // the size of the next piece
}

// PieceSizes are pieces of 1, 2, 7 and random bytes.
func PieceSizes(random *rand.Rand) []PieceSize {
	return []PieceSize{
		{"1 byte", func() int { return 1 }},
		{"2 bytes", func() int { return 2 }},
		{"7 bytes", func() int { return 7 }},
		{"random bytes", func() int { return 1 + random.IntN(700) }},
	}
}

// Pieces gives a stream in reads of size() bytes, and io.EOF in one of its own.
func Pieces(stream []byte, size func() int) io.Reader { return &pieces{stream, size} }

type pieces struct {
	stream []byte
	size   func() int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.stream) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size())], p.stream)
	p.stream = p.stream[n:]
	return n, nil
}
