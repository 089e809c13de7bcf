package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/chat"
	"github.com/outcrop-dev/outcrop/internal/terminal"
)

// read reads files and what is piped in.
func (c *chatRun) read(ctx context.Context, paths []string, talk bool) error {
	fromStdin := false
	for _, path := range paths {
		a, err := chat.Attachment{}, error(nil)
		if path == "-" {
			fromStdin = true
			a, err = readStdin(ctx)
		} else {
			a, err = chat.ReadAttachment(ctx, path)
		}
		if err == nil {
			c.prompt.Files, err = chat.Attached(c.prompt.Files, a)
		}
		if err != nil {
			return fileError(err)
		}
	}
	if !talk && !fromStdin && piped(os.Stdin, c.prompt.Text == "" && len(paths) == 0) {
		if err := c.readPipe(ctx); err != nil {
			return fileError(err)
		}
	}
	if !talk && strings.TrimSpace(c.prompt.Text) == "" && len(c.prompt.Files) == 0 {
		return &usageError{"give a prompt, pipe one in, or start it on a terminal without one"}
	}
	return nil
}

// readPipe takes what is piped in: text behind the prompt, all else as a file.
func (c *chatRun) readPipe(ctx context.Context) error {
	a, err := readStdin(ctx)
	switch {
	case errors.Is(err, chat.ErrAttachment) && a.Size == 0: // an empty pipe is none
		return nil
	case err != nil:
		return err
	case a.Kind != "text":
		c.prompt.Files, err = chat.Attached(c.prompt.Files, a)
		return err
	case c.prompt.Text == "":
		c.prompt.Text = a.Text
	default:
		c.prompt.Text += "\n\n" + a.Text
	}
	return nil
}

// piped reports whether something is to be read from f. Beside a prompt only what looks like it: a
// service's standard input may be a socket that nobody ever writes to.
func piped(f *os.File, only bool) bool {
	info, err := f.Stat()
	switch {
	case err != nil || terminal.IsTerminal(f):
		return false
	case only:
		return true
	}
	return info.Mode()&os.ModeNamedPipe != 0 || info.Mode().IsRegular()
}

// readStdin reads standard input, unless ctx ends first.
func readStdin(ctx context.Context) (chat.Attachment, error) {
	var progress io.Writer
	if terminal.IsTerminal(os.Stderr) {
		progress = os.Stderr
	}
	status := terminal.NewStatus(progress, terminal.NewStyle(os.Stderr, os.Getenv), widthOf(os.Stderr), 3*time.Second, "reading standard input until it ends…")
	defer status.Clear()
	return chat.Within(ctx, func() (chat.Attachment, error) { return chat.Attach("standard input", os.Stdin) })
}

// fileError makes a fault of usage of what is wrong with a file.
func fileError(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &usageError{err.Error()}
}
