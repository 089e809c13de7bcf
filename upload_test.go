package outcrop

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func TestContentIsReadAsIfItWereOnePiece(t *testing.T) {
	f := func(name string, pieces ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			var c content
			for _, piece := range pieces {
				c = append(c, []byte(piece))
			}
			want := strings.Join(pieces, "")
			if got := c.len(); got != len(want) {
				t.Errorf("len() = %d, want %d", got, len(want))
			}
			for range 2 { // a content can be sent again
				if err := iotest.TestReader(&upload{left: c}, []byte(want)); err != nil {
					t.Error(err)
				}
				if got, err := io.ReadAll(c.join().reader()); string(got) != want || err != nil {
					t.Errorf("joined: %d bytes, %v; want %d", len(got), err, len(want))
				}
			}
		})
	}
	f("nothing")
	f("one piece", "abc")
	f("pieces, some empty", "", "a", "", "bcd", "ef", "")
	f("longer than is joined", strings.Repeat("a", joined), "b", strings.Repeat("c", 100))
	random := make([]string, 20)
	for i := range random {
		random[i] = strings.Repeat(string(rune('a'+i)), rand.IntN(5000))
	}
	f("random lengths", random...)
}
