package terminal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// ErrInterrupted is returned by ReadLine for ctrl-c on an empty line.
var ErrInterrupted = errors.New("interrupted")

// A Terminal reads lines with editing and writes text. Its methods are for one goroutine.
type Terminal struct {
	out     io.Writer
	style   Style
	size    func() (width, height int)
	keys    <-chan Key // closed when the input ends
	typed   []Key      // what came while nobody read a line
	history []string
	restore func()
}

// IsTerminal reports whether f is one.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Width is how many columns the terminal f has, 80 if it does not say.
func Width(f *os.File) int {
	width, _ := size(f)
	return width
}

func size(f *os.File) (width, height int) {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}

// Open takes the terminal over: raw mode, bracketed paste. The caller must Close it.
func Open(in, out *os.File, style Style) (*Terminal, error) {
	if !takesEscapes(out) {
		return nil, errors.New("this terminal takes no escape sequences")
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	t := newTerminal(in, out, style, func() (int, int) { return size(out) })
	t.restore = func() { term.Restore(int(in.Fd()), state) }
	io.WriteString(out, "\x1b[?2004h")
	return t, nil
}

// newTerminal reads keys until in ends. Who closes in ends its goroutine; that of a real terminal
// ends with the program.
func newTerminal(in io.Reader, out io.Writer, style Style, size func() (int, int)) *Terminal {
	keys := make(chan Key)
	go func() {
		defer close(keys)
		var d decoder
		buf := make([]byte, 4096)
		for {
			n, err := in.Read(buf)
			for _, k := range d.feed(buf[:n]) {
				keys <- k
			}
			if err != nil {
				return
			}
		}
	}()
	return &Terminal{out: out, style: style, size: size, keys: keys, restore: func() {}}
}

// Close gives the terminal back as it was.
func (t *Terminal) Close() {
	io.WriteString(t.out, "\x1b[?2004l")
	t.restore()
}

// Width is how many columns the terminal has now.
func (t *Terminal) Width() int {
	width, _ := t.size()
	return width
}

// Write writes text, whose lines end in newlines.
func (t *Terminal) Write(p []byte) (int, error) {
	if _, err := t.out.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// next waits for a key.
func (t *Terminal) next(ctx context.Context) (Key, error) {
	if len(t.typed) > 0 {
		k := t.typed[0]
		t.typed = t.typed[1:]
		return k, nil
	}
	select {
	case k, ok := <-t.keys:
		if !ok {
			return Key{}, io.EOF
		}
		return k, nil
	case <-ctx.Done():
		return Key{}, ctx.Err()
	}
}

// ReadLine reads a line, which may have newlines in it. complete says what the word that begins at
// start could be; nil for no completion. The error is ErrInterrupted for ctrl-c on an empty line,
// io.EOF for ctrl-d on one or if the terminal is gone, or ctx's.
func (t *Terminal) ReadLine(ctx context.Context, complete func(line string) (start int, words []string)) (string, error) {
	e := &editor{history: &t.history, at: len(t.history), complete: complete}
	var shown frame
	draw := func(all bool) {
		width, height := t.size()
		f := e.frame(width, height, t.style, all)
		io.WriteString(t.out, f.replace(shown, width))
		shown = f
	}
	for draw(false); ; draw(false) {
		k, err := t.next(ctx)
		if err != nil {
			e.cursor, e.hint = len(e.text), nil // so that nothing is written over the line
			draw(false)
			io.WriteString(t.out, "\r\n")
			return "", err
		}
		if k.Name == "ctrl-l" {
			io.WriteString(t.out, "\x1b[H\x1b[2J")
			shown = frame{}
			continue
		}
		switch e.press(k, t.Width()) {
		case submitted:
			e.cursor = len(e.text)
			draw(true)
			io.WriteString(t.out, "\r\n")
			t.remember(e.text)
			return e.text, nil
		case interrupted:
			io.WriteString(t.out, "\r\n")
			return "", ErrInterrupted
		case ended:
			io.WriteString(t.out, "\r\n")
			return "", io.EOF
		}
	}
}

// historyLimit is how many lines are kept, for as long as the program runs.
const historyLimit = 500

func (t *Terminal) remember(line string) {
	if line == "" || len(t.history) > 0 && t.history[len(t.history)-1] == line {
		return
	}
	t.history = append(t.history, line)
	if len(t.history) > historyLimit {
		t.history = t.history[1:]
	}
}

// Interruptible calls f with a context that ctrl-c, or the end of the terminal, cancels. What else is
// typed meanwhile is kept for ReadLine.
func (t *Terminal) Interruptible(parent context.Context, f func(context.Context)) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case k, ok := <-t.keys:
				if !ok {
					cancel()
					return
				}
				if k.Name == "ctrl-c" {
					t.typed = nil
					cancel()
					continue
				}
				t.typed = append(t.typed, k)
			case <-stop:
				return
			}
		}
	}()
	f(ctx)
	close(stop)
	<-stopped
}
