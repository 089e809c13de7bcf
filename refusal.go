package outcrop

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// errorBodyTime is how long the body of a refusal may take: its head says most of it.
const errorBodyTime = 10 * time.Second

// refusal reads an answer whose status is not 200.
func refusal(resp *http.Response) *Error {
	late := time.AfterFunc(errorBodyTime, func() { resp.Body.Close() })
	defer late.Stop()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get(requestIDName), retryAfter: retryAfter(resp.Header)}
	object, err := jsonedit.Parse(body)
	if err == nil {
		e.body = body
	}
	e.Code, e.Message = exceptionOf(resp, object)
	e.Kind = classify(e.Status, e.Code, e.Message)
	location := resp.Header.Get("Location")
	switch {
	case location != "" && e.Kind == NotFound && resp.StatusCode < 400:
		e.Message = fmt.Sprintf("status %d: redirected to %.300q, which is not followed; is the URL right?", resp.StatusCode, location)
	case err != nil:
		e.Message = fmt.Sprintf("status %d; %s", resp.StatusCode, notJSON(resp, len(body)))
	case e.Message == "":
		e.Message = fmt.Sprintf("status %d without a message", resp.StatusCode)
	}
	return e
}

// retryAfter reads the header of that name, in seconds; 0 if there is none.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// exceptionOf finds AWS's exception name and message, as AWS's SDKs do: x-amzn-errortype up to its
// colon, else __type behind its hash; message or Message. object is nil if the body is not JSON.
func exceptionOf(resp *http.Response, object *jsonedit.Object) (code, message string) {
	text := func(name string) string {
		if object == nil {
			return ""
		}
		raw, _ := object.Get(name)
		s, _ := jsonedit.String(raw)
		return s
	}
	code = cmp.Or(resp.Header.Get("x-amzn-errortype"), text("__type"))
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	code, _, _ = strings.Cut(code, ":")
	return code, cmp.Or(text("message"), text("Message"))
}

// errorUnder200 recognises an error that came with status 200 (seen of proxies, and of Bedrock on
// unknown routes): an exception's name, or a message where an answer has its content.
func errorUnder200(resp *http.Response, object *jsonedit.Object, body []byte) *Error {
	code, message := exceptionOf(resp, object)
	if code == "" {
		if message == "" || hasAny(object, "content", "type", "usage", "inputTokens", "output", "choices", "results") {
			return nil
		}
		code = "ValidationException"
	}
	kind := classify(0, code, message)
	status := facets[kind].native
	return &Error{Kind: kind, Code: code, Message: message, Status: status, RequestID: resp.Header.Get(requestIDName), body: body}
}

func hasAny(object *jsonedit.Object, names ...string) bool {
	for _, name := range names {
		if _, ok := object.Get(name); ok {
			return true
		}
	}
	return false
}

func notJSON(resp *http.Response, n int) string {
	return fmt.Sprintf("the answer, %d bytes of %q, is not JSON", n, resp.Header.Get("Content-Type"))
}

// looksLikeAStream goes by the content type, which may be missing, and by the first byte: that of an
// event stream is 0 or 1, a part of the first message's length.
func looksLikeAStream(resp *http.Response) bool {
	if t := resp.Header.Get("Content-Type"); t != "" && !strings.Contains(t, "application/vnd.amazon.eventstream") {
		return false
	}
	body := bufio.NewReaderSize(resp.Body, 16) // longer reads go past it
	first, _ := body.Peek(1)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return len(first) == 0 || first[0] != '{'
}

// notAStream reads what came in place of an event stream: an error under status 200, or something
// that a proxy made.
func notAStream(resp *http.Response) error {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if object, err := jsonedit.Parse(body); err == nil {
		if e := errorUnder200(resp, object, body); e != nil {
			return e
		}
	}
	return &Error{
		Kind: Interrupted, RequestID: resp.Header.Get(requestIDName),
		Message: fmt.Sprintf("the answer is %q, not an event stream; a proxy on the way may have changed it", resp.Header.Get("Content-Type")),
	}
}

// unreachable says why there is no connection, and tells what may pass from what will not: a
// certificate that is not trusted and a name that does not exist stay so for minutes.
func (c *Client) unreachable(err error) *Error {
	who, settings := "Bedrock", "the Region and AWS_ENDPOINT_URL"
	if c.gateway {
		who, settings = "the gateway", "its URL"
	}
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	switch {
	case errors.As(err, &certificate):
		return &Error{Kind: Unavailable, Err: err, permanent: true,
			Message: who + "'s certificate is not trusted; if a proxy inspects TLS, point AWS_CA_BUNDLE to its CA"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &Error{Kind: Unavailable, Err: err, permanent: true,
			Message: who + "'s endpoint has no address; check " + settings}
	}
	return &Error{Kind: Unavailable, Message: who + " is not reachable", Err: err}
}
