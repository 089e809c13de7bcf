package terminal

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTest is a terminal of 40 columns, someone's hands, and what is on its screen as bytes.
func newTest(t *testing.T) (*Terminal, io.WriteCloser, *strings.Builder) {
	t.Helper()
	in, hands := io.Pipe()
	t.Cleanup(func() { hands.Close() })
	var out strings.Builder
	return newTerminal(in, &out, Style{}, func() (int, int) { return 40, 10 }), hands, &out
}

func TestReadLine(t *testing.T) {
	term, hands, _ := newTest(t)
	go io.WriteString(hands, "one\rtwo\\\rthree\r\x1b[A\x1b[A!\r\x03\x04")
	for _, want := range []string{"one", "two\nthree", "two!\nthree"} {
		got, err := term.ReadLine(context.Background(), nil)
		if err != nil || got != want {
			t.Fatalf("ReadLine = %q, %v; want %q", got, err, want)
		}
	}
	if _, err := term.ReadLine(context.Background(), nil); !errors.Is(err, ErrInterrupted) {
		t.Errorf("ctrl-c: %v", err)
	}
	if _, err := term.ReadLine(context.Background(), nil); err != io.EOF {
		t.Errorf("ctrl-d: %v", err)
	}
}

func TestReadLineEndsWithItsContext(t *testing.T) {
	term, _, _ := newTest(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := term.ReadLine(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestReadLineEndsBelowItsLine(t *testing.T) {
	term, hands, out := newTest(t)
	ctx, cancel := context.WithCancel(context.Background())
	go io.WriteString(hands, "one\x1b\rtwo\x1b[A\t")
	onTab := func(string) (int, []string) { cancel(); return 0, nil }
	if _, err := term.ReadLine(ctx, onTab); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if !strings.HasSuffix(out.String(), "> one\r\n  two\r\x1b[5C\r\n") {
		t.Errorf("the cursor is not below the line: %q", out)
	}
}

func TestReadLineEndsWithTheTerminal(t *testing.T) {
	term, hands, _ := newTest(t)
	hands.Close()
	if _, err := term.ReadLine(context.Background(), nil); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

func TestInterruptible(t *testing.T) {
	term, hands, _ := newTest(t)
	term.Interruptible(context.Background(), func(ctx context.Context) {
		io.WriteString(hands, "lost\x03")
		<-ctx.Done()
	})
	var wait sync.WaitGroup
	term.Interruptible(context.Background(), func(context.Context) {
		io.WriteString(hands, "typed ah")
	})
	wait.Go(func() { io.WriteString(hands, "ead\r") })
	got, err := term.ReadLine(context.Background(), nil)
	if err != nil || got != "typed ahead" {
		t.Errorf("ReadLine = %q, %v", got, err)
	}
	wait.Wait()
}

func TestInterruptibleEndsWithTheTerminal(t *testing.T) {
	term, hands, _ := newTest(t)
	term.Interruptible(context.Background(), func(ctx context.Context) {
		hands.Close()
		<-ctx.Done()
	})
}

func TestWriteEndsLinesAsARawTerminalWantsThem(t *testing.T) {
	term, _, out := newTest(t)
	if n, err := term.Write([]byte("a\nb\n")); n != 4 || err != nil || out.String() != "a\r\nb\r\n" {
		t.Errorf("wrote %q: %d, %v", out, n, err)
	}
}

func TestStatus(t *testing.T) {
	var out strings.Builder
	s := NewStatus(&out, Style{}, columns(80), 1<<40, "waiting")
	s.show("waiting") // what the timer does
	s.Clear()
	s.Clear()
	s.show("too late")
	if out.String() != "waiting\r\x1b[K" {
		t.Errorf("wrote %q", out.String())
	}
	NewStatus(nil, Style{}, nil, 0, "nowhere").Clear()
}

func columns(n int) func() int { return func() int { return n } }

func TestStatusKeepsToOneRow(t *testing.T) {
	var out strings.Builder
	s := NewStatus(&out, Style{}, columns(10), 1<<40, "waiting for 日本")
	s.show("waiting for 日本")
	s.Clear()
	if out.String() != "waiting …\r\x1b[K" {
		t.Errorf("wrote %q", out.String())
	}
}
