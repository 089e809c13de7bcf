package jsonedit

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

func TestSuite(t *testing.T) {
	for _, file := range recordings.JSONSuite(t) {
		name, data := file.Name, file.Data
		wrapped := append(append([]byte(`{"v": `), data...), '}')
		_, err := Parse(data)
		o, wrappedErr := Parse(wrapped)
		switch name[:2] {
		case "y_":
			if !Valid(data) || wrappedErr != nil {
				t.Errorf("%s: Valid = %v, Parse as a member's value: %v; want it accepted", name, Valid(data), wrappedErr)
			}
			checkObject(t, file, err)
		case "n_":
			if Valid(data) || err == nil || wrappedErr == nil {
				t.Errorf("%s: Valid = %v, Parse: %v, as a member's value: %v; want it refused", name, Valid(data), err, wrappedErr)
			}
		}
		if got, want := Valid(data), json.Valid(data); got != want {
			t.Errorf("%s: Valid = %v, encoding/json says %v", name, got, want)
		}
		if got, want := wrappedErr == nil, json.Valid(wrapped); got != want {
			t.Errorf("%s: Parse as a member's value: %v, encoding/json says %v", name, wrappedErr, want)
		}
		if wrappedErr != nil {
			continue
		}
		raw, _ := o.Get("v")
		if got, want := string(raw), strings.Trim(string(data), " \t\r\n"); got != want {
			t.Errorf("%s: Get = %q, want %q", name, got, want)
		}
		o.Set("w", []byte("1"))
		if got, want := string(o.AppendTo(nil)), `{"v": `+string(bytes.TrimRight(data, " \t\r\n"))+`,"w":1`; !strings.HasPrefix(got, want) {
			t.Errorf("%s: with a member more: %q, want it to begin %q", name, got, want)
		}
	}
}

// checkObject checks what Parse said of a valid text standing alone.
func checkObject(t *testing.T, file recordings.JSONFile, err error) {
	t.Helper()
	want := error(nil)
	if !bytes.HasPrefix(bytes.TrimSpace(file.Data), []byte("{")) {
		want = ErrNotObject
	}
	if !errors.Is(err, want) {
		t.Errorf("%s: Parse: %v, want %v", file.Name, err, want)
	}
}

// The transform files hold what parsers are known to change: names in two normal forms, numbers beyond a
// float64, escapes that stand for no character.
func TestSuiteTransform(t *testing.T) {
	duplicates := 0 // members that are not the last of their name
	for _, file := range recordings.JSONSuite(t) {
		if !strings.HasPrefix(file.Path, "test_transform/") {
			continue
		}
		o, err := Parse(file.Data)
		if err != nil {
			if !errors.Is(err, ErrNotObject) || !Valid(file.Data) {
				t.Errorf("%s: Parse: %v", file.Name, err)
			}
			continue
		}
		if got := o.AppendTo(nil); !bytes.Equal(got, file.Data) {
			t.Errorf("%s: written unchanged: %q, want %q", file.Name, got, file.Data)
		}
		for name, raw := range o.Members() {
			if last, _ := o.Get(name); &last[0] != &raw[0] {
				duplicates++
			}
		}
	}
	if duplicates != 3 {
		t.Errorf("%d members have another of their name behind them, want one in each of the three object_same_key_*", duplicates)
	}
}
