package gateway

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"testing"
)

func BenchmarkReadBody(b *testing.B) {
	for _, size := range []int{1 << 10, 400 << 10, 10 << 20} {
		b.Run(fmt.Sprint(size>>10, " KB"), func(b *testing.B) {
			text := bytes.Repeat([]byte("a"), size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				body, err := readBody(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/messages", bytes.NewReader(text)))
				if err != nil || len(body) != size {
					b.Fatal(len(body), err)
				}
			}
		})
	}
}
