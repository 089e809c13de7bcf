package jsonedit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

func parse(t testing.TB, src string) *Object {
	t.Helper()
	o, err := Parse([]byte(src))
	if err != nil {
		t.Fatalf("Parse(%q): %v", src, err)
	}
	return o
}

func TestEdit(t *testing.T) {
	set := func(name, raw string) func(*Object) { return func(o *Object) { o.Set(name, []byte(raw)) } }
	del := func(name string) func(*Object) { return func(o *Object) { o.Delete(name) } }
	f := func(name, src, want string, edits ...func(*Object)) {
		t.Run(name, func(t *testing.T) {
			o := parse(t, src)
			for _, edit := range edits {
				edit(o)
			}
			got := string(o.AppendTo([]byte("> ")))
			if got != "> "+want {
				t.Errorf("from %q: got %q, want %q", src, got[2:], want)
			}
			if !json.Valid([]byte(want)) {
				t.Errorf("want %q is not valid JSON", want)
			}
			if o.Len() != len(want) {
				t.Errorf("Len = %d, want %d", o.Len(), len(want))
			}
		})
	}
	f("nothing done leaves odd text as it is", "\r\n{ \t\"a\" :1E+2 ,\n\"b\"\n:\n\"\\u0041\xff\" }\n", "\r\n{ \t\"a\" :1E+2 ,\n\"b\"\n:\n\"\\u0041\xff\" }\n")
	f("a value is replaced in its place", ` { "a" : 1 , "b" : [ 2 ] , "c" : 3 } `, ` { "a" : 1 , "b" : "x" , "c" : 3 } `, set("b", `"x"`))
	f("all values are replaced", `{"a":1,"b":2}`, `{"a":3,"b":4}`, set("a", "3"), set("b", "4"))
	f("a name written with escapes keeps its spelling", `{"\u006dodel":1}`, `{"\u006dodel":2}`, set("model", "2"))
	f("a new member goes to the end", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\"b\":2\n}\n", set("b", "2"))
	f("a new member in an empty object has no comma", `{ }`, `{"a":1 }`, set("a", "1"))
	f("two new members in an empty object", `{}`, `{"a":1,"b":2}`, set("a", "1"), set("b", "2"))
	f("a new name is escaped", `{}`, `{"a\"\\\u0001\nß":1}`, set("a\"\\\x01\nß", "1"))
	f("the first member goes", ` { "a" : 1 , "b" : 2 } `, ` { "b" : 2 } `, del("a"))
	f("a middle member goes", `{ "a" : 1 , "b" : 2 , "c" : 3 }`, `{ "a" : 1 , "c" : 3 }`, del("b"))
	f("the last member goes", "{\n \"a\": 1 ,\n \"b\": 2\n}", "{\n \"a\": 1 \n}", del("b"))
	f("the only member goes", " {\n \"a\": 1\n} ", " {\n} ", del("a"))
	f("all go", `{"a":1,"b":2,"c":3}`, `{}`, del("b"), del("a"), del("c"))
	f("the first two go", `{"a":1,"b":2,"c":3}`, `{"c":3}`, del("a"), del("b"))
	f("all but the middle go", `{"a":1,"b":2,"c":3}`, `{"b":2}`, del("a"), del("c"))
	f("the first goes and the second is replaced", `{"a":1, "b":2}`, `{ "b":3}`, del("a"), set("b", "3"))
	f("the only member goes and another comes", `{ "a":1 }`, `{"b":2 }`, del("a"), set("b", "2"))
	f("a member that went and comes again stands at the end", `{"a":1,"b":2}`, `{"b":2,"a":3}`, del("a"), set("a", "3"))
	f("a new member goes again", `{"a":1}`, `{"a":1}`, set("b", "2"), del("b"))
	f("the last of several settings holds", `{"a":1}`, `{"a":4,"b":5}`, set("a", "2"), set("b", "3"), set("a", "4"), set("b", "5"))
	f("a replaced member goes", `{"a":1,"b":2}`, `{"b":2}`, set("a", "9"), del("a"))
	f("no change by deleting what is not there", `{"a":1}`, `{"a":1}`, del("b"))
	f("no change by setting what is there", `{"a": 1}`, `{"a": 1}`, set("a", "1"))
	f("a name that is not UTF-8 is one name", `{}`, `{"`+"\ufffd"+`":2}`, set("\xff", "1"), set("\xff", "2"))
	f("a name that is not UTF-8 is found", "{\"a\xff\":1,\"b\":2}", `{"b":2}`, del("a\xff"))
	f("members of one name stay as they came", ` { "a" : 1 , "b":2, "\u0061" : 3, "b":4} `, ` { "a" : 1 , "b":2, "\u0061" : 3, "b":4} `)
	f("another member is set beside two of one name", `{"a":1,"a":2}`, `{"a":1,"a":2,"b":3}`, set("b", "3"))
	f("of two the last is replaced and the first goes", `{"a":1, "b":2, "\u0061":3, "c":4}`, `{ "b":2, "\u0061":5, "c":4}`, set("a", "5"))
	f("of two the last stays when it is set to what it is", `{"a":1, "b":2, "a": 3}`, `{ "b":2, "a": 3}`, set("a", "3"))
	f("of three the last is replaced and the others go", `{"a":1,"a":2,"b":0,"a":3}`, `{"b":0,"a":4}`, set("a", "4"))
	f("all of one name go", `{"a":1,"b":2,"a":3,"a":4,"c":5,"a":6}`, `{"b":2,"c":5}`, del("a"))
	f("all go, which are of one name", `{ "a":1, "a":2 }`, `{ }`, del("a"))
	f("all of one name go and it comes again at the end", `{"a":1,"b":2,"a":3}`, `{"b":2,"a":4}`, del("a"), set("a", "4"))
	f("of two of a name that is not UTF-8 the last is replaced", "{\"a\xff\":1,\"a\xfe\":2}", "{\"a\xfe\":3}", set("a\xff", "3"))
	f("the empty name is a name", `{"":1}`, `{"":2}`, set("", "2"))
}

func TestGet(t *testing.T) {
	o := parse(t, `{"a": [1, 2] ,"\u00df\ud83d\ude00":"x","n":null}`)
	f := func(name, want string, wantOK bool) {
		t.Helper()
		if raw, ok := o.Get(name); string(raw) != want || ok != wantOK {
			t.Errorf("Get(%q) = %q, %v, want %q, %v", name, raw, ok, want, wantOK)
		}
	}
	f("a", "[1, 2]", true)
	f("ß😀", `"x"`, true)
	f("n", "null", true)
	f("A", "", false)
	o.Set("a", []byte("3"))
	f("a", "3", true)
	o.Set("new", []byte("{}"))
	f("new", "{}", true)
	o.Delete("a")
	f("a", "", false)
	o.Set("a", []byte("4"))
	f("a", "4", true)

	o = parse(t, `{"a":1,"b":2,"\u0061":3,"c":4,"b":5}`)
	f("a", "3", true)
	f("b", "5", true)
	o.Set("b", []byte("6"))
	f("b", "6", true)
	f("a", "3", true)
	o.Delete("a")
	f("a", "", false)
}

func TestGetDoesNotLendTheBytesBehindAValue(t *testing.T) {
	src := []byte(`{"a":[1],"b":2}`)
	o, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := o.Get("a")
	_ = append(raw, "xxxx"...)
	for element := range Elements(raw) {
		_ = append(element, "xxxx"...)
	}
	raw, _ = Member(src, "a")
	_ = append(raw, "xxxx"...)
	if got, want := string(src), `{"a":[1],"b":2}`; got != want {
		t.Errorf("after appends to values: %q, want %q", got, want)
	}
	// A value that was set is lent just as little.
	room := []byte("34")
	o.Set("a", room[:1])
	raw, _ = o.Get("a")
	_ = append(raw, 'x')
	if string(room) != "34" {
		t.Errorf("after an append to a value that was set: %q, want 34", room)
	}
}

func TestChanged(t *testing.T) {
	f := func(name string, want bool, edit func(*Object)) {
		t.Helper()
		o := parse(t, `{"a": 1}`)
		if edit(o); o.Changed() != want {
			t.Errorf("%s: Changed = %v, want %v", name, o.Changed(), want)
		}
	}
	f("nothing done", false, func(o *Object) { o.Get("a") })
	f("a member set to what it is", false, func(o *Object) { o.Set("a", []byte("1")) })
	f("what is not there deleted", false, func(o *Object) { o.Delete("b") })
	f("a member set", true, func(o *Object) { o.Set("a", []byte("2")) })
	f("a member added", true, func(o *Object) { o.Set("b", []byte("2")) })
	f("a member deleted", true, func(o *Object) { o.Delete("a") })
	two := func(edit func(*Object)) func(*Object) {
		return func(o *Object) { *o = *parse(t, `{"a":1,"a":2}`); edit(o) }
	}
	f("two of one name", false, two(func(o *Object) { o.Get("a") }))
	f("the last of two set to what it is", true, two(func(o *Object) { o.Set("a", []byte("2")) }))
	f("two deleted", true, two(func(o *Object) { o.Delete("a") }))
	f("a member set back", true, func(o *Object) { o.Set("a", []byte("2")); o.Set("a", []byte("1")) })
}

func TestMembers(t *testing.T) {
	o := parse(t, `{"b":1,"\u0061":[2],"c":3,"d":4}`)
	o.Set("b", []byte("5"))
	o.Delete("c")
	o.Set("e", []byte("6"))
	var got []string
	for name, raw := range o.Members() {
		got = append(got, name+"="+string(raw))
		if name == "d" {
			break
		}
	}
	if diff := cmp.Diff([]string{"b=5", "a=[2]", "d=4"}, got); diff != "" {
		t.Errorf("Members until d (-want +got):\n%s", diff)
	}
}

func TestAppendChunks(t *testing.T) {
	src := `{ "a":1, "b":2, "c":3, "d":4 }`
	f := func(name string, edit func(*Object), want ...string) {
		t.Run(name, func(t *testing.T) {
			o := parse(t, src)
			edit(o)
			var got []string
			for _, chunk := range o.AppendChunks(nil) {
				got = append(got, string(chunk))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("AppendChunks (-want +got):\n%s", diff)
			}
		})
	}
	f("what is unchanged is one piece", func(*Object) {}, src)
	f("a value set stands between two", func(o *Object) { o.Set("b", []byte(`"x"`)) },
		`{ "a":1, "b":`, `"x"`, `, "c":3, "d":4 }`)
	f("a member deleted leaves two", func(o *Object) { o.Delete("b") }, `{ "a":1`, `, "c":3, "d":4 }`)
	f("a member added stands before the tail", func(o *Object) { o.Set("e", []byte("5")) },
		`{ "a":1, "b":2, "c":3, "d":4`, `,"e":`, `5`, ` }`)
}

func TestParseRefuses(t *testing.T) {
	f := func(name, src string, kind error, want string) {
		t.Run(name, func(t *testing.T) {
			o, err := Parse([]byte(src))
			if o != nil || !errors.Is(err, kind) || err.Error() != want {
				t.Errorf("Parse(%.80q) = %v, %v; want %v: %s", src, o, err, kind, want)
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Kind != kind {
				t.Errorf("error is %#v, want a SyntaxError of kind %v", err, kind)
			}
		})
	}
	f("an empty text", "", ErrSyntax, "expected an object, found the end of the text (byte 0)")
	f("white space only", " \n", ErrSyntax, "expected an object, found the end of the text (byte 2)")
	f("words", "hello", ErrSyntax, "expected an object, found 'h' (byte 0)")
	f("a byte order mark", "\ufeff{}", ErrSyntax, "expected an object, found a byte order mark (byte 0)")
	f("UTF-16", "{\x00}\x00", ErrSyntax, "expected a member name in double quotes, found byte 0x00 (byte 1)")
	f("an array", " [1]", ErrNotObject, "expected an object, found '[' (byte 1)")
	f("a string", `"a"`, ErrNotObject, "expected an object, found '\"' (byte 0)")
	f("null", "null", ErrNotObject, "expected an object, found 'n' (byte 0)")
	f("no name", `{1:2}`, ErrSyntax, "expected a member name in double quotes, found '1' (byte 1)")
	f("no colon", `{"a" 1}`, ErrSyntax, "expected a colon, found '1' (byte 5)")
	f("no value", `{"a":}`, ErrSyntax, "expected a value, found '}' (byte 5)")
	f("no comma", `{"a":1 "b":2}`, ErrSyntax, "expected a comma or the closing bracket, found '\"' (byte 7)")
	f("a comma too many", `{"a":1,}`, ErrSyntax, "expected a member name in double quotes, found '}' (byte 7)")
	f("a comma too many in an array", `{"a":[1,]}`, ErrSyntax, "expected a value, found ']' (byte 8)")
	f("a comma too many within", `{"a":{"b":1,}}`, ErrSyntax, "expected a member name in double quotes, found '}' (byte 12)")
	f("brackets crossed", `{"a":[1}]`, ErrSyntax, "expected a comma or the closing bracket, found '}' (byte 7)")
	f("an object left open", `{"a":1`, ErrSyntax, "expected a comma or the closing bracket, found the end of the text (byte 6)")
	f("an array left open", `{"a":[`, ErrSyntax, "expected a value, found the end of the text (byte 6)")
	f("a string left open", `{"a":"bcdefghijk`, ErrSyntax, "expected the rest of a string, its control characters escaped, found the end of the text (byte 16)")
	f("a string left open after a backslash", `{"a":"\`, ErrSyntax, `expected one of "\/bfnrtu after a backslash, found the end of the text (byte 7)`)
	f("something behind", "{}\n{}", ErrSyntax, "expected nothing more after the object, found '{' (byte 3)")
	f("a NUL behind", "{\"a\":1}\x00", ErrSyntax, "expected nothing more after the object, found byte 0x00 (byte 7)")
	f("a line break in a string", "{\"a\":\"0123456789\n\"}", ErrSyntax, "expected the rest of a string, its control characters escaped, found byte 0x0a (byte 16)")
	f("a NUL in a name", "{\"a\x00\":1}", ErrSyntax, "expected the rest of a string, its control characters escaped, found byte 0x00 (byte 3)")
	f("an unknown escape", `{"a":"\x"}`, ErrSyntax, `expected one of "\/bfnrtu after a backslash, found 'x' (byte 7)`)
	f("a short escape", `{"a":"\u12"}`, ErrSyntax, `expected four hexadecimal digits after \u, found '"' (byte 10)`)
	f("an escape cut off", `{"a":"\u1`, ErrSyntax, `expected four hexadecimal digits after \u, found the end of the text (byte 9)`)
	f("a leading zero", `{"a":01}`, ErrSyntax, "expected a comma or the closing bracket, found '1' (byte 6)")
	f("a bare minus", `{"a":-}`, ErrSyntax, "expected a digit, found '}' (byte 6)")
	f("no fraction", `{"a":1.}`, ErrSyntax, "expected a digit, found '}' (byte 7)")
	f("no exponent", `{"a":1e+}`, ErrSyntax, "expected a digit, found '}' (byte 8)")
	f("not a number", `{"a":NaN}`, ErrSyntax, "expected a value, found 'N' (byte 5)")
	f("a literal misspelt", `{"a":nul}`, ErrSyntax, "expected true, false or null, found '}' (byte 8)")
	f("a byte that is not ASCII", "{\"a\":\xc3\x9f}", ErrSyntax, "expected a value, found byte 0xc3 (byte 5)")
	f("ten thousand deep", `{"a":`+strings.Repeat("[", 10000)+strings.Repeat("]", 10000)+`}`, ErrDepth, "expected at most 512 levels, found '[' (byte 516)")
	f("a million members", manyMembers(1_000_000, ""), ErrMembers, fmt.Sprintf("expected at most 10000 members, found '\"' (byte %d)", len(manyMembers(MaxMembers, ""))))
}

// manyMembers returns an object with n members and one more called last, or if that is "" the same without
// the closing brace and with a comma, so that its length is where the next member would stand.
func manyMembers(n int, last string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, `"m%d":0,`, i)
	}
	if last != "" {
		fmt.Fprintf(&b, "%q:0}", last)
	}
	return b.String()
}

func TestParseLimits(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` }
	if _, err := Parse([]byte(deep(MaxDepth))); err != nil {
		t.Errorf("Parse at the greatest depth: %v", err)
	}
	if _, err := Parse([]byte(deep(MaxDepth + 1))); !errors.Is(err, ErrDepth) {
		t.Errorf("Parse one deeper: %v, want %v", err, ErrDepth)
	}
	if nested := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth); !Valid([]byte(nested)) || Valid([]byte("["+nested+"]")) {
		t.Errorf("Valid at the greatest depth = %v, one deeper = %v; want true, false", Valid([]byte(nested)), Valid([]byte("["+nested+"]")))
	}
	o := parse(t, manyMembers(MaxMembers-1, "last"))
	if raw, ok := o.Get("last"); string(raw) != "0" || !ok {
		t.Errorf("Get of the last of %d members = %q, %v", MaxMembers, raw, ok)
	}
}

func TestParseStringsOfEveryLength(t *testing.T) {
	// Quotes, backslashes and control characters at every place of an eight-byte word, with bytes before
	// and after them that could carry or borrow into theirs.
	for n := range 40 {
		for _, fill := range []string{"x", "!", "#", "[", "]", "\x7f", "\x80", "\xff", "\xa2", "\xdc"} {
			for c := range 256 {
				src := `{"a":"` + strings.Repeat(fill, n) + string([]byte{byte(c)}) + `!#0123456789"}`
				_, err := Parse([]byte(src))
				if want := json.Valid([]byte(src)); (err == nil) != want {
					t.Fatalf("Parse(%q): %v, encoding/json says %v", src, err, want)
				}
			}
		}
	}
}

func TestAllocations(t *testing.T) {
	body := agentBody()
	dst := make([]byte, 0, len(body)+100)
	f := func(name string, want float64, run func()) {
		t.Helper()
		if got := testing.AllocsPerRun(100, run); got > want {
			t.Errorf("%s: %v allocations, want at most %v", name, got, want)
		}
	}
	f("Parse", 2, func() { Parse(body) })
	o := parse(t, string(body))
	o.Delete("model")
	f("AppendTo", 0, func() { dst = o.AppendTo(dst[:0]) })
	f("Get", 0, func() { o.Get("stream") })
	f("Set in place", 0, func() { o.Set("stream", dst[:1]); o.Set("stream", dst[:2]) })
	event := []byte(startEvent)
	f("Member", 0, func() { Member(event, "message", "usage", "input_tokens") })
	f("Int", 0, func() { Int(event[len(event)-4 : len(event)-3]) })
}

// TestEditProperty holds an Object against a list of names and values through any edits, on objects written
// with any white space and spelling.
func TestEditProperty(t *testing.T) {
	type pair struct{ Name, Raw string }
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t", "          ", "\r\n"})
	names := rapid.SampledFrom([]string{"a", "b", "model", "ß", "", "x\"y", "longer than eight bytes", "\U0001f600"})
	values := rapid.SampledFrom([]string{"1", "-0.5E+3", `"\u0041\/"`, "\"\xff\"", "[ ]", `{"a": [1 ,2], "a":{}}`, "null", "123456789012345678901234567890"})
	spellings := rapid.SampledFrom([]func(string) string{
		func(s string) string { return string(AppendString(nil, s)) },
		func(s string) string { b, _ := json.Marshal(s); return string(b) },
		escapeAll,
	})
	rapid.Check(t, func(t *rapid.T) {
		ws := func() string { return space.Draw(t, "space") }
		var want []pair
		text := ws() + "{" + ws()
		for i, name := range rapid.SliceOfN(names, 0, 12).Draw(t, "names") {
			if i > 0 {
				text += "," + ws()
			}
			value := values.Draw(t, "value")
			text += spellings.Draw(t, "spelling")(name) + ws() + ":" + ws() + value + ws()
			want = append(want, pair{name, value})
		}
		text += "}" + ws()
		o, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		for range rapid.IntRange(0, 12).Draw(t, "edits") {
			name := names.Draw(t, "name")
			// Of several of the name the last is edited and the others go.
			at := -1
			for i, p := range want {
				if p.Name == name {
					at = i
				}
			}
			remove := func(all bool) {
				i := -1
				want = slices.DeleteFunc(want, func(p pair) bool { i++; return p.Name == name && (all || i != at) })
			}
			switch value := values.Draw(t, "value"); {
			case rapid.Bool().Draw(t, "delete"):
				o.Delete(name)
				remove(true)
			case at >= 0:
				o.Set(name, []byte(value))
				want[at].Raw = value
				remove(false)
			default:
				o.Set(name, []byte(value))
				want = append(want, pair{name, value})
			}
		}
		edited := o.AppendTo(nil)
		again, err := Parse(edited)
		if err != nil {
			t.Fatalf("from %q: Parse(%q): %v", text, edited, err)
		}
		for _, o := range []*Object{o, again} {
			got := []pair{}
			for name, raw := range o.Members() {
				got = append(got, pair{name, string(raw)})
			}
			if diff := cmp.Diff(append([]pair{}, want...), got); diff != "" {
				t.Fatalf("from %q: %q (-want +got):\n%s", text, edited, diff)
			}
		}
	})
}

// escapeAll quotes s with every UTF-16 code unit escaped.
func escapeAll(s string) string {
	quoted := `"`
	for _, r := range s {
		if r < 0x10000 {
			quoted += fmt.Sprintf(`\u%04x`, r)
			continue
		}
		r -= 0x10000
		quoted += fmt.Sprintf(`\u%04X\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	}
	return quoted + `"`
}

// FuzzParse holds Parse and Valid against encoding/json, and any edits against the same edits of a map.
func FuzzParse(f *testing.F) {
	for _, file := range recordings.JSONSuite(f) {
		if len(file.Data) < 4<<10 {
			f.Add(file.Data, []byte{0, 1, 2})
			f.Add(slices.Concat([]byte(`{"a":1, "v" : `), file.Data, []byte(" }")), []byte{3, 4, 5, 6})
		}
	}
	f.Add([]byte(smallBody), []byte{0, 10, 20, 30})
	f.Add([]byte(deltaEvent), []byte{1})
	f.Add([]byte(manyMembers(30, "m3")), []byte{1})
	f.Add([]byte(`{"model":1,"a":2,"\u006dodel":3,"a":4}`), []byte{1, 2, 23})
	f.Fuzz(func(t *testing.T, src, edits []byte) {
		valid := json.Valid(src)
		if got := Valid(src); got != valid && (got || depth(src) <= MaxDepth) {
			t.Fatalf("Valid = %v, encoding/json says %v", got, valid)
		}
		kept := bytes.Clone(src)
		o, err := Parse(src)
		if err != nil {
			checkRefusal(t, src, err, valid)
			return
		}
		if !valid {
			t.Fatal("Parse accepts what encoding/json does not")
		}
		if got := o.AppendTo(nil); !bytes.Equal(got, src) || o.Changed() {
			t.Fatalf("unchanged, AppendTo = %q; Changed = %v", got, o.Changed())
		}
		checkEdits(t, o, src, edits)
		if !bytes.Equal(src, kept) {
			t.Fatal("the source was written to")
		}
	})
}

// checkRefusal checks that a text that was refused deserved it.
func checkRefusal(t *testing.T, src []byte, err error, valid bool) {
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > int64(len(src)) {
		t.Fatalf("Parse: %#v of %d bytes", err, len(src))
	}
	if !valid {
		return
	}
	var object map[string]json.RawMessage
	isObject := json.Unmarshal(src, &object) == nil && object != nil
	switch syntax.Kind {
	case ErrNotObject:
		if isObject {
			t.Fatalf("Parse: %v, but it is one", err)
		}
	case ErrDepth:
		if depth(src) <= MaxDepth {
			t.Fatalf("Parse: %v at depth %d", err, depth(src))
		}
	case ErrMembers:
		if countMembers(t, src) <= MaxMembers {
			t.Fatalf("Parse: %v of %d", err, countMembers(t, src))
		}
	default:
		t.Fatalf("Parse: %v, but encoding/json accepts it", err)
	}
}

// countMembers counts the top-level members of a valid object.
func countMembers(t *testing.T, src []byte) int {
	n := 0
	d := json.NewDecoder(bytes.NewReader(src))
	for d.Token(); d.More(); n++ {
		var value json.RawMessage
		d.Token()
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// depth returns how deep the brackets outside of strings are nested at most.
func depth(src []byte) int {
	most, now := 0, 0
	inString := false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			most = max(most, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return most
}

// checkEdits does to o and to a map what edits says, a byte an edit, and compares them.
func checkEdits(t *testing.T, o *Object, src, edits []byte) {
	want := map[string]json.RawMessage{}
	if err := json.Unmarshal(src, &want); err != nil {
		t.Fatal(err)
	}
	names := []string{"model", "v", "", "new\n", "\U0001f600"}
	left := map[string]int{} // members of each name
	for name := range o.Members() {
		if raw, _ := o.Get(name); !bytes.Equal(want[name], raw) {
			t.Fatalf("Get(%q) = %q, encoding/json says %q", name, raw, want[name])
		}
		left[name]++
		names = append(names, name)
	}
	values := []string{"1", `"x"`, "[]", `{"a":[{}]}`}
	for _, edit := range edits {
		name, value := names[int(edit>>2)%len(names)], []byte(values[edit>>1&3])
		if edit&1 == 0 {
			o.Delete(name)
			delete(want, name)
			delete(left, name)
		} else {
			o.Set(name, value)
			want[name] = value
			left[name] = 1
		}
	}
	text := o.AppendTo(nil)
	if len(text) != o.Len() {
		t.Fatalf("AppendTo wrote %d bytes, Len = %d", len(text), o.Len())
	}
	got := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("after edits: %q: %v", text, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("after edits: %q (-want +got):\n%s", text, diff)
	}
	members := 0
	for _, n := range left {
		members += n
	}
	if n := countMembers(t, text); n != members {
		t.Fatalf("after edits: %q has %d members, want %d: one of each name that was set, the others as they came", text, n, members)
	}
}

func TestCloneIsEditedApart(t *testing.T) {
	for _, members := range []int{2, firstMembers + 3} {
		src := `{"a":1,"b":2`
		for i := 2; i < members; i++ {
			src += fmt.Sprintf(`,"m%d":0`, i)
		}
		src += "}"
		o, err := Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		o.Set("a", []byte("3"))
		before := string(o.AppendTo(nil))
		c := o.Clone()
		if got := string(c.AppendTo(nil)); got != before || !c.Changed() {
			t.Errorf("Clone reads %s, want %s", got, before)
		}
		c.Set("a", []byte("4"))
		c.Delete("b")
		c.Set("z", []byte("5"))
		if got := string(o.AppendTo(nil)); got != before {
			t.Errorf("after edits of its clone the Object reads %s, want %s", got, before)
		}
		o.Delete("a")
		if raw, _ := c.Get("a"); string(raw) != "4" {
			t.Errorf("after an edit of the Object its clone has %s, want 4", raw)
		}
	}
}
