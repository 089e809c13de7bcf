// Package chat is a conversation with a Claude model: its turns, the files that go with them, the
// answer as it streams in, and the session that a person has with it on a terminal.
//
//	files, text ──▶ user turn ──▶ Conversation ──▶ Invocation ──▶ Bedrock
//	               Conversation ◀── Answer ◀────── event stream ◀──
//
// Turns of the model are kept as they came, thinking and its signatures included: the models check
// that their own turns come back unchanged.
package chat
