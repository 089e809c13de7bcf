package bedrocktest

import (
	"net/http"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

// A Request is one request that a Server has answered, for tests to look at. It holds no secrets:
// what a client has signed or authenticated with reads REDACTED. Header and Body are not to be changed.
type Request struct {
	ID        string // of the request, as in the answer's X-Amzn-Requestid
	Time      time.Time
	Operation string // InvokeModel, ListInferenceProfiles, …; "" for what is no operation
	ModelID   string // the identifier in the path, decoded: a model ID, a profile's ID or an ARN
	Method    string
	RawPath   string // as it stood on the wire
	Query     string // raw
	Proto     string // HTTP/1.1 or HTTP/2.0
	Header    http.Header
	Body      []byte // nil if the request was refused before its body was read
	AccountID string // of who made the request; "" if that was not found out
	KeyID     string // access key ID, or the public part of an API key

	Status    int    // 0 if a script lost the connection before there was one
	ErrorCode string // AWS's name of the exception; "" for none

	InputTokens, OutputTokens         int
	CacheReadTokens, CacheWriteTokens int
}

func newRequest(x emulator.Exchange) Request {
	return Request{
		ID: x.RequestID, Time: x.Time, Operation: x.Operation, ModelID: x.ModelID, Method: x.Method,
		RawPath: x.RawPath, Query: x.Query, Proto: x.Proto, Header: x.Header, Body: x.Body,
		AccountID: x.AccountID, KeyID: x.AccessKeyID, Status: x.Status, ErrorCode: x.ErrorCode,
		InputTokens: x.Usage.InputTokens, OutputTokens: x.Usage.OutputTokens,
		CacheReadTokens: x.Usage.CacheRead, CacheWriteTokens: x.Usage.CacheWrite,
	}
}
