package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	awsstream "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

const streamPath = "/model/" + opus + "/invoke-with-response-stream"

// play starts an emulator with a script, of which steps are the steps as JSON.
func play(t *testing.T, steps string) *bedrock {
	t.Helper()
	return playWith(t, emulator.Config{}, steps)
}

func playWith(t *testing.T, c emulator.Config, steps string) *bedrock {
	t.Helper()
	c.Script = emulator.NewScript()
	if err := c.Script.Load("script.json", []byte(`{"steps":[`+steps+`]}`)); err != nil {
		t.Fatal(err)
	}
	return start(t, c)
}

func (b *bedrock) stream(body string) answer {
	b.t.Helper()
	return b.call(http.MethodPost, streamPath, body)
}

func TestScriptedAnswer(t *testing.T) {
	const step = `{"times": 2, "answer": {
		"content": [{"type": "text", "text": "Let me look."}, {"type": "tool_use", "name": "Weather", "input": {"city": "<Bern>"}}],
		"usage": {"input_tokens": 1000, "output_tokens": 7, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6}
	}}`
	b := play(t, step)
	var got message
	a := b.invoke(opus, user("hi"))
	a.decode(t, &got)
	if got.Model != "claude-opus-5-5" || got.StopReason != "tool_use" || !strings.HasPrefix(got.ID, "msg_bdrk_01") {
		t.Errorf("got %+v, want a message of claude-opus-5-5 that uses a tool", got)
	}
	if len(got.Content) != 2 || got.Content[0].Text != "Let me look." || got.Content[1].Name != "Weather" || !strings.HasPrefix(got.Content[1].ID, "toolu_bdrk_01") {
		t.Errorf("got content %+v, want that of %s", got.Content, step)
	}
	if u := got.Usage; u.Input != 1000 || u.Output != 7 || u.Read != 5 || u.Write != 6 || a.Header.Get("X-Amzn-Bedrock-Output-Token-Count") != "7" {
		t.Errorf("got usage %+v and %s output tokens in the head, want that of %s", u, a.Header.Get("X-Amzn-Bedrock-Output-Token-Count"), step)
	}
	var text, input string
	all := frames(t, b.stream(user("hi")).body)
	for _, f := range all {
		if delta, ok := f.event["delta"].(map[string]any); ok {
			add, _ := delta["text"].(string)
			text += add
			add, _ = delta["partial_json"].(string)
			input += add
		}
	}
	if text != "Let me look." || input != `{"city":"<Bern>"}` {
		t.Errorf("stream: got text %q and input %s, want that of %s", text, input, step)
	}
	if metrics := all[len(all)-1].event["amazon-bedrock-invocationMetrics"].(map[string]any); metrics["outputTokenCount"] != 7.0 {
		t.Errorf("stream: got metrics %v, want 7 output tokens", metrics)
	}
	b.invoke(opus, user("hi")).decode(t, &got)
	if !strings.HasPrefix(got.Content[0].Text, "You said: hi") {
		t.Errorf("the third call: got %+v, want the model's own answer", got.Content)
	}
}

// TestScriptedAnswersAreWhole holds what is filled in where a step says nothing of it.
func TestScriptedAnswersAreWhole(t *testing.T) {
	b := play(t, `{"answer": {"content": "one two three"}}, {"answer": {"content": "one", "stop_sequence": "X"}}, {"answer": {"content": [], "stop_reason": "refusal"}}`)
	for _, want := range []struct {
		reason, sequence string
		output           int
	}{{"end_turn", "", 3}, {"stop_sequence", "X", 1}, {"refusal", "", 0}} {
		var got struct {
			message
			StopSequence string `json:"stop_sequence"`
		}
		b.invoke(opus, strings.Replace(user("hi"), "1000", "1", 1)).decode(t, &got) // exact: max_tokens does not cut it
		if got.StopReason != want.reason || got.StopSequence != want.sequence || got.Usage.Output != want.output || got.Usage.Input == 0 {
			t.Errorf("got %s %q, %d output tokens of %d input tokens, want %+v", got.StopReason, got.StopSequence, got.Usage.Output, got.Usage.Input, want)
		}
	}
}

// TestScriptedThinkingComesBack sends scripted thinking back as clients do: its signature is accepted,
// in its conversation and no other.
func TestScriptedThinkingComesBack(t *testing.T) {
	b := play(t, `{"answer": {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]}}`)
	const thinking = `"thinking":{"type":"adaptive"}`
	var raw struct {
		Content json.RawMessage
		Usage   struct {
			Details struct {
				Thinking int `json:"thinking_tokens"`
			} `json:"output_tokens_details"`
		}
	}
	b.invoke(opus, user("hi", thinking)).decode(t, &raw)
	if raw.Usage.Details.Thinking == 0 {
		t.Errorf("usage %+v has no thinking tokens", raw.Usage)
	}
	next := func(said string) answer {
		return b.invoke(opus, `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,`+thinking+`,"messages":[{"role":"user","content":"`+said+
			`"},{"role":"assistant","content":`+string(raw.Content)+`},{"role":"user","content":"and?"}]}`)
	}
	if a := next("hi"); a.StatusCode != http.StatusOK {
		t.Errorf("got %d %s, want 200", a.StatusCode, a.body)
	}
	if a := next("ho"); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "signature") {
		t.Errorf("in another conversation: got %d %s, want a refusal", a.StatusCode, a.body)
	}
}

func TestScriptedFailures(t *testing.T) {
	b := play(t, `
		{"when": {"operation": "InvokeModel"}, "times": 2, "failure": {"code": "ThrottlingException"}},
		{"when": {"operation": "*Stream"}, "failure": {"code": "ModelErrorException", "message": "no", "fields": {"originalStatusCode": 500}, "headers": {"Retry-After": "3"}}},
		{"when": {"operation": "CountTokens"}, "times": 2, "failure": {"code": "ServiceUnavailableException"}},
		{"when": {"operation": "ListInferenceProfiles"}, "failure": {"code": "ExpiredTokenException"}},
		{"when": {"operation": "GetFoundationModel"}, "failure": {"code": "TeapotException", "status": 418, "message": "short and stout"}}`)
	for range 2 {
		b.invoke(opus, user("hi")).wantError(t, 429, "ThrottlingException", "Too many requests, please wait before trying again.")
	}
	if a := b.invoke(opus, user("hi")); a.StatusCode != http.StatusOK {
		t.Errorf("the third call: got %d %s, want 200", a.StatusCode, a.body)
	}
	a := b.stream(user("hi"))
	a.wantError(t, 424, "ModelErrorException", "no")
	if a.Header.Get("Retry-After") != "3" || !strings.Contains(a.body, `"originalStatusCode":500`) {
		t.Errorf("got %v %s, want the header and the field of the step", a.Header, a.body)
	}
	for _, body := range []string{countBody(user("hi")), `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hi"}]}]}}}`} {
		b.call(http.MethodPost, "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens", body).
			wantError(t, 503, "ServiceUnavailableException", "Bedrock is unable to process your request.")
	}
	a = b.call(http.MethodGet, "/inference-profiles", "")
	a.wantError(t, 403, "ExpiredTokenException", "The security token included in the request is expired")
	if want := "ExpiredTokenException:http://internal.amazon.com/coral/com.amazon.coral.service/"; a.Header.Get("X-Amzn-Errortype") != want {
		t.Errorf("X-Amzn-Errortype: got %q, want %q", a.Header.Get("X-Amzn-Errortype"), want)
	}
	b.call(http.MethodGet, "/foundation-models/anthropic.claude-opus-5-5", "").wantError(t, 418, "TeapotException", "short and stout")
	line := b.logged(1)[0]
	if x := b.exchanges[0]; x.ErrorCode != "ThrottlingException" || x.Status != 429 || !strings.Contains(line, "error=ThrottlingException step=1") {
		t.Errorf("got exchange %d %s and log %s, want 429 ThrottlingException of step 1", x.Status, x.ErrorCode, line)
	}
}

// TestAThrottledCallIsNotCached holds that a call which the script refuses does not reach the model.
func TestAThrottledCallIsNotCached(t *testing.T) {
	b := play(t, `{"failure": {"code": "ThrottlingException"}}`)
	long := user(strings.Repeat("rock ", 2000), `"cache_control":{"type":"ephemeral"}`)
	b.invoke(opus, long).wantError(t, 429, "ThrottlingException", "")
	var got message
	b.invoke(opus, long).decode(t, &got)
	if got.Usage.Read != 0 || got.Usage.Write < 2000 {
		t.Errorf("got %+v, want it written now and not before", got.Usage)
	}
}

// TestScriptsHideNoFault: what Bedrock would refuse is refused, and uses up nothing.
func TestScriptsHideNoFault(t *testing.T) {
	b := play(t, `{"answer": {"content": "scripted"}}, {"failure": {"code": "ThrottlingException"}}, {"body": {"json": 1}}`)
	b.invoke(opus, `{"messages":[]}`).wantError(t, 400, "ValidationException", "")
	b.invoke("nope", user("hi")).wantError(t, 400, "ValidationException", "The provided model identifier is invalid.")
	b.do(b.request(http.MethodPost, invokePath, user("hi"))).wantError(t, 403, "MissingAuthenticationTokenException", "")
	b.call(http.MethodGet, "/foundation-models?byInferenceType=X", "").wantError(t, 400, "ValidationException", "")
	var got message
	if b.invoke(opus, user("hi")).decode(t, &got); got.Content[0].Text != "scripted" {
		t.Errorf("got %+v, want the first step still unused", got)
	}
}

func TestUncheckedSteps(t *testing.T) {
	b := play(t, `{"times": 3, "unchecked": true, "answer": {"content": [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "scripted"}]}},
		{"unchecked": true, "failure": {"code": "ModelNotReadyException"}}, {"unchecked": true, "events": [{"type": "ping"}]}`)
	for _, c := range []struct{ model, body, want string }{
		{opus, user("hi", `"safeguards":{}`), "claude-opus-5-5"},
		{"anthropic.claude-next", "no JSON", "anthropic.claude-next"},
	} {
		var got message
		if b.invoke(c.model, c.body).decode(t, &got); got.Model != c.want || got.Content[1].Text != "scripted" {
			t.Errorf("got %+v, want a scripted answer of %s", got, c.want)
		}
	}
	b.do(b.request(http.MethodPost, invokePath, user("hi"))).wantError(t, 403, "MissingAuthenticationTokenException", "")
	if all := frames(t, b.stream("").body); len(all) < 5 || all[0].event["type"] != "message_start" {
		t.Errorf("got %v, want the whole answer as a stream", all)
	}
	b.invoke("nope", "").wantError(t, 429, "ModelNotReadyException", "Model is not ready for inference.")
	if all := frames(t, b.stream("").body); len(all) != 1 || all[0].event["type"] != "ping" {
		t.Errorf("got %v, want a ping", all)
	}
}

func TestScriptedBodies(t *testing.T) {
	b := play(t, `{"body": {"status": 502, "headers": {"Content-Type": "text/html", "X-Amzn-Errortype": "BadGateway:x"}, "text": "<html>\u00e4"}},
		{"body": {"json": {"content" :  []}}}, {"body": {"status": 204}}, {"when": {"operation": "List*"}, "body": {"json": {}}}`)
	a := b.stream(user("hi"))
	if a.StatusCode != 502 || a.Header.Get("Content-Type") != "text/html" || a.body != "<html>ä" {
		t.Errorf("got %d %v %s, want a proxy's page", a.StatusCode, a.Header, a.body)
	}
	a.wantHead(t)
	if a := b.invoke(opus, user("hi")); a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json" || a.body != `{"content" :  []}` {
		t.Errorf("got %d %v %s, want the JSON as it stands", a.StatusCode, a.Header, a.body)
	}
	if a := b.invoke(opus, user("hi")); a.StatusCode != 204 || a.body != "" {
		t.Errorf("got %d %s, want 204", a.StatusCode, a.body)
	}
	if a := b.call(http.MethodGet, "/inference-profiles", ""); a.body != "{}" {
		t.Errorf("got %d %s, want {}", a.StatusCode, a.body)
	}
	if got := b.exchanges[0].ErrorCode; got != "BadGateway" {
		t.Errorf("error code %q, want BadGateway", got)
	}
}

// A piece is a message of a stream: its headers and payload.
type piece struct {
	Headers map[string]string
	Payload string
}

// pieces decodes with AWS's decoder what came before it fails.
func pieces(body io.Reader) (out []piece, err error) {
	decoder := awsstream.NewDecoder()
	for {
		m, err := decoder.Decode(body, nil)
		if err != nil {
			return out, err
		}
		p := piece{map[string]string{}, string(m.Payload)}
		for _, h := range m.Headers {
			p.Headers[h.Name] = h.Value.String()
		}
		out = append(out, p)
	}
}

func TestScriptedEventsAndMessages(t *testing.T) {
	b := play(t, `{"events": [{"type": "ping", "x": "<&>"}, {"type":
		"message_stop"}]}, {"messages": [{"event": "chunk", "payload": "no JSON"}, {"event": "surprise", "payload": {"a" : [1, 2]}}]}, {"events": []}`)
	a := b.stream(user("hi"))
	if got := a.Header.Get("X-Amzn-Bedrock-Content-Type"); got != "application/json" {
		t.Errorf("X-Amzn-Bedrock-Content-Type: got %q", got)
	}
	var bodies []string
	for _, f := range frames(t, a.body) {
		raw, _ := json.Marshal(f.event)
		bodies = append(bodies, string(raw))
	}
	if want := []string{`{"type":"ping","x":"\u003c\u0026\u003e"}`, `{"type":"message_stop"}`}; !slices.Equal(bodies, want) {
		t.Errorf("events: got %v, want %v", bodies, want)
	}
	got, err := pieces(strings.NewReader(b.stream(user("hi")).body))
	event := func(name string) map[string]string {
		return map[string]string{":event-type": name, ":content-type": "application/json", ":message-type": "event"}
	}
	if diff := cmp.Diff([]piece{{event("chunk"), "no JSON"}, {event("surprise"), `{"a":[1,2]}`}}, got); diff != "" || err != io.EOF {
		t.Errorf("messages: %v, -want +got:\n%s", err, diff)
	}
	if a := b.stream(user("hi")); a.StatusCode != 200 || a.body != "" {
		t.Errorf("got %d %q, want an empty stream", a.StatusCode, a.body)
	}
}

// TestBrokenStreams reads, over both versions of HTTP, streams of eight messages that break off.
func TestBrokenStreams(t *testing.T) {
	exception := func(code, body string) *piece {
		return &piece{map[string]string{":exception-type": code, ":content-type": "application/json", ":message-type": "exception"}, body}
	}
	unexpected := func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || isHTTP2Reset(err) }
	whole := func(err error) bool { return err == io.EOF }
	for _, c := range []struct {
		name, by string
		messages int    // whole ones
		last     *piece // after them
		end      func(error) bool
		log      string
	}{
		{"throttled", `"exception", "after": 3, "code": "throttlingException"`, 3,
			exception("throttlingException", `{"message":"Too many requests, please wait before trying again."}`), whole, "error=throttlingException"},
		{"a time-out of the model", `"exception", "code": "modelTimeoutException", "message": "m"`, 0, exception("modelTimeoutException", `{"message":"m"}`), whole, "error="},
		{"an exception with its fields", `"exception", "after": 1, "code": "modelStreamErrorException", "message": "m", "fields": {"originalStatusCode": 500}`, 1,
			exception("modelStreamErrorException", `{"message":"m","originalStatusCode":500}`), whole, "error="},
		{"an exception after all", `"exception", "after": 100, "code": "internalServerException", "message": "m"`, 8, exception("internalServerException", `{"message":"m"}`), whole, "error="},
		{"an error that is not modelled", `"error", "after": 2, "code": "InternalFailure", "message": "m"`, 2,
			&piece{map[string]string{":error-code": "InternalFailure", ":error-message": "m", ":message-type": "error"}, ""}, whole, "error=InternalFailure"},
		{"ended before message_stop", `"end", "after": 7`, 7, nil, whole, "status=200"},
		{"ended within a message", `"end", "after_bytes": 20`, 0, nil, unexpected, "status=200"},
		{"nothing at all", `"end"`, 0, nil, whole, "status=200"},
		{"cut behind the head", `"cut"`, 0, nil, unexpected, "fault="},
		{"reset behind the head", `"reset"`, 0, nil, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || isHTTP2Reset(err) }, "fault="},
		{"cut", `"cut", "after": 3`, 3, nil, unexpected, `fault="scripted: cut within the stream"`},
		{"cut within the first message", `"cut", "after_bytes": 20`, 0, nil, unexpected, "fault="},
		{"cut after the last message", `"cut", "after": 8`, 8, nil, unexpected, "fault="},
		{"cut far behind it", `"cut", "after_bytes": 100000`, 8, nil, unexpected, "fault="},
		{"reset", `"reset", "after": 3`, 3, nil, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || isHTTP2Reset(err) }, "fault="},
		{"a wrong checksum", `"corrupt", "after": 3`, 3, nil, func(err error) bool { return strings.Contains(err.Error(), "checksum") }, "status=200"},
	} {
		for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(c.name+" "+proto, func(t *testing.T) {
				b := play(t, `{"when": {"operation": "Invoke*"}, "answer": {"content": "one two three four five six seven eight nine ten eleven twelve"}, "break": {"by": `+c.by+`}}`)
				if proto == "HTTP/2.0" {
					b.overHTTP2()
				}
				resp, err := b.client.Do(sign(t, b.request(http.MethodPost, streamPath, user("hi")), user("hi"), keys, time.Now()))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := pieces(resp.Body)
				if !c.end(err) {
					t.Errorf("the stream ended with %v", err)
				}
				if c.last != nil && len(got) > 0 {
					if diff := cmp.Diff(*c.last, got[len(got)-1]); diff != "" {
						t.Errorf("the last message, -want +got:\n%s", diff)
					}
					got = got[:len(got)-1]
				}
				if len(got) != c.messages || resp.StatusCode != http.StatusOK || resp.Proto != proto {
					t.Errorf("got %s %d and %d messages, want 200 and %d", resp.Proto, resp.StatusCode, len(got), c.messages)
				}
				for _, p := range got {
					if p.Headers[":event-type"] != "chunk" {
						t.Errorf("among the whole messages is %v", p)
					}
				}
				if line := b.logged(1)[0]; !strings.Contains(line, c.log) || !strings.Contains(line, "status=200") {
					t.Errorf("log: got %s, want %s", line, c.log)
				}
			})
		}
	}
}

func isHTTP2Reset(err error) bool { return err != nil && strings.Contains(err.Error(), "stream error") }

func (b *bedrock) overHTTP2() {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	b.client = &http.Client{Transport: &http.Transport{Protocols: protocols}}
	b.t.Cleanup(b.client.CloseIdleConnections)
}

// TestAnOwnAnswerBreaksOffToo: a break needs no scripted answer.
func TestAnOwnAnswerBreaksOffToo(t *testing.T) {
	b := play(t, `{"break": {"by": "end", "after": 2}}`)
	if got := frames(t, b.stream(user("hi")).body); len(got) != 2 {
		t.Errorf("got %d messages, want 2", len(got))
	}
	if got := frames(t, b.stream(user("hi")).body); len(got) < 5 {
		t.Errorf("the next: got %d messages, want all", len(got))
	}
}

// TestLostConnections: nothing of an answer comes, and the request is told of all the same.
func TestLostConnections(t *testing.T) {
	b := play(t, `{"failure": {"connection": "cut"}}, {"failure": {"connection": "reset"}}`)
	for _, want := range []error{io.EOF, syscall.ECONNRESET} {
		resp, err := b.client.Do(sign(t, b.request(http.MethodPost, invokePath, user("hi")), user("hi"), keys, time.Now()))
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	b.logged(2)
	if len(b.exchanges) != 2 || b.exchanges[0].Status != 0 || b.exchanges[0].Operation != "InvokeModel" {
		t.Errorf("got %+v, want both exchanges, without a status", b.exchanges)
	}
	if a := b.invoke(opus, user("hi")); a.StatusCode != 200 {
		t.Errorf("the next: got %d %s, want 200", a.StatusCode, a.body)
	}
}

// TestAStallEndsWithTheClient reads the messages of a stream that goes no further, and goes away.
func TestAStallEndsWithTheClient(t *testing.T) {
	for _, messages := range []int{0, 2} {
		t.Run(fmt.Sprintf("after %d messages", messages), func(t *testing.T) { stallAfter(t, messages) })
	}
}

func stallAfter(t *testing.T, messages int) {
	b := play(t, fmt.Sprintf(`{"break": {"by": "stall", "after": %d}}`, messages))
	ctx, leave := context.WithTimeout(context.Background(), time.Minute)
	defer leave()
	resp, err := b.client.Do(sign(t, b.request(http.MethodPost, streamPath, user("hi")), user("hi"), keys, time.Now()).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	decoder := awsstream.NewDecoder()
	for i := range messages {
		if _, err := decoder.Decode(resp.Body, nil); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	time.AfterFunc(30*time.Millisecond, leave)
	if m, err := decoder.Decode(resp.Body, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want nothing until the client leaves", m, err)
	}
	if line := b.logged(1)[0]; !strings.Contains(line, `fault="context canceled"`) {
		t.Errorf("log: got %s, want that the client went", line)
	}
}

func TestDelays(t *testing.T) {
	const short = 40 * time.Millisecond
	for _, c := range []struct {
		name, step string
		stream     bool
		least      time.Duration
	}{
		{"before an answer", `{"delay": "40ms"}`, false, short},
		{"before a failure", `{"delay": "40ms", "failure": {"code": "ThrottlingException"}}`, false, short},
		{"before a scripted answer", `{"delay": "40ms", "pace": "0s", "answer": {"content": "hi"}}`, true, short},
		{"between messages", `{"pace": "10ms", "answer": {"content": "hi"}}`, true, 6 * 10 * time.Millisecond},
		{"of exact events, none", `{"pace": "0s", "events": [{"type": "ping"}]}`, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := playWith(t, emulator.Config{ChunkDelay: time.Hour}, c.step) // which pace overrides
			begun := time.Now()
			if c.stream {
				b.stream(user("hi"))
			} else {
				b.invoke(opus, user("hi"))
			}
			if took := time.Since(begun); took < c.least {
				t.Errorf("it took %v, want %v at least", took, c.least)
			}
		})
	}
}

// TestALongDelayEndsWithTheClient goes away before the answer begins.
func TestALongDelayEndsWithTheClient(t *testing.T) {
	b := play(t, `{"delay": "1h"}`)
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Millisecond)
	defer cancel()
	resp, err := b.client.Do(sign(t, b.request(http.MethodPost, invokePath, user("hi")), user("hi"), keys, time.Now()).WithContext(ctx))
	if err == nil {
		resp.Body.Close()
		t.Fatalf("got %d, want no answer", resp.StatusCode)
	}
	if line := b.logged(1)[0]; !strings.Contains(line, "status=0") || !strings.Contains(line, `fault="context canceled"`) {
		t.Errorf("log: got %s, want no status and what ended it", line)
	}
}

// TestWhatAStepIsChosenBy holds the text of a request, in each way that it is sent.
func TestWhatAStepIsChosenBy(t *testing.T) {
	say := func(messages string) string {
		return `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[` + messages + `],` + writeTool + `}`
	}
	const call = `{"role":"user","content":"rain?"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_7","name":"Write","input":{}}]}`
	for _, c := range []struct {
		name, body string
		want       bool
	}{
		{"a string", say(`{"role":"user","content":"Will it rain?"}`), true},
		{"blocks", say(`{"role":"user","content":[{"type":"text","text":"Will it"},{"type":"text","text":"rain?"}]}`), true},
		{"two messages of one turn", say(`{"role":"user","content":"rain"},{"role":"user","content":"?"}`), true},
		{"what the user wrote before", say(`{"role":"user","content":"rain"},{"role":"assistant","content":"no"},{"role":"user","content":"ok"}`), false},
		{"what a tool says", say(call + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_7","content":"rain"}]}`), false},
		{"what the user writes beside it", say(call + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_7","content":"x"},{"type":"text","text":"rain"}]}`), true},
		{"a reminder of the client's", say(`{"role":"user","content":"hi <system-reminder>rain</system-reminder>"}`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := play(t, `{"always": true, "when": {"operation": "*", "text": "rain"}, "failure": {"code": "ThrottlingException"}}`)
			want := http.StatusOK
			if c.want {
				want = http.StatusTooManyRequests
			}
			if a := b.invoke(opus, c.body); a.StatusCode != want {
				t.Errorf("InvokeModel: got %d %s, want %d", a.StatusCode, a.body, want)
			}
			if a := b.call(http.MethodPost, "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens", countBody(c.body)); a.StatusCode != want {
				t.Errorf("CountTokens: got %d %s, want %d", a.StatusCode, a.body, want)
			}
		})
	}
	b := play(t, `{"unchecked": true, "always": true, "when": {"operation": "*", "text": "rain"}, "failure": {"code": "ThrottlingException"}}`)
	count := "/model/x/count-tokens"
	converse := `{"messages":[{"role":"user","content":[{"text":"rain"},{"image":{}}]}]}`
	b.call(http.MethodPost, count, `{"input":{"converse":`+converse+`}}`).wantError(t, 429, "ThrottlingException", "")
	b.call(http.MethodPost, count, strings.Replace(countBody(converse), `"input":{`, `"input":{"converse":null,`, 1)).wantError(t, 429, "ThrottlingException", "")
	b.call(http.MethodPost, count, strings.Replace(countBody(converse), "body", "BODY", 1)).wantError(t, 400, "ValidationException", "")
	b.invoke(opus, converse).wantError(t, 429, "ThrottlingException", "")
	for _, body := range []string{"", "{", `{"messages":1}`, `{"messages":[{"role":"user"}]}`, `{"messages":[{"role":"user","content":[1,{"text":2}]}]}`} {
		b.invoke(opus, body).wantError(t, 400, "ValidationException", "")
	}
	for _, body := range []string{"", `{"input":{"invokeModel":{"body":"*"}}}`, `{"input":1}`} {
		if a := b.call(http.MethodPost, count, body); a.StatusCode != 400 {
			t.Errorf("%s: got %d %s, want 400", body, a.StatusCode, a.body)
		}
	}
}

func TestLoadScript(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script.json")
	if err := emulator.LoadScript(emulator.NewScript(), path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: got %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"steps":[{"x":1}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := emulator.LoadScript(emulator.NewScript(), path); err == nil || !strings.HasPrefix(err.Error(), path+":1: steps[0].x: unknown") {
		t.Errorf("got %v, want the fault with its place", err)
	}
	if err := emulator.LoadScript(emulator.NewScript(), "/dev/zero"); err == nil {
		t.Error("a file without an end was read")
	}
}

// TestDocumentedScripts holds the examples of docs/script.md to what is read.
func TestDocumentedScripts(t *testing.T) {
	text, err := os.ReadFile("../../docs/script.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := strings.Split(string(text), "```json\n")[1:]
	if len(examples) < 3 {
		t.Fatalf("%d examples found", len(examples))
	}
	for i, example := range examples {
		example, _, _ = strings.Cut(example, "```")
		if err := emulator.NewScript().Load("example", []byte(example)); err != nil {
			t.Errorf("example %d: %v", i+1, err)
		}
	}
}

// TestEveryInvocationTakesAnAnswer holds that one answer serves all operations that invoke a model,
// checked and unchecked.
func TestEveryInvocationTakesAnAnswer(t *testing.T) {
	const converse = `{"messages":[{"role":"user","content":[{"text":"hi"}]}]}`
	for path, body := range map[string]string{
		"invoke": user("hi"), "invoke-with-response-stream": user("hi"), "converse": converse, "converse-stream": converse,
	} {
		t.Run(path, func(t *testing.T) {
			b := play(t, `{"answer": {"content": "rock"}}, {"unchecked": true, "answer": {"content": "rock"}}`)
			for _, body := range []string{body, "no JSON"} {
				a := b.call(http.MethodPost, "/model/"+opus+"/"+path, body)
				if a.StatusCode == http.StatusNotFound {
					t.Skip("this Bedrock does not serve it: " + a.body)
				}
				if a.StatusCode != http.StatusOK || !strings.Contains(a.body+decoded(a.body), `"text":"rock"`) {
					t.Errorf("%s: got %d %q, want the scripted answer", body, a.StatusCode, a.body)
				}
			}
		})
	}
}

// decoded is what the chunks of a stream hold, one after the other.
func decoded(stream string) (all string) {
	messages, _ := pieces(strings.NewReader(stream))
	for _, m := range messages {
		var chunk struct{ Bytes []byte }
		json.Unmarshal([]byte(m.Payload), &chunk)
		all += string(chunk.Bytes)
	}
	return all
}
