package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop"
)

// A place is one thing that the gateway serves. The zero place is none.
type place int

const (
	placeNone place = iota
	placeHello
	placeHealth
	placeReady
	placeMetrics
	placeMessages
	placeMessagesCount
	placeMessagesModels
	placeInvoke // and stream, and CountTokens
	placeControl
)

// A route is what a request's path asks for.
type route struct {
	place     place
	operation outcrop.Operation // of an invocation; placeMessages learns from the body whether to stream
	resource  string            // placeControl
	id        string            // model ID, profile ID or ARN, decoded; "" if the path has none
	methods   []string          // that the place takes
	native    bool              // errors have AWS's shape
}

var (
	get     = []string{http.MethodGet, http.MethodHead}
	post    = []string{http.MethodPost}
	actions = map[string]outcrop.Operation{
		"invoke":                      outcrop.InvokeModel,
		"invoke-with-response-stream": outcrop.InvokeModelWithResponseStream,
		"count-tokens":                outcrop.CountTokens,
	}
	fixed = map[string]route{
		"":          {place: placeHello, methods: get},
		"api/hello": {place: placeHello, methods: get},
		"healthz":   {place: placeHealth, methods: get},
		"readyz":    {place: placeReady, methods: get},
		"metrics":   {place: placeMetrics, methods: get},
	}
)

// parseRoute reads the escaped path, so that a slash within an ARN (%2F) is told from one between
// segments. It is lenient where clients are careless: any prefix of segments in front, doubled
// slashes, a doubled /v1, an ARN's slash sent plain. It never cleans or redirects: a signature
// covers the path as it came.
//
//	…/v1/messages  …/v1/messages/count_tokens  …/v1/models[/ID]
//	…/model/ID/invoke  …/model/ID/invoke-with-response-stream  …/model/ID/count-tokens
//	…/inference-profiles[/ID]  …/foundation-models[/ID]
func parseRoute(escaped string) (route, bool) {
	segments := slices.DeleteFunc(strings.Split(escaped, "/"), func(s string) bool { return s == "" })
	if r, ok := fixed[strings.Join(segments, "/")]; ok {
		return r, true
	}
	for i, s := range segments {
		rest := segments[i+1:]
		switch s {
		case "model":
			return nativeRoute(rest)
		case outcrop.InferenceProfiles, outcrop.FoundationModels:
			return controlRoute(s, rest)
		case "v1":
			if len(rest) > 0 && rest[0] == "v1" {
				continue
			}
			return messagesRoute(rest)
		case "api":
			if len(rest) == 1 && rest[0] == "hello" {
				return fixed["api/hello"], true
			}
		}
	}
	return route{}, false
}

func nativeRoute(rest []string) (route, bool) {
	r := route{place: placeInvoke, methods: post, native: true}
	if len(rest) == 0 {
		return r, false
	}
	last := len(rest) - 1
	operation, ok := actions[rest[last]]
	if !ok {
		return r, false
	}
	r.operation = operation
	r.id, ok = decodeID(rest[:last])
	return r, ok
}

func controlRoute(resource string, rest []string) (route, bool) {
	id, ok := decodeID(rest)
	return route{place: placeControl, resource: resource, id: id, methods: get, native: true}, ok
}

func messagesRoute(rest []string) (route, bool) {
	switch {
	case slices.Equal(rest, []string{"messages"}):
		return route{place: placeMessages, operation: outcrop.InvokeModel, methods: post}, true
	case slices.Equal(rest, []string{"messages", "count_tokens"}):
		return route{place: placeMessagesCount, operation: outcrop.CountTokens, methods: post}, true
	case len(rest) > 0 && rest[0] == "models":
		id, ok := decodeID(rest[1:])
		return route{place: placeMessagesModels, id: id, methods: get}, ok
	}
	return route{}, false
}

// decodeID joins and percent-decodes the segments of an ID. What is in it is the client library's
// to judge, before anything is signed.
func decodeID(segments []string) (string, bool) {
	id, err := url.PathUnescape(strings.Join(segments, "/"))
	return id, err == nil
}
