// Package emulator is the embedded Bedrock: the data plane and the control plane of Amazon Bedrock on
// one port, for one account and Region, with a small deterministic Claude behind it, and a smaller
// stand-in for the models of other families.
//
//	request -> route -> authenticate -> resolve -> parse -> check -> think -> write
//	           |        SigV4 or API    model ID   package claude    JSON or
//	           |        key, as AWS                                  event stream
//	           +-> control plane: models, inference profiles
//
// Converse and ConverseStream take the same way with a translation at both ends:
//
//	... -> resolve -> Converse's rules -> Claude's body -> parse -> check -> think -> Converse's shapes
//	                  package converse    package converse    package claude         package converse
//	                        \-> package family, for models that are not Claude ------/
//
// Where a script (package script) has a step for a call, it is played between check and think, or before
// resolve if the step wants no check: an answer, a failure, a delay, a stream that breaks off.
//
// It never imports the client: it reads AWS's protocol for itself, so that it can prove the client
// wrong. What it answers follows AWS's service models and recorded answers of the live service. How it
// refuses is data (package wording), each sentence with where it was seen; one that nobody has seen is
// marked as assumed.
package emulator
