// Package converse is the Converse API as the embedded Bedrock serves it, without HTTP: what Converse
// itself refuses, and the translation between its shapes and Claude's.
//
//	input -> Check -----> Messages -> (package claude) -> Reply -> Response
//	tree     Converse's   the body                                 Events
//	         own rules    InvokeModel takes
//
// An input is a tree as package restjson reads it: structures are map[string]any by the names of AWS's
// service model, lists []any, blobs []byte, numbers json.Number. It has been held to the model's
// constraints, but nothing here relies on that: a member that is of another type counts as absent.
//
// What a model takes is its Traits, so that one set of rules refuses for Claude and for all others. The
// rules follow what users of the live service quote and what recorded answers show; each sentence
// stands with its source in package wording.
package converse
