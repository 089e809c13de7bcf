package claude

import (
	"encoding/json"
	"regexp"
	"slices"
)

// propertyName is how members at the top of an input_schema may be called.
var propertyName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// schemaWord returns what may stand at a word of JSON Schema draft 2020-12; other words, nil, are taken
// with anything. The draft ended what older ones allowed: exclusiveMinimum true, an array of items,
// required beside a member.
func schemaWord(name string) func(v any) bool {
	switch name {
	case "type":
		return soundType
	case "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties":
		return soundSchema
	case "$defs", "definitions", "dependentSchemas", "patternProperties", "properties":
		return schemasByName
	case "allOf", "anyOf", "oneOf", "prefixItems":
		return someSchemas
	case "enum", "examples":
		return isList
	case "required":
		return uniqueStrings
	case "exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf":
		return isNumber
	case "maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength", "minProperties":
		return isCount
	case "$anchor", "$comment", "$id", "$ref", "$schema", "description", "format", "pattern", "title":
		return isString
	case "deprecated", "readOnly", "uniqueItems", "writeOnly":
		return isBool
	}
	return nil
}

// soundSchema reports whether v is a schema of the draft: true, false, or an object of its words.
func soundSchema(v any) bool {
	if isBool(v) {
		return true
	}
	o, ok := v.(map[string]any)
	if !ok {
		return false
	}
	for name, value := range o {
		if sound := schemaWord(name); sound != nil && !sound(value) {
			return false
		}
	}
	return true
}

var schemaTypes = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

func soundType(v any) bool {
	if s, ok := v.(string); ok {
		return slices.Contains(schemaTypes, s)
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return false
	}
	for _, t := range list {
		if s, ok := t.(string); !ok || !slices.Contains(schemaTypes, s) {
			return false
		}
	}
	return uniqueStrings(v)
}

func schemasByName(v any) bool {
	o, ok := v.(map[string]any)
	for _, schema := range o {
		ok = ok && soundSchema(schema)
	}
	return ok
}

func someSchemas(v any) bool {
	list, ok := v.([]any)
	for _, schema := range list {
		ok = ok && soundSchema(schema)
	}
	return ok && len(list) > 0
}

func uniqueStrings(v any) bool {
	list, ok := v.([]any)
	seen := map[string]bool{}
	for _, item := range list {
		s, isText := item.(string)
		if !isText || seen[s] {
			return false
		}
		seen[s] = true
	}
	return ok
}

func isList(v any) bool   { _, ok := v.([]any); return ok }
func isBool(v any) bool   { _, ok := v.(bool); return ok }
func isString(v any) bool { _, ok := v.(string); return ok }
func isNumber(v any) bool { _, ok := v.(json.Number); return ok }

func isCount(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	i, ok := whole(n)
	return ok && i >= 0
}

// closedSchema reports whether every object of a schema says that it has no further members.
func closedSchema(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !closedSchema(item) })
	case map[string]any:
		if object(v).text("type") == "object" && v["additionalProperties"] != false {
			return false
		}
		for name, value := range v {
			if name != "const" && name != "enum" && name != "default" && name != "examples" && !closedSchema(value) {
				return false
			}
		}
	}
	return true
}
