package emulator

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// An operation is one of AWS's, under AWS's name.
type operation struct {
	name   string
	method string
	prefix string // of the path, up to the identifier
	suffix string // of the path, behind the identifier
	list   bool   // no identifier: the path is the prefix
	serve  func(*Server, *call) error
	reply  func(*call, *claude.Reply) error // sends an answer of a model's; nil where there is none
}

// operations are what this Bedrock serves. Paths are those of AWS's service models.
func operations() []operation {
	return []operation{
		{name: "InvokeModel", method: http.MethodPost, prefix: "/model/", suffix: "/invoke", serve: (*Server).invokeModel, reply: (*call).reply},
		{name: "InvokeModelWithResponseStream", method: http.MethodPost, prefix: "/model/", suffix: "/invoke-with-response-stream", serve: (*Server).invokeModel, reply: (*call).reply},
		{name: "Converse", method: http.MethodPost, prefix: "/model/", suffix: "/converse", serve: (*Server).converse, reply: (*call).replyByConverse},
		{name: "ConverseStream", method: http.MethodPost, prefix: "/model/", suffix: "/converse-stream", serve: (*Server).converse, reply: (*call).replyByConverse},
		{name: "CountTokens", method: http.MethodPost, prefix: "/model/", suffix: "/count-tokens", serve: (*Server).countTokens},
		{name: "ListFoundationModels", method: http.MethodGet, prefix: "/foundation-models", list: true, serve: (*Server).listFoundationModels},
		{name: "GetFoundationModel", method: http.MethodGet, prefix: "/foundation-models/", serve: (*Server).getFoundationModel},
		{name: "ListInferenceProfiles", method: http.MethodGet, prefix: "/inference-profiles", list: true, serve: (*Server).listInferenceProfiles},
		{name: "GetInferenceProfile", method: http.MethodGet, prefix: "/inference-profiles/", serve: (*Server).getInferenceProfile},
	}
}

func operationNames() []string {
	var names []string
	for _, op := range operations() {
		names = append(names, op.name)
	}
	return names
}

// route finds the operation by the path as it stands on the wire, runs of slashes collapsed, and
// returns the identifier in it decoded once. An ARN's slash may be "/" or "%2F", a colon ":" or "%3A".
func route(r *http.Request) (operation, string, error) {
	path := collapse(r.URL.EscapedPath())
	for _, op := range operations() {
		if r.Method != op.method {
			continue
		}
		if op.list {
			if strings.TrimSuffix(path, "/") == op.prefix {
				return op, "", nil
			}
			continue
		}
		rest, ok := strings.CutPrefix(path, op.prefix)
		if !ok {
			continue
		}
		if rest, ok = strings.CutSuffix(rest, op.suffix); !ok || rest == "" {
			continue
		}
		id, err := url.PathUnescape(rest)
		if err != nil {
			return op, "", errModelID
		}
		return op, id, nil
	}
	return operation{}, "", unserved(r.Method + " " + path)
}

// collapse makes every run of slashes one, as AWS's front end does.
func collapse(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	var b strings.Builder
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			b.WriteByte(path[i])
		}
	}
	return b.String()
}
