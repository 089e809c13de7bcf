package terminal

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Key is one thing typed: a key with a name, or text.
type Key struct {
	Name   string // ctrl-a, up, alt-b, …; "" for text
	Text   string // typed or pasted, without control characters but newline and tab
	Pasted bool
}

// maxSequence is the length at which an escape sequence is given up.
const maxSequence = 32

var (
	pasteStart = []byte("\x1b[200~")
	pasteEnd   = []byte("\x1b[201~")
)

// controls names the control characters that mean something here.
var controls = map[byte]string{
	'\r': "enter", '\n': "newline", '\t': "tab", 0x7f: "backspace", 0x08: "backspace",
	0x01: "home", 0x02: "left", 0x03: "ctrl-c", 0x04: "ctrl-d", 0x05: "end", 0x06: "right",
	0x0b: "ctrl-k", 0x0c: "ctrl-l", 0x0e: "next", 0x10: "previous", 0x15: "ctrl-u", 0x17: "ctrl-w", 0x19: "ctrl-y",
}

// sequences names what follows ESC [ or ESC O (xterm, VT220, rxvt; CSI u for shift-enter where a
// terminal sends it unasked).
var sequences = map[string]string{
	"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end",
	"1~": "home", "7~": "home", "4~": "end", "8~": "end", "3~": "delete", "3;5~": "alt-d",
	"1;5C": "alt-f", "1;5D": "alt-b", "1;3C": "alt-f", "1;3D": "alt-b", "5C": "alt-f", "5D": "alt-b",
	"13;2u": "newline", "13;5u": "newline", "27;2;13~": "newline",
}

// alts names what follows a bare ESC, which terminals send for alt.
var alts = map[byte]string{
	'\r': "newline", '\n': "newline", 'b': "alt-b", 'f': "alt-f", 'd': "alt-d", 0x7f: "ctrl-w", 0x08: "ctrl-w",
}

// A decoder makes keys of bytes as they come, however they are cut.
type decoder struct {
	rest    []byte // what may go on
	pasting bool
	cr      bool // the last pasted byte was a carriage return
}

// feed returns the keys that p completes.
func (d *decoder) feed(p []byte) (keys []Key) {
	d.rest = append(d.rest, p...)
	for len(d.rest) > 0 {
		key, n := d.next()
		if n == 0 {
			return keys
		}
		d.rest = d.rest[n:]
		switch last := len(keys) - 1; {
		case key.Name == "" && key.Text == "":
		case key.Name == "" && last >= 0 && keys[last].Name == "" && keys[last].Pasted == key.Pasted:
			keys[last].Text += key.Text
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

// next returns the first key of d.rest and its length: 0 if it is not all there, an empty key if it
// means nothing.
func (d *decoder) next() (Key, int) {
	if d.pasting {
		return d.pasted()
	}
	b := d.rest
	switch {
	case b[0] == 0x1b:
		return d.escape()
	case b[0] < 0x20 || b[0] == 0x7f:
		return Key{Name: controls[b[0]]}, 1
	case !utf8.FullRune(b):
		return Key{}, 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 || unicode.IsControl(r) {
		return Key{}, n
	}
	return Key{Text: string(r)}, n
}

func (d *decoder) escape() (Key, int) {
	b := d.rest
	if len(b) == 1 {
		return Key{}, 0
	}
	switch c := b[1]; {
	case c == '[' || c == 'O':
		return d.sequence()
	case alts[c] != "":
		return Key{Name: alts[c]}, 2
	case c < 0x20:
		return Key{}, 1 // ESC, and then a key of its own
	}
	return Key{}, 2
}

// sequence reads ESC [ parameters final, or ESC O final (ECMA-48).
func (d *decoder) sequence() (Key, int) {
	b := d.rest
	if bytes.HasPrefix(b, pasteStart) {
		d.pasting, d.cr = true, false
		return Key{}, len(pasteStart)
	}
	for i := 2; i < len(b); i++ {
		switch c := b[i]; {
		case c >= 0x40 && c <= 0x7e:
			return Key{Name: sequences[string(b[2:i+1])]}, i + 1
		case c < 0x20 || c > 0x7e || i >= maxSequence:
			return Key{}, i
		}
	}
	return Key{}, 0
}

// pasted returns what there is of a paste, up to what may be the beginning of its end.
func (d *decoder) pasted() (Key, int) {
	b := d.rest
	end := bytes.Index(b, pasteEnd)
	switch {
	case end == 0:
		d.pasting = false
		return Key{}, len(pasteEnd)
	case end > 0:
		b = b[:end]
	default:
		b = b[:len(b)-partial(b, pasteEnd)]
		for i := 1; i < utf8.UTFMax && i <= len(b); i++ { // a character may go on
			if utf8.RuneStart(b[len(b)-i]) {
				if !utf8.FullRune(b[len(b)-i:]) {
					b = b[:len(b)-i]
				}
				break
			}
		}
	}
	if len(b) == 0 {
		return Key{}, 0
	}
	return Key{Text: d.clean(b), Pasted: true}, len(b)
}

// partial is the length of the longest end of b that is a beginning of marker.
func partial(b, marker []byte) int {
	for n := min(len(b), len(marker)-1); n > 0; n-- {
		if bytes.HasSuffix(b, marker[:n]) {
			return n
		}
	}
	return 0
}

// clean makes text of pasted bytes: lines end in newlines, control characters are left out.
func (d *decoder) clean(b []byte) string {
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r == '\n' && d.cr, r == utf8.RuneError:
		case r == '\r' || r == '\n':
			out.WriteByte('\n')
		case r == '\t' || !unicode.IsControl(r):
			out.WriteRune(r)
		}
		d.cr = r == '\r'
	}
	return out.String()
}
