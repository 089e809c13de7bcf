package e2e

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startChat starts outcrop chat on the embedded Bedrock, in a terminal and an empty environment.
func startChat(t *testing.T, dir string, flags ...string) *terminal {
	t.Helper()
	cmd := exec.Command(binary(t), append([]string{"chat", "--local"}, flags...)...)
	cmd.Dir, cmd.Env = dir, cleanEnv(dir, "TERM=xterm-256color")
	s := inTerminal(t, cmd)
	s.waitFor("/help for commands")
	return s
}

// press types keys that leave no text of their own.
func (s *terminal) press(keys string) { io.WriteString(s.keys, keys) }

const (
	ctrlC, ctrlD, altEnter = "\x03", "\x04", "\x1b\r"
	keyLeft, keyUp, keyTab = "\x1b[D", "\x1b[A", "\t"
)

func TestChatInATerminal(t *testing.T) {
	dir := t.TempDir()
	s := startChat(t, dir, "--chunk-delay", "5ms")

	s.press("helo" + keyLeft + "l 日本" + "\x05!")
	s.waitFor("> hell 日本o!")
	s.press(strings.Repeat(keyLeft, 5) + "\x1b[3~") // the space goes
	s.waitFor("> hell日本o!")
	s.press("\r")
	s.waitFor("You said: hell日本o!")
	s.waitFor("$0.000") // tokens and cost

	s.press("one" + altEnter + "two\\\rthree")
	s.waitFor("> one\n  two\n  three")
	s.press("\r")
	s.waitFor("You said: one\ntwo\nthree")
	s.waitFor("this is your turn 2")

	s.press("\x1b[200~pasted\rtext\x1b[201~")
	s.waitFor("> pasted\n  text") // and not sent
	s.press(ctrlC + ctrlC)
	s.waitFor("ctrl-d or /exit to leave")

	s.press("/mod" + keyTab)
	s.waitFor("> /model")
	s.press("op" + keyTab + "\r")
	s.waitFor("Claude Opus 5.5 (us.anthropic.claude-opus-5-5)")

	s.press(keyUp + keyUp)
	s.waitFor("> one\n  two\n  three\n")
	s.press(ctrlC)
	s.enter("/save kept.md")
	s.waitFor("saved to kept.md")
	text, err := os.ReadFile(filepath.Join(dir, "kept.md"))
	if err != nil || !strings.Contains(string(text), "You said: one\ntwo\nthree") {
		t.Errorf("saved %q, %v", text, err)
	}
	s.press(ctrlD)
	s.waitFor("2 answers, $0.00")
	s.waitForExit()
}

func TestChatStopsAnAnswer(t *testing.T) {
	s := startChat(t, t.TempDir(), "--chunk-delay", "20ms")
	s.enter("write 5000 words")
	s.waitFor("Layer by layer")
	s.press("typed meanwhile")
	s.press(ctrlC)
	s.waitFor("stopped; what came stays in the conversation")
	if s.shows("typed meanwhile") {
		t.Error("what was typed before ctrl-c is still there")
	}
	s.enter("go on")
	s.waitFor("You said: go on")
	s.waitFor("this is your turn 2")
	s.enter("/exit")
	s.waitForExit()
}

// A terminal that goes away, or kill -QUIT, ends the conversation as SIGTERM does: not in raw mode.
func TestChatEndsBySignal(t *testing.T) {
	for _, sent := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(sent.String(), func(t *testing.T) {
			if signal.Ignored(sent) {
				t.Skip("ignored here, and so by what is started here (nohup)")
			}
			s := startChat(t, t.TempDir())
			s.press("half a line")
			s.waitFor("half a line")
			s.cmd.Process.Signal(sent)
			select {
			case <-s.ended:
			case <-time.After(patience):
				t.Fatal("it goes on")
			}
			s.cmd.Wait()
			if code := s.cmd.ProcessState.ExitCode(); code != 130 || !s.shows("outcrop: stopped") {
				t.Errorf("exit code %d, want 130", code)
			}
		})
	}
}

func TestChatFiles(t *testing.T) {
	dir := t.TempDir()
	pdf := "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
	gif := "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
	for name, data := range map[string]string{"report.pdf": pdf, "picture.gif": gif} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := startChat(t, dir, "--file", "picture.gif")
	s.enter("what do you see?")
	s.waitFor("I see a GIF image, 1 x 1 pixels")
	s.press("/file rep" + keyTab + "\r")
	s.waitFor("report.pdf: PDF,")
	s.enter("what does it say?")
	s.waitFor("I have read a document: \"report.pdf\", PDF, 1 page")

	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.enter("/file pipe") // nobody writes to it
	s.press(ctrlC)
	s.waitFor("stopped")
	s.press(ctrlD)
	s.waitForExit()
}
