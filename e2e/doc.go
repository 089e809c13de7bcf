// Package e2e runs Outcrop with other people's clients: Claude Code, the SDKs of Anthropic and of AWS
// for Go and JavaScript. It is a module of its own, so that none of them is a dependency of Outcrop.
//
//	claude_code_test.go, terminal_test.go   Claude Code in print mode and in a terminal
//	chat_test.go                            outcrop chat in a terminal
//	anthropic_go_test.go, aws_go_test.go    SDKs for Go: on outcrop local, on the library, on the gateway
//	anthropic_go_v1_test.go                 the SDK's first major version, likewise
//	js_test.go, js/                         SDKs for JavaScript, Anthropic's in two major versions
//	converse_test.go                        Converse by AWS's SDKs, on outcrop local
//	exceptions_test.go                      what each SDK makes of Bedrock's exceptions, and what it retries
//	faults_test.go                          what each SDK for Go makes of answers that break
//	bad_input_test.go                       bytes over TCP that no client would send
//	misbehaving_test.go                     clients that do not read, that leave, and SIGTERM among them
//	slow_clients_test.go                    heads and bodies that drip or stop
//	huge_body_test.go                       bodies of 200 MB
//	smuggling_test.go                       bytes that two servers in a row read differently
//	http2_test.go                           resets, floods, heads and frames that are too long
//	example_test.go                         how anthropic-sdk-go runs on the library
//	bench_test.go                           the hot path against AWS's SDK
//
// The tests build the program and start it with an environment of nothing but invented credentials.
// What comes from the npm registry is pinned in package-lock.json; ./run installs it first.
package e2e
