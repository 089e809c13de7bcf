package converse

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// anthropicVersion is what Converse itself puts into Claude's bodies; every Claude model takes it.
const anthropicVersion = "bedrock-2023-05-31"

// A translation is one input on its way to Claude.
type translation struct{ budget *claude.Budget } // for its documents

// Messages translates an input that Check has passed into the body that Claude's InvokeModel takes.
// The error is a *Refusal.
func Messages(input map[string]any, traits Traits) ([]byte, error) {
	in, t := object(input), translation{claude.NewBudget()}
	messages, removed, err := t.conversation(in)
	if err != nil {
		return nil, err
	}
	body := object{"anthropic_version": anthropicVersion, "max_tokens": traits.DefaultTokens, "messages": messages}
	if system := t.content(readBlocks(in.list("system"), "system")); len(system) > 0 {
		body["system"] = system
	}
	if tools := readTools(in.object("toolConfig")); len(tools) > 0 {
		body["tools"] = tools
	}
	if choice := toolChoice(in.object("toolConfig")); choice != nil {
		body["tool_choice"] = choice
	}
	addInference(body, in.object("inferenceConfig"))
	if err := addOutput(body, in.object("outputConfig")); err != nil {
		return nil, err
	}
	if err := addFields(body, in.object("additionalModelRequestFields")); err != nil {
		return nil, err
	}
	dropTools(body, removed)
	return json.Marshal(body)
}

// dropTools takes the tools away that the conversation has taken away.
func dropTools(body object, removed map[string]bool) {
	gone := func(v any) bool {
		t := asOwn(v)
		if t == nil {
			t = asObject(v) // of additionalModelRequestFields
		}
		return removed[t.text("name")]
	}
	if tools := body.list("tools"); slices.ContainsFunc(tools, gone) {
		if body["tools"] = slices.DeleteFunc(slices.Clone(tools), gone); len(body.list("tools")) == 0 {
			delete(body, "tools")
		}
	}
}

func addInference(body, config object) {
	for from, to := range map[string]string{"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p"} {
		if config.has(from) {
			body[to] = config[from]
		}
	}
	if stops := config.list("stopSequences"); len(stops) > 0 {
		body["stop_sequences"] = stops
	}
}

func addOutput(body, config object) error {
	output := object{}
	if effort := config.text("effort"); effort != "" {
		output["effort"] = effort
	}
	if format := config.object("textFormat"); format != nil {
		schema, err := schemaOf(format)
		if err != nil {
			return refuse("converse_bad_schema")
		}
		output["format"] = object{"type": "json_schema", "schema": schema}
	}
	if len(output) > 0 {
		body["output_config"] = output
	}
	return nil
}

// addFields merges additionalModelRequestFields into the body. tools are added to those of toolConfig
// and output_config to outputConfig, as AWS documents for computer use; anything else that Converse
// has a place for must stand there.
func addFields(body, fields object) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		had, taken := body[name]
		switch old := had.(type) {
		case []any:
			if more, ok := value.([]any); ok && name == "tools" {
				body[name] = slices.Concat(old, more)
				continue
			}
		case object:
			if more := asObject(value); more != nil && name == "output_config" && !overlap(old, more) {
				merged := maps.Clone(old)
				maps.Copy(merged, more)
				body[name] = merged
				continue
			}
		}
		if taken && name != "anthropic_version" {
			return refuse("converse_field_conflict", "field", name)
		}
		body[name] = value
	}
	return nil
}

func overlap(a, b object) bool {
	for name := range a {
		if _, ok := b[name]; ok {
			return true
		}
	}
	return false
}

func toolChoice(config object) object {
	kind, value := union(config["toolChoice"])
	if kind == "" {
		return nil
	}
	choice := object{"type": kind}
	if kind == "tool" {
		choice["name"] = asObject(value).text("name")
	}
	return choice
}

// readTools returns toolConfig.tools as Claude takes them, cache points on the tools before them.
func readTools(config object) []any {
	var out []any
	for _, b := range readBlocks(config.list("tools"), "toolConfig.tools") {
		switch b.kind {
		case "toolSpec":
			out = append(out, tool(b.object()))
		case "cachePoint":
			mark(out, b.object())
		}
	}
	return out
}

func tool(spec object) object {
	t := object{"name": spec.text("name"), "input_schema": spec.object("inputSchema")["json"]}
	if spec.has("description") {
		t["description"] = spec["description"]
	}
	if spec.has("strict") {
		t["strict"] = spec["strict"]
	}
	return t
}

// mark puts a cache point on what stands before it, as cache_control.
func mark(before []any, point object) {
	if len(before) == 0 {
		return // covers nothing
	}
	control := object{"type": "ephemeral"}
	if ttl := point.text("ttl"); ttl != "" {
		control["ttl"] = ttl
	}
	if last, ok := before[len(before)-1].(object); ok {
		last["cache_control"] = control
	}
}

// conversation returns messages as Claude takes them, and the names of the tools that toolRemoval has
// taken away for good.
func (t translation) conversation(in object) (messages []any, removed map[string]bool, err error) {
	removed = map[string]bool{}
	messages = []any{}
	known := toolNames(in)
	for _, m := range readMessages(in) {
		for _, b := range m.blocks {
			if b.kind != "toolAddition" && b.kind != "toolRemoval" {
				continue
			}
			name := b.object().object("tool").text("name")
			if !known[name] {
				return nil, nil, refuse("converse_unknown_tool", "path", b.path+"."+b.kind+".tool.name", "tool", name)
			}
			removed[name] = b.kind == "toolRemoval"
		}
		blocks := t.content(m.blocks)
		if len(blocks) > 0 {
			messages = append(messages, object{"role": m.role, "content": blocks})
		} else if n := len(messages); n > 0 { // cache points alone end what is before
			previous := asOwn(messages[n-1])
			for _, b := range m.of("cachePoint") {
				mark(previous.list("content"), b.object())
			}
		}
	}
	return messages, removed, nil
}

// asOwn is asObject for what this package has made.
func asOwn(v any) object {
	o, _ := v.(object)
	return o
}

func toolNames(in object) map[string]bool {
	names := map[string]bool{}
	for _, v := range in.object("toolConfig").list("tools") {
		names[asObject(v).object("toolSpec").text("name")] = true
	}
	for _, v := range in.object("additionalModelRequestFields").list("tools") {
		names[asObject(v).text("name")] = true
	}
	return names
}

// content returns blocks as Claude takes them, cache points on the blocks before them.
func (t translation) content(blocks []block) []any {
	var out []any
	for _, b := range blocks {
		if b.kind == "cachePoint" {
			mark(out, b.object())
			continue
		}
		out = append(out, t.claudeBlocks(b)...)
	}
	return out
}

// claudeBlocks returns what a block is to Claude: mostly one block, none for what only Converse reads.
func (t translation) claudeBlocks(b block) []any {
	o := b.object()
	switch b.kind {
	case "text":
		return []any{textBlock(b.text())}
	case "json":
		return []any{textBlock(compact(b.value))}
	case "image":
		return []any{imageBlock(o)}
	case "document":
		return []any{t.documentBlock(o)}
	case "toolUse":
		return []any{object{"type": "tool_use", "id": o.text("toolUseId"), "name": o.text("name"), "input": o["input"]}}
	case "toolResult":
		return []any{t.toolResultBlock(b)}
	case "searchResult":
		return []any{searchResultBlock(o)}
	case "reasoningContent":
		return []any{reasoningBlock(o)}
	case "citationsContent":
		return []any{citedBlock(o)}
	case "guardContent":
		return guardedBlocks(o)
	}
	return nil
}

func textBlock(text string) object { return object{"type": "text", "text": text} }

func imageBlock(o object) object {
	return object{"type": "image", "source": object{"type": "base64", "media_type": "image/" + o.text("format"), "data": o.object("source").bytes("bytes")}}
}

func (t translation) toolResultBlock(b block) object {
	out := object{"type": "tool_result", "tool_use_id": b.object().text("toolUseId")}
	if inner := t.content(b.inner()); len(inner) > 0 {
		out["content"] = inner
	}
	if b.object().text("status") == "error" {
		out["is_error"] = true
	}
	return out
}

func searchResultBlock(o object) object {
	out := object{"type": "search_result", "source": o.text("source"), "title": o.text("title"), "content": texts(o.list("content"))}
	addCitations(out, o)
	return out
}

// texts returns the texts of a list of blocks that hold nothing else.
func texts(list []any) []any {
	out := []any{}
	for _, v := range list {
		out = append(out, textBlock(asObject(v).text("text")))
	}
	return out
}

func addCitations(block, from object) {
	if c := from.object("citations"); c != nil {
		block["citations"] = object{"enabled": c.is("enabled")}
	}
}

// reasoningBlock: what Converse calls redacted content are the bytes of Claude's data.
func reasoningBlock(o object) object {
	if redacted := o.bytes("redactedContent"); redacted != nil {
		return object{"type": "redacted_thinking", "data": string(redacted)}
	}
	t := o.object("reasoningText")
	return object{"type": "thinking", "thinking": t.text("text"), "signature": t.text("signature")}
}

func guardedBlocks(o object) []any {
	switch {
	case o.has("text"):
		return []any{textBlock(o.object("text").text("text"))}
	case o.has("image"):
		return []any{imageBlock(o.object("image"))}
	}
	return nil
}

// compact returns v as JSON.
func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null" // not with what was read as JSON
	}
	return string(text)
}
