package chat

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
	"github.com/outcrop-dev/outcrop/internal/terminal"
)

// A person types lines, in order, and presses ctrl-c during an answer once the screen shows stopAt.
type person struct {
	lines  []string
	stopAt string
	screen strings.Builder
	stop   context.CancelFunc
}

func (p *person) Write(b []byte) (int, error) {
	n, err := p.screen.Write(b)
	if p.stopAt != "" && p.stop != nil && strings.Contains(p.screen.String(), p.stopAt) {
		p.stopAt = ""
		p.stop()
	}
	return n, err
}

func (p *person) ReadLine(context.Context, func(string) (int, []string)) (string, error) {
	if len(p.lines) == 0 {
		return "", io.EOF
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	p.screen.WriteString("> " + line + "\n")
	if line == "^C" {
		return "", terminal.ErrInterrupted
	}
	return line, nil
}

func (p *person) Interruptible(ctx context.Context, f func(context.Context)) {
	ctx, p.stop = context.WithCancel(ctx)
	defer p.stop()
	f(ctx)
}

func (*person) Width() int { return 200 }

// talk holds a session and returns the screen.
func talk(t *testing.T, srv *bedrocktest.Server, p *person) (screen string) {
	t.Helper()
	s := newSession(t, newClient(t, srv), p)
	if err := s.Run(t.Context()); err != nil {
		t.Fatalf("Run: %v\n%s", err, &p.screen)
	}
	return p.screen.String()
}

func newSession(t *testing.T, client *outcrop.Client, p *person) *Session {
	return &Session{
		Client: client, Terminal: p, Place: "the test", Conversation: Conversation{Settings: Settings{Model: "sonnet", Cache: true}},
		Now:    func() time.Time { return time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC) },
		Advice: func(err error) string { return "advice on " + string(outcrop.KindOf(err)) },
	}
}

// inOrder holds that the screen has the texts in that order.
func inOrder(t *testing.T, screen string, texts ...string) {
	t.Helper()
	rest := screen
	for _, text := range texts {
		_, after, ok := strings.Cut(rest, text)
		if !ok {
			t.Fatalf("no %q, where it should be, on the screen:\n%s", text, screen)
		}
		rest = after
	}
}

func TestSession(t *testing.T) {
	screen := talk(t, bedrocktest.NewServer(t), &person{lines: []string{
		"^C", "hello", "/cost", "/model", "/model haiku", "and now?", "/model nothing", "/think on", "/system Be brief.", "think about it",
		"/think off", "/system -", "/nonsense", "/etc/hosts is what?", " /help me", "/help", "/clear", "who are you?", "/exit", "never said"}})
	inOrder(t, screen, "Claude Sonnet 5.5 (us.anthropic.claude-sonnet-5-5), the test\n/help for commands, ctrl-d to leave",
		"ctrl-d or /exit to leave",
		"> hello\n\nYou said: hello", " in · ", " out · $0.00", " s\n",
		"1 answer, $0.00", " by list prices",
		"Claude Sonnet 5.5 (us.anthropic", "> /model haiku\nClaude Haiku 5.5 (us.anthropic.claude-haiku-5-5)",
		"Claude Haiku 5.5", "this is your turn 2",
		`"nothing" is not known`,
		"thinking is asked for and shown", "system prompt: Be brief.",
		"> think about it\n\nThe user wrote: think about it\nI can answer that directly.\n\nYou said: think about it",
		"thinking as the model does by itself, not shown", "no system prompt",
		"there is no /nonsense", "You said: /etc/hosts is what?", "You said: /help me",
		"/save", "ctrl-c stops an answer", "a new conversation",
		"I am Claude Haiku 5.5 as the embedded Bedrock plays it. Write", "6 answers, $0.00")
	if strings.Contains(screen, "never said") {
		t.Error("/exit does not leave")
	}
}

func TestSessionStopsAnAnswer(t *testing.T) {
	p := &person{stopAt: "layer by layer", lines: []string{"write 5000 words", "go on", "/retry"}}
	screen := talk(t, bedrocktest.NewServer(t, bedrocktest.WithChunkDelay(time.Millisecond)), p)
	inOrder(t, screen, "Layer by layer", "stopped; what came stays in the conversation", "output not counted",
		"> go on\n\nYou said: go on", "this is your turn 2", "> /retry\n\nYou said: go on", "this is your turn 2",
		"3 answers, $0.00", "and what has no known price")
}

func TestSessionGoesOnAfterAnError(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	p := &person{lines: []string{"/model claude-3-haiku", "hello", "/retry", "/model opus", "/retry", "again"}}
	screen := talk(t, srv, p)
	inOrder(t, screen, "> hello\n", "end of its life", "advice on not_found", "your message is not in the conversation: /retry sends it again",
		"> /retry\n", "your message is not in the conversation", "> /retry\n\nYou said: hello",
		"> again\n\nYou said: again", "this is your turn 2")
}

func TestSessionWithoutBedrock(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	p := &person{lines: []string{"hello"}}
	s := newSession(t, newClient(t, srv), p)
	srv.Close()
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	inOrder(t, p.screen.String(), "advice on unavailable", "/retry sends it again")
}

func TestSessionFiles(t *testing.T) {
	dir := t.TempDir()
	pdf := filepath.Join(dir, "a report.pdf")
	if err := os.WriteFile(pdf, []byte("%PDF-1.4\n1 0 obj<</Type/Page>>endobj\n%%EOF"), 0o600); err != nil {
		t.Fatal(err)
	}
	saved, asJSON := filepath.Join(dir, "kept.md"), filepath.Join(dir, "kept.json")
	screen := talk(t, bedrocktest.NewServer(t), &person{lines: []string{
		"/save " + saved, "/file", "/file " + filepath.Join(dir, "none"), "/file " + strings.ReplaceAll(pdf, " ", `\ `), "what is it?",
		"and now?", "/save " + saved, "/save " + saved, "/save! " + saved, "/save " + asJSON}})
	inOrder(t, screen, "there is nothing to save yet", "which file?", dir+"/none: no such file", "a report.pdf: PDF, ", "bytes; goes with your next message",
		"> what is it?\n\nI have read a document: \"a report.pdf\", PDF, 1 page", "> and now?\n\nYou said: and now?",
		"saved to "+saved, "is there already; /save! ", "saved to "+saved, "saved to "+asJSON)
	text, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, string(text), "# Conversation\n", "## You\n\nAttached: a report.pdf\n\nwhat is it?\n", "## Claude Sonnet 5.5\n\nI have read", "## You\n\nand now?\n")
	for _, path := range []string{saved, asJSON} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	text, _ = os.ReadFile(asJSON)
	inv, err := outcrop.MessagesInvocation(nil, text)
	if err != nil || inv.Model != "sonnet" || strings.Count(string(text), `"role"`) != 4 || strings.Contains(string(text), "cache_control") {
		t.Errorf("not a request that one can go on with: %v\n%s", err, text)
	}
}

func TestSessionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &person{lines: []string{"hello", "again"}}
	s := newSession(t, newClient(t, bedrocktest.NewServer(t)), p)
	cancel()
	if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestComplete(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"plan.txt", "plot.png", ".hidden"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(dir, "pl\x1b]0;evil\x07"), nil, 0o600) // not every file system takes it
	os.WriteFile(filepath.Join(dir, "pl\u202egpj"), nil, 0o600)
	os.Mkdir(filepath.Join(dir, "papers"), 0o700)
	s := newSession(t, newClient(t, bedrocktest.NewServer(t)), &person{})
	f := func(line string, wantStart int, want string) {
		t.Helper()
		start, words := s.complete(line)
		if got := strings.Join(words, " "); start != wantStart || got != want {
			t.Errorf("complete(%q) = %d, %q; want %d, %q", line, start, got, wantStart, want)
		}
	}
	f("/mo", 0, "/model")
	f("hello", 0, "")
	f("/model op", 7, "opus")
	f("/model claude-haiku", 7, "claude-haiku-5-5 claude-haiku-4-5")
	f("/think o", 7, "on off")
	f("/file "+dir+"/pl", 6, dir+"/plan.txt "+dir+"/plot.png")
	f("/file "+dir+"/", 6, dir+"/papers/ "+dir+"/plan.txt "+dir+"/plot.png")
	f("/cost x", 0, "")
}
