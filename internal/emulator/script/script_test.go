package script

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var operations = []string{"InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream", "CountTokens", "ListInferenceProfiles"}

func ptr[T any](v T) *T { return &v }

// TestLoad reads a file with every member there is.
func TestLoad(t *testing.T) {
	data, err := os.ReadFile("testdata/whole.json")
	if err != nil {
		t.Fatal(err)
	}
	s := New(operations)
	if err := s.Load("whole.json", data); err != nil {
		t.Fatal(err)
	}
	var got []Step
	for _, e := range s.steps {
		got = append(got, e.Step)
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	want := []Step{
		{
			When:  When{Operation: "Invoke*", Model: "*opus*", Text: "(?i)weather"},
			Times: ptr(3), Unchecked: true, Delay: Duration(1500 * time.Millisecond), Pace: ptr(Duration(0)),
			Answer: &Answer{
				Content: Blocks{
					{Type: "thinking", Thinking: "Hm.", Signature: "c2ln"},
					{Type: "text", Text: "Let me look."},
					{Type: "tool_use", ID: "toolu_1", Name: "Weather", Input: raw(`{"city": "Bern"}`)},
				},
				StopReason: "tool_use", StopSequence: "X",
				Usage: Usage{ptr(1), ptr(2), ptr(3), ptr(0)},
			},
			Break: &Break{By: Exception, After: ptr(3), Code: "modelStreamErrorException", Message: "no", Fields: map[string]json.RawMessage{"originalStatusCode": raw("500")}},
		},
		{Always: true, Answer: &Answer{Content: Blocks{{Type: "text", Text: "It is raining."}}}},
		{Failure: &Failure{Code: "ThrottlingException", Message: "later", Status: 430, Headers: map[string]string{"Retry-After": "3"}, Fields: map[string]json.RawMessage{"a": raw("[1]")}}},
		{Failure: &Failure{Connection: Reset}},
		{Body: &Body{Status: 502, Headers: map[string]string{"Content-Type": "text/html"}, Text: ptr("<html>")}},
		{Body: &Body{JSON: raw(`{"inputTokens": 7}`)}},
		{Events: []json.RawMessage{raw(`{"type": "ping"}`)}, Break: &Break{By: Cut, AfterBytes: ptr(20)}},
		{Messages: []Message{{Event: "chunk", Payload: raw(`"no JSON"`)}, {Event: "metadata", Payload: raw(`{}`)}}},
		{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps of testdata/whole.json, -want +got:\n%s", diff)
	}
	if s.steps[1].where != " (whole.json:26)" {
		t.Errorf("steps[1] is said to stand at %q, want line 26", s.steps[1].where)
	}
}

// TestFaults holds that all that is wrong is said at once, with lines.
func TestFaults(t *testing.T) {
	f := func(name, file string, want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			s := New(operations)
			err := s.Load("s.json", []byte(file))
			if err == nil {
				t.Fatalf("Load(%s) took it, want:\n%s", file, strings.Join(want, "\n"))
			}
			if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("Load(%s), -want +got:\n%s", file, diff)
			}
			if len(s.steps) > 0 {
				t.Errorf("%d steps were added all the same", len(s.steps))
			}
		})
	}
	f("no JSON", "{\n\"steps\": [\n}", "s.json:3: not JSON: invalid character '}' looking for beginning of value")
	f("nothing at all", "", "s.json:1: not JSON: unexpected end of JSON input")
	f("no steps", "{}", "s.json:1: steps is missing: the list of what comes of which call")
	f("a list", "[]", "s.json:1: want an object, got a list")
	f("many faults in as many places, each with its line", `{
  "steps": [
    {"tims": 1,
     "delay": "soon"},
    {"failure": {
      "code": "Throttling",
      "status": "429"
    }, "times": 0},
    7,
    {"answer": {"content": [{"type": "text", "text": 1},
      {"type": "image"}, {"type": "tool_use", "input": []}, {"type": "text", "name": "x"}], "stop_reason": "stop",
      "usage": {"input_tokens": -1}}, "body": {}, "pace": "-1s", "always": true, "always": true}
  ],
  "version": 1
}`,
		`s.json:3: steps[0].tims: unknown; known here: always, answer, body, break, delay, events, failure, messages, pace, times, unchecked, when`,
		`s.json:4: steps[0].delay: want a duration like "1.5s" or "200ms", got "soon"`,
		`s.json:6: steps[1].failure.code: unknown exception "Throttling"; known: `+strings.Join(codes(), ", ")+`; others need a status`,
		`s.json:7: steps[1].failure.status: want a whole number, got "429"`,
		`s.json:8: steps[1].times: want 1 or more; for every call use always`,
		`s.json:9: steps[2]: want an object, got 7`,
		`s.json:10: steps[3].answer.content[0].text: want a string, got 1`,
		`s.json:10: steps[3]: has answer and body: one step, one answer`,
		`s.json:11: steps[3].answer.content[1].type: want text, thinking or tool_use, got "image"; other blocks go into events or body`,
		`s.json:11: steps[3].answer.content[2].name: is missing`,
		`s.json:11: steps[3].answer.content[2].input: want an object`,
		`s.json:11: steps[3].answer.content[3].name: does not belong to a block of type text`,
		`s.json:11: steps[3].answer.stop_reason: unknown; known: `+strings.Join(stopReasons, ", "),
		`s.json:12: steps[3].always: stands twice`,
		`s.json:12: steps[3].pace: is negative`,
		`s.json:12: steps[3].pace: goes with what streams, not with body or failure`,
		`s.json:12: steps[3].answer.usage.input_tokens: is negative`,
		`s.json:14: version: unknown; known here: steps`,
	)
	one := func(name, step, path, want string) {
		t.Helper()
		f(name, `{"steps":[`+step+`]}`, "s.json:1: steps[0]"+path+": "+want)
	}
	one("both kinds of how often", `{"times":1,"always":true}`, ".always", "does not go with times")
	one("a negative delay", `{"delay":"-1s"}`, ".delay", "is negative")
	one("unchecked without an answer", `{"unchecked":true}`, ".unchecked", "goes only with answer, body, events, messages or failure")
	one("an expression that is none", `{"when":{"text":"("}}`, ".when.text", "error parsing regexp: missing closing ): `(`")
	one("an operation that there is not", `{"when":{"operation":"InvokeModl"}}`, ".when.operation", `"InvokeModl" is none of `+strings.Join(operations, ", "))
	one("an answer for what has none", `{"when":{"operation":"C*Tokens"},"answer":{"content":""}}`, ".when.operation", `"C*Tokens" cannot be answered so; this step is for InvokeModel, InvokeModelWithResponseStream, Converse, ConverseStream`)
	one("a stream where there is none", `{"when":{"operation":"InvokeModel"},"break":{"by":"cut"}}`, ".when.operation", `"InvokeModel" cannot be answered so; this step is for InvokeModelWithResponseStream, ConverseStream`)
	one("an exception that Converse has not, for all that streams", `{"break":{"by":"exception","code":"modelTimeoutException"}}`, ".when.operation", `is to name InvokeModelWithResponseStream alone: ConverseStream has no modelTimeoutException`)
	one("an exception that Converse has not", `{"when":{"operation":"ConverseStream"},"break":{"by":"exception","code":"modelTimeoutException"}}`, ".when.operation", `"ConverseStream" cannot be answered so; this step is for InvokeModelWithResponseStream`)
	one("an answer of nothing", `{"answer":{}}`, ".answer.content", "is missing: a string, or a list of blocks")
	one("null", `{"answer":null}`, ".answer", "want an object, got null")
	one("a failure of nothing", `{"failure":{}}`, ".failure.code", "is missing: AWS's name of an exception, or connection in its place")
	one("a failure that is none", `{"failure":{"code":"X","status":200}}`, ".failure.status", "want 400 to 599")
	one("a code that breaks the header", `{"failure":{"code":"X\r\nY: 1","status":400}}`, ".failure.code", "cannot be sent in a header")
	one("a header that the server sets", `{"failure":{"code":"ThrottlingException","headers":{"content-length":"3"}}}`, ".failure.headers.content-length", "is set by the server")
	one("a header of an exception", `{"failure":{"code":"ThrottlingException","headers":{"X-Amzn-ErrorType":"Y"}}}`, ".failure.headers.X-Amzn-ErrorType", "is set by the server")
	one("a header that is none", `{"body":{"headers":{"a b":"3"}}}`, ".body.headers.a b", "is no name of a header")
	one("a value that breaks the header", `{"body":{"headers":{"a":"3\n"}}}`, ".body.headers.a", "has a value that no header can have")
	one("message as a field", `{"failure":{"code":"ThrottlingException","fields":{"message":"3"}}}`, ".failure.fields.message", "is set by message")
	one("a connection and a code", `{"failure":{"code":"ThrottlingException","connection":"cut"}}`, ".failure.connection", "does not go with an exception")
	one("a connection that stalls", `{"failure":{"connection":"stall"}}`, ".failure.connection", "want cut or reset")
	one("a body of both kinds", `{"body":{"json":1,"text":""}}`, ".body.text", "does not go with json")
	one("a status that has no body", `{"body":{"status":204,"text":"x"}}`, ".body.status", "204 has no body")
	one("a status that is no answer", `{"body":{"status":101}}`, ".body.status", "want 200 to 599")
	one("a body that breaks off", `{"body":{},"break":{"by":"cut"}}`, ".break", "goes with what streams, not with body or failure")
	one("an event that is none", `{"events":[{}]}`, ".events[0]", "want an event of Claude's: an object with a type")
	one("a message without a type", `{"messages":[{"payload":1}]}`, ".messages[0].event", "want the :event-type, 1 to 255 bytes")
	one("a message without a payload", `{"messages":[{"event":"x"}]}`, ".messages[0].payload", "is missing")
	one("a break of no kind", `{"break":{}}`, ".break.by", `want exception, error, cut, reset, stall, end, corrupt, got ""`)
	one("an exception in capitals", `{"break":{"by":"exception","code":"ThrottlingException"}}`, ".break.code", `unknown exception of a stream "ThrottlingException"; known: `+strings.Join(streamExceptions, ", "))
	one("an error without a code", `{"break":{"by":"error"}}`, ".break.code", "want the :error-code, 1 to 255 bytes")
	one("two places to break off", `{"break":{"by":"cut","after":1,"after_bytes":1}}`, ".break.after_bytes", "does not go with after")
	one("a message after so many bytes", `{"break":{"by":"corrupt","after_bytes":1}}`, ".break.after_bytes", "does not go with corrupt, which is a whole message")
	one("a cut with a code", `{"break":{"by":"cut","code":"x"}}`, ".break.by", "cut has no code, message or fields")
	one("before the beginning", `{"break":{"by":"cut","after":-1}}`, ".break.after", "is negative")
}

func TestAddTellsAllFaults(t *testing.T) {
	s := New(operations)
	err := s.Add(Step{}, Step{Times: ptr(0), Delay: -1}, Step{Body: &Body{JSON: json.RawMessage("{")}, Events: []json.RawMessage{}})
	want := "steps[1].times: want 1 or more; for every call use always\nsteps[1].delay: is negative\n" +
		"steps[2]: has body and events: one step, one answer\nsteps[2].body.json: is not JSON; use text"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if len(s.steps) > 0 {
		t.Errorf("%d steps were added all the same", len(s.steps))
	}
}

func TestTake(t *testing.T) {
	text := func(s string) func() string { return func() string { return s } }
	asked := 0
	call := func(operation, model, said string) Call {
		return Call{operation, model, func() string { asked++; return said }}
	}
	f := func(name string, file string, c Call, want ...int) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			s := New(operations)
			if err := s.Load("s.json", []byte(`{"steps":[`+file+`]}`)); err != nil {
				t.Fatal(err)
			}
			var got []int
			for range want {
				_, number := s.Take(c, false)
				got = append(got, number)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("steps taken by %+v in turn, -want +got:\n%s", c, diff)
			}
		})
	}
	opus := Call{"InvokeModel", "us.anthropic.claude-opus-5-5", text("How is the weather?")}
	arn := Call{"InvokeModelWithResponseStream", "arn:aws:bedrock:us-east-1::inference-profile/us.anthropic.x", text("")}
	f("in order, each as often as it says", `{"times":2},{},{"times":1}`, opus, 1, 1, 2, 3, 0, 0)
	f("always ends the list", `{},{"always":true},{}`, opus, 1, 2, 2, 2)
	f("of another operation", `{"when":{"operation":"Count*"}},{"when":{"operation":"Invoke*"}},{"when":{"operation":"InvokeMode?"}}`, opus, 2, 3, 0)
	f("of another model", `{"when":{"model":"*haiku*"}},{"when":{"model":"*OPUS*"}},{"when":{"model":"us.*"}},{"when":{"model":"us.anthropic"}}`, opus, 3, 0)
	f("a star is for slashes too, a dot is a dot", `{"when":{"model":"arn*/*x"}},{"when":{"model":"arn*us-anthropic*"}}`, arn, 1, 0)
	f("of another text", `{"when":{"text":"^weather"}},{"when":{"text":"(?i)WEATHER"}}`, opus, 2, 0)
	f("what cannot be answered so passes by", `{"events":[]},{"pace":"0s"},{"break":{"by":"end"}},{"messages":[]},{"answer":{"content":"x"}}`, opus, 5, 0)
	f("no operation means those that invoke a model", `{},{"when":{"operation":"*"},"answer":{"content":"x"}},{"when":{"operation":"*"}}`, Call{"CountTokens", "m", text("")}, 3, 0)

	s := New(operations)
	if err := s.Add(Step{When: When{Model: "m"}}, Step{When: When{Text: "x"}}, Step{When: When{Text: "y"}}); err != nil {
		t.Fatal(err)
	}
	if s.Take(call("InvokeModel", "m", ""), false); asked != 0 {
		t.Error("the text was asked for though the first step asks for a model only")
	}
	if s.Take(call("InvokeModel", "n", ""), false); asked != 1 {
		t.Errorf("the text was asked for %d times by two steps, want once", asked)
	}
}

func TestUnprovenRequests(t *testing.T) {
	s := New(operations)
	failure := &Failure{Code: "ThrottlingException"}
	if err := s.Add(Step{Failure: failure}, Step{Failure: failure, Unchecked: true}); err != nil {
		t.Fatal(err)
	}
	c := Call{"InvokeModel", "m", func() string { return "" }}
	var got []int
	for _, unproven := range []bool{true, false, true, true} {
		_, number := s.Take(c, unproven)
		got = append(got, number)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 0}, got); diff != "" {
		t.Errorf("steps taken, -want +got:\n%s", diff)
	}
}

// TestMatchingKeepsNobodyWaiting: while a step looks at a long text, others may take theirs.
func TestMatchingKeepsNobodyWaiting(t *testing.T) {
	s := New(operations)
	if err := s.Add(Step{When: When{Text: "x"}}); err != nil {
		t.Fatal(err)
	}
	text := func() string {
		if !s.mu.TryLock() {
			t.Error("the script is locked while a text is looked at")
			return "x"
		}
		s.mu.Unlock()
		return "x"
	}
	if step, _ := s.Take(Call{Operation: "Converse", Text: text}, false); step == nil {
		t.Error("no step")
	}
}

// TestAStepIsTakenOnce: one that another call takes while its text is looked at is gone.
func TestAStepIsTakenOnce(t *testing.T) {
	s := New(operations)
	if err := s.Add(Step{When: When{Text: "x"}}, Step{}); err != nil {
		t.Fatal(err)
	}
	text := func() string {
		if _, n := s.Take(Call{Operation: "Converse", Text: func() string { return "x" }}, false); n != 1 {
			t.Errorf("the call between took step %d, want 1", n)
		}
		return "x"
	}
	if _, n := s.Take(Call{Operation: "Converse", Text: text}, false); n != 2 {
		t.Errorf("took step %d, want 2", n)
	}
}

func TestManyFaultsAreNotAllTold(t *testing.T) {
	for name, data := range map[string]string{
		"unknown members":  `{"steps":[` + strings.Repeat(`{"x":1},`+"\n", 50_000) + `{}]}`,
		"faulty steps":     `{"steps":[` + strings.Repeat(`{"times":0},`+"\n", 50_000) + `{}]}`,
		"faults of a step": `{"steps":[{"events":[` + strings.Repeat("1,", 50_000) + `1]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := New(operations).Load("f", []byte(data))
			if err == nil || strings.Count(err.Error(), "\n") != maxFaults || !strings.HasSuffix(err.Error(), "\nf: there is more") {
				t.Errorf("got %.300v..., want %d faults and that there is more", err, maxFaults)
			}
		})
	}
}

func TestTakeFromManySides(t *testing.T) {
	s := New(operations)
	if err := s.Add(Step{Times: ptr(50)}, Step{Times: ptr(30)}); err != nil {
		t.Fatal(err)
	}
	var taken [3]atomic.Int32
	var calls sync.WaitGroup
	for range 100 {
		calls.Go(func() {
			_, number := s.Take(Call{"InvokeModel", "m", func() string { return "" }}, false)
			taken[number].Add(1)
		})
	}
	calls.Wait()
	if taken[1].Load() != 50 || taken[2].Load() != 30 || taken[0].Load() != 20 {
		t.Errorf("100 calls at once took %d, %d and none %d, want 50, 30 and 20", taken[1].Load(), taken[2].Load(), taken[0].Load())
	}
}

func TestUnused(t *testing.T) {
	s := New(operations)
	if err := s.Add(Step{Times: ptr(2)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load("s.json", []byte("{\"steps\":[\n{},\n{\"always\":true}]}")); err != nil {
		t.Fatal(err)
	}
	check := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, s.Unused()); diff != "" {
			t.Errorf("Unused(), -want +got:\n%s", diff)
		}
		s.Take(Call{"InvokeModel", "m", func() string { return "" }}, false)
	}
	check("step 1 was taken 0 of 2 times", "step 2 (s.json:2) was taken 0 of 1 times")
	check("step 1 was taken 1 of 2 times", "step 2 (s.json:2) was taken 0 of 1 times")
	check("step 2 (s.json:2) was taken 0 of 1 times")
	check()
	var none *Script
	if step, _ := none.Take(Call{}, false); step != nil || none.Unused() != nil {
		t.Error("a nil Script has steps")
	}
}

// TestDefaults holds what a failure says that has a code only.
func TestDefaults(t *testing.T) {
	for _, e := range exceptions {
		status, message, front := (&Failure{Code: e.code}).Fault()
		if status != e.status || message == "" || front != e.front {
			t.Errorf("%s: got %d %q", e.code, status, message)
		}
	}
	for _, code := range streamExceptions {
		if (&Break{By: Exception, Code: code}).Said() == "" {
			t.Errorf("%s says nothing", code)
		}
	}
	if status, message, _ := (&Failure{Code: "ThrottlingException", Status: 503, Message: "m"}).Fault(); status != 503 || message != "m" {
		t.Errorf("got %d %q, want what the step says", status, message)
	}
}

// FuzzLoad holds for any bytes: no panic, a place for every fault, and steps that can be taken.
func FuzzLoad(f *testing.F) {
	whole, err := os.ReadFile("testdata/whole.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, seed := range []string{
		"\ufeff{\"steps\":[]}", `{"steps":[{"when":{"operation":"\ud800*?","text":"a{1000}"}}]}`, "[[[[", "{\"steps\":\n[{\"x\":1},null]}",
		`{"steps":[{"answer":{"content":[{"type":"text","text":"\u0000"}]},"times":1e2,"delay":"9999999h"}]}`, `{"steps":{"steps":[]}}`, "1 2", "\"\\u00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(operations)
		if err := s.Load("f", data); err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				var n int
				if _, err := fmt.Sscanf(line, "f:%d: ", &n); err != nil || n < 1 {
					t.Errorf("a fault without a place: %q", line)
				}
			}
			return
		}
		for _, operation := range operations {
			step, _ := s.Take(Call{operation, "m", func() string { return "hi" }}, false)
			if step != nil && !step.serves(operation) {
				t.Errorf("%s took %+v", operation, step)
			}
		}
	})
}
