package script

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

// A checker collects what is wrong with a step.
type checker struct{ faults []fault }

func (c *checker) fault(path, format string, args ...any) {
	c.faults = append(c.faults, fault{path, fmt.Sprintf(format, args...)})
}

// want records a fault where ok does not hold.
func (c *checker) want(ok bool, path, format string, args ...any) {
	if !ok {
		c.fault(path, format, args...)
	}
}

// faults returns all that is wrong with a step for a server with these operations.
func (s *Step) faults(operations []string) []fault {
	c := &checker{}
	c.want(s.Times == nil || *s.Times > 0, "times", "want 1 or more; for every call use always")
	c.want(s.Times == nil || !s.Always, "always", "does not go with times")
	c.want(s.Delay >= 0, "delay", "is negative")
	c.want(s.Pace == nil || *s.Pace >= 0, "pace", "is negative")
	s.checkCombination(c)
	if s.Answer != nil {
		s.Answer.check(c)
	}
	if s.Body != nil {
		s.Body.check(c)
	}
	if s.Failure != nil {
		s.Failure.check(c)
	}
	if s.Break != nil {
		s.Break.check(c)
	}
	for i, e := range s.Events {
		var event struct{ Type string }
		c.want(isObject(e) && json.Unmarshal(e, &event) == nil && event.Type != "", fmt.Sprintf("events[%d]", i), `want an event of Claude's: an object with a type`)
	}
	for i, m := range s.Messages {
		path := fmt.Sprintf("messages[%d]", i)
		c.want(m.Event != "" && len(m.Event) < 256, path+".event", "want the :event-type, 1 to 255 bytes")
		c.want(len(m.Payload) > 0, path+".payload", "is missing")
	}
	s.checkWhen(c, operations)
	return c.faults
}

// checkCombination holds that a step says one thing.
func (s *Step) checkCombination(c *checker) {
	var said []string
	for _, one := range []struct {
		name string
		set  bool
	}{
		{"answer", s.Answer != nil}, {"body", s.Body != nil}, {"events", s.Events != nil},
		{"messages", s.Messages != nil}, {"failure", s.Failure != nil},
	} {
		if one.set {
			said = append(said, one.name)
		}
	}
	c.want(len(said) < 2, "", "has %s: one step, one answer", strings.Join(said, " and "))
	c.want(!s.Unchecked || len(said) > 0, "unchecked", "goes only with answer, body, events, messages or failure")
	if s.Body != nil || s.Failure != nil {
		c.want(s.Break == nil, "break", "goes with what streams, not with body or failure")
		c.want(s.Pace == nil, "pace", "goes with what streams, not with body or failure")
	}
}

func (s *Step) checkWhen(c *checker, operations []string) {
	if _, err := regexp.Compile(s.When.Text); err != nil {
		c.fault("when.text", "%v", err)
	}
	named := slices.Collect(filter(operations, s.When.operation()))
	if len(named) == 0 {
		c.fault("when.operation", "%q is none of %s", s.When.Operation, strings.Join(operations, ", "))
		return
	}
	switch {
	case !slices.ContainsFunc(named, s.serves):
		c.fault("when.operation", "%q cannot be answered so; %s", s.When.Operation, s.servesWhat(operations))
	case s.breaksBy(modelTimeout) && slices.Contains(named, "ConverseStream"): // or it would pass by in silence
		c.fault("when.operation", "is to name InvokeModelWithResponseStream alone: ConverseStream has no %s", modelTimeout)
	}
}

func (s *Step) servesWhat(operations []string) string {
	fit := slices.Collect(filter(operations, s.serves))
	if len(fit) == 0 {
		return "no operation can"
	}
	return "this step is for " + strings.Join(fit, ", ")
}

// invocations are the operations that invoke a model: those to which an Answer is one, and those that a
// step is for which names none.
var invocations = []string{"InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream"}

// operation returns a matcher for the operations to which a step applies.
func (w When) operation() func(string) bool {
	if w.Operation == "" {
		return func(name string) bool { return slices.Contains(invocations, name) }
	}
	return glob(w.Operation)
}

// serves reports whether an operation can be answered as the step says.
func (s *Step) serves(operation string) bool {
	switch {
	case s.Answer != nil && !slices.Contains(invocations, operation),
		s.Events != nil && operation != "InvokeModelWithResponseStream",
		(s.Messages != nil || s.Pace != nil || s.Break != nil) && !Streams(operation):
		return false
	case s.breaksBy(modelTimeout):
		return operation != "ConverseStream"
	}
	return true
}

func (s *Step) breaksBy(exception string) bool {
	return s.Break != nil && s.Break.By == Exception && s.Break.Code == exception
}

// stopReasons are those of the Messages API and, where they differ, of Converse.
var stopReasons = []string{
	"content_filtered", "end_turn", "guardrail_intervened", "malformed_model_output", "malformed_tool_use", "max_tokens",
	"model_context_window_exceeded", "pause_turn", "refusal", "stop_sequence", "tool_use",
}

func (a *Answer) check(c *checker) {
	c.want(a.Content != nil, "answer.content", "is missing: a string, or a list of blocks")
	for i, b := range a.Content {
		b.check(c, fmt.Sprintf("answer.content[%d]", i))
	}
	c.want(a.StopReason == "" || slices.Contains(stopReasons, a.StopReason), "answer.stop_reason", "unknown; known: %s", strings.Join(stopReasons, ", "))
	for name, n := range map[string]*int{
		"input_tokens": a.Usage.InputTokens, "output_tokens": a.Usage.OutputTokens,
		"cache_read_input_tokens": a.Usage.CacheRead, "cache_creation_input_tokens": a.Usage.CacheWrite,
	} {
		c.want(n == nil || *n >= 0, "answer.usage."+name, "is negative")
	}
}

// check holds a block to its type: what belongs to another type would be lost.
func (b Block) check(c *checker, path string) {
	has := map[string]bool{
		"text": b.Text != "", "thinking": b.Thinking != "", "signature": b.Signature != "",
		"id": b.ID != "", "name": b.Name != "", "input": b.Input != nil,
	}
	takes, ok := map[string][]string{
		"text": {"text"}, "thinking": {"thinking", "signature"}, "tool_use": {"id", "name", "input"},
	}[b.Type]
	if !ok {
		c.fault(path+".type", "want text, thinking or tool_use, got %q; other blocks go into events or body", b.Type)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(has)) {
		c.want(!has[name] || slices.Contains(takes, name), path+"."+name, "does not belong to a block of type %s", b.Type)
	}
	if b.Type == "tool_use" {
		c.want(b.Name != "", path+".name", "is missing")
		c.want(b.Input == nil || isObject(b.Input), path+".input", "want an object")
	}
}

func (b *Body) check(c *checker) {
	c.want(b.Status == 0 || b.Status >= 200 && b.Status < 600, "body.status", "want 200 to 599")
	c.want(b.JSON == nil || b.Text == nil, "body.text", "does not go with json")
	c.want(b.JSON == nil || json.Valid(b.JSON), "body.json", "is not JSON; use text")
	empty := b.Status == http.StatusNoContent || b.Status == http.StatusResetContent || b.Status == http.StatusNotModified
	c.want(!empty || b.JSON == nil && b.Text == nil, "body.status", "%d has no body", b.Status)
	checkHeaders(c, "body.headers", b.Headers)
}

func (f *Failure) check(c *checker) {
	if f.Connection != "" {
		c.want(f.Connection == Cut || f.Connection == Reset, "failure.connection", "want %s or %s", Cut, Reset)
		c.want(f.Code == "" && f.Message == "" && f.Status == 0 && f.Headers == nil && f.Fields == nil, "failure.connection", "does not go with an exception")
		return
	}
	_, known := lookup(f.Code)
	switch {
	case f.Code == "":
		c.fault("failure.code", "is missing: AWS's name of an exception, or connection in its place")
	case !textOnly(f.Code) || strings.ContainsAny(f.Code, ": "):
		c.fault("failure.code", "cannot be sent in a header")
	case !known && f.Status == 0:
		c.fault("failure.code", "unknown exception %q; known: %s; others need a status", f.Code, strings.Join(codes(), ", "))
	}
	c.want(f.Status == 0 || f.Status >= 400 && f.Status < 600, "failure.status", "want 400 to 599")
	checkHeaders(c, "failure.headers", f.Headers)
	checkFields(c, "failure.fields", f.Fields)
}

func codes() []string {
	var out []string
	for _, e := range exceptions {
		out = append(out, e.code)
	}
	return out
}

func (b *Break) check(c *checker) {
	c.want(b.After == nil || b.AfterBytes == nil, "break.after_bytes", "does not go with after")
	c.want(b.After == nil || *b.After >= 0, "break.after", "is negative")
	c.want(b.AfterBytes == nil || *b.AfterBytes >= 0, "break.after_bytes", "is negative")
	switch b.By {
	case Exception:
		c.want(slices.Contains(streamExceptions, b.Code), "break.code", "unknown exception of a stream %q; known: %s", b.Code, strings.Join(streamExceptions, ", "))
		checkFields(c, "break.fields", b.Fields)
	case Error:
		c.want(b.Code != "" && len(b.Code) < 256, "break.code", "want the :error-code, 1 to 255 bytes")
		c.want(len(b.Message) < 1<<15, "break.message", "is too long")
		c.want(b.Fields == nil, "break.fields", "goes only with exception")
	case Cut, Reset, Stall, End, Corrupt:
		c.want(b.Code == "" && b.Message == "" && b.Fields == nil, "break.by", "%s has no code, message or fields", b.By)
	default:
		c.fault("break.by", "want %s, got %q", strings.Join([]string{Exception, Error, Cut, Reset, Stall, End, Corrupt}, ", "), b.By)
	}
	if b.By == Exception || b.By == Error || b.By == Corrupt {
		c.want(b.AfterBytes == nil, "break.after_bytes", "does not go with %s, which is a whole message", b.By)
	}
}

// ours are the headers that the server sets itself.
var (
	ours     = []string{"Connection", "Content-Length", "Date", "Trailer", "Transfer-Encoding", "Upgrade", "X-Amzn-Requestid"}
	refusals = []string{"Content-Type", "X-Amzn-Errortype"} // of an exception
)

func checkHeaders(c *checker, path string, headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		at := join(path, name)
		switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
		case name == "" || strings.ContainsFunc(name, notToken):
			c.fault(at, "is no name of a header")
		case slices.Contains(ours, canonical), path == "failure.headers" && slices.Contains(refusals, canonical):
			c.fault(at, "is set by the server")
		case !textOnly(headers[name]):
			c.fault(at, "has a value that no header can have")
		}
	}
}

// notToken reports whether a character is none of an HTTP token (RFC 9110, 5.6.2).
func notToken(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func textOnly(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

func checkFields(c *checker, path string, fields map[string]json.RawMessage) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		c.want(name != "message", path+".message", "is set by message")
		c.want(json.Valid(fields[name]), join(path, name), "is not JSON")
	}
}

func isObject(raw json.RawMessage) bool {
	var o map[string]json.RawMessage
	return json.Unmarshal(raw, &o) == nil && o != nil
}
