package converse

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// A reading is a request with what it is held to.
type reading struct {
	input     object
	messages  []message
	traits    Traits
	streaming bool // ConverseStream
}

// rules are what Converse itself asks of a request, first come, first named. In which order the live
// service asks is not known, beyond that all of this comes before the model sees the request. That roles
// alternate is not asked any more: two user messages in a row are in recordings of August 2025 (Titan),
// and were taken of Claude in July 2026 (theopenco/llmgateway pull request 3127).
var rules = []func(*reading) error{
	startsWithUser, systemIsTaken, endsWithUser,
	contentIsThere, rolesFit, kindsAreTaken, toolsAreTaken, toolConfigIsThere, toolSpecsAreObjects,
	toolBlocksAreObjects, toolTurnsPair, turnsAreNotMixed, cachePointsFit, reasoningIsTaken,
	imagesFit, documentsFit, inferenceFits, fieldsAreObjects, betasAreTaken, outputFits, guardrailIsWhole, promptIsNoTemplate, cachePointsAreFew, cacheTimesFall,
}

// Check holds an input of Converse, ConverseStream or CountTokens to Converse's own rules. The error is
// a *Refusal.
func Check(input map[string]any, t Traits, streaming bool) error {
	r := &reading{input: input, messages: readMessages(input), traits: t, streaming: streaming}
	for _, rule := range rules {
		if err := rule(r); err != nil {
			return err
		}
	}
	return nil
}

func startsWithUser(r *reading) error {
	if len(r.messages) == 0 || r.messages[0].role != "user" {
		return refuse("converse_start_with_user")
	}
	return nil
}

func systemIsTaken(r *reading) error {
	if !r.traits.System && len(r.input.list("system")) > 0 {
		return refuse("converse_no_system")
	}
	for i, m := range r.messages {
		switch {
		case m.role != "system" || r.traits.SystemMessages:
		case i == len(r.messages)-1:
			return refuse("converse_end_with_user")
		default:
			return refuse("converse_no_system")
		}
	}
	return nil
}

func endsWithUser(r *reading) error {
	if !r.traits.Prefill && r.messages[len(r.messages)-1].role == "assistant" {
		return refuse("converse_end_with_user")
	}
	return nil
}

func contentIsThere(r *reading) error {
	for _, m := range r.messages {
		if len(m.blocks) == 0 {
			return refuse("converse_empty_content", "path", m.path)
		}
		for _, b := range m.blocks {
			if b.kind == "text" && b.text() == "" {
				return refuse("converse_blank_text", "path", b.path)
			}
		}
	}
	return nil
}

// misplaced are the kinds of blocks that a role may not send.
var misplaced = map[string]map[string]string{
	"user":      {"reasoningContent": "reasoning content", "toolUse": "tool uses", "citationsContent": "citations content"},
	"assistant": {"toolResult": "tool results", "image": "images", "document": "documents", "video": "video", "audio": "audio"},
	"system": {"toolResult": "tool results", "toolUse": "tool uses", "reasoningContent": "reasoning content",
		"image": "images", "document": "documents", "video": "video", "audio": "audio"},
}

func rolesFit(r *reading) error {
	for _, m := range r.messages {
		for _, b := range m.blocks {
			if what, ok := misplaced[m.role][b.kind]; ok {
				return refuse("converse_role_content", "role", strings.ToUpper(m.role[:1])+m.role[1:], "content", what)
			}
		}
	}
	return nil
}

// kindsAreTaken refuses what the model does not read, wherever it stands, and what would have to be
// fetched from elsewhere.
func kindsAreTaken(r *reading) error {
	for _, m := range r.messages {
		for _, b := range m.blocks {
			for _, b := range append([]block{b}, b.inner()...) {
				if err := r.takes(b); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *reading) takes(b block) error {
	t := r.traits
	taken, medium := true, ""
	switch b.kind {
	case "image":
		taken, medium = t.Images, "image"
	case "video":
		taken, medium = t.Video, "video"
	case "audio":
		taken, medium = t.Audio, "audio"
	case "document":
		if !t.Documents {
			return refuse("converse_no_documents")
		}
		medium = "document"
	case "toolAddition", "toolRemoval":
		if !t.ToolChanges {
			return refuse("converse_no_field", "field", b.kind)
		}
	}
	if !taken {
		return refuse("converse_no_block", "block", medium)
	}
	if medium != "" && b.object().object("source").has("s3Location") {
		return refuse("converse_no_s3", "path", b.path+"."+medium)
	}
	return nil
}

// cachePointsFit: a model that caches nothing refuses a cache point with an AccessDeniedException, so
// that it looks like a want of permissions.
func cachePointsFit(r *reading) error {
	for _, blocks := range r.cacheable() {
		for i, b := range blocks {
			switch {
			case b.kind != "cachePoint":
			case !r.traits.CachePoints:
				return &Refusal{http.StatusForbidden, "AccessDeniedException", wording.Say("converse_no_caching")}
			case i == 0:
				return refuse("converse_nothing_to_cache")
			case blocks[i-1].kind == "reasoningContent":
				return refuse("converse_cache_after_reasoning")
			}
		}
	}
	return nil
}

// cacheable returns the lists in which cache points may stand, in the order in which prefixes are cached.
func (r *reading) cacheable() [][]block {
	lists := [][]block{readBlocks(r.input.object("toolConfig").list("tools"), "toolConfig.tools"), readBlocks(r.input.list("system"), "system")}
	for _, m := range r.messages {
		lists = append(lists, m.blocks)
	}
	return lists
}

// cachePointLimit is how many cache points a request may have, wherever they stand.
const cachePointLimit = 4

// cachePointsAreFew counts cache points as they are sent: two behind one block are two, though Claude's
// body has room for one there.
func cachePointsAreFew(r *reading) error {
	found := 0
	for _, blocks := range r.cacheable() {
		for _, b := range blocks {
			if b.kind == "cachePoint" {
				found++
			}
		}
	}
	if found > cachePointLimit {
		return Returned(wording.Say("cache_too_many", "limit", cachePointLimit, "found", found))
	}
	return nil
}

// cacheTimesFall is Claude's rule for two cache points behind one block; all others Claude sees for
// itself.
func cacheTimesFall(r *reading) error {
	for _, blocks := range r.cacheable() {
		for i, b := range blocks {
			if i > 0 && b.keptFor() == "1h" && blocks[i-1].keptFor() == "5m" {
				return Returned(wording.Say("cache_ttl_order", "path", b.path+".cache_control.ttl"))
			}
		}
	}
	return nil
}

// keptFor returns the time of a cache point, "" of another block.
func (b block) keptFor() string {
	if b.kind != "cachePoint" {
		return ""
	}
	return cmp.Or(b.object().text("ttl"), "5m")
}

func reasoningIsTaken(r *reading) error {
	for _, m := range r.messages {
		for _, b := range m.of("reasoningContent") {
			switch {
			case !r.traits.Reasoning:
				return refuse("converse_no_field", "field", "reasoningContent")
			case !r.traits.Signatures && b.object().object("reasoningText").has("signature"):
				return refuse("converse_no_field", "field", "reasoningContent.reasoningText.signature")
			}
		}
	}
	return nil
}

func inferenceFits(r *reading) error {
	c, t := r.input.object("inferenceConfig"), r.traits
	if n, ok := c.integer("maxTokens"); ok && n > t.MaxTokens {
		return refuse("converse_too_many_tokens", "limit", t.MaxTokens)
	}
	for _, field := range []struct {
		name  string
		taken bool
	}{{"temperature", t.Sampling}, {"topP", t.Sampling}} {
		if c.has(field.name) && !field.taken {
			return refuse("converse_no_field", "field", field.name)
		}
	}
	if len(c.list("stopSequences")) > 0 && !t.StopSequences {
		return refuse("converse_no_field", "field", "stopSequences")
	}
	return nil
}

func fieldsAreObjects(r *reading) error {
	const name = "additionalModelRequestFields"
	if r.input.has(name) && r.input.object(name) == nil {
		return refuse("converse_not_object", "path", name)
	}
	for _, v := range r.input.list("additionalModelResponseFieldPaths") {
		if path, _ := v.(string); !strings.HasPrefix(path, "/") {
			return refuse("converse_no_pointer", "path", path)
		}
	}
	return nil
}

// betasAreTaken: tool search is InvokeModel's alone (features.json). All other betas are the model's to
// refuse.
func betasAreTaken(r *reading) error {
	for _, v := range r.input.object("additionalModelRequestFields").list("anthropic_beta") {
		if v == "tool-search-tool-2025-10-19" {
			return refuse("converse_no_beta", "beta", "tool-search-tool")
		}
	}
	return nil
}

// outputFits: the schema of outputConfig.textFormat is JSON within a string.
func outputFits(r *reading) error {
	format := r.input.object("outputConfig").object("textFormat")
	if format == nil {
		return nil
	}
	if _, err := schemaOf(format); err != nil {
		return refuse("converse_bad_schema")
	}
	return nil
}

// schemaOf returns the schema of a textFormat.
func schemaOf(format object) (schema map[string]any, err error) {
	d := json.NewDecoder(strings.NewReader(format.object("structure").object("jsonSchema").text("schema")))
	d.UseNumber()
	err = d.Decode(&schema)
	if err == nil && (schema == nil || d.More()) {
		err = errNoObject
	}
	return schema, err
}

func guardrailIsWhole(r *reading) error {
	g := r.input.object("guardrailConfig")
	if g != nil && g.has("guardrailIdentifier") != g.has("guardrailVersion") {
		return refuse("converse_half_guardrail")
	}
	return nil
}

// promptIsNoTemplate: prompts of Prompt management are not here, so there is nothing for variables.
func promptIsNoTemplate(r *reading) error {
	if r.input.has("promptVariables") {
		return refuse("converse_no_field", "field", "promptVariables")
	}
	return nil
}

// choice returns what toolConfig.toolChoice says, "" if it is absent.
func (r *reading) choice() string {
	name, _ := union(r.input.object("toolConfig")["toolChoice"])
	return name
}

// choiceIsTaken reports whether the model takes what toolConfig.toolChoice says.
func (r *reading) choiceIsTaken() bool {
	return r.choice() == "" || slices.Contains(r.traits.ToolChoices, r.choice())
}
