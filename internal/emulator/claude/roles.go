package claude

import (
	"slices"
	"strings"
	"unicode"
)

// firstIsTheUsers: a conversation begins with the user. Messages of one role in a row are taken and
// read as one (Anthropic's API reference). In September 2026 users saw Anthropic's own API take an
// assistant's message in front; AWS's page on Claude's Messages API still rules it out.
func firstIsTheUsers(r *Request, _ Setting) error {
	switch {
	case len(r.turns) == 0: // settings of role system alone
		return refuse("no_messages")
	case r.messages[0].role == "assistant":
		return refuse("first_not_user")
	}
	return nil
}

// systemStandsWhereItMay: role system is some models' only, never first, behind the user and before
// the assistant or at the end. Without content it carries output_config and may stand anywhere
// (Anthropic, mid-conversation system messages; anthropics/claude-code issues 61412 and 73821).
func systemStandsWhereItMay(r *Request, in Setting) error {
	after := r.rolesAfter()
	before := message{}
	for i, m := range r.messages {
		switch {
		case m.role != "system":
			before = m
		case !in.Model.SystemMessages:
			return refuse("system_role")
		case len(m.blocks) == 0:
		case before.role == "":
			return refuse("system_first", "path", m.path)
		case before.role == "assistant" && !before.endsOnServer():
			return refuse("system_after", "path", m.path)
		case after[i] == "user":
			return refuse("system_before", "path", m.path)
		case !m.instructs():
			return refuse("system_text", "path", m.path)
		}
	}
	return nil
}

// rolesAfter returns for each message the role of the next that is not of role system, "" for none.
func (r *Request) rolesAfter() []string {
	out, next := make([]string, len(r.messages)), ""
	for i, m := range slices.Backward(r.messages) {
		out[i] = next
		if m.role != "system" {
			next = m.role
		}
	}
	return out
}

// endsOnServer reports whether a message ends with the result of a tool that ran on the server.
func (m message) endsOnServer() bool {
	return len(m.blocks) > 0 && serverResult(m.blocks[len(m.blocks)-1].kind())
}

// instructs reports whether a message has what one of role system may have: texts and changes of tools.
func (m message) instructs() bool {
	return !slices.ContainsFunc(m.blocks, func(b block) bool {
		return b.kind() != "text" && b.kind() != "tool_addition" && b.kind() != "tool_removal"
	})
}

// serverResult reports whether blocks of the kind are results of tools that run on the server.
func serverResult(kind string) bool {
	return kind != "tool_result" && strings.HasSuffix(kind, "_tool_result")
}

// outputConfigStandsWithSystem: per-message output_config and clear_at are role system's.
func outputConfigStandsWithSystem(r *Request, _ Setting) error {
	for _, m := range r.messages {
		for _, name := range []string{"output_config", "clear_at"} {
			if m.role != "system" && m.has(name) {
				return refuse("system_only", "path", m.path, "member", name)
			}
		}
	}
	return nil
}

// roleOf is whose messages kinds of blocks stand in; others stand in anybody's.
var roleOf = map[string]string{
	"tool_result": "user", "search_result": "user",
	"thinking": "assistant", "redacted_thinking": "assistant", "tool_use": "assistant", "server_tool_use": "assistant", "compaction": "assistant",
	"bash_code_execution_tool_result": "assistant", "code_execution_tool_result": "assistant", "text_editor_code_execution_tool_result": "assistant",
	"tool_search_tool_result": "assistant", "web_fetch_tool_result": "assistant", "web_search_tool_result": "assistant",
}

// blocksStandWithTheirRole: with anthropic_version 2026-10-21 documents are the user's as well, and the
// user's texts have no citations (Anthropic, migration to 2026-10-21).
func blocksStandWithTheirRole(r *Request, _ Setting) error {
	for _, m := range r.messages {
		for _, b := range m.blocks {
			switch role := roleOf[b.kind()]; {
			case role != "" && m.role != "system" && role != m.role:
				return refuse("wrong_role", "path", m.path, "kind", b.kind(), "role", role)
			case r.version == version2026 && m.role == "assistant" && b.kind() == "document":
				return refuse("document_not_users", "path", m.path)
			case r.version == version2026 && m.role == "user" && b.kind() == "text" && len(b.list("citations")) > 0:
				return refuse("citations_not_users", "path", b.path)
			}
		}
	}
	return nil
}

// contentIsThere: only the assistant's last message may be empty.
func contentIsThere(r *Request, _ Setting) error {
	for i, m := range r.messages {
		empty := len(m.blocks) == 0 || m.object["content"] == ""
		last := i == len(r.messages)-1 && m.role == "assistant"
		if empty && !last && !(m.role == "system" && m.has("output_config")) {
			return refuse("content_empty", "path", m.path)
		}
	}
	return nil
}

// textIsThere: a text block says something, in messages more than white space.
func textIsThere(r *Request, _ Setting) error {
	for _, m := range r.messages {
		for _, b := range m.blocks {
			switch s := b.text("text"); {
			case b.kind() != "text" || m.object["content"] == "" || b.cache != nil && s == "":
			case s == "":
				return refuse("text_empty", "path", "messages")
			case strings.TrimFunc(s, unicode.IsSpace) == "":
				return refuse("text_blank", "path", "messages")
			}
		}
	}
	for _, b := range r.system {
		if _, list := r.object["system"].([]any); list && b.text("text") == "" && b.cache == nil {
			return refuse("text_empty", "path", "system")
		}
	}
	return nil
}

// stopsAreVisible: a stop sequence is more than white space.
func stopsAreVisible(r *Request, _ Setting) error {
	for _, stop := range r.stops {
		if strings.TrimSpace(stop) == "" {
			return refuse("stop_blank")
		}
	}
	return nil
}
