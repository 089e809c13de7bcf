// Package faulttest is a Bedrock that breaks its answers, for tests: what httptest is for HTTP, it is
// for answers that are cut, corrupt, silent or no answers at all.
//
//	client -> gateway -> faulttest.Server
//	                       |  POST /model/ID/invoke[-with-response-stream]
//	                       |  {"messages":[{"role":"user","content":"fault: trunc-mid (first)"}], …}
//	                       v
//	            All: 35 faults as data: what each does, and how it must end at each door
//
// The text of the user's message chooses the fault (Fault.Prompt), so that the choice passes through
// every front door and survives retries; any other text is answered well. The Server speaks HTTP/1.1 by
// hand on a TCP connection, since net/http would not let it cut, reset, drip or lie about lengths. It
// has an event stream encoder of its own: it shares no code with the emulator's or the client's, and
// imports the standard library only.
package faulttest

import (
	"fmt"
	"net/http"
)

// A Door is one of the gateway's front doors: an API that its clients speak.
type Door string

const (
	Anthropic Door = "Anthropic" // POST /v1/messages
	Native    Door = "native"    // POST /model/ID/invoke[-with-response-stream]
)

// A Class says what is to be expected of faults that have it.
type Class string

const (
	MustError    Class = "must error"    // a stream that must not look whole
	MustComplete Class = "must complete" // a stream that is odd, but whole
	StatusKept   Class = "status"        // a stream that is refused before it begins
	NotStreamed  Class = "not streamed"  // an InvokeModel
)

// A Fault is one way for an answer to go wrong.
type Fault struct {
	Name     string // unique among those of its operation
	Class    Class
	Does     string // what the upstream does
	Words    int    // how many of the Words a client gets before the answer ends; a reset may take some back
	Requests int    // how often the upstream is asked for one call of a client's
	HangsUp  bool   // the upstream does not end the answer: whoever reads it must
	Waits    bool   // nothing comes any more: only a limit of the gateway's ends it
	Ends     map[Door]End

	serve func(*answer)
}

// An End is how an answer must end for a client.
type End struct {
	Status int    // of HTTP
	Type   string // of the error, as the door calls it; "" if the answer is complete
	Words  string // in the error's message
	Kind   string // of the error, as the gateway logs and counts it
}

// Streamed reports whether the operation is InvokeModelWithResponseStream; else it is InvokeModel.
func (f Fault) Streamed() bool { return f.Class != NotStreamed }

// String names the fault among all.
func (f Fault) String() string {
	if f.Streamed() {
		return "stream " + f.Name
	}
	return "whole " + f.Name
}

// Prompt is the text of a user's message that brings the fault about. A call that has a tag of its own
// is counted on its own, and throttled afresh; parentheses and quotes may not be in it.
func (f Fault) Prompt(tag string) string { return fmt.Sprintf("fault: %s (%s)", f.Name, tag) }

// Complete reports whether an answer that ends so is whole.
func (e End) Complete() bool { return e.Type == "" }

// InStream reports whether the error comes within a stream that has begun.
func (e End) InStream() bool { return e.Status == http.StatusOK && !e.Complete() }

// The kinds of error that the faults have.
const (
	interrupted  = "interrupted"
	throttling   = "throttled"
	failing      = "unavailable"
	timedOut     = "model_failed"
	accessDenied = "access_denied"
	refused      = "invalid"
)

// ends is how a fault ends where both doors give the same status and message.
func ends(status int, anthropic, native, words, kind string) map[Door]End {
	return map[Door]End{Anthropic: {status, anthropic, words, kind}, Native: {status, native, words, kind}}
}

// broken is how a stream ends that began well.
func broken(words string) map[Door]End {
	return ends(http.StatusOK, "api_error", "modelStreamErrorException", words, interrupted)
}

// complete is how an answer ends that is whole.
func complete() map[Door]End { return ends(http.StatusOK, "", "", "", "") }

// unreadable is how a call ends whose answer is none.
func unreadable(words string) map[Door]End {
	return ends(http.StatusBadGateway, "api_error", "ModelStreamErrorException", words, interrupted)
}

// What AWS says in refusals and exceptions.
const (
	throttled   = "Too many requests, please wait before trying again."
	failed      = "The system encountered an unexpected error during processing. Try your request again."
	unavailable = "Bedrock is unable to process your request."
	noAccess    = "You don't have access to the model with the specified model ID."
	invalid     = "max_tokens: must be greater than or equal to 1"
	modelFailed = "The model failed while it streamed."
)

// Where most streams break: behind this many messages, which carry this many words.
const (
	eight      = 8
	eightWords = eight - beforeWords
	twelve     = 12
)

// MayLose reports whether a client may get fewer than Words, by TCP's rules and not by anyone's fault.
func (f Fault) MayLose() bool { return f.Name == "trunc-rst" }

// All returns the faults, those of streams first.
func All() []Fault {
	all := append(mustError(), mustComplete()...)
	return append(append(all, statusKept()...), notStreamed()...)
}

func mustError() []Fault {
	f := func(name, does string, words, requests int, e map[Door]End, serve func(*answer)) Fault {
		return Fault{Name: name, Class: MustError, Does: does, Words: words, Requests: requests, Ends: e, serve: serve}
	}
	exception := func(name, shape, errorType, text, kind string) Fault {
		e := map[Door]End{Anthropic: {http.StatusOK, errorType, shape + ": " + text, kind}, Native: {http.StatusOK, shape, text, kind}}
		return f(name, "sends the exception "+shape+" after 8 events", eightWords, 1, e, func(a *answer) {
			a.stream(good()[:eight]...)
			a.body(exceptionMessage(shape, text))
			a.end()
		})
	}
	hugeframe := f("hugeframe", "announces a message of 0xFFFFFFF0 bytes under a right checksum, then sends 200 MB of zeros", eightWords, 1,
		broken("message of 4294967280 bytes"), func(a *answer) {
			a.stream(good()[:eight]...)
			a.body(prelude(0xFFFFFFF0, 0))
			a.zeros(200_000_000)
			a.end()
		})
	stall := f("stall", "falls silent after 8 messages and keeps the connection open", eightWords, 1,
		broken("no event for"), func(a *answer) {
			a.stream(good()[:eight]...)
			a.silence()
		})
	hugeframe.HangsUp, stall.HangsUp, stall.Waits = true, true, true
	return []Fault{
		f("trunc-mid", "ends within a message, cleanly", eightWords, 1, broken("unexpected EOF"), func(a *answer) {
			a.stream(good()[:eight]...)
			a.body(good()[eight][:60])
			a.end()
		}),
		f("trunc-clean", "ends after a whole message, cleanly, without the final events", twelve-beforeWords, 1,
			broken("the answer ended before message_stop"), func(a *answer) {
				a.stream(good()[:twelve]...)
				a.end()
			}),
		f("trunc-rst", "resets the connection after a whole message", twelve-beforeWords, 1, broken("reset by peer"), func(a *answer) {
			a.stream(good()[:twelve]...)
			a.reset()
		}),
		f("nofinal", "sends all but the last two events, then ends cleanly", len(Words), 1,
			broken("the answer ended before message_stop"), func(a *answer) {
				a.stream(good()[:len(Events())-2]...)
				a.end()
			}),
		f("crc-msg", "flips one bit of a payload", eightWords, 1, broken("checksum mismatch: message says"), func(a *answer) {
			messages := good()
			messages[eight][len(messages[eight])/2] ^= 1
			a.stream(messages...)
			a.end()
		}),
		f("crc-prelude", "sends a wrong checksum of a prelude", eightWords, 1, broken("checksum mismatch: prelude says"), func(a *answer) {
			messages := good()
			messages[eight] = wrongPrelude(messages[eight])
			a.stream(messages...)
			a.end()
		}),
		exception("exc-throttle", "throttlingException", "rate_limit_error", throttled, throttling),
		exception("exc-model", "modelStreamErrorException", "api_error", modelFailed, interrupted),
		exception("exc-internal", "internalServerException", "overloaded_error", failed, failing),
		f("exc-first", "sends a throttlingException as the very first message", 0, 3,
			ends(http.StatusTooManyRequests, "rate_limit_error", "ThrottlingException", throttled, throttling), func(a *answer) {
				a.stream(exceptionMessage("throttlingException", throttled))
				a.end()
			}),
		f("json200", "answers with the JSON of an error under status 200", 0, 1,
			ends(http.StatusBadRequest, "invalid_request_error", "ValidationException", invalid, refused), func(a *answer) {
				a.whole(http.StatusOK, "application/json", errorBody(invalid))
			}),
		hugeframe,
		f("zerolen", "sends 64 zero bytes in place of a message", eightWords, 1, broken("checksum mismatch: prelude says 00000000"), func(a *answer) {
			a.stream(good()[:eight]...)
			a.body(make([]byte, 64))
			a.end()
		}),
		f("hdrlen", "announces headers longer than their message", eightWords, 1, broken("headers of 5000 bytes"), func(a *answer) {
			a.stream(good()[:eight]...)
			a.body(append(prelude(200, 5000), make([]byte, 200)...))
			a.end()
		}),
		f("garbage", "sends bytes that are no message", eightWords, 1, broken("checksum mismatch: prelude says 20636f6e"), func(a *answer) {
			a.stream(good()[:eight]...)
			a.body([]byte("upstream connect error or disconnect/reset before headers. reset reason: overflow"))
			a.end()
		}),
		f("empty", "answers 200 and nothing", 0, 2, unreadable("the answer ended before it began"), func(a *answer) {
			a.stream()
			a.end()
		}),
		stall,
	}
}

func mustComplete() []Fault {
	f := func(name, does string, serve func(*answer)) Fault {
		return Fault{Name: name, Class: MustComplete, Does: does, Words: len(Words), Requests: 1, Ends: complete(), serve: serve}
	}
	return []Fault{
		f("bytewise", "sends one byte per write", func(a *answer) {
			a.stream()
			for _, m := range good() {
				for i := range m {
					a.body(m[i : i+1])
				}
			}
			a.end()
		}),
		f("split2", "cuts each message after 2 bytes", func(a *answer) { a.split(2) }),
		f("split7", "cuts each message after 7 bytes", func(a *answer) { a.split(7) }),
		f("newevent", "sends a message of an unknown event type in the middle", func(a *answer) {
			messages := good()
			a.stream(messages[:eight]...)
			a.body(message(NewEvent, ":event-type", "somethingNew", ":content-type", "application/json", ":message-type", "event"))
			for _, m := range messages[eight:] {
				a.body(m)
			}
			a.end()
		}),
	}
}

func statusKept() []Fault {
	f := func(name, does string, requests int, e map[Door]End, serve func(*answer)) Fault {
		return Fault{Name: name, Class: StatusKept, Does: does, Requests: requests, Ends: e, serve: serve}
	}
	refuses := func(status int, code, text string, requests int, e map[Door]End) Fault {
		return f(fmt.Sprint(status), "refuses with "+code, requests, e, func(a *answer) { a.refuse(status, code, text) })
	}
	again := f("429-429-200", "throttles twice, then answers", 3, complete(), func(a *answer) {
		if a.request < 3 {
			a.refuse(http.StatusTooManyRequests, "ThrottlingException", throttled)
			return
		}
		a.good()
	})
	again.Words = len(Words)
	return []Fault{
		refuses(http.StatusTooManyRequests, "ThrottlingException", throttled, 3,
			ends(http.StatusTooManyRequests, "rate_limit_error", "ThrottlingException", throttled, throttling)),
		refuses(http.StatusInternalServerError, "InternalServerException", failed, 3,
			ends(http.StatusInternalServerError, "api_error", "InternalServerException", failed, failing)),
		refuses(http.StatusServiceUnavailable, "ServiceUnavailableException", unavailable, 3, map[Door]End{
			Anthropic: {529, "overloaded_error", unavailable, failing},
			Native:    {http.StatusServiceUnavailable, "ServiceUnavailableException", unavailable, failing},
		}),
		refuses(http.StatusForbidden, "AccessDeniedException", noAccess, 1,
			ends(http.StatusForbidden, "permission_error", "AccessDeniedException", noAccess, accessDenied)),
		refuses(http.StatusBadRequest, "ValidationException", invalid, 1,
			ends(http.StatusBadRequest, "invalid_request_error", "ValidationException", invalid, refused)),
		f("reset", "resets the connection before any byte", 3, map[Door]End{
			Anthropic: {529, "overloaded_error", "Bedrock is not reachable", failing},
			Native:    {http.StatusServiceUnavailable, "ServiceUnavailableException", "Bedrock is not reachable", failing},
		}, func(a *answer) { a.reset() }),
		again,
	}
}

func notStreamed() []Fault {
	f := func(name, does string, requests int, e map[Door]End, serve func(*answer)) Fault {
		return Fault{Name: name, Class: NotStreamed, Does: does, Requests: requests, Ends: e, serve: serve}
	}
	hang := f("hang", "takes the request and answers nothing", 1, map[Door]End{
		Anthropic: {http.StatusGatewayTimeout, "api_error", "no whole answer within", timedOut},
		Native:    {http.StatusRequestTimeout, "ModelTimeoutException", "no whole answer within", timedOut}, // as Bedrock says so
	}, func(a *answer) { a.silence() })
	hang.HangsUp, hang.Waits = true, true
	return []Fault{
		f("truncated", "closes the connection in the middle of the JSON", 2, unreadable("the answer broke off after 40 bytes"), func(a *answer) {
			text := []byte(Whole)
			a.head(http.StatusOK, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(text)))
			a.write(text[:40])
			a.close()
		}),
		f("bad-json", "answers with what is no JSON", 2, unreadable(`of "application/json", is not JSON`), func(a *answer) {
			a.whole(http.StatusOK, "application/json", `{"id":"msg_bdrk_1","type":}`)
		}),
		f("html", "answers with a page of HTML", 2, unreadable(`of "text/html", is not JSON`), func(a *answer) {
			a.whole(http.StatusOK, "text/html", "<html><body><h1>It works!</h1></body></html>")
		}),
		f("empty", "answers 200 and nothing", 2, unreadable("the answer is empty"), func(a *answer) {
			a.whole(http.StatusOK, "application/json", "")
		}),
		hang,
		f("429", "refuses with ThrottlingException", 3, ends(http.StatusTooManyRequests, "rate_limit_error", "ThrottlingException", throttled, throttling),
			func(a *answer) { a.refuse(http.StatusTooManyRequests, "ThrottlingException", throttled) }),
		f("403", "refuses with AccessDeniedException", 1, ends(http.StatusForbidden, "permission_error", "AccessDeniedException", noAccess, accessDenied),
			func(a *answer) { a.refuse(http.StatusForbidden, "AccessDeniedException", noAccess) }),
	}
}
