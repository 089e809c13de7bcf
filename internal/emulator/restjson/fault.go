package restjson

import (
	"bytes"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// A SyntaxError says that a request is not what the model describes: not JSON, the wrong JSON type, bad
// base64, no number. AWS answers it with SerializationException and status 400.
type SyntaxError struct {
	Message string
}

// Error returns AWS's sentence.
func (e *SyntaxError) Error() string { return e.Message }

// A ValidationError says which of the model's constraints a request breaks. AWS answers it with
// ValidationException and status 400.
type ValidationError struct {
	Message string
}

// Error returns AWS's sentence.
func (e *ValidationError) Error() string { return e.Message }

func notJSON() error { return &SyntaxError{wording.Say("restjson_not_json")} }

func tooDeep() error {
	return &SyntaxError{wording.Say("restjson_too_deep", "limit", depthLimit)}
}

func badBase64(text string) error {
	if len(text)%4 != 0 {
		return &SyntaxError{wording.Say("restjson_base64_length", "length", len(text))}
	}
	return &SyntaxError{wording.Say("restjson_base64_character")}
}

// javaNames are what AWS's front end calls the types in its sentences.
var javaNames = map[string]string{
	"string": "java.lang.String", "boolean": "java.lang.Boolean", "integer": "java.lang.Integer", "long": "java.lang.Long",
	"float": "java.lang.Float", "double": "java.lang.Double", "byte": "java.lang.Byte", "short": "java.lang.Short",
	"blob": "java.nio.ByteBuffer", "timestamp": "java.util.Date", "list": "java.util.List", "map": "java.util.Map",
}

func javaName(s *shape) string {
	if name, ok := javaNames[s.kind]; ok {
		return name
	}
	return "com.amazon.bedrock." + s.name
}

func (s *shape) scalar() bool { return s.kind != "structure" && s.kind != "list" && s.kind != "map" }

// mismatch says that a JSON value is not of the shape's type.
func mismatch(s *shape, raw []byte) error {
	switch {
	case raw[0] == '{':
		return &SyntaxError{wording.Say("restjson_object_unexpected")}
	case raw[0] == '[':
		return &SyntaxError{wording.Say("restjson_array_unexpected", "type", javaName(s))}
	case raw[0] == 'n':
		return &SyntaxError{wording.Say("restjson_null_unexpected")}
	case !s.scalar():
		return &SyntaxError{wording.Say("restjson_scalar_unexpected")}
	case s.kind == "blob":
		return &SyntaxError{wording.Say("restjson_blob_expected")}
	case s.kind == "boolean" && raw[0] == '"':
		return &SyntaxError{wording.Say("restjson_boolean_expected")}
	}
	short := javaName(s)[strings.LastIndexByte(javaName(s), '.')+1:]
	return &SyntaxError{wording.Say("restjson_cannot_convert", "token", token(raw), "type", short)}
}

// token is the name that AWS's parser has for a value.
func token(raw []byte) string {
	switch {
	case raw[0] == '"':
		return "STRING_VALUE"
	case raw[0] == 't':
		return "TRUE_VALUE"
	case raw[0] == 'f':
		return "FALSE_VALUE"
	case bytes.ContainsAny(raw, ".eE"):
		return "DECIMAL_VALUE"
	}
	return "NUMBER_VALUE"
}
