package endpoint_test

import (
	"fmt"

	"github.com/outcrop-dev/outcrop/internal/aws/endpoint"
)

func ExampleRuntime() {
	url, err := endpoint.Runtime("eu-central-1", endpoint.Options{})
	fmt.Println(url, err)

	getenv := func(name string) string {
		return map[string]string{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:8080/bedrock/"}[name]
	}
	url, err = endpoint.Runtime("eu-central-1", endpoint.Options{Getenv: getenv})
	fmt.Println(url, err)
	// Output:
	// https://bedrock-runtime.eu-central-1.amazonaws.com <nil>
	// http://127.0.0.1:8080/bedrock <nil>
}
