package script

import (
	"net/http"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// An exception is one of those that AWS's service models and its front end know.
type exception struct {
	code     string
	status   int
	sentence string // key of what it says where a step says nothing
	front    bool   // it comes from AWS's front end, not from Bedrock
}

var exceptions = []exception{
	{code: "AccessDeniedException", status: http.StatusForbidden, sentence: "fault_access_denied"},
	{code: "ConflictException", status: http.StatusBadRequest, sentence: "fault_conflict"},
	{code: "ExpiredTokenException", status: http.StatusForbidden, sentence: "fault_expired_token", front: true},
	{code: "IncompleteSignatureException", status: http.StatusForbidden, sentence: "fault_incomplete_signature", front: true},
	{code: "InternalServerException", status: http.StatusInternalServerError, sentence: "fault_internal_server"},
	{code: "InvalidSignatureException", status: http.StatusForbidden, sentence: "fault_invalid_signature", front: true},
	{code: "MissingAuthenticationTokenException", status: http.StatusForbidden, sentence: "fault_missing_authentication_token", front: true},
	{code: "ModelErrorException", status: http.StatusFailedDependency, sentence: "fault_model_error"},
	{code: "ModelNotReadyException", status: http.StatusTooManyRequests, sentence: "fault_model_not_ready"},
	{code: "ModelStreamErrorException", status: http.StatusFailedDependency, sentence: "fault_model_stream_error"},
	{code: "ModelTimeoutException", status: http.StatusRequestTimeout, sentence: "fault_model_timeout"},
	{code: "ResourceNotFoundException", status: http.StatusNotFound, sentence: "fault_resource_not_found"},
	{code: "ServiceQuotaExceededException", status: http.StatusBadRequest, sentence: "fault_service_quota_exceeded"},
	{code: "ServiceUnavailableException", status: http.StatusServiceUnavailable, sentence: "fault_service_unavailable"},
	{code: "ThrottlingException", status: http.StatusTooManyRequests, sentence: "fault_throttling"},
	{code: "UnrecognizedClientException", status: http.StatusForbidden, sentence: "fault_unrecognized_client", front: true},
	{code: "ValidationException", status: http.StatusBadRequest, sentence: "fault_validation"},
}

// streamExceptions are the members of the service models' event streams. ConverseStream has all but
// modelTimeout.
var streamExceptions = []string{
	"internalServerException", modelTimeout, "modelStreamErrorException", "serviceUnavailableException",
	"throttlingException", "validationException",
}

const modelTimeout = "modelTimeoutException"

func lookup(code string) (exception, bool) {
	for _, e := range exceptions {
		if e.code == code {
			return e, true
		}
	}
	return exception{}, false
}

// Fault returns the status and message with which a Failure is sent, and whether it comes from AWS's
// front end.
func (f *Failure) Fault() (status int, message string, front bool) {
	e, known := lookup(f.Code)
	status, message = f.Status, f.Message
	if status == 0 {
		status = e.status
	}
	if message == "" && known {
		message = wording.Say(e.sentence)
	}
	return status, message, e.front
}

// Said returns the message with which a Break by Exception or Error is sent.
func (b *Break) Said() string {
	if b.Message != "" || b.Code == "" {
		return b.Message
	}
	if e, ok := lookup(strings.ToUpper(b.Code[:1]) + b.Code[1:]); ok {
		return wording.Say(e.sentence)
	}
	return ""
}
