package jsonedit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

func TestMember(t *testing.T) {
	f := func(name, src, want string, path ...string) {
		t.Run(name, func(t *testing.T) {
			raw, ok := Member([]byte(src), path...)
			if string(raw) != want || ok != (want != "") {
				t.Errorf("Member(%.80q, %q) = %q, %v, want %q", src, path, raw, ok, want)
			}
		})
	}
	f("the first member", deltaEvent, `"content_block_delta"`, "type")
	f("a later member", deltaEvent, `0`, "index")
	f("a member of a member", deltaEvent, `"text_delta"`, "delta", "type")
	f("three levels", startEvent, `25`, "message", "usage", "input_tokens")
	f("an object", `{"a":{"b" : [1] }}`, `{"b" : [1] }`, "a")
	f("no path is the text", ` {} `, ` {} `)
	f("absent", deltaEvent, "", "usage")
	f("absent further down", deltaEvent, "", "delta", "usage")
	f("within what is no object", deltaEvent, "", "type", "x")
	f("the first of a name", `{"a":1,"a":2}`, `1`, "a")
	f("white space all over", "\n{ \"a\"\t:\r\n[ ] , \"b\" : 1.5e3 } ", "1.5e3", "b")
	f("brackets and quotes in strings", `{"a":"}]\"","b":["]\\",{"c":"\\\""}],"d":true}`, `true`, "d")
	f("a name written with escapes", `{"\u0074ype":1}`, `1`, "type")
	f("a name that only looks like the escape", `{"a\u0062":1,"b":2}`, "", `a\u0062`)
	f("a long name written with escapes", `{"\u0061`+strings.Repeat("b", 100)+`":1}`, `1`, "a"+strings.Repeat("b", 100))
	f("a broken escape in another name", `{"\u00zz":1,"a":2}`, "2", "a")
	f("an escape cut off in another name", `{"\u00":1,"\ud83d\u":1,"a":2}`, "2", "a")
	f("a string cut off", `{"type":"mess`, "", "type")
	f("a name cut off", `{"type`, "", "type")
	f("an object cut off", `{"a":{"b":1`, "", "a")
	f("no value", `{"a":}`, "", "a")
	f("no colon", `{"a"}`, "", "a")
	f("not JSON", `event: ping`, "", "type")
	f("empty", ``, "", "type")
	f("a million brackets", `{"b":`+strings.Repeat("[", 1<<20), "", "a")
	f("a million escaped quotes", `{"b":"`+strings.Repeat(`\"`, 1<<20)+`\\","a":1}`, "1", "a")
	f("a million backslashes", `{"b":"`+strings.Repeat(`\\`, 1<<20)+`","a":1}`, "1", "a")
}

func TestElements(t *testing.T) {
	f := func(name, raw string, want ...string) {
		t.Run(name, func(t *testing.T) {
			var got []string
			for element := range Elements([]byte(raw)) {
				got = append(got, string(element))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Elements(%q) (-want +got):\n%s", raw, diff)
			}
		})
	}
	f("none", ` [ ] `)
	f("one", `["a"]`, `"a"`)
	f("of every type", `[ 1 ,"a,]", [2,[3]],{"b":[4]} , true,null ]`, `1`, `"a,]"`, `[2,[3]]`, `{"b":[4]}`, `true`, `null`)
	f("an object has none", `{"a":1}`)
	f("a string has none", `"[1]"`)
	f("nothing has none", ``)
	f("a broken array gives what came before the break", `[1,2,"a`, `1`, `2`)
	f("and no element twice", `[1,,2]`, `1`)
	for element := range Elements([]byte(`[1,2,3]`)) {
		if string(element) == "2" {
			break
		}
		if string(element) == "3" {
			t.Error("Elements goes on after a break")
		}
	}
}

// FuzzMember looks for panics on any text, and on valid text holds Member and Elements against
// encoding/json.
func FuzzMember(f *testing.F) {
	for _, file := range recordings.JSONSuite(f) {
		if len(file.Data) < 4<<10 {
			f.Add(file.Data, "a", "b")
		}
	}
	f.Add([]byte(deltaEvent), "delta", "type")
	f.Add([]byte(startEvent), "message", "usage")
	f.Add([]byte(`{"\u0061":{"b":[1,"]"]},"a":2}`), "a", "b")
	f.Fuzz(func(t *testing.T, src []byte, first, second string) {
		raw, ok := Member(src, first)
		if ok && !bytes.Contains(src, raw) {
			t.Fatalf("Member = %q, which is not in the text", raw)
		}
		deeper, deeperOK := Member(src, first, second)
		elements := slices.Collect(Elements(src))
		if !json.Valid(src) || !utf8.Valid(src) {
			return
		}
		want, wantOK := decodeMember(t, src, first)
		if ok != wantOK || !bytes.Equal(raw, want) {
			t.Fatalf("Member(%q) = %q, %v; encoding/json says %q, %v", first, raw, ok, want, wantOK)
		}
		want, wantOK = decodeMember(t, want, second)
		if deeperOK != wantOK || !bytes.Equal(deeper, want) {
			t.Fatalf("Member(%q, %q) = %q, %v; encoding/json says %q, %v", first, second, deeper, deeperOK, want, wantOK)
		}
		var array []json.RawMessage
		if json.Unmarshal(src, &array) != nil {
			array = nil
		}
		if !slices.EqualFunc(elements, array, func(a []byte, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("Elements = %q; encoding/json says %q", elements, array)
		}
	})
}

// decodeMember returns the first member called name of src if that is an object.
func decodeMember(t *testing.T, src []byte, name string) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(src))
	if brace, err := d.Token(); err != nil || brace != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if key == name {
			return value, true
		}
	}
	return nil, false
}
