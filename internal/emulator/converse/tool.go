package converse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var errNoObject = errors.New("not a JSON object")

func toolsAreTaken(r *reading) error {
	config := r.input.object("toolConfig")
	if config == nil {
		return nil
	}
	switch {
	case r.streaming && !r.traits.StreamedTools:
		return refuse("converse_no_streamed_tools")
	case !r.traits.Tools:
		return refuse("converse_no_tools")
	case !r.choiceIsTaken():
		return refuse("converse_no_field", "field", "toolConfig.toolChoice."+r.choice())
	}
	for i, v := range config.list("tools") {
		if asObject(v).has("systemTool") {
			return refuse("converse_no_field", "field", fmt.Sprintf("toolConfig.tools.%d.systemTool", i))
		}
	}
	return nil
}

func toolConfigIsThere(r *reading) error {
	for _, m := range r.messages {
		if r.input.object("toolConfig") == nil && m.has("toolUse", "toolResult") {
			return refuse("converse_no_tool_config")
		}
	}
	return nil
}

func toolSpecsAreObjects(r *reading) error {
	for i, v := range r.input.object("toolConfig").list("tools") {
		if spec := asObject(v).object("toolSpec"); spec != nil && spec.object("inputSchema").object("json") == nil {
			return refuse("converse_not_object", "path", fmt.Sprintf("toolConfig.tools.%d.toolSpec.inputSchema.json", i))
		}
	}
	return nil
}

func toolBlocksAreObjects(r *reading) error {
	for _, m := range r.messages {
		for _, b := range m.of("toolUse") {
			if b.object().object("input") == nil {
				return refuse("converse_not_object", "path", b.path+".toolUse.input")
			}
		}
		for _, b := range m.of("toolResult") {
			if b.object().text("status") == "error" && len(b.inner()) == 0 {
				return refuse("converse_empty_error", "path", b.path+".toolResult")
			}
			for _, in := range b.inner() {
				if in.kind == "json" && in.object() == nil {
					return refuse("converse_not_object", "path", in.path+".json")
				}
			}
		}
	}
	return nil
}

// toolTurnsPair: what one message calls, the next one answers, all of it and nothing else.
func toolTurnsPair(r *reading) error {
	var called []string
	for i, m := range r.messages {
		uses, results := ids(m.of("toolUse")), ids(m.of("toolResult"))
		switch {
		case repeated(uses) != "":
			return refuse("converse_duplicate_ids", "blocks", "toolUse", "path", m.path+".content", "ids", repeated(uses))
		case repeated(results) != "":
			return refuse("converse_duplicate_ids", "blocks", "toolResult", "path", m.path+".content", "ids", repeated(results))
		case len(results) > len(called):
			return refuse("converse_too_many_results", "path", m.path+".content")
		}
		if err := answered(called, results, m.path); err != nil {
			return err
		}
		called = uses
		if len(called) > 0 && i == len(r.messages)-1 {
			return answered(called, nil, fmt.Sprintf("messages.%d", i+1))
		}
	}
	return nil
}

// answered reports which of the calls no result answers.
func answered(called, results []string, path string) error {
	given := map[string]bool{}
	for _, id := range results {
		given[id] = true
	}
	missing := slices.DeleteFunc(slices.Clone(called), func(id string) bool { return given[id] })
	if len(missing) == 0 {
		return nil
	}
	return refuse("converse_expected_results", "path", path+".content", "ids", strings.Join(missing, ", "))
}

func ids(blocks []block) (out []string) {
	for _, b := range blocks {
		out = append(out, b.object().text("toolUseId"))
	}
	return out
}

// repeated returns the first of names that stands twice, "" for none.
func repeated(names []string) string {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return name
		}
		seen[name] = true
	}
	return ""
}

func turnsAreNotMixed(r *reading) error {
	if r.traits.MixedTurns {
		return nil
	}
	for _, m := range r.messages {
		for _, kind := range []struct{ name, words string }{{"toolUse", "tool use"}, {"toolResult", "tool result"}} {
			if n := len(m.of(kind.name)); n > 0 && n < len(m.blocks) {
				return refuse("converse_mixed_turn", "path", m.path+".content", "blocks", kind.words)
			}
		}
	}
	return nil
}
