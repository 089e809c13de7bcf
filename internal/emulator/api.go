package emulator

import (
	_ "embed"
	"sync"

	"github.com/outcrop-dev/outcrop/internal/emulator/restjson"
)

//go:embed data/api-bedrock-runtime.json
var runtimeModel []byte

//go:embed data/api-bedrock-control.json
var controlModel []byte

// The services of bedrock-runtime and bedrock. Their models are read when they are first asked for.
var (
	runtimeAPI = sync.OnceValue(func() *restjson.Service { return mustParse(runtimeModel) })
	controlAPI = sync.OnceValue(func() *restjson.Service { return mustParse(controlModel) })
)

func mustParse(model []byte) *restjson.Service {
	service, err := restjson.Parse(model)
	if err != nil {
		panic("emulator: embedded service model: " + err.Error())
	}
	return service
}
