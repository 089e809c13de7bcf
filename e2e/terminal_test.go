package e2e

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// An interactive session with default settings is in auto mode, whose requests ask the server for a
// safety check (the member safeguards). Where a server answers that badly, Claude Code puts a dialog
// on the screen that names the gateway.
func TestInteractiveClaudeCode(t *testing.T) {
	f := func(name string, env func(*gateway) []string) {
		t.Run(name, func(t *testing.T) {
			g := serveLocal(t)
			dir, nonce := t.TempDir(), "nonce-"+rand.Text()
			s := startTerminal(t, dir, interactiveEnv(t, dir, env(g)))
			s.waitFor("auto mode on")
			s.enter("say " + nonce)
			s.waitFor("You said: say " + nonce)
			s.blamesNobody(g)

			file := filepath.Join(dir, "note.txt")
			s.enter(fmt.Sprintf("call Write %s", jsonText(map[string]string{"file_path": file, "content": nonce})))
			s.waitFor("Write answered:")
			s.blamesNobody(g)
			if content, err := os.ReadFile(file); string(content) != nonce {
				t.Errorf("the file holds %q (%v), want %q", content, err, nonce)
			}
			s.enter("/exit")
			s.waitForExit()
			if !strings.Contains(g.log.String(), "safeguards") {
				t.Errorf("no request carried safeguards; has auto mode changed? The gateway's log:\n%s", g.log)
			}
		})
	}
	f("in Anthropic mode", anthropicMode)
	f("in Bedrock mode", func(g *gateway) []string {
		return append(bedrockMode(g), "AWS_BEARER_TOKEN_BEDROCK="+g.Key)
	})
}

// interactiveEnv is that of someone who has used Claude Code before and trusts dir; all else is as
// it is by default.
func interactiveEnv(t *testing.T, dir string, extra []string) []string {
	t.Helper()
	home := t.TempDir()
	settings := jsonText(map[string]any{
		"hasCompletedOnboarding": true,
		"theme":                  "dark",
		"projects":               map[string]any{dir: map[string]any{"hasTrustDialogAccepted": true}},
	})
	if err := os.WriteFile(filepath.Join(home, ".claude.json"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return append(claudeEnv(t, "HOME="+home, "TERM=xterm-256color"), extra...)
}

// A terminal is a program in a pseudo-terminal, with someone who reads the screen and types.
type terminal struct {
	t       *testing.T
	cmd     *exec.Cmd
	keys    *os.File
	screen  vt10x.Terminal
	changed chan struct{}
	ended   chan struct{}
}

const (
	columns, rows = 120, 40
	patience      = 30 * time.Second
)

func startTerminal(t *testing.T, dir string, env []string) *terminal {
	t.Helper()
	cmd := exec.Command(claudeCode(t))
	cmd.Dir, cmd.Env = dir, env
	return inTerminal(t, cmd)
}

// inTerminal starts a program in a terminal of its own.
func inTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	s := &terminal{t: t, cmd: cmd, changed: make(chan struct{}, 1), ended: make(chan struct{})}
	keys, err := pty.StartWithSize(s.cmd, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	s.keys = keys
	s.screen = vt10x.New(vt10x.WithSize(columns, rows), vt10x.WithWriter(keys))
	go s.watch()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen:\n%s", s.text())
		}
		s.cmd.Process.Kill()
		<-s.ended
		s.cmd.Wait()
		s.keys.Close()
	})
	return s
}

// watch draws what the program writes, until it has ended.
func (s *terminal) watch() {
	defer close(s.ended)
	io.Copy(drawing{s}, s.keys) // ends with an error once nobody has the other end open
}

type drawing struct{ s *terminal }

func (d drawing) Write(p []byte) (int, error) {
	n, err := d.s.screen.Write(p)
	select {
	case d.s.changed <- struct{}{}:
	default: // whoever waits is told already
	}
	return n, err
}

// text is what stands on the screen, without what is blank.
func (s *terminal) text() string {
	return regexp.MustCompile(`[ \t]*\n\s*\n`).ReplaceAllString(strings.TrimSpace(s.screen.String()), "\n")
}

// shows reports whether the text is on the screen, wherever its lines are broken.
func (s *terminal) shows(text string) bool {
	return strings.Contains(unspaced(s.screen.String()), unspaced(text))
}

func unspaced(text string) string { return strings.Join(strings.Fields(text), "") }

func (s *terminal) waitFor(text string) {
	s.t.Helper()
	late := time.After(patience)
	for !s.shows(text) {
		select {
		case <-s.changed:
		case <-s.ended:
			s.t.Fatalf("the program ended before %q was on the screen", text)
		case <-late:
			s.t.Fatalf("no %q on the screen after %v", text, patience)
		}
	}
}

// enter types a line, and Return once it has appeared: a program that gets both at once takes them
// for something pasted.
func (s *terminal) enter(line string) {
	s.t.Helper()
	io.WriteString(s.keys, line)
	s.waitFor(line)
	io.WriteString(s.keys, "\r")
}

func (s *terminal) waitForExit() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("the program did not end within %v", patience)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the program ended with %v", err)
	}
}

// blamesNobody fails the test if the screen says something of the gateway's.
func (s *terminal) blamesNobody(g *gateway) {
	s.t.Helper()
	for _, blame := range []string{strings.TrimPrefix(g.URL, "http://"), "gateway", "safety check", "isn't eligible", "API Error", "Retrying"} {
		if s.shows(blame) {
			s.t.Errorf("the screen says %q", blame)
		}
	}
}
