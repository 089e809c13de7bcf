// Package restjson is the server's side of AWS's REST-JSON protocol (restJson1), driven by a service
// model as data. It knows no operation by name:
//
//	service model ---- Parse ----> Service -- Operation("Converse") --> Operation
//
//	method, path ----------------- Match --> labels, if it is the operation's
//	labels, query, headers, body -- Read --> input ---- Check ----> ok, or AWS's refusal in its words
//	              header, status, body <-- Write -- output
//	              event stream message <-- AppendEvent -- an event
//
// A value of the model is a Go value:
//
//	structure, map   map[string]any, by the member's name in the model
//	list             []any
//	string           string
//	integer, long    json.Number that is an integer of 32 or 64 bits
//	float, double    json.Number; not-a-number and the infinities are "NaN", "Infinity" and "-Infinity"
//	boolean          bool
//	blob             []byte
//	timestamp        time.Time, UTC
//	document         as encoding/json decodes it, numbers as json.Number
//
// What is absent or null on the wire is absent in the map. Null in a list or map is kept, as nil, only
// where the shape is sparse, and refused elsewhere.
package restjson
