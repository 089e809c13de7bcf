package claude

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// A signature binds thinking to where it was thought: model, account and the conversation before it.
// It holds as well how many tokens the thinking had, for its text may be omitted. It guards nothing
// secret, so its key is a constant, and a conversation goes on after a restart.
//
//	base64 of | version 1 | tokens, 4 bytes | HMAC-SHA256, 32 bytes |
const signatureVersion = 1

var signatureKey = []byte("outcrop embedded bedrock thinking signature 1")

func sign(in Setting, prefix [sha256.Size]byte, text string, tokens int) string {
	raw := binary.BigEndian.AppendUint32([]byte{signatureVersion}, uint32(tokens))
	h := hmac.New(sha256.New, signatureKey)
	fmt.Fprintf(h, "%s\n%s\n%x\n%x\n%s", in.Model.BedrockID, in.Account, prefix, raw, text)
	return base64.StdEncoding.EncodeToString(h.Sum(raw))
}

// thinkingTokens counts a thinking block by its signature, and by its text if that is not ours.
func thinkingTokens(text, signature string) int {
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(raw) != 5+sha256.Size || raw[0] != signatureVersion {
		return Tokens(text)
	}
	// What a stranger's signature claims is not believed beyond what a model can think.
	return min(int(binary.BigEndian.Uint32(raw[1:])), 1<<20)
}

// signaturesAreOurs: thinking that comes back must be what was sent, at the same place of the same
// conversation. block_binding.prefix_mismatch_behavior drop_block turns the check off.
func signaturesAreOurs(r *Request, in Setting) error {
	if r.thinking.dropping {
		return nil
	}
	var prefixes [][sha256.Size]byte
	for i, m := range r.messages {
		for _, b := range m.blocks {
			if m.role != "assistant" || b.kind() != "thinking" {
				continue
			}
			if prefixes == nil {
				prefixes = r.prefixes()
			}
			text, signature := b.text("thinking"), b.text("signature")
			want := sign(in, prefixes[i], text, thinkingTokens(text, signature))
			if !hmac.Equal([]byte(want), []byte(signature)) {
				return refuse("signature_invalid", "path", b.path)
			}
		}
	}
	return nil
}

// attribution is how the line begins that Claude Code puts before its system prompt. It changes from
// call to call and is not part of the conversation.
const attribution = "x-anthropic-billing-header:"

// prefixes digests, for each message and for the answer, the conversation before the turn in which it
// stands: system and the messages, without tools (tool search adds some on the way) and without
// earlier thinking (which clients may leave out). Messages of one role that follow each other are one.
func (r *Request) prefixes() [][sha256.Size]byte {
	h := sha256.New()
	for _, b := range r.system {
		if !strings.HasPrefix(b.text("text"), attribution) {
			b.writeTo(h)
		}
	}
	out := make([][sha256.Size]byte, len(r.messages)+1)
	role := ""
	for i, m := range r.messages {
		if i > 0 && role == "assistant" && m.role == role {
			out[i] = out[i-1]
		} else {
			h.Sum(out[i][:0])
		}
		if m.role != role {
			role = m.role
			fmt.Fprintf(h, "%s: ", role)
		}
		for _, b := range m.blocks {
			if b.kind() != "thinking" && b.kind() != "redacted_thinking" {
				b.writeTo(h)
			}
		}
	}
	if last := len(r.messages); role == "assistant" { // an answer that was begun is gone on with
		out[last] = out[last-1]
	} else {
		h.Sum(out[last][:0])
	}
	return out
}

// thinks reports whether the model thinks first. Where thinking is adaptive the model decides: ours
// thinks when it is asked to in so many words, and not at low effort.
func (r *Request) thinks(afterResults bool) bool {
	if r.choice.forced() {
		return false // forced tool use does not go with thinking
	}
	switch r.thinking.kind {
	case "enabled":
		return true
	case "adaptive":
		return r.effort != "low"
	case "between_tools":
		return afterResults
	}
	return false
}

// think makes the thinking block of an answer.
func (r *Request) think(in Setting, text string) Content {
	hidden, prefix := r.omitted(in.Model), r.prefixes()[len(r.messages)]
	seal := func(thought string) (shown, signature string) {
		tokens := Tokens(thought)
		if hidden {
			thought = ""
		}
		return thought, sign(in, prefix, thought, tokens)
	}
	return Content{Kind: "thinking", Text: text, seal: seal}
}

// omitted reports whether the text of thinking stays behind, which is the default from 4.7 on.
func (r *Request) omitted(m catalog.Model) bool {
	if r.thinking.display == "" {
		return !slices.Contains(m.Thinking, "enabled")
	}
	return r.thinking.display == "omitted"
}
