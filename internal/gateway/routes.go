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
	operation outcrop.Operation // placeMessages learns from the body whether to stream
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
	var miss route // looks like a native one, for the shape of the refusal
	for i, s := range segments {
		r, ok := routeAt(s, segments[i+1:])
		if ok {
			return r, true
		}
		miss.native = miss.native || r.native
	}
	return miss, false
}

// routeAt reads the route that begins with segment, if one does.
func routeAt(segment string, rest []string) (route, bool) {
	switch segment {
	case "model":
		return nativeRoute(rest)
	case "foundation-models":
		return controlRoute(outcrop.ListFoundationModels, outcrop.GetFoundationModel, rest)
	case "inference-profiles":
		return controlRoute(outcrop.ListInferenceProfiles, outcrop.GetInferenceProfile, rest)
	case "v1":
		return messagesRoute(rest)
	case "api":
		return fixed["api/hello"], slices.Equal(rest, []string{"hello"})
	}
	return route{}, false
}

func nativeRoute(rest []string) (route, bool) {
	r := route{place: placeInvoke, methods: post, native: true}
	if len(rest) == 0 {
		return r, false
	}
	last := len(rest) - 1
	var known, decoded bool
	r.operation, known = actions[rest[last]]
	r.id, decoded = decodeID(rest[:last])
	return r, known && decoded
}

func controlRoute(list, one outcrop.Operation, rest []string) (route, bool) {
	r := route{place: placeControl, operation: list, methods: get, native: true}
	if len(rest) == 0 {
		return r, true
	}
	r.operation = one
	var ok bool
	r.id, ok = decodeID(rest)
	return r, ok
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
