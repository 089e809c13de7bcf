package chat

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/terminal"
)

// commands are what a line may begin with in place of a prompt, as /help shows them.
var commands = []struct{ name, args, help string }{
	{"/help", "", "this list"},
	{"/model", "[NAME]", "which model answers; NAME: another one from now on"},
	{"/file", "PATH", "attach a PDF, an image or a text to the next message"},
	{"/system", "[TEXT]", "what the model is told beforehand; - for nothing"},
	{"/think", "on|off", "have it think, and see it"},
	{"/retry", "", "ask the last message again"},
	{"/save", "[FILE]", "keep the conversation: .md as text, else as a Messages request; /save! replaces a file"},
	{"/cost", "", "what the session has cost by list prices"},
	{"/clear", "", "begin a new conversation"},
	{"/exit", "", "leave; so does ctrl-d"},
}

const keys = `ctrl-c stops an answer. Enter sends; alt-enter, or \ at the end of a line, begins another line.
Up and down bring earlier messages back, tab completes.`

// isCommand tells commands from messages that begin with a slash, such as a path.
func (s *Session) isCommand(line string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return strings.HasPrefix(line, "/") && !strings.Contains(name[1:], "/")
}

// command does what line says and reports whether that is to leave.
func (s *Session) command(ctx context.Context, line string) (leave bool) {
	name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	arg = strings.TrimSpace(arg)
	switch name {
	case "/help":
		s.help()
	case "/model":
		s.setModel(arg)
	case "/file":
		s.attach(ctx, arg)
	case "/system":
		s.setSystem(arg)
	case "/think":
		s.setThink(arg)
	case "/retry":
		s.retry(ctx)
	case "/save", "/save!":
		s.save(arg, name == "/save!")
	case "/cost":
		if s.total(); s.answers == 0 {
			s.say("nothing yet")
		}
	case "/clear":
		s.Clear()
		s.Files, s.failed = nil, Prompt{}
		s.say("a new conversation")
	case "/exit", "/quit":
		return true
	default:
		s.complain("there is no %s; /help lists the commands. A message may begin with a space.", name)
	}
	return false
}

func (s *Session) help() {
	w := terminal.NewPlain(s.Terminal, s.Style, s.Terminal.Width(), "")
	for _, c := range commands {
		w.Entry(c.name+" "+c.args, 16, c.help)
	}
	w.Close()
	s.say("%s", keys)
}

func (s *Session) setModel(name string) {
	if name != "" {
		next := s.Settings
		next.Model = name
		_, err := s.Client.Resolve(name)
		if err == nil {
			err = next.Check()
		}
		if err != nil {
			s.complain("%v", err)
			return
		}
		s.Settings = next
	}
	s.say("%s", s.modelName())
	if name == "" {
		s.say("tab after /model lists others")
	}
}

func (s *Session) attach(ctx context.Context, arg string) {
	if arg == "" {
		s.complain("/file PATH: which file?")
		return
	}
	var a Attachment
	var err error
	s.Terminal.Interruptible(ctx, func(ctx context.Context) {
		if a, err = ReadAttachment(ctx, unquote(arg)); err == nil {
			s.Files, err = Attached(s.Files, a)
		}
	})
	switch {
	case Stopped(err):
		s.say("stopped")
		return
	case err != nil:
		s.complain("%v", err)
		return
	}
	s.say("%s: %s, %s bytes; goes with your next message", a.Name, a.Kind, count(int64(a.Size)))
}

// unquote reads a path as people type it and as terminals paste it when a file is dropped on them.
func unquote(path string) string {
	if n := len(path); n > 1 && (path[0] == '"' || path[0] == '\'') && path[n-1] == path[0] {
		return path[1 : n-1]
	}
	if _, err := os.Lstat(path); err != nil {
		path = strings.ReplaceAll(path, `\ `, " ")
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

func (s *Session) setSystem(text string) {
	switch text {
	case "":
	case "-":
		s.System = ""
	default:
		s.System = text
	}
	if s.System == "" {
		s.say("no system prompt")
		return
	}
	s.say("system prompt: %s", s.System)
}

func (s *Session) setThink(arg string) {
	next := s.Settings
	switch arg {
	case "on", "off":
		next.Think = arg == "on"
	case "":
	default:
		s.complain("/think on or /think off")
		return
	}
	if err := next.Check(); err != nil {
		s.complain("%v", err)
		return
	}
	s.Settings = next
	if s.Think {
		s.say("thinking is asked for and shown")
		return
	}
	s.say("thinking as the model does by itself, not shown")
}

// retry asks the last message again; an answer that it had is forgotten.
func (s *Session) retry(ctx context.Context) {
	p := s.failed
	if p.Text == "" && len(p.Files) == 0 {
		s.say("there is no message to ask again")
		return
	}
	if n := len(s.turns); n >= 2 && slices.EqualFunc(s.turns[n-2].content, p.turn().content, slices.Equal) {
		s.turns = s.turns[:n-2]
	}
	s.ask(ctx, p)
}

func (s *Session) save(path string, replace bool) {
	if s.Len() == 0 {
		s.complain("there is nothing to save yet")
		return
	}
	if path == "" {
		path = "chat-" + s.Now().Format("20060102-150405") + ".md"
	}
	path = unquote(path)
	switch err := s.Save(path, replace); {
	case errors.Is(err, fs.ErrExist):
		s.complain("%s is there already; /save! %s replaces it", path, path)
	case err != nil:
		s.complain("%v", err)
	default:
		s.say("saved to %s", path)
	}
}

// complete says what the last word of a line could be: a command, a model, a file.
func (s *Session) complete(line string) (start int, words []string) {
	name, arg, hasArg := strings.Cut(line, " ")
	if !strings.HasPrefix(line, "/") || strings.Contains(line, "\n") {
		return 0, nil
	}
	if !hasArg {
		for _, c := range commands {
			words = append(words, c.name)
		}
		return 0, matching(words, name)
	}
	start = len(line) - len(arg)
	switch name {
	case "/model":
		return start, matching(ModelNames(s.Client.Region()), arg)
	case "/think":
		return start, matching([]string{"on", "off"}, arg)
	case "/file", "/save", "/save!":
		return start, files(arg)
	}
	return 0, nil
}

func matching(words []string, prefix string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, prefix) })
}

// ModelNames are the names of Claude's models that can be called from a Region, or from any for "":
// aliases first, then first-party IDs without date.
func ModelNames(region string) []string {
	var aliases, names []string
	for _, m := range catalog.Claude() {
		if _, err := catalog.Resolve(m.ID, region); region != "" && err != nil || m.Lifecycle == catalog.EOL {
			continue
		}
		aliases = append(aliases, m.Aliases...)
		names = append(names, m.ID)
	}
	return append(aliases, names...)
}

// files are those whose path begins with prefix, folders with a slash behind. A name that cannot be
// shown as it is is left out.
func files(prefix string) (out []string) {
	dir, base := filepath.Split(prefix)
	entries, err := os.ReadDir(cmp.Or(unquote(dir), "."))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || base == "" && strings.HasPrefix(name, ".") || !showable(name) {
			continue
		}
		if info, err := os.Stat(filepath.Join(unquote(dir), name)); err == nil && info.IsDir() {
			name += "/"
		}
		out = append(out, dir+name)
	}
	return out
}

func showable(name string) bool {
	return !strings.ContainsAny(name, "\n\t") && terminal.Printable(name) == name
}
