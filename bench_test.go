package outcrop_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop"
)

// BenchmarkInvoke is what an invocation costs besides the sockets: parse, shape, sign and read, of a
// small request and of a coding agent's turn. Under SigV4 most of the latter is SHA-256.
func BenchmarkInvoke(b *testing.B) {
	answers := &http.Client{Transport: answering(`{"type":"message","content":[],"usage":{"input_tokens":1,"output_tokens":1}}`)}
	f := func(name string, size int, credentials outcrop.Option) {
		b.Run(name, func(b *testing.B) {
			c, err := outcrop.New(b.Context(), outcrop.WithRegion("us-east-1"), outcrop.WithHTTPClient(answers), credentials)
			if err != nil {
				b.Fatal(err)
			}
			body := fmt.Appendf(nil, `{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":%q}],"stream":false}`,
				strings.Repeat("word ", size/5))
			b.ReportAllocs()
			for b.Loop() {
				inv, err := outcrop.MessagesInvocation(http.Header{}, body)
				if err == nil {
					_, err = c.Do(b.Context(), inv)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	f("1 KB, API key", 1<<10, outcrop.WithAPIKey("key"))
	f("1 KB, SigV4", 1<<10, outcrop.WithCredentials(example))
	f("400 KB, API key", 400<<10, outcrop.WithAPIKey("key"))
	f("400 KB, SigV4", 400<<10, outcrop.WithCredentials(example))
}

// answering reads each request and answers it with itself.
type answering string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, r.Body)
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(a)), Body: io.NopCloser(bytes.NewReader([]byte(a))), Request: r,
	}, err
}
