package bedrocktest

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
)

// A Step says what comes of some calls: see Server.Script. Its methods return a changed copy, so that
// one Step can be the beginning of several.
//
//	bedrocktest.Failure("ThrottlingException", "").Times(2)
//	bedrocktest.Text("It is raining.").OnText("(?i)weather").Always()
//	bedrocktest.Text("one two three four").BreakAfter(3, bedrocktest.Cut)
//
// It is for one invocation of a model (InvokeModel, InvokeModelWithResponseStream, Converse,
// ConverseStream) unless it says otherwise; what cannot be answered so passes it by.
type Step struct {
	step  script.Step
	wrong []string // methods that make no sense on it
}

// Script adds steps behind those that the Server has already. A call takes the first step that applies
// to it and is not used up. A call that finds none is answered by the deterministic model; to have such
// calls fail instead, end with a Failure that is Always.
//
// Requests are still authenticated and checked: one that Bedrock would refuse is refused and uses up no
// step, except where the step is Unchecked. A step that makes no sense fails the test.
func (s *Server) Script(steps ...Step) {
	s.tb.Helper()
	list := make([]script.Step, len(steps))
	for i, step := range steps {
		list[i] = step.step
		for _, fault := range step.wrong {
			s.tb.Fatalf("bedrocktest: Script: steps[%d]: %s", i, fault)
		}
	}
	if err := s.script.Add(list...); err != nil {
		s.tb.Fatalf("bedrocktest: Script: %v", err)
	}
}

// ScriptFile adds the steps of a script file, the format of which is in docs/script.md and is that of
// outcrop local --script. A faulty file fails the test.
func (s *Server) ScriptFile(path string) {
	s.tb.Helper()
	if err := emulator.LoadScript(s.script, path); err != nil {
		s.tb.Fatalf("bedrocktest: ScriptFile: %v", err)
	}
}

// Unused says, a line each, which steps are not used up; one that is Always is not among them. A test
// whose every step must come to pass ends with
//
//	for _, step := range srv.Unused() {
//		t.Error(step)
//	}
//
// The Server does not do so by itself, for scripts often hold more than one test uses: a file shared by
// several, or one failure more than a client may retry.
func (s *Server) Unused() []string { return s.script.Unused() }

// Text answers with a block of text.
func Text(text string) Step { return Step{}.Text(text) }

// Thinking answers with thinking, to be followed by Text or ToolUse. Its signature is one that the
// Server accepts when it comes back in the same conversation.
func Thinking(text string) Step { return Step{}.Thinking(text) }

// ToolUse answers with the use of a tool. input is what encoding/json makes an object of, or nil for an
// empty one.
func ToolUse(name string, input any) Step { return Step{}.ToolUse(name, input) }

// Failure refuses as AWS does, with the exception of that name: ThrottlingException,
// AccessDeniedException, … Where message is empty it is AWS's. The status is AWS's too; for an exception
// that AWS does not have set one with WithStatus.
func Failure(code, message string) Step {
	return Step{step: script.Step{Failure: &script.Failure{Code: code, Message: message}}}
}

// NoAnswer loses the connection before anything of an answer has left. by is Cut or Reset.
func NoAnswer(by Break) Step {
	return Step{step: script.Step{Failure: &script.Failure{Connection: string(by)}}}
}

// Body answers byte for byte. The Content-Type is application/json unless WithHeader says otherwise.
func Body(status int, body string) Step {
	return Step{step: script.Step{Body: &script.Body{Status: status, Text: &body}}}
}

// Events answers InvokeModelWithResponseStream with these events of Claude's, as JSON, and no others.
func Events(events ...string) Step {
	s := Step{step: script.Step{Events: []json.RawMessage{}}}
	for _, e := range events {
		s.step.Events = append(s.step.Events, json.RawMessage(e))
	}
	return s
}

// Message answers with an event stream whose first message has that :event-type and payload, whatever
// they are. The method of the same name adds others.
func Message(eventType, payload string) Step { return Step{}.Message(eventType, payload) }

// Pass lets a call through to the deterministic model: for calls before the one that is meant, and for
// its answers with a Delay, a Pace or a Break.
func Pass() Step { return Step{} }

// Text adds a block of text to the answer.
func (s Step) Text(text string) Step { return s.block(script.Block{Type: "text", Text: text}) }

// Thinking adds a thinking block to the answer.
func (s Step) Thinking(text string) Step {
	return s.block(script.Block{Type: "thinking", Thinking: text})
}

// ToolUse adds the use of a tool to the answer.
func (s Step) ToolUse(name string, input any) Step {
	b := script.Block{Type: "tool_use", Name: name}
	if input != nil {
		b.Input = asJSON(input)
	}
	return s.block(b)
}

// asJSON is empty for what has no JSON; Server.Script refuses that.
func asJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return json.RawMessage{}
	}
	return bytes.TrimSpace(b.Bytes())
}

// WithID gives the ToolUse that it follows that ID in place of a new one.
func (s Step) WithID(id string) Step {
	a := s.answer()
	n := len(a.Content)
	if n == 0 || a.Content[n-1].Type != "tool_use" {
		return s.misused("WithID goes behind ToolUse")
	}
	a.Content[n-1].ID = id
	s.step.Answer = &a
	return s
}

func (s Step) misused(fault string) Step {
	s.wrong = append(slices.Clone(s.wrong), fault)
	return s
}

// Stop sets the answer's stop reason, which is otherwise end_turn, or tool_use after a ToolUse.
func (s Step) Stop(reason string) Step {
	a := s.answer()
	a.StopReason = reason
	s.step.Answer = &a
	return s
}

// StopSequence has the answer end at that stop sequence.
func (s Step) StopSequence(sequence string) Step {
	a := s.answer()
	a.StopReason, a.StopSequence = "stop_sequence", sequence
	s.step.Answer = &a
	return s
}

// Tokens sets the input and output tokens that the answer reports, which are otherwise counted.
func (s Step) Tokens(input, output int) Step {
	a := s.answer()
	a.Usage.InputTokens, a.Usage.OutputTokens = &input, &output
	s.step.Answer = &a
	return s
}

// CacheTokens sets the tokens that the answer reports as read from and written to the prompt cache.
func (s Step) CacheTokens(read, write int) Step {
	a := s.answer()
	a.Usage.CacheRead, a.Usage.CacheWrite = &read, &write
	s.step.Answer = &a
	return s
}

func (s Step) block(b script.Block) Step {
	a := s.answer()
	a.Content = append(a.Content, b)
	s.step.Answer = &a
	return s
}

// answer returns a copy of the step's answer.
func (s Step) answer() script.Answer {
	a := script.Answer{}
	if s.step.Answer != nil {
		a = *s.step.Answer
	}
	a.Content = append(script.Blocks{}, a.Content...)
	return a
}

// Message adds a message to an event stream.
func (s Step) Message(eventType, payload string) Step {
	m := script.Message{Event: eventType, Payload: asJSON(payload)}
	s.step.Messages = append(slices.Clone(s.step.Messages), m)
	return s
}

// WithStatus sets the HTTP status of a Failure or a Body.
func (s Step) WithStatus(status int) Step {
	switch {
	case s.step.Failure != nil:
		f := *s.step.Failure
		f.Status = status
		s.step.Failure = &f
	case s.step.Body != nil:
		b := *s.step.Body
		b.Status = status
		s.step.Body = &b
	default:
		return s.misused("WithStatus is for Failure and Body")
	}
	return s
}

// WithHeader sets a header of a Failure or a Body.
func (s Step) WithHeader(name, value string) Step {
	switch {
	case s.step.Failure != nil:
		f := *s.step.Failure
		f.Headers = with(f.Headers, name, value)
		s.step.Failure = &f
	case s.step.Body != nil:
		b := *s.step.Body
		b.Headers = with(b.Headers, name, value)
		s.step.Body = &b
	default:
		return s.misused("WithHeader is for Failure and Body")
	}
	return s
}

// WithField sets a member beside message in the body of a Failure or of the exception of
// ExceptionAfter, such as originalStatusCode.
func (s Step) WithField(name string, value any) Step {
	switch {
	case s.step.Failure != nil:
		f := *s.step.Failure
		f.Fields = with(f.Fields, name, asJSON(value))
		s.step.Failure = &f
	case s.step.Break != nil:
		b := *s.step.Break
		b.Fields = with(b.Fields, name, asJSON(value))
		s.step.Break = &b
	default:
		return s.misused("WithField is for Failure and ExceptionAfter")
	}
	return s
}

// with returns a copy of m that has that member.
func with[V any](m map[string]V, name string, value V) map[string]V {
	out := map[string]V{name: value}
	for n, v := range m {
		if n != name {
			out[n] = v
		}
	}
	return out
}

// OnOperation has the step apply to the operations of these names, AWS's; * stands for any text, as in
// "Invoke*". Without it a step applies to those that invoke a model; "*" takes in CountTokens and the
// control plane.
func (s Step) OnOperation(pattern string) Step {
	s.step.When.Operation = pattern
	return s
}

// OnModel has the step apply to some models only, by the identifier that the client sends; * stands for
// any text, as in "*opus*".
func (s Step) OnModel(pattern string) Step {
	s.step.When.Model = pattern
	return s
}

// OnText has the step apply only where the regular expression is found in the text of the user's last
// turn. Results of tools are not part of that text, so that a step which answers with a ToolUse does not
// apply to the call that brings the result.
func (s Step) OnText(expression string) Step {
	s.step.When.Text = expression
	return s
}

// Times has the step be for n calls.
func (s Step) Times(n int) Step {
	s.step.Times, s.step.Always = &n, false
	return s
}

// Always has the step be for every call. No step behind it is reached by a call to which it applies.
func (s Step) Always() Step {
	s.step.Times, s.step.Always = nil, true
	return s
}

// Unchecked has the step apply also to requests that Bedrock would refuse: fields and models that the
// Server does not know.
func (s Step) Unchecked() Step {
	s.step.Unchecked = true
	return s
}

// Delay has the answer, or the failure, begin only after d.
func (s Step) Delay(d time.Duration) Step {
	s.step.Delay = script.Duration(d)
	return s
}

// Pace has each message of a stream come after d, in place of WithChunkDelay's. The step is then for
// streams only.
func (s Step) Pace(d time.Duration) Step {
	pace := script.Duration(d)
	s.step.Pace = &pace
	return s
}

// A Break is a way in which a stream can break off.
type Break string

// The ways in which a stream breaks off, besides ExceptionAfter and ErrorAfter.
const (
	Cut     Break = script.Cut     // the connection is closed in the middle of the body (in HTTP/2: the stream is reset)
	Reset   Break = script.Reset   // the connection is reset
	Stall   Break = script.Stall   // nothing more comes, and the connection stays open
	End     Break = script.End     // the body ends as if that were all
	Corrupt Break = script.Corrupt // the next message has a wrong checksum; the rest follows
)

// BreakAfter has the stream break off when n messages have left whole. A stream that has no more than n
// breaks off at its end. The step is then for streams only.
func (s Step) BreakAfter(n int, by Break) Step {
	s.step.Break = &script.Break{By: string(by), After: &n}
	return s
}

// BreakAfterBytes has the stream break off after n bytes, which may be within a message. by is not
// Corrupt.
func (s Step) BreakAfterBytes(n int, by Break) Step {
	s.step.Break = &script.Break{By: string(by), AfterBytes: &n}
	return s
}

// ExceptionAfter has the stream end, after n messages, with an exception of AWS's:
// throttlingException, modelStreamErrorException, … Where message is empty it is AWS's.
func (s Step) ExceptionAfter(n int, code, message string) Step {
	s.step.Break = &script.Break{By: script.Exception, After: &n, Code: code, Message: message}
	return s
}

// ErrorAfter has the stream end, after n messages, with an error that AWS's service models do not know.
func (s Step) ErrorAfter(n int, code, message string) Step {
	s.step.Break = &script.Break{By: script.Error, After: &n, Code: code, Message: message}
	return s
}
