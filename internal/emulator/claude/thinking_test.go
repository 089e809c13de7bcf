package claude

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const think = `"thinking":{"type":"adaptive","display":"summarized"}`

// thoughtful is a conversation whose assistant turn holds the reply to its beginning.
func thoughtful(t *testing.T, in Setting, prompt, system string, more ...string) (content string) {
	t.Helper()
	reply, err := invoke(in, &Cache{}, body(user(prompt), append(more, think, `"system":`+quoted(system))...), epoch)
	if err != nil {
		t.Fatal(err)
	}
	if c := only(t, reply, "thinking"); c.Text == "" || c.Signature == "" {
		t.Fatalf("thinking block: %+v, want text and signature", c)
	}
	b, err := json.Marshal(reply.Message().Content)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSignatures(t *testing.T) {
	in := setting(t, "opus")
	content := thoughtful(t, in, "why?", "be kind")
	conversation := func(first, content string) string {
		return `[{"role":"user","content":` + first + `},{"role":"assistant","content":` + content + `},{"role":"user","content":"go on"}]`
	}
	altered := strings.Replace(content, "The user wrote", "The user said", 1)
	if altered == content {
		t.Fatal("nothing altered")
	}
	var blocks []map[string]any
	if err := json.Unmarshal([]byte(content), &blocks); err != nil {
		t.Fatal(err)
	}
	signature := blocks[0]["signature"].(string)
	other := setting(t, "opus")
	other.Account = "210987654321"
	const invalid = "messages.1.content.0: Invalid `signature` in `thinking` block"

	for _, c := range []struct {
		name, body string
		in         Setting
		want       string
	}{
		{"as it was", body(conversation(`"why?"`, content), `"system":"be kind"`), in, ""},
		{"content as blocks and cache marks make no difference", body(conversation(`[{"type":"text","text":"why?","cache_control":{"type":"ephemeral"}}]`, content), `"system":[{"type":"text","text":"be kind","cache_control":{"type":"ephemeral"}}]`), in, ""},
		{"Claude Code's attribution line changes", body(conversation(`"why?"`, content), `"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2;"},{"type":"text","text":"be kind"}]`), in, ""},
		{"tools that came later", body(conversation(`"why?"`, content), `"system":"be kind"`, writeAndRead), in, ""},
		{"the text altered", body(conversation(`"why?"`, altered), `"system":"be kind"`), in, invalid},
		{"the signature altered", body(conversation(`"why?"`, strings.Replace(content, signature, "x"+signature[1:], 1)), `"system":"be kind"`), in, invalid},
		{"the signature of someone else", body(conversation(`"why?"`, strings.Replace(content, signature, "EuYBCkQYAiJA", 1)), `"system":"be kind"`), in, invalid},
		{"an empty signature", body(conversation(`"why?"`, strings.Replace(content, signature, "", 1)), `"system":"be kind"`), in, invalid},
		{"another model", body(conversation(`"why?"`, content), `"system":"be kind"`), setting(t, "sonnet"), invalid},
		{"another account", body(conversation(`"why?"`, content), `"system":"be kind"`), other, invalid},
		{"another question before it", body(conversation(`"how?"`, content), `"system":"be kind"`), in, invalid},
		{"another system prompt", body(conversation(`"why?"`, content), `"system":"be rude"`), in, invalid},
		{"another question, to be dropped then", body(conversation(`"how?"`, content), `"system":"be kind"`, `"anthropic_beta":["thinking-binding-controls-2026-08-01"]`, `"thinking":{"type":"adaptive","block_binding":{"prefix_mismatch_behavior":"drop_block"}}`), in, ""},
		{"no signature", body(conversation(`"why?"`, `[{"type":"thinking","thinking":"x"}]`)), in, "messages.1.content.0.thinking.signature: Field required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := invoke(c.in, &Cache{}, c.body, epoch)
			switch {
			case c.want != "":
				wantRefusal(t, err, c.want)
			case err != nil:
				t.Errorf("got %v, want an answer", err)
			}
		})
	}
}

// TestThinkingInAToolLoop follows a conversation over several turns, each with thinking of its own.
func TestThinkingInAToolLoop(t *testing.T) {
	in, cache := setting(t, "opus"), &Cache{}
	messages := `{"role":"user","content":[{"type":"text","text":"call Write {\"n\":1}"}]},{"role":"system","content":[{"type":"text","text":"# Environment","cache_control":{"type":"ephemeral"}}]}`
	for turn := range 4 {
		reply, err := invoke(in, cache, body("["+messages+"]", writeAndRead, `"thinking":{"type":"adaptive"}`), epoch)
		if err != nil {
			t.Fatalf("turn %d: %v", turn+1, err)
		}
		if c := only(t, reply, "thinking"); c.Text != "" || c.Signature == "" || reply.Usage.OutputDetails.ThinkingTokens == 0 {
			t.Errorf("turn %d: thinking %+v with %+v, want no text (omitted is the default), a signature, some tokens", turn+1, c, reply.Usage.OutputDetails)
		}
		content, err := json.Marshal(reply.Message().Content)
		if err != nil {
			t.Fatal(err)
		}
		// As Claude Code does: the system message comes back as a plain string.
		messages = strings.Replace(messages, `[{"type":"text","text":"# Environment","cache_control":{"type":"ephemeral"}}]`, `"# Environment"`, 1)
		next := fmt.Sprintf(`"call Write {\"n\":%d}"`, turn)
		if reply.StopReason == "tool_use" {
			next = fmt.Sprintf(`[{"type":"tool_result","tool_use_id":%q,"content":"ok","is_error":false}]`, only(t, reply, "tool_use").ID)
		}
		messages += `,{"role":"assistant","content":` + string(content) + `},{"role":"user","content":` + next + `}`
	}
}

func TestWhenTheModelThinks(t *testing.T) {
	result := toolTurns("call Write {}", `{"type":"tool_use","id":"a","name":"Write","input":{}}`, `{"type":"tool_result","tool_use_id":"a"}`)
	for _, c := range []struct {
		name, model, body string
		want, text        bool
	}{
		{"enabled", "claude-haiku-4-5", body(user("hi"), `"thinking":{"type":"enabled","budget_tokens":1024}`), true, true},
		{"enabled, omitted", "claude-haiku-4-5", body(user("hi"), `"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"}`), true, false},
		{"adaptive, whose default is omitted", "opus", body(user("hi"), `"thinking":{"type":"adaptive"}`), true, false},
		{"adaptive, summarized", "opus", body(user("hi"), think), true, true},
		{"adaptive, updates", "opus", body(user("hi"), `"anthropic_beta":["thinking-display-updates-2026-08-18"]`, `"thinking":{"type":"adaptive","display":"updates"}`), true, true},
		{"adaptive at low effort", "opus", body(user("hi"), think, `"output_config":{"effort":"low"}`), false, false},
		{"low effort in the conversation", "opus", body(`[{"role":"user","content":"hi"},{"role":"system","content":"x","output_config":{"effort":"low"}}]`, `"anthropic_beta":["mid-conversation-output-config-2026-07-01"]`, think, `"output_config":{"effort":"high"}`), false, false},
		{"not asked for", "opus", body(user("hi")), false, false},
		{"disabled", "claude-haiku-5-5", body(user("hi"), `"thinking":{"type":"disabled"}`), false, false},
		{"between tools, before any", "claude-sonnet-5-5", body(user("hi"), `"thinking":{"type":"between_tools"}`), false, false},
		{"between tools, after one", "claude-sonnet-5-5", body(result, writeAndRead, `"thinking":{"type":"between_tools","display":"summarized"}`), true, true},
		{"forced to use a tool", "claude-opus-5", body(user("hi"), writeAndRead, `"tool_choice":{"type":"any"}`, think), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply := mustInvoke(t, c.model, c.body)
			got := len(reply.Content) > 0 && reply.Content[0].Kind == "thinking"
			if got != c.want || got && (reply.Content[0].Text != "") != c.text {
				t.Errorf("got %+v, want thinking %v, with text %v", reply.Content, c.want, c.text)
			}
		})
	}
}

// TestThinkingThatIsCutIsSignedAsItIs: what max_tokens left of it can come back.
func TestThinkingThatIsCutIsSignedAsItIs(t *testing.T) {
	in := setting(t, "claude-haiku-4-5")
	cut := func(s string) string { return strings.Replace(s, "4096", "5", 1) }
	reply, err := invoke(in, &Cache{}, cut(body(user("hi"), `"anthropic_beta":["interleaved-thinking-2025-05-14"]`, `"thinking":{"type":"enabled","budget_tokens":1024}`)), epoch)
	if err != nil {
		t.Fatal(err)
	}
	if reply.StopReason != "max_tokens" || reply.Usage.OutputTokens != 5 || reply.Usage.OutputDetails.ThinkingTokens != 5 {
		t.Errorf("got %q, %+v, want max_tokens after 5 tokens of thinking", reply.StopReason, reply.Usage)
	}
	content, _ := json.Marshal(reply.Message().Content)
	if _, err := invoke(in, &Cache{}, body(`[{"role":"user","content":"hi"},{"role":"assistant","content":`+string(content)+`},{"role":"user","content":"go on"}]`), epoch); err != nil {
		t.Errorf("cut thinking sent back: %v", err)
	}
}
