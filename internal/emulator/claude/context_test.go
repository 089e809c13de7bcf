package claude

import (
	"strings"
	"testing"
)

// TestContext fills the context: what the prompt leaves bounds the answer.
func TestContext(t *testing.T) {
	filled := func(n int) string { return body(user(strings.Repeat(" w", n) + " write 500 words")) }
	const room = 200
	in := setting(t, haiku45)
	asked := in.Model.ContextTokens - room - 9 // the frames and `write 500 words`

	reply := mustInvoke(t, haiku45, filled(asked))
	prompt := reply.Usage.InputTokens
	if reply.StopReason != "model_context_window_exceeded" || prompt+reply.Usage.OutputTokens != in.Model.ContextTokens {
		t.Errorf("got stop reason %s, %d + %d tokens; want the context of %d filled", reply.StopReason, prompt, reply.Usage.OutputTokens, in.Model.ContextTokens)
	}
	if reply := mustInvoke(t, haiku45, filled(100)); reply.StopReason != "end_turn" {
		t.Errorf("with room: got stop reason %s", reply.StopReason)
	}
	if reply := mustInvoke(t, haiku45, strings.Replace(filled(asked), `"max_tokens":4096`, `"max_tokens":50`, 1)); reply.StopReason != "max_tokens" {
		t.Errorf("with fewer max_tokens than room: got stop reason %s", reply.StopReason)
	}

	_, err := invoke(setting(t, opus41), &Cache{}, filled(asked), epoch)
	wantRefusal(t, err, "input length and `max_tokens` exceed context limit: 199800 + 4096 > 200000, decrease input length or `max_tokens` and try again")
	long := strings.Replace(filled(250_000), "{", `{"anthropic_beta":["context-1m-2025-08-07"],`, 1)
	if reply := mustInvoke(t, "claude-sonnet-4-5", long); reply.StopReason != "end_turn" {
		t.Errorf("Sonnet 4.5 with the long context: got stop reason %s", reply.StopReason)
	}
	_, err = invoke(setting(t, "claude-3-7-sonnet"), &Cache{}, long, epoch)
	wantRefusal(t, err, "prompt is too long: 250009 tokens > 200000 maximum")
	withBeta := strings.Replace(filled(asked), "{", `{"anthropic_beta":["model-context-window-exceeded-2025-08-26"],`, 1)
	if reply := mustInvoke(t, opus41, withBeta); reply.StopReason != "model_context_window_exceeded" {
		t.Errorf("an older model with the beta: got stop reason %s", reply.StopReason)
	}
}
