package outcrop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

var kinds = []Kind{Invalid, TooLarge, Unauthenticated, Forbidden, Limited, Credentials, AccessDenied, NotFound,
	Throttled, Quota, Unavailable, ModelFailed, Interrupted, Canceled}

func TestEveryKindAnswersEveryQuestion(t *testing.T) {
	if len(facets) != len(kinds) {
		t.Errorf("facets has %d kinds, the test %d", len(facets), len(kinds))
	}
	for _, k := range kinds {
		f, ok := facets[k]
		if !ok || f.status < 400 || f.native < 400 || f.errorType == "" || f.exception == "" {
			t.Errorf("facets[%s] = %+v, %v: something is missing", k, f, ok)
		}
	}
}

func TestErrorsOnBothDoors(t *testing.T) {
	aws := func(status int, code, message string) *Error {
		return &Error{Kind: classify(status, code, message), Code: code, Message: message, Status: status, RequestID: "aws-1",
			body: appendMessage(nil, message)}
	}
	f := func(name string, err error, status int, messages string, native int, exception, body string) {
		t.Run(name, func(t *testing.T) {
			if gotStatus, got := MessagesError(err, "req_1"); gotStatus != status || string(got) != messages {
				t.Errorf("MessagesError = %d %s\nwant %d %s", gotStatus, got, status, messages)
			}
			if gotStatus, gotException, got := NativeError(err); gotStatus != native || gotException != exception || string(got) != body {
				t.Errorf("NativeError = %d %s %s\nwant %d %s %s", gotStatus, gotException, got, native, exception, body)
			}
		})
	}
	envelope := func(errorType, message string) string {
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q},"request_id":"req_1"}`, errorType, message)
	}
	f("a validation keeps AWS's words, which clients match on", aws(400, "ValidationException", "prompt is too long: 5 tokens > 4 maximum"),
		400, envelope("invalid_request_error", "prompt is too long: 5 tokens > 4 maximum"),
		400, "ValidationException", `{"message":"prompt is too long: 5 tokens > 4 maximum"}`)
	f("an invalid model identifier stays 400", aws(400, "ValidationException", "The provided model identifier is invalid."),
		400, envelope("not_found_error", "The provided model identifier is invalid."),
		400, "ValidationException", `{"message":"The provided model identifier is invalid."}`)
	f("a denial that Claude Code does not take for expired credentials", aws(403, "AccessDeniedException", "User: x is not authorized to perform: y"),
		403, envelope("permission_error", "AccessDeniedException: User: x is not authorized to perform: y. "+facets[AccessDenied].advice),
		403, "AccessDeniedException", `{"message":"User: x is not authorized to perform: y. You don't have access to the model with the specified model ID."}`)
	f("a denial of the model itself", aws(403, "AccessDeniedException", noAccess),
		403, envelope("permission_error", "AccessDeniedException: "+noAccess+" "+facets[AccessDenied].advice),
		403, "AccessDeniedException", `{"message":"`+noAccess+`"}`)
	f("a throttle", aws(429, "ThrottlingException", "Too many tokens"),
		429, envelope("rate_limit_error", "Too many tokens"), 429, "ThrottlingException", `{"message":"Too many tokens"}`)
	f("bedrock's 500 stays 500", aws(500, "InternalServerException", "oops"),
		500, envelope("api_error", "oops"), 500, "InternalServerException", `{"message":"oops"}`)
	f("bedrock's 503 is overload in Anthropic's terms", aws(503, "ServiceUnavailableException", "busy"),
		529, envelope("overloaded_error", "busy"), 503, "ServiceUnavailableException", `{"message":"busy"}`)
	f("a model time-out", aws(408, "ModelTimeoutException", "slow"),
		504, envelope("api_error", "slow"), 408, "ModelTimeoutException", `{"message":"slow"}`)
	f("a model error", aws(424, "ModelErrorException", "broke"),
		502, envelope("api_error", "broke"), 424, "ModelErrorException", `{"message":"broke"}`)
	f("a request that took too long here", &Error{Kind: ModelFailed, Message: "no whole answer within 10m0s", Err: context.DeadlineExceeded},
		504, envelope("api_error", "no whole answer within 10m0s: context deadline exceeded"),
		408, "ModelTimeoutException", `{"message":"no whole answer within 10m0s: context deadline exceeded"}`)
	f("what is no refusal is no success either", &Error{Kind: Unavailable, Message: "status 204", Status: 204, body: []byte("")},
		529, envelope("overloaded_error", "status 204"), 503, "ServiceUnavailableException", `{"message":"status 204"}`)
	f("a redirect", &Error{Kind: NotFound, Message: "status 302", Status: 302},
		404, envelope("not_found_error", "status 302"), 404, "ResourceNotFoundException", `{"message":"status 302"}`)
	f("a wrong key", &Error{Kind: Unauthenticated, Code: "InvalidSignatureException", Message: "wrong"},
		401, envelope("authentication_error", "wrong"), 401, "InvalidSignatureException", `{"message":"wrong"}`)
	f("an exception before anything else keeps its name", &Error{Kind: Throttled, Code: "throttlingException", Message: "wait"},
		429, envelope("rate_limit_error", "wait"), 429, "ThrottlingException", `{"message":"wait"}`)
	f("any other error is an unavailable Bedrock", errors.New("boom"),
		529, envelope("overloaded_error", "boom"), 503, "ServiceUnavailableException", `{"message":"boom"}`)

	expired := aws(403, "ExpiredTokenException", "The security token included in the request is expired")
	text := "ExpiredTokenException: The security token included in the request is expired. " + facets[Credentials].advice
	f("our own expired credentials are never the client's 401 or 403", expired,
		502, envelope("api_error", text), 502, "ServiceUnavailableException", fmt.Sprintf(`{"message":%q}`, text))
}

func TestClassify(t *testing.T) {
	f := func(status int, code, message string, want Kind) {
		if got := classify(status, code, message); got != want {
			t.Errorf("classify(%d, %q, %q) = %s, want %s", status, code, message, got, want)
		}
	}
	f(403, "AccessDeniedException", "User: x is not authorized", AccessDenied)
	f(403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.", Credentials)
	f(403, "AccessDeniedException", "Bearer Token has expired", Credentials)
	f(403, "UnrecognizedClientException", "", Credentials)
	f(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", Quota)
	f(400, "ServiceQuotaExceededException", "", Quota)
	f(429, "ModelNotReadyException", "", Throttled)
	f(404, "ResourceNotFoundException", "", NotFound)
	f(0, "modelStreamErrorException", "", Interrupted)
	f(0, "internalServerException", "", Unavailable)
	f(0, "validationException", "", Invalid)
	f(418, "", "", Invalid)
	f(429, "", "<html>", Throttled)
	f(502, "", "<html>", Unavailable)
	f(413, "", "", TooLarge)
	f(0, "", "", Unavailable)
}

func TestRetryHeaders(t *testing.T) {
	f := func(err error, retryAfter, shouldRetry string) {
		h := http.Header{}
		RetryHeaders(h, err)
		if h.Get("retry-after") != retryAfter || h.Get("x-should-retry") != shouldRetry {
			t.Errorf("RetryHeaders(%v) = retry-after %q, x-should-retry %q; want %q, %q",
				err, h.Get("retry-after"), h.Get("x-should-retry"), retryAfter, shouldRetry)
		}
	}
	f(&Error{Kind: Throttled}, "5", "")
	f(&Error{Kind: Throttled, retryAfter: 1500 * time.Millisecond}, "2", "")
	f(&Error{Kind: Throttled, retryAfter: time.Hour}, "60", "")
	f(&Error{Kind: Quota}, "", "false")
	f(&Error{Kind: Unauthenticated}, "", "false")
	f(&Error{Kind: Credentials}, "", "false")
	f(&Error{Kind: AccessDenied}, "", "false")
	f(&Error{Kind: Unavailable}, "", "")
	f(&Error{Kind: Unavailable, retryAfter: 7 * time.Second}, "7", "")
	f(&Error{Kind: Interrupted}, "", "false") // it was tried again here
	f(&Error{Kind: Invalid}, "", "")
}

func TestErrorText(t *testing.T) {
	f := func(e *Error, want string) {
		if got := e.Error(); got != want {
			t.Errorf("%#v reads %q, want %q", e, got, want)
		}
	}
	f(&Error{Kind: Invalid, Code: "ValidationException", Message: "no", RequestID: "aws-1"}, "ValidationException: no (request aws-1)")
	f(&Error{Kind: Unavailable, Message: "Bedrock is not reachable", Err: errors.New("refused")}, "Bedrock is not reachable: refused")
	f(&Error{Kind: Canceled, Err: context.Canceled}, "context canceled")
	f(&Error{Kind: Limited}, "limited")
	f(Errorf(Invalid, "body: %w", context.Canceled), "body: context canceled")
	if !errors.Is(Errorf(Invalid, "body: %w", context.Canceled), context.Canceled) {
		t.Error("Errorf loses the cause")
	}
}

func TestPause(t *testing.T) {
	f := func(name string, kind Kind, next int, wait time.Duration, again bool) {
		if got, ok := pause(kind, next, 1); got != wait || ok != again {
			t.Errorf("%s: pause(%s, %d, 1) = %v, %v; want %v, %v", name, kind, next, got, ok, wait, again)
		}
	}
	f("a throttle waits longer each time", Throttled, 2, 2*time.Second, true)
	f("", Throttled, 3, 4*time.Second, true)
	f("three attempts are enough", Throttled, 4, 0, false)
	f("a failing service is tried sooner", Unavailable, 2, 100*time.Millisecond, true)
	f("an answer that broke at its start gets one more try", Interrupted, 2, 50*time.Millisecond, true)
	f("and only one", Interrupted, 3, 0, false)
	f("refreshed credentials are tried at once", Credentials, 2, 0, true)
	f("and only once", Credentials, 3, 0, false)
	f("a wrong request stays wrong", Invalid, 2, 0, false)
	f("a daily quota does not come back", Quota, 2, 0, false)
}

func TestRetryBudget(t *testing.T) {
	var b retryBudget
	n := 0
	for b.take() {
		n++
	}
	if n != budgetTokens/tokensPerTry {
		t.Errorf("a full budget allows %d retries, want %d", n, budgetTokens/tokensPerTry)
	}
	b.succeeded(1)
	if b.take() {
		t.Error("one success brought a whole retry back")
	}
	b.succeeded(2) // its own retry comes back
	if !b.take() {
		t.Error("a retried success did not bring its retry back")
	}
}
