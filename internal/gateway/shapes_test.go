package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// What clients get, read strictly: the shapes of both doors.

// cutEvents takes from text, server-sent events, as many of the events as it begins with.
func cutEvents(events []recordings.Event, text string) (n int, rest string) {
	for _, e := range events {
		rest, ok := strings.CutPrefix(text, "event: "+e.Type+"\ndata: "+e.Data+"\n\n")
		if !ok {
			break
		}
		n, text = n+1, rest
	}
	return n, text
}

// errorEvent returns the data of text, if that is one error event.
func errorEvent(text string) (data string, err error) {
	data, ok := strings.CutPrefix(text, "event: error\ndata: ")
	data, ended := strings.CutSuffix(data, "\n\n")
	if !ok || !ended || strings.Contains(data, "\n") {
		return "", fmt.Errorf("%q is not one error event", text)
	}
	return data, nil
}

// anthropicError reads an error of the Anthropic Messages API.
func anthropicError(body string) (errorType, message string, err error) {
	var e struct {
		Type      string
		Error     struct{ Type, Message string }
		RequestID string `json:"request_id"`
	}
	err = decodeStrictly(body, &e)
	if err == nil && (e.Type != "error" || e.Error.Message == "" || !strings.HasPrefix(e.RequestID, "req_oc_")) {
		err = fmt.Errorf("%q has not the shape of the API's errors", body)
	}
	return e.Error.Type, e.Error.Message, err
}

// nativeError reads a refusal of AWS's.
func nativeError(h http.Header, body string) (code, message string, err error) {
	var e struct{ Message string }
	err = decodeStrictly(body, &e)
	code, _, ok := strings.Cut(h.Get("X-Amzn-Errortype"), ":")
	if err == nil && (!ok || e.Message == "") {
		err = fmt.Errorf("%q under %v has not the shape of AWS's errors", body, h)
	}
	return code, e.Message, err
}

// nativeException reads the message that ends an event stream of AWS's.
func nativeException(m eventstream.Message) (name, message string, err error) {
	var e struct{ Message string }
	err = decodeStrictly(string(m.Payload), &e)
	if err == nil && (headerOf(m, ":message-type") != "exception" || e.Message == "") {
		err = fmt.Errorf("%v %q is no exception", m.Headers, m.Payload)
	}
	return headerOf(m, ":exception-type"), e.Message, err
}

func headerOf(m eventstream.Message, name string) string {
	if v := m.Headers.Get(name); v != nil {
		return v.String()
	}
	return ""
}

// decodeStrictly decodes JSON with no members that v has not.
func decodeStrictly(text string, v any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	return nil
}
