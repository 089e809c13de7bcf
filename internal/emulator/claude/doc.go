// Package claude is the model behind the embedded Bedrock: a small, deterministic stand-in for
// Claude that reads the bodies InvokeModel takes and answers as Claude's Messages API does. It knows
// nothing of HTTP or of AWS.
//
//	body -> Parse -> Check -> Layout -> Cache.Use -> Think -> Reply -> Events
//	        shape    rules    prompt    usage        answer   JSON     stream
//	                 by model tokens
//
// The same body gets the same answer, but for random IDs. What the answer says:
//
//   - `call NAME {json}`, anywhere in what the user wrote in the last turn, uses the tool NAME with
//     that input (several use several, in order; without JSON the input is {}). When the results
//     are back the answer quotes them.
//   - `write N words` writes that many words, for long streams.
//   - images and documents are described by type, size and pages.
//   - output_config.format gets JSON that fits its schema.
//   - anything else is repeated: "You said: …".
//
// It refuses what Claude on Bedrock refuses. The shape of a body, of any model, is the table in
// shapes.go, which Parse holds it to; what else it has to keep is the list rules in check.go, one
// function each, by model as the catalogue says, which Check goes through. All refusals are sentences
// of wording/data/messages.json, each with how sure it is.
package claude
