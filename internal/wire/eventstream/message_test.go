package eventstream

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestAppendRefusesWhatNoReaderTakes(t *testing.T) {
	name255, name256 := strings.Repeat("n", 255), strings.Repeat("n", 256)
	long := Header{"a", String(strings.Repeat("v", MaxValue))}
	var headers128K []Header // the longest block: 4 × (1+1+1+2+32763)
	for _, name := range []string{"a", "b", "c", "d"} {
		headers128K = append(headers128K, Header{name, String(strings.Repeat("v", MaxHeaders/4-5))})
	}
	f := func(name string, headers []Header, payload int, want error) {
		t.Helper()
		dst := []byte("before")
		got, err := Append(dst, headers, make([]byte, payload))
		if !errors.Is(err, want) {
			t.Errorf("%s: Append = %v, want %v", name, err, want)
		}
		if err != nil && string(got) != "before" {
			t.Errorf("%s: Append returned %d bytes with its error, want dst as it was", name, len(got))
		}
		if err == nil {
			if _, err := NewReader(bytes.NewReader(got[len(dst):])).Next(); err != nil {
				t.Errorf("%s: Next() on what Append wrote: %v", name, err)
			}
		}
	}
	f("empty name", []Header{{"", Bool(true)}}, 0, ErrHeader)
	f("longest name", []Header{{name255, Bool(true)}}, 0, nil)
	f("name too long", []Header{{name256, Bool(true)}}, 0, ErrLength)
	f("no value", []Header{{"a", Value{}}}, 0, ErrHeader)
	f("longest value", []Header{long}, 0, nil)
	f("string too long", []Header{{"a", String(strings.Repeat("v", MaxValue+1))}}, 0, ErrLength)
	f("bytes too long", []Header{{"a", Bytes(make([]byte, 1<<17))}}, 0, ErrLength)
	f("a name twice", []Header{{"a", Bool(true)}, {"b", Bool(true)}, {"a", Int8(1)}}, 0, ErrHeader)
	f("most headers", headers128K, 0, nil)
	f("one header too many", append(headers128K, Header{"e", Bool(true)}), 0, ErrLength)
	f("longest message", nil, MaxMessage-minMessage, nil)
	f("payload too long", nil, MaxMessage-minMessage+1, ErrLength)
	f("payload too long with its headers", []Header{{"a", Bool(true)}}, MaxMessage-minMessage-2, ErrLength)
}

func TestAppendLeavesWhatIsThere(t *testing.T) {
	dst := make([]byte, 0, 1<<10)
	dst = append(dst, "before"...)
	got, err := Append(dst, chunkHeaders, []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Append(nil, chunkHeaders, []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "before" + string(alone); string(got) != want {
		t.Errorf("Append behind other bytes = %q, want %q", got, want)
	}
}

func TestMessageLookup(t *testing.T) {
	b, err := Append(nil, []Header{
		{":message-type", String("event")}, {":Message-Type", Int8(-7)}, {"empty", String("")},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewReader(bytes.NewReader(b)).Next()
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := m.Header(":Message-Type"); !ok || !v.Equal(Int8(-7)) {
		t.Errorf("Header(:Message-Type) = %v, %t; want -7: names are compared byte for byte", v, ok)
	}
	if v, ok := m.Header(":message"); ok {
		t.Errorf("Header(:message) = %v, want none", v)
	}
	if got := m.Text(":message-type"); string(got) != "event" {
		t.Errorf("Text(:message-type) = %q, want event", got)
	}
	if got := m.Text("empty"); got == nil || len(got) != 0 {
		t.Errorf("Text(empty) = %#v, want empty and not nil", got)
	}
	if got := m.Text(":Message-Type"); got != nil {
		t.Errorf("Text of an int8 = %q, want nil", got)
	}
	if got := m.Text("absent"); got != nil {
		t.Errorf("Text(absent) = %q, want nil", got)
	}
	for name := range m.Headers() {
		if name != ":message-type" {
			t.Errorf("Headers() goes on to %q after break", name)
		}
		break
	}
}

func TestViewsCannotGrowIntoTheirNeighbours(t *testing.T) {
	b, err := Append(nil, []Header{{"a", String("x")}, {"b", Bytes([]byte("y"))}}, []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewReader(bytes.NewReader(append(b, b...))).Next()
	if err != nil {
		t.Fatal(err)
	}
	v, _ := m.Header("b")
	raw, _ := v.Bytes()
	for _, view := range [][]byte{m.Raw(), m.Payload(), m.Text("a"), raw} {
		if cap(view) != len(view) {
			t.Errorf("view %q has room for %d bytes more, which belong to others", view, cap(view)-len(view))
		}
	}
}

func TestZeroMessage(t *testing.T) {
	var m Message
	if m.Raw() != nil || m.Payload() != nil || m.Text("a") != nil {
		t.Errorf("zero Message: Raw %q, Payload %q, Text %q; want nil", m.Raw(), m.Payload(), m.Text("a"))
	}
	for name := range m.Headers() {
		t.Errorf("zero Message has a header %q", name)
	}
}
