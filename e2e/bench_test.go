package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/bedrock"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/outcrop-dev/outcrop"
)

// What the hot path is held to: CPU time for each content delta, and how many times less that is
// than what AWS's SDK takes to read the same bytes.
const (
	budgetPerEvent = 500 * time.Nanosecond
	budgetRatio    = 15
)

const benchModel = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

// benchDeltas is the number of content deltas of the measured stream. Its share of the request's
// own cost (signing, headers) is in every figure.
const benchDeltas = 1000

// BenchmarkStream measures what a streamed answer costs its reader, without sockets: CPU time of
// the process (user and system, garbage collection included) for each content delta, and the
// allocations that one more delta makes. The ratios are of one run.
func BenchmarkStream(b *testing.B) {
	readers := []struct {
		name string
		open func(testing.TB, http.RoundTripper) func() int
	}{
		{"outcrop", openOutcrop},
		{"aws-sdk-go-v2", openAWS},
		{"anthropic-sdk-go", openAnthropic},
	}
	stream, double := answerStream(b, benchDeltas), answerStream(b, 2*benchDeltas)
	perEvent := map[string]time.Duration{}
	marginal := map[string]float64{}
	for _, r := range readers {
		b.Run(r.name, func(b *testing.B) {
			read := r.open(b, canned(stream))
			extra := allocations(r.open(b, canned(double))) - allocations(read)
			before := cpuTime(b)
			for b.Loop() {
				if got := read(); got != benchDeltas {
					b.Fatalf("read %d content deltas, want %d", got, benchDeltas)
				}
			}
			spent := cpuTime(b) - before
			perEvent[r.name] = spent / time.Duration(b.N*benchDeltas)
			marginal[r.name] = extra / benchDeltas
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*benchDeltas), "cpu-ns/event")
			b.ReportMetric(marginal[r.name], "allocs/event")
			b.ReportMetric(0, "ns/op") // of a whole stream, by the clock: says little on a shared machine
		})
	}
	if len(perEvent) != len(readers) {
		return // the pattern left some out
	}
	ours := perEvent["outcrop"]
	ratio := float64(perEvent["aws-sdk-go-v2"]) / float64(ours)
	fmt.Printf("for each content delta outcrop takes %v of CPU time and %.3f allocations (budget %v and 0), aws-sdk-go-v2 %.1f times as much CPU (budget %d), anthropic-sdk-go %.1f times\n",
		ours, marginal["outcrop"], budgetPerEvent, ratio, budgetRatio, float64(perEvent["anthropic-sdk-go"])/float64(ours))
	if ours > budgetPerEvent || ratio < budgetRatio || marginal["outcrop"] >= 0.001 {
		b.Error("the hot path is over its budget")
	}
}

// allocations counts those of one call, the least of a few so that the collector's own do not count.
func allocations(read func() int) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	least := testing.AllocsPerRun(1, func() { read() })
	for range 5 {
		least = min(least, testing.AllocsPerRun(1, func() { read() }))
	}
	return least
}

func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// openOutcrop reads server-sent events off the library's RoundTripper, as an Anthropic client does.
func openOutcrop(tb testing.TB, rt http.RoundTripper) func() int {
	client, err := outcrop.New(tb.Context(), outcrop.WithRegion("us-east-1"),
		outcrop.WithCredentials(benchCredentials), outcrop.WithHTTPClient(&http.Client{Transport: rt}))
	if err != nil {
		tb.Fatal(err)
	}
	messages := client.RoundTripper()
	const body = `{"model":"` + benchModel + `","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
	buf := make([]byte, 64<<10)
	var deltas, size int // of the whole answer
	read := func(count bool) (total int) {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://outcrop/v1/messages", strings.NewReader(body))
		if err != nil {
			tb.Fatal(err)
		}
		resp, err := messages.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			tb.Fatalf("RoundTrip = %v, %v", resp, err)
		}
		defer resp.Body.Close()
		for {
			n, err := resp.Body.Read(buf)
			total += n
			if count { // the body hands on whole events while buf is larger
				deltas += bytes.Count(buf[:n], []byte("event: content_block_delta\n"))
			}
			if err == io.EOF {
				return total
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	size = read(true)
	return func() int { // looking for the events again would be a fifth of what is measured
		if n := read(false); n != size {
			tb.Fatalf("read %d bytes, want %d", n, size)
		}
		return deltas
	}
}

// openAWS reads the chunks' bytes and looks no further into them.
func openAWS(tb testing.TB, rt http.RoundTripper) func() int {
	client := bedrockruntime.NewFromConfig(benchConfig(rt))
	input := &bedrockruntime.InvokeModelWithResponseStreamInput{
		ModelId: aws.String(benchModel), ContentType: aws.String("application/json"),
		Body: []byte(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`),
	}
	return func() (deltas int) {
		out, err := client.InvokeModelWithResponseStream(context.Background(), input)
		if err != nil {
			tb.Fatal(err)
		}
		stream := out.GetStream()
		defer stream.Close()
		for event := range stream.Events() {
			if chunk, ok := event.(*types.ResponseStreamMemberChunk); ok && bytes.HasPrefix(chunk.Value.Bytes, []byte(`{"type":"content_block_delta"`)) {
				deltas++
			}
		}
		if err := stream.Err(); err != nil {
			tb.Fatal(err)
		}
		return deltas
	}
}

// openAnthropic reads typed events through Anthropic's own Bedrock client.
func openAnthropic(tb testing.TB, rt http.RoundTripper) func() int {
	client := anthropic.NewClient(bedrock.WithConfig(benchConfig(rt)), option.WithHTTPClient(&http.Client{Transport: rt}))
	params := anthropic.MessageNewParams{
		Model: benchModel, MaxTokens: 100,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("hi"))},
	}
	return func() (deltas int) {
		stream := client.Messages.NewStreaming(context.Background(), params)
		defer stream.Close()
		for stream.Next() {
			if stream.Current().Type == "content_block_delta" {
				deltas++
			}
		}
		if err := stream.Err(); err != nil {
			tb.Fatal(err)
		}
		return deltas
	}
}

var benchCredentials = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "")

func benchConfig(rt http.RoundTripper) aws.Config {
	return aws.Config{Region: "us-east-1", Credentials: benchCredentials, HTTPClient: &http.Client{Transport: rt}}
}

// canned answers every request with the same event stream.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/vnd.amazon.eventstream"}, "X-Amzn-Requestid": {"bench"}},
		ContentLength: -1, Body: io.NopCloser(bytes.NewReader(c)), Request: r,
	}, nil
}

// answerStream is an answer of that many text deltas as Bedrock streams it.
func answerStream(tb testing.TB, deltas int) []byte {
	return bytes.Join(answerMessages(tb, deltas), nil)
}

// deltasAt is the index of the first delta among the messages of an answer.
const deltasAt = 2

// answerMessages are the messages of an answer, by AWS's own encoder.
func answerMessages(tb testing.TB, deltas int) (messages [][]byte) {
	events := []string{
		`{"type":"message_start","message":{"model":"claude-sonnet-4-5-20250929","id":"msg_bdrk_01bench","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
	}
	for i := range deltas {
		events = append(events, fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and word number %d"}}`, i))
	}
	events = append(events, `{"type":"content_block_stop","index":0}`,
		fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":%d}}`, deltas),
		fmt.Sprintf(`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":8,"outputTokenCount":%d,"invocationLatency":1000,"firstByteLatency":100}}`, deltas))
	for i, event := range events {
		payload, err := json.Marshal(struct {
			Bytes []byte `json:"bytes"`
			P     string `json:"p"`
		}{[]byte(event), padding[:2+i*7%(len(padding)-2)]})
		if err != nil {
			tb.Fatal(err)
		}
		messages = append(messages, encodeMessage(tb, "event", ":event-type", "chunk", payload))
	}
	return messages
}

// padding is what Bedrock pads p from, so that lengths tell nothing of the text.
const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func encodeMessage(tb testing.TB, messageType, typeHeader, typeName string, payload []byte) []byte {
	tb.Helper()
	var headers eventstream.Headers
	headers.Set(typeHeader, eventstream.StringValue(typeName))
	headers.Set(":content-type", eventstream.StringValue("application/json"))
	headers.Set(":message-type", eventstream.StringValue(messageType))
	var out bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&out, eventstream.Message{Headers: headers, Payload: payload}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
