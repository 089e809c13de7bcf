package outcrop_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/recordings"
)

var example = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")

// An upstream is a scripted Bedrock: it answers with whatever the test says, framed by AWS's own
// encoder.
type upstream struct {
	*httptest.Server
	calls atomic.Int32
}

func newUpstream(t *testing.T, h func(call int, w http.ResponseWriter, r *http.Request)) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h(int(u.calls.Add(1)), w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) client(t *testing.T, options ...outcrop.Option) *outcrop.Client {
	t.Helper()
	c, err := outcrop.New(context.Background(), append([]outcrop.Option{
		outcrop.WithRegion("us-east-1"), outcrop.WithBaseURL(u.URL),
		outcrop.WithCredentials(example),
		outcrop.WithHTTPClient(u.Client()),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Messages are framed by AWS's encoder.
var message, chunk, exception = recordings.Message, recordings.Chunk, recordings.Exception

// answer is a whole stream of n text deltas.
func answer(n int) [][]byte {
	out := [][]byte{
		chunk(`{"type":"message_start","message":{"id":"msg_bdrk_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":1}}}`),
		chunk(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
	}
	for i := range n {
		out = append(out, chunk(fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word%d "}}`, i)))
	}
	return append(out,
		chunk(`{"type":"content_block_stop","index":0}`),
		chunk(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":42}}`),
		chunk(`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":7,"outputTokenCount":43,"invocationLatency":9,"firstByteLatency":3,"cacheReadInputTokenCount":3,"cacheWriteInputTokenCount":5}}`))
}

// streams answers every call with the messages.
func streams(messages ...[]byte) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		w.Header().Set("X-Amzn-Requestid", "aws-1")
		for _, m := range messages {
			w.Write(m)
		}
	}
}

func refuses(status int, code, text string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code+":http://internal.amazon.com/coral/com.amazon.bedrock/")
		w.Header().Set("X-Amzn-Requestid", "aws-1")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":%q}`, text)
	}
}

const ask = `{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`

func invocation(t *testing.T, body string) *outcrop.Invocation {
	t.Helper()
	inv, err := outcrop.MessagesInvocation(http.Header{"Anthropic-Version": {"2023-06-01"}}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}
