package claude

import (
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// toolTypesAreTheModels: each type of tool is some models' only.
func toolTypesAreTheModels(r *Request, in Setting) error {
	for _, t := range r.tools {
		i := slices.IndexFunc(definedTools, func(d definedTool) bool { return d.kind == t.kind })
		if i >= 0 && !definedTools[i].on(in.Model.Released) {
			return refuse("tool_type_model", "model", in.Model.FirstPartyID, "type", t.kind, "types", strings.Join(typesOn(in.Model), ", "))
		}
	}
	return nil
}

// typesOn returns the types of tools that a model takes without a beta.
func typesOn(m catalog.Model) []string {
	var out []string
	for _, d := range definedTools {
		if d.on(m.Released) && d.beta == "" {
			out = append(out, d.kind)
		}
	}
	return out
}

func toolNamesAreUnique(r *Request, _ Setting) error {
	seen := map[string]bool{}
	for _, t := range r.tools {
		if seen[t.name] {
			return refuse("tool_name_twice")
		}
		seen[t.name] = true
	}
	return nil
}

// schemasAreSound: an input_schema is one of JSON Schema draft 2020-12, has no choice at its top, and
// its members have plain names.
func schemasAreSound(r *Request, _ Setting) error {
	for _, t := range r.tools {
		if t.kind != "custom" {
			continue
		}
		schema, path := t.object.object("input_schema"), t.path+".custom.input_schema"
		for _, name := range []string{"oneOf", "allOf", "anyOf"} {
			if schema.has(name) {
				return refuse("schema_choice", "path", path)
			}
		}
		if !soundSchema(map[string]any(schema)) {
			return refuse("schema_invalid", "path", path)
		}
		for name := range schema.object("properties") {
			if !propertyName.MatchString(name) {
				return refuse("schema_property", "path", path+".properties", "pattern", propertyName)
			}
		}
	}
	return nil
}

// strictSchemasAreClosed: a strict tool takes no members that its schema does not have.
func strictSchemasAreClosed(r *Request, _ Setting) error {
	for _, t := range r.tools {
		if t.is("strict") && t.kind == "custom" && !closedSchema(t.object["input_schema"]) {
			return refuse("schema_open", "path", t.path+".custom")
		}
	}
	return nil
}

// someToolIsLoaded: tool search cannot find what nothing calls. Single tools are counted by themselves.
func someToolIsLoaded(r *Request, in Setting) error {
	if len(r.tools) > 0 && !in.Counting && !slices.ContainsFunc(r.tools, func(t tool) bool { return !t.deferred }) {
		return refuse("tools_all_deferred")
	}
	return nil
}

func deferredToolsAreUncached(r *Request, _ Setting) error {
	for _, t := range r.tools {
		if t.deferred && t.cache != nil {
			return refuse("deferred_cached", "name", t.name)
		}
	}
	return nil
}

func choiceHasItsTool(r *Request, _ Setting) error {
	switch {
	case len(r.tools) == 0 && r.choice.kind != "" && r.choice.kind != "none":
		return refuse("choice_without_tools", "kind", r.choice.kind)
	case r.choice.kind == "tool" && r.tool(r.choice.name) == nil:
		return refuse("choice_unknown_tool", "name", r.choice.name)
	}
	return nil
}

// forced reports whether the model has to use a tool.
func (c choice) forced() bool { return c.kind == "any" || c.kind == "tool" }

// choiceIsTheModels: the newest models choose for themselves, and most do not think when they are
// made to use a tool.
func choiceIsTheModels(r *Request, in Setting) error {
	switch allowed := in.Model.ForcedToolChoice; {
	case !r.choice.forced():
	case allowed == catalog.Never:
		return refuse("choice_forced")
	case allowed == catalog.WithoutThinking && r.thinkingIsOn(in.Model):
		return refuse("choice_forced_thinking")
	}
	return nil
}
