package claude

import "strings"

// The rules of tools' calls and their results look at the conversation by turns: messages of one role
// in a row are one, and those of role system do not count.

// callsAreUnique: no two tool_use blocks of a request have one ID.
func callsAreUnique(r *Request, _ Setting) error {
	seen := map[string]bool{}
	for b := range r.blocks() {
		if b.kind() != "tool_use" {
			continue
		}
		if seen[b.text("id")] {
			return refuse("call_twice", "path", b.path)
		}
		seen[b.text("id")] = true
	}
	return nil
}

// callsHaveResults: each tool_use has its result in the next turn, and results stand first there
// (Anthropic, implement tool use: text before them is refused).
func callsHaveResults(r *Request, _ Setting) error {
	for i, t := range r.turns {
		if t.role != "assistant" {
			continue
		}
		given := map[string]bool{}
		if i+1 < len(r.turns) {
			given = r.turns[i+1].leadingResults()
		}
		var missing []string
		path := ""
		for _, b := range t.of("tool_use") {
			if !given[b.text("id")] {
				missing = append(missing, b.text("id"))
				path = messagePath(b)
			}
		}
		if missing != nil {
			return refuse("result_missing", "path", path, "ids", strings.Join(missing, ", "))
		}
	}
	return nil
}

// leadingResults returns the IDs of the calls whose results stand before anything else in the turn.
func (t turn) leadingResults() map[string]bool {
	ids := map[string]bool{}
	for _, b := range t.blocks {
		if b.kind() != "tool_result" {
			break
		}
		ids[b.text("tool_use_id")] = true
	}
	return ids
}

// messagePath returns the path of the message in which a block stands.
func messagePath(b block) string {
	path, _, _ := strings.Cut(b.path, ".content.")
	return path
}

// resultsHaveCalls: each tool_result answers a tool_use of the turn before it, and none is answered twice.
func resultsHaveCalls(r *Request, _ Setting) error {
	var before turn
	for _, t := range r.turns {
		called, answered := map[string]bool{}, map[string]bool{}
		for _, b := range before.of("tool_use") {
			called[b.text("id")] = true
		}
		for _, b := range t.of("tool_result") {
			switch id := b.text("tool_use_id"); {
			case !called[id]:
				return refuse("result_unexpected", "path", b.path, "id", id)
			case answered[id]:
				return refuse("result_twice", "path", b.path, "id", id)
			default:
				answered[id] = true
			}
		}
		before = t
	}
	return nil
}

// serverResultsHaveCalls: the result of a tool on the server stands behind its call.
func serverResultsHaveCalls(r *Request, _ Setting) error {
	called := map[string]bool{}
	for b := range r.blocks() {
		id := b.text("tool_use_id")
		if b.kind() == "server_tool_use" {
			called[b.text("id")] = true
		}
		if serverResult(b.kind()) && !called[id] {
			return refuse("server_result_unexpected", "path", b.path, "kind", b.kind(), "id", id)
		}
	}
	return nil
}

// referencesHaveTools: a tool_reference names a tool that is offered. Clients count single messages
// without tools.
func referencesHaveTools(r *Request, in Setting) error {
	for b := range r.blocks() {
		for _, inner := range b.inner {
			if name := inner.text("tool_name"); inner.kind() == "tool_reference" && r.tool(name) == nil && !in.Counting {
				return refuse("reference_unknown", "name", name)
			}
		}
	}
	return nil
}
