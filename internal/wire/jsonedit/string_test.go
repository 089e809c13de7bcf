package jsonedit

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

func TestString(t *testing.T) {
	f := func(name, raw, want string, wantOK bool) {
		t.Run(name, func(t *testing.T) {
			if got, ok := String([]byte(raw)); got != want || ok != wantOK {
				t.Errorf("String(%q) = %q, %v, want %q, %v", raw, got, ok, want, wantOK)
			}
		})
	}
	f("empty", `""`, "", true)
	f("plain", `"hello"`, "hello", true)
	f("every short escape", `"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", true)
	f("code units", `"\u0041\u00Df\u20ac\u0000"`, "Aß€\x00", true)
	f("a surrogate pair", `"\ud83d\uDE00!"`, "😀!", true)
	f("a high surrogate alone", `"\ud83dx"`, "\ufffdx", true)
	f("a low surrogate alone", `"\ude00"`, "\ufffd", true)
	f("two high surrogates and a low one", `"\ud83d\ud83d\ude00"`, "\ufffd😀", true)
	f("a high surrogate before another escape", `"\ud83d\n"`, "\ufffd\n", true)
	f("a high surrogate at the end", `"\ud83d"`, "\ufffd", true)
	f("bytes that are not UTF-8", "\"a\xff\xfe\xe2\x82z\\n\"", "a\ufffd\ufffd\ufffd\ufffdz\n", true)
	f("a number", `1`, "", false)
	f("nothing", ``, "", false)
	f("one quote", `"`, "", false)
	f("white space behind", `"a" `, "", false)
	f("two strings", `"a""b"`, "", false)
	f("a control character", "\"\n\"", "", false)
	f("an escaped end", `"\"`, "", false)
}

func TestAppendString(t *testing.T) {
	f := func(name, s, want string) {
		t.Run(name, func(t *testing.T) {
			if got := string(AppendString([]byte(":"), s)); got != ":"+want {
				t.Errorf("AppendString(%q) = %s, want %s", s, got[1:], want)
			}
		})
	}
	f("empty", "", `""`)
	f("plain", "hello", `"hello"`)
	f("quotes, backslashes and controls", "\"\\\n\r\t\b\f\x00\x1f\x7f", `"\"\\\n\r\t\u0008\u000c\u0000\u001f`+"\x7f\"")
	f("HTML stays", "<a href='/'>&\u2028", `"<a href='/'>&`+"\u2028\"")
	f("beyond ASCII stays", "ß€😀\ufffd", `"ß€😀`+"\ufffd\"")
	f("bytes that are not UTF-8 are replaced", "a\xffb\xe2\x82", "\"a\ufffdb\ufffd\ufffd\"")
}

func TestInt(t *testing.T) {
	f := func(raw string, want int64, wantOK bool) {
		t.Helper()
		if got, ok := Int([]byte(raw)); got != want || ok != wantOK {
			t.Errorf("Int(%q) = %d, %v, want %d, %v", raw, got, ok, want, wantOK)
		}
	}
	f("0", 0, true)
	f("-7", -7, true)
	f("9223372036854775807", 9223372036854775807, true)
	f("-9223372036854775808", -9223372036854775808, true)
	f("9223372036854775808", 0, false)
	f("1.0", 0, false)
	f("1e3", 0, false)
	f("01", 0, false)
	f("+1", 0, false)
	f("1_000", 0, false)
	f(" 1", 0, false)
	f("-", 0, false)
	f("", 0, false)
	f("null", 0, false)
	f(`"1"`, 0, false)
}

// FuzzString holds String, AppendString and Int against encoding/json.
func FuzzString(f *testing.F) {
	for _, file := range recordings.JSONSuite(f) {
		if len(file.Data) < 4<<10 {
			f.Add(string(file.Data))
			f.Add(strings.Trim(string(file.Data), "[]"))
		}
	}
	f.Add(`"\ud83d\ude00\ud83d\n\"\\ \u00e9"`)
	f.Add("-12")
	f.Fuzz(func(t *testing.T, s string) {
		quoted := AppendString(nil, s)
		var want string
		if err := json.Unmarshal(quoted, &want); err != nil {
			t.Fatalf("AppendString(%q) = %q: %v", s, quoted, err)
		}
		if got, ok := String(quoted); got != want || !ok || want != string([]rune(s)) {
			t.Fatalf("AppendString(%q) = %q; String of it = %q, %v; encoding/json decodes %q", s, quoted, got, ok, want)
		}

		got, ok := String([]byte(s))
		isString := strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) && json.Unmarshal([]byte(s), &want) == nil
		if ok != isString || ok && got != want {
			t.Fatalf("String(%q) = %q, %v; encoding/json decodes %q, %v", s, got, ok, want, isString)
		}

		n, ok := Int([]byte(s))
		wantInt, err := strconv.ParseInt(s, 10, 64)
		isInt := err == nil && json.Valid([]byte(s))
		if ok != isInt || ok && n != wantInt {
			t.Fatalf("Int(%q) = %d, %v; want %d, %v", s, n, ok, wantInt, isInt)
		}
	})
}
