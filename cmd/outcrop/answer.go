package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/chat"
	"github.com/outcrop-dev/outcrop/internal/terminal"
)

// answer asks once and prints the answer.
func (c *chatRun) answer(ctx context.Context, client *outcrop.Client) error {
	conversation := &chat.Conversation{Settings: c.settings}
	inv, err := conversation.Invocation(c.prompt)
	if err != nil {
		return &usageError{err.Error()}
	}
	out := c.output()
	answer, err := chat.Ask(ctx, client, inv, out.reader)
	if e := out.finish(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if c.json {
		if err := printAnswer(os.Stdout, answer, c.settings); err != nil {
			return err
		}
	}
	if remark := answer.Remark(c.settings); remark != "" {
		fmt.Fprintf(os.Stderr, "outcrop: %s\n", terminal.Printable(remark))
	}
	if c.verbose || terminal.IsTerminal(os.Stderr) {
		fmt.Fprintln(os.Stderr, terminal.NewStyle(os.Stderr, os.Getenv).Dim(answer.Target.ModelID+" · "+answer.Summary()))
	}
	return nil
}

// An output is where an answer goes as it comes.
type output struct {
	reader chat.Reader
	finish func() error
}

// output is standard output: with looks on a terminal, else the text alone.
func (c *chatRun) output() output {
	var progress io.Writer
	if terminal.IsTerminal(os.Stderr) {
		progress = os.Stderr
	}
	style := terminal.NewStyle(os.Stdout, os.Getenv)
	w := &ending{w: os.Stdout}
	if terminal.IsTerminal(os.Stdout) && !c.json {
		view := chat.NewView(w, progress, style, widthOf(os.Stdout), c.plain, c.settings.Model)
		return output{view.Reader(), func() error { view.Close(); return w.err }}
	}
	if c.json {
		w.w = io.Discard
	}
	waiting := chat.Waiting(progress, style, widthOf(os.Stderr), c.settings.Model)
	return output{
		chat.Reader{Text: func(text string) { waiting.Clear(); io.WriteString(w, text) }, Thinking: func(string) {}},
		func() error { waiting.Clear(); return w.end() },
	}
}

func widthOf(f *os.File) func() int { return func() int { return terminal.Width(f) } }

// An ending writer keeps the first error, and whether a line is still to be ended.
type ending struct {
	w    io.Writer
	open bool
	err  error
}

func (e *ending) Write(p []byte) (int, error) {
	n, err := e.w.Write(p)
	e.err = cmp.Or(e.err, err)
	if len(p) > 0 {
		e.open = p[len(p)-1] != '\n'
	}
	return n, err
}

func (e *ending) end() error {
	if e.open {
		io.WriteString(e, "\n")
	}
	return e.err
}

// chatAnswer is what --json prints.
type chatAnswer struct {
	SchemaVersion int               `json:"schema_version"`
	ID            string            `json:"id"`
	Model         string            `json:"model"`    // as asked for
	ModelID       string            `json:"model_id"` // as called
	Region        string            `json:"region,omitempty"`
	Text          string            `json:"text"`
	Thinking      string            `json:"thinking,omitempty"`
	StopReason    string            `json:"stop_reason"`
	Usage         chatUsage         `json:"usage"`
	CostUSD       *float64          `json:"cost_usd,omitempty"` // by list prices
	RequestID     string            `json:"request_id,omitempty"`
	DurationMS    int64             `json:"duration_ms"`
	Content       []json.RawMessage `json:"content"`
}

type chatUsage struct {
	InputTokens      int64 `json:"input_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	CacheReadTokens  int64 `json:"cache_read_input_tokens"`
	CacheWriteTokens int64 `json:"cache_creation_input_tokens"`
}

func printAnswer(w io.Writer, a *chat.Answer, s chat.Settings) error {
	doc := chatAnswer{
		SchemaVersion: 1, ID: a.ID, Model: s.Model, ModelID: a.Target.ModelID, Region: a.Target.Region,
		Text: a.Text(), Thinking: a.Thinking(), StopReason: a.StopReason,
		Usage:     chatUsage{a.Usage.InputTokens, a.Usage.OutputTokens, a.Usage.CacheReadTokens, a.Usage.CacheWriteTokens},
		RequestID: a.RequestID, DurationMS: a.Took.Milliseconds(), Content: a.Content(),
	}
	if dollars, ok := a.Cost(); ok {
		dollars = math.Round(dollars*1e9) / 1e9 // a price per million has no more places
		doc.CostUSD = &dollars
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(doc)
}
