package emulator

import (
	"net/http"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/restjson"
)

// An operation is one of AWS's that this Bedrock serves. Its path, input and output are those of AWS's
// service model.
type operation struct {
	*restjson.Operation
	serve func(*Server, *call) error
	reply func(*call, *claude.Reply) error // sends an answer of a model's; nil where there is none
}

func operations() []operation {
	runtime, control := runtimeAPI(), controlAPI()
	return []operation{
		{runtime.Operation("InvokeModel"), (*Server).invokeModel, (*call).replyByInvoke},
		{runtime.Operation("InvokeModelWithResponseStream"), (*Server).invokeModel, (*call).replyByInvoke},
		{runtime.Operation("Converse"), (*Server).converse, (*call).replyByConverse},
		{runtime.Operation("ConverseStream"), (*Server).converse, (*call).replyByConverse},
		{runtime.Operation("CountTokens"), (*Server).countTokens, nil},
		{control.Operation("ListFoundationModels"), (*Server).listFoundationModels, nil},
		{control.Operation("GetFoundationModel"), (*Server).getFoundationModel, nil},
		{control.Operation("ListInferenceProfiles"), (*Server).listInferenceProfiles, nil},
		{control.Operation("GetInferenceProfile"), (*Server).getInferenceProfile, nil},
	}
}

func operationNames() []string {
	var names []string
	for _, op := range operations() {
		names = append(names, op.Name())
	}
	return names
}

// route finds the operation by the path as it stands on the wire, runs of slashes collapsed, and the
// labels in it.
func (s *Server) route(r *http.Request) (op operation, labels map[string]string, err error) {
	path := collapse(r.URL.EscapedPath())
	for _, op := range s.operations {
		if labels, ok := op.Match(r.Method, path); ok {
			return op, labels, nil
		}
	}
	return operation{}, nil, unserved(r.Method, path)
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
