package emulator

import (
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// An Exchange is a request that the Bedrock has decided how to answer, without the request's secrets.
type Exchange struct {
	RequestID   string // X-Amzn-Requestid of the answer
	Time        time.Time
	Operation   string // AWS's name of it; "" for a path that is no operation
	ModelID     string // identifier in the path, decoded once; "" for lists
	Method      string
	RawPath     string // as it stood on the wire
	Query       string // raw
	Proto       string // HTTP/1.1 or HTTP/2.0
	Header      http.Header
	Body        []byte // nil if the request was refused before it was read; not to be changed
	AccountID   string // of who made the request; "" if that was not found out
	AccessKeyID string
	Status      int    // 0 if a script broke the connection before there was one
	ErrorCode   string // AWS's name of the exception; "" for none
	Usage       claude.Usage
}

func (c *call) exchange() Exchange {
	return Exchange{
		RequestID: c.requestID, Time: c.started, Operation: c.operation.Name(), ModelID: c.modelID,
		Method: c.r.Method, RawPath: c.r.URL.EscapedPath(), Query: redactQuery(c.r.URL.RawQuery), Proto: c.r.Proto,
		Header: redactHeader(c.r.Header), Body: c.body, AccountID: c.who.account, AccessKeyID: c.who.key,
		Status: c.status, ErrorCode: c.errorCode, Usage: c.usage,
	}
}

// secretHeaders are shown as REDACTED; of Authorization only the secret part is.
var secretHeaders = []string{"X-Amz-Security-Token", "X-Api-Key", "Cookie", "Proxy-Authorization"}

var (
	authorizationSecret = regexp.MustCompile(`(?i)(Signature=|^Bearer\s+|^Basic\s+).*`)
	querySecret         = regexp.MustCompile(`(?i)((?:^|&)X-Amz-(?:Signature|Security-Token)=)[^&]*`)
)

func redactHeader(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range secretHeaders {
		if h.Get(name) != "" {
			h.Set(name, "REDACTED")
		}
	}
	for i, v := range h["Authorization"] {
		if !authorizationSecret.MatchString(v) {
			v = "REDACTED"
		}
		h["Authorization"][i] = authorizationSecret.ReplaceAllString(v, "${1}REDACTED")
	}
	return h
}

func redactQuery(raw string) string {
	if unescaped, err := url.QueryUnescape(raw); err != nil || querySecret.MatchString(unescaped) && !querySecret.MatchString(raw) {
		return "REDACTED" // a secret under an escaped name
	}
	return querySecret.ReplaceAllString(raw, "${1}REDACTED")
}
