package outcrop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Kind says what went wrong with an invocation, and so whose fault it is, whether to try again
// and what a client is told. It is one of the constants below.
type Kind string

const (
	Invalid         Kind = "invalid"         // the request is not one that Bedrock or Outcrop takes
	TooLarge        Kind = "too_large"       // a body over a limit
	Unauthenticated Kind = "unauthenticated" // no key of Outcrop's, or a wrong one
	Forbidden       Kind = "forbidden"       // the key may not use this model
	Limited         Kind = "limited"         // a limit of Outcrop's own
	Credentials     Kind = "credentials"     // AWS refuses our AWS credentials, or there are none
	AccessDenied    Kind = "access_denied"   // IAM, a service control policy or model access
	NotFound        Kind = "not_found"       // no such model, inference profile or route
	Throttled       Kind = "throttled"       // Bedrock asks to wait
	Quota           Kind = "quota"           // a quota that waiting a minute does not bring back
	Unavailable     Kind = "unavailable"     // Bedrock is unreachable or failing
	ModelFailed     Kind = "model_failed"    // the model timed out or failed
	Interrupted     Kind = "interrupted"     // the answer is cut, empty, or not what was asked for
	Canceled        Kind = "canceled"        // the caller went away
)

// retryRule says when the same target is tried again. Once a byte of the answer has been handed
// on, nothing is.
type retryRule int

const (
	retryNever retryRule = iota
	retryAfterPause
	retryOnce      // after a pause; an answer that breaks twice at its start will break again
	retryRefreshed // once, with credentials fetched anew
)

// A facet of a kind: what each front door answers for it and whether it is tried again.
type facet struct {
	status      int       // Anthropic door
	errorType   string    // Anthropic's error.type
	native      int       // native door, where AWS did not answer itself
	exception   string    // likewise
	asSent      bool      // the native door passes AWS's own status, code and body on
	retry       retryRule // same target
	clientRetry bool      // false: the client is told not to retry (x-should-retry: false)
	advice      string    // appended to the message on the Anthropic door
}

var facets = map[Kind]facet{
	Invalid:         {400, "invalid_request_error", 400, "ValidationException", true, retryNever, true, ""},
	TooLarge:        {413, "request_too_large", 413, "ValidationException", false, retryNever, true, ""},
	Unauthenticated: {401, "authentication_error", 401, "UnrecognizedClientException", false, retryNever, false, ""},
	Forbidden:       {403, "permission_error", 403, "AccessDeniedException", false, retryNever, false, ""},
	Limited:         {429, "rate_limit_error", 429, "ThrottlingException", false, retryNever, true, ""},
	Credentials: {502, "api_error", 502, "ServiceUnavailableException", false, retryRefreshed, false,
		"Bedrock did not accept the AWS credentials that Outcrop signs with; this is not about your Outcrop key. " +
			"Whoever runs Outcrop should refresh them (aws sso login, aws login, or new keys)"},
	AccessDenied: {403, "permission_error", 403, "AccessDeniedException", true, retryNever, false,
		"AWS denied this to the identity that Outcrop signs with: check its IAM policy, service control policies and model access"},
	NotFound:    {404, "not_found_error", 404, "ResourceNotFoundException", true, retryNever, true, ""},
	Throttled:   {429, "rate_limit_error", 429, "ThrottlingException", true, retryAfterPause, true, ""},
	Quota:       {429, "rate_limit_error", 429, "ThrottlingException", true, retryNever, false, ""},
	Unavailable: {529, "overloaded_error", 503, "ServiceUnavailableException", true, retryAfterPause, true, ""},
	ModelFailed: {502, "api_error", 424, "ModelErrorException", true, retryNever, true, ""},
	Interrupted: {502, "api_error", 502, "ModelStreamErrorException", false, retryOnce, false, ""},
	Canceled:    {499, "api_error", 499, "RequestAbortedException", false, retryNever, false, ""},
}

// An Error is what an operation on a Client returns. Use errors.As to get at it.
type Error struct {
	Kind      Kind
	Code      string   // AWS's exception name, such as ValidationException; "" if AWS did not answer
	Message   string   // AWS's message word for word, or ours
	Status    int      // the HTTP status that AWS answered with; 0 if it did not answer
	RequestID string   // AWS's request ID, "" if there is none
	Err       error    // the cause, if it was another error
	Target    Target   // where it was sent; zero if it was not
	Attempts  int      // how often
	LeftOut   []string // what shaping left out of it

	retryAfter time.Duration // as the upstream says; 0 if it does not
	body       []byte        // AWS's error body, for the native door
	message    []byte        // the event stream message that carried it, likewise
	began      bool          // part of the answer was handed on before
	rejected   string        // access key ID that AWS refused
	permanent  bool          // trying again cannot help, whatever the kind says
}

// Error returns the message with AWS's code and request ID.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Code != "" {
		b.WriteString(e.Code)
		b.WriteString(": ")
	}
	b.WriteString(e.text())
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// text is the message, or the cause where there is none.
func (e *Error) text() string {
	switch {
	case e.Message != "" && e.Err != nil && !strings.Contains(e.Message, e.Err.Error()):
		return e.Message + ": " + e.Err.Error()
	case e.Message != "":
		return e.Message
	case e.Err != nil:
		return e.Err.Error()
	}
	return string(e.Kind)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err: that of the *Error in its chain, Canceled for a canceled
// context, or Unavailable for anything else.
func KindOf(err error) Kind { return AsError(err).Kind }

// AsError returns the *Error in err's chain, or else makes one of err: Canceled for a canceled
// context, Unavailable for anything else.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return &Error{Kind: Canceled, Err: err}
	}
	return &Error{Kind: Unavailable, Err: err}
}

// Errorf makes an Error of Outcrop's own. A %w in format becomes its cause.
func Errorf(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: err.Error(), Err: errors.Unwrap(err)}
}

// MessagesError is how err reads on the Anthropic Messages API: the status, and the body
// {"type":"error","error":{"type":…,"message":…},"request_id":…}. Bedrock's 400 and 500 keep their
// status. The message is AWS's own (clients match on its wording), with advice where the fault is
// not the caller's.
func MessagesError(err error, requestID string) (status int, body []byte) {
	e := AsError(err)
	f := facets[e.Kind]
	status, errorType := f.status, f.errorType
	switch {
	case e.Kind == NotFound && e.Status == 400:
		status = 400
	case e.Kind == Unavailable && e.Status == 500:
		status, errorType = 500, "api_error"
	case e.Kind == ModelFailed && (e.Status == 408 || errors.Is(e.Err, context.DeadlineExceeded)):
		status = 504
	}
	return status, appendMessagesError(nil, errorType, e.describe(f), requestID)
}

// describe is the message for a client: with AWS's code where the kind alone does not tell it, and
// advice.
func (e *Error) describe(f facet) string {
	s := e.text()
	if e.Code != "" && (e.began || f.advice != "" || e.Message == "") {
		s = e.Code + ": " + s
	}
	if f.advice != "" {
		s = sentence(s) + " " + f.advice
	}
	return s
}

// sentence ends s with a full stop.
func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// noAccess follows AWS's words for a denial on the native door. A 403 without it Claude Code takes
// for expired credentials and repeats for four minutes, whatever x-should-retry says; with it, it
// shows AWS's words at once (Claude Code 2.1.329 in Bedrock mode, observed 2026-11-20).
const noAccess = "You don't have access to the model with the specified model ID."

// NativeError is how err reads on Bedrock's own API: the status, the exception's name for
// x-amzn-errortype, and the body {"message":…}. What AWS answered is passed on as it came, but for
// two: what is about Outcrop's own credentials is not the caller's 403, and a denial says besides
// that there is no access to the model.
func NativeError(err error) (status int, exception string, body []byte) {
	e := AsError(err)
	f := facets[e.Kind]
	status, exception, body = f.native, f.exception, e.body
	switch {
	case f.asSent && e.Status >= 400: // what is no refusal would read as a success
		status, exception = e.Status, cmp.Or(shapeName(e.Code), exception)
	case f.asSent && e.Code != "", e.Kind == Unauthenticated && e.Code != "":
		exception = shapeName(e.Code)
	case e.Kind == ModelFailed && errors.Is(e.Err, context.DeadlineExceeded):
		status, exception = 408, "ModelTimeoutException"
	}
	switch {
	case e.Kind == AccessDenied && !strings.Contains(e.Message, "access to the model"):
		body = appendMessage(nil, sentence(e.text())+" "+noAccess)
	case body == nil, !f.asSent, e.Status < 400:
		body = appendMessage(nil, e.describe(f))
	}
	return status, exception, body
}

// exceptionStatus is the HTTP status of the exceptions that a stream may carry (Bedrock Runtime
// service model).
var exceptionStatus = map[string]int{
	"ValidationException": 400, "ModelTimeoutException": 408, "ModelStreamErrorException": 424,
	"ThrottlingException": 429, "InternalServerException": 500, "ServiceUnavailableException": 503,
}

// shapeName makes an exception's name of the one that it has within a stream: throttlingException.
func shapeName(code string) string {
	if code == "" {
		return ""
	}
	return strings.ToUpper(code[:1]) + code[1:]
}

// RetryHeaders sets what tells a client whether and when to try again: retry-after (seconds, at
// most 60: Claude Code gives up beyond) for a throttle or as the upstream says, and
// x-should-retry: false for what trying again cannot help.
func RetryHeaders(h http.Header, err error) {
	e := AsError(err)
	if !facets[e.Kind].clientRetry || e.permanent {
		h.Set("x-should-retry", "false")
		return
	}
	wait := e.retryAfter
	if wait == 0 && (e.Kind == Throttled || e.Kind == Limited) {
		wait = throttlePause
	}
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		h.Set("retry-after", strconv.Itoa(min(seconds, 60)))
	}
}

// throttlePause is what retry-after tells a throttled client where Bedrock says nothing, as it does.
// Its token quotas are per minute, and most throttles clear within a few seconds.
const throttlePause = 5 * time.Second

// classify finds the kind of an answer of AWS's by its code, status and words.
// Codes and messages: api-bedrock-runtime service model, and wordings seen in public reports.
func classify(status int, code, message string) Kind {
	switch shapeName(code) {
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidSignatureException",
		"SignatureDoesNotMatch", "IncompleteSignatureException", "MissingAuthenticationTokenException",
		"MissingAuthenticationToken", "InvalidClientTokenId":
		return Credentials
	case "AccessDeniedException":
		if strings.Contains(message, "API Key is valid") || strings.Contains(message, "Bearer Token has expired") {
			return Credentials
		}
		return AccessDenied
	case "ResourceNotFoundException", "UnknownOperationException":
		return NotFound
	case "ThrottlingException":
		if strings.Contains(message, "per day") {
			return Quota
		}
		return Throttled
	case "ModelNotReadyException":
		return Throttled
	case "ServiceQuotaExceededException":
		return Quota
	case "ValidationException":
		if strings.Contains(message, "model identifier is invalid") {
			return NotFound
		}
		return Invalid
	case "ServiceUnavailableException", "InternalServerException":
		return Unavailable
	case "ModelTimeoutException", "ModelErrorException":
		return ModelFailed
	case "ModelStreamErrorException":
		return Interrupted
	}
	return classifyStatus(status)
}

func classifyStatus(status int) Kind {
	switch {
	case status >= 300 && status < 400:
		return NotFound // the endpoint URL is wrong, or a proxy wants a sign-in
	case status == 401:
		return Credentials
	case status == 403:
		return AccessDenied
	case status == 404:
		return NotFound
	case status == 413:
		return TooLarge
	case status == 429:
		return Throttled
	case status == 408 || status == 424 || status == 504:
		return ModelFailed
	case status >= 400 && status < 500:
		return Invalid
	}
	return Unavailable
}
