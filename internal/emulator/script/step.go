// Package script is what an embedded Bedrock has been told to answer: steps, each of which says to
// which calls it applies, how often, and what comes of them.
//
//	{"steps": [
//	  {"when": {"model": "*opus*"}, "times": 2, "failure": {"code": "ThrottlingException"}},
//	  {"answer": {"content": "It is raining."}}
//	]}
//
// A call takes the first step that applies to it and is not used up; a call that finds none gets the
// embedded Bedrock's own answer. Everything that can be wrong with a step is found when it is added,
// not when it is taken.
package script

import (
	"encoding/json"
	"time"
)

// A Step says what comes of some calls. The zero Step lets one invocation of a model through to the
// embedded Bedrock's own answer.
type Step struct {
	When      When      `json:"when"`
	Times     *int      `json:"times"`     // how many calls it is for; one if nil
	Always    bool      `json:"always"`    // it is never used up
	Unchecked bool      `json:"unchecked"` // the request need not be one that Bedrock accepts
	Delay     Duration  `json:"delay"`     // before the answer begins
	Pace      *Duration `json:"pace"`      // before each message of a stream, in place of the server's

	// At most one of these; with none the answer is the embedded Bedrock's own.
	Answer   *Answer           `json:"answer"`
	Body     *Body             `json:"body"`
	Events   []json.RawMessage `json:"events"` // of Claude's, each sent as a chunk
	Messages []Message         `json:"messages"`
	Failure  *Failure          `json:"failure"`

	Break *Break `json:"break"` // how the stream breaks off; nil for whole
}

// When says to which calls a step applies. The zero When is for all that invoke a model.
type When struct {
	Operation string `json:"operation"` // AWS's name of it; * and ? stand for any text and any character, "*" for operations of all kinds
	Model     string `json:"model"`     // the identifier as the client sends it, likewise
	Text      string `json:"text"`      // a regular expression found in what the user wrote last
}

// An Answer is what the model says, in the terms of the Messages API, for whatever operation asks.
type Answer struct {
	Content      Blocks `json:"content"`
	StopReason   string `json:"stop_reason"`   // if empty: as the content has it
	StopSequence string `json:"stop_sequence"` // the one met
	Usage        Usage  `json:"usage"`
}

// Blocks are the content of an answer; a string in JSON is one block of text.
type Blocks []Block

// A Block is a content block.
type Block struct {
	Type      string          `json:"type"` // text, thinking or tool_use
	Text      string          `json:"text"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"` // if empty: one that is accepted when it comes back
	ID        string          `json:"id"`        // if empty: a new one
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"` // an object; {} if empty
}

// Usage is what the answer is said to have cost. What is nil is counted.
type Usage struct {
	InputTokens  *int `json:"input_tokens"`
	OutputTokens *int `json:"output_tokens"`
	CacheRead    *int `json:"cache_read_input_tokens"`
	CacheWrite   *int `json:"cache_creation_input_tokens"`
}

// A Body is an answer byte for byte.
type Body struct {
	Status  int               `json:"status"` // 200 if 0
	Headers map[string]string `json:"headers"`
	JSON    json.RawMessage   `json:"json"` // one of these two, or neither for an empty body
	Text    *string           `json:"text"`
}

// A Message is an event of an event stream with whatever payload.
type Message struct {
	Event   string          `json:"event"`   // :event-type
	Payload json.RawMessage `json:"payload"` // a string is sent as its text, all else as JSON
}

// A Failure comes in place of an answer: an exception of AWS's, or a connection that is lost.
type Failure struct {
	Code       string                     `json:"code"`    // AWS's name of the exception
	Message    string                     `json:"message"` // if empty: AWS's for the code
	Status     int                        `json:"status"`  // if 0: AWS's for the code
	Headers    map[string]string          `json:"headers"`
	Fields     map[string]json.RawMessage `json:"fields"`     // of the body, beside message
	Connection string                     `json:"connection"` // Cut or Reset, in place of all the above
}

// A Break is where and how a stream breaks off. A stream that has no more than that breaks off at its
// end.
type Break struct {
	By         string                     `json:"by"`
	After      *int                       `json:"after"`       // so many messages leave whole
	AfterBytes *int                       `json:"after_bytes"` // or so many bytes
	Code       string                     `json:"code"`        // of Exception and Error
	Message    string                     `json:"message"`     // likewise
	Fields     map[string]json.RawMessage `json:"fields"`      // of an Exception, beside message
}

// How a stream breaks off.
const (
	Exception = "exception" // a modelled exception: throttlingException and the like
	Error     = "error"     // an error that the service model does not know, with :error-code
	Cut       = "cut"       // the connection is closed in the middle of the body
	Reset     = "reset"     // the connection is reset
	Stall     = "stall"     // nothing more comes, and the connection stays open
	End       = "end"       // the body ends as if that were all
	Corrupt   = "corrupt"   // the next message has a wrong checksum; the rest follows
)

// A Duration is written as Go writes one: "1.5s", "200ms".
type Duration time.Duration

// Streams reports whether the operation of that name answers with an event stream.
func Streams(operation string) bool {
	return operation == "InvokeModelWithResponseStream" || operation == "ConverseStream"
}
