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

// runtimeAPI is the service model of bedrock-runtime, read when it is first asked for.
var runtimeAPI = sync.OnceValue(func() *restjson.Service { return mustParse(runtimeModel) })

// controlAPI is the service model of bedrock.
var controlAPI = sync.OnceValue(func() *restjson.Service { return mustParse(controlModel) })

func mustParse(model []byte) *restjson.Service {
	service, err := restjson.Parse(model)
	if err != nil {
		panic("emulator: embedded service model: " + err.Error())
	}
	return service
}
