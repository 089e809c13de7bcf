// Package emulator is the embedded Bedrock: the data plane and the control plane of Amazon Bedrock on
// one port, for one account and Region, with a small deterministic Claude behind it, and a smaller
// stand-in for the models of other families.
//
//	request -> route -> authenticate -> read, check -> find the model -> think -> write
//	           AWS's    SigV4 or API    input, by       model ID or       |       output or event stream,
//	           URIs     key, as AWS     AWS's model     profile           |       by AWS's model
//	                                                                      v
//	   InvokeModel   package claude: parse -> check -> answer
//	   Converse      package converse: to Claude's body, and its answer back; package family answers
//	                 for models that are not Claude
//	   models and inference profiles: the catalogue
//
// Server.handle (server.go) is that way, the same for every operation; what AWS's service models
// (data, package restjson) say of paths, queries, headers, bodies and answers is not written here again.
// The files in its order: server.go, route.go, auth.go, call.go; modelid.go; invoke.go, converse.go,
// count.go, models.go, profiles.go; stream.go, fault.go.
//
// Where a script (package script, scripted.go, broken.go) has a step for a call, it is played just before
// the model would think, or before the input is read if the step wants no check: an answer, a failure, a
// delay, a stream that breaks off.
//
// It never imports the client: it reads AWS's protocol for itself, so that it can prove the client
// wrong. What it answers follows AWS's service models and recorded answers of the live service. How it
// refuses is data (package wording), each sentence with where it was seen; one that nobody has seen is
// marked as assumed.
package emulator
