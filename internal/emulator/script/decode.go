package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A fault is something wrong at a place of a script.
type fault struct {
	path    string // steps[2].failure.code
	message string
}

// A decoder reads a script file. It goes on after a fault, so that all are told at once.
type decoder struct {
	lines  map[string]int // on which the value at a path begins
	faults []fault
}

// A file is a script as JSON.
type file struct {
	Steps []Step `json:"steps"`
}

// read decodes data. What could not be read is among the faults and stays empty.
func (d *decoder) read(data []byte) (f file) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // as some editors put in front
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		d.notJSON(data, err)
		return f
	}
	d.value(parse(data), "", reflect.ValueOf(&f).Elem())
	if f.Steps == nil && len(d.faults) == 0 {
		d.fault("", "steps is missing: the list of what comes of which call")
	}
	return f
}

func (d *decoder) notJSON(data []byte, err error) {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		d.lines[""] = 1 + bytes.Count(data[:min(syntax.Offset, int64(len(data)))], []byte("\n"))
	}
	d.fault("", "not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// maxFaults is how many faults of a script file are told.
const maxFaults = 100

func (d *decoder) full() bool { return len(d.faults) > maxFaults } // one more than is told

func (d *decoder) fault(path, format string, args ...any) {
	if d.full() {
		return
	}
	d.faults = append(d.faults, fault{path, fmt.Sprintf(format, args...)})
}

// value reads a node into v.
func (d *decoder) value(n *node, path string, v reflect.Value) {
	d.lines[path] = n.line
	switch to := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*to = n.raw
		return
	case *Duration:
		d.duration(n, path, to)
		return
	case *Blocks:
		if n.kind == aString {
			*to = Blocks{{Type: "text", Text: n.text()}}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, path, v.Elem())
	case reflect.Struct:
		d.object(n, path, v)
	case reflect.Map:
		d.dictionary(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	default:
		d.scalar(n, path, v)
	}
}

func (d *decoder) scalar(n *node, path string, v reflect.Value) {
	want := map[reflect.Kind]string{reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: "a whole number"}[v.Kind()]
	if n.kind == aNull || json.Unmarshal(n.raw, v.Addr().Interface()) != nil {
		d.fault(path, "want %s, got %s", want, n)
	}
}

func (d *decoder) duration(n *node, path string, to *Duration) {
	parsed, err := time.ParseDuration(n.text())
	if err != nil {
		d.fault(path, `want a duration like "1.5s" or "200ms", got %s`, n)
	}
	*to = Duration(parsed)
}

func (d *decoder) list(n *node, path string, v reflect.Value) {
	if n.kind != aList {
		d.fault(path, "want a list, got %s", n)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
	}
}

func (d *decoder) object(n *node, path string, v reflect.Value) {
	fields := map[string]reflect.Value{}
	var known []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		fields[name] = v.Field(i)
		known = append(known, name)
	}
	slices.Sort(known)
	d.members(n, path, func(name, path string, n *node) {
		if field, ok := fields[name]; ok {
			d.value(n, path, field)
			return
		}
		d.lines[path] = n.line
		d.fault(path, "unknown; known here: %s", strings.Join(known, ", "))
	})
}

func (d *decoder) dictionary(n *node, path string, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.members(n, path, func(name, path string, n *node) {
		member := reflect.New(v.Type().Elem()).Elem()
		d.value(n, path, member)
		v.SetMapIndex(reflect.ValueOf(name), member)
	})
}

// members calls do for each member of an object, which may have each but once.
func (d *decoder) members(n *node, path string, do func(name, path string, n *node)) {
	if n.kind != anObject {
		d.fault(path, "want an object, got %s", n)
		return
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		inner := join(path, m.name)
		if seen[m.name] {
			d.lines[inner] = m.value.line
			d.fault(inner, "stands twice")
			continue
		}
		seen[m.name] = true
		do(m.name, inner, m.value)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// line returns the line of a path, or of the nearest value around it.
func (d *decoder) line(path string) int {
	for {
		if line, ok := d.lines[path]; ok || path == "" {
			return max(1, line)
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}
