package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/chat"
	"github.com/outcrop-dev/outcrop/internal/terminal"
)

func newChat() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "chat [flags] [PROMPT]",
		Short: "Talk to a model in the terminal",
		Long: `Talk to a Claude model: with a prompt or a pipe one answer, on a terminal a conversation (/help there
lists its commands). Piped text follows the prompt; a piped PDF or image goes as a file does.

The answer goes to standard output as it comes. Tokens, time and cost (by AWS's list prices) go to
standard error if that is a terminal, or with -v. ctrl-c stops an answer; the conversation goes on.`,
		Example: `  outcrop chat --local "hi"                          no AWS account needed
  git diff | outcrop chat "what could break here?"
  outcrop chat --file report.pdf --file plot.png --think "do these agree?"
  outcrop chat --json --model haiku "a name for a cat" | jq -r .text
  OUTCROP_KEY=oc_… outcrop chat --gateway https://gateway.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error { return runChat(cmd, strings.Join(args, " ")) },
	}
	f := cmd.Flags()
	f.StringP("model", "m", defaultModel, "`MODEL`: an alias, model ID, inference profile ID or ARN")
	f.StringArrayP("file", "f", nil, "attach `FILE`: a PDF, image or text; - for standard input; may be repeated")
	f.Bool("think", false, "have the model think, and show it; without, it thinks as it does by itself")
	f.String("effort", "", "how much it does for an answer: `LEVEL` low, medium, high, xhigh or max")
	f.String("system", "", "`TEXT` that the model is told beforehand")
	f.Int("max-tokens", 0, "longest answer in tokens, thinking included (default 8192, or 16384 if it thinks)")
	f.Bool("plain", false, "show Markdown as it comes")
	f.Bool("json", false, "print the answer as one JSON document")
	f.String("gateway", "", "ask the Outcrop gateway at `URL`, with the key in OUTCROP_KEY")
	f.String("key-file", "", "with --gateway: `FILE` that holds the key")
	bedrockFlags(f)
	cmd.RegisterFlagCompletionFunc("model", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return chat.ModelNames(""), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RegisterFlagCompletionFunc("effort", cobra.FixedCompletions([]string{"low", "medium", "high", "xhigh", "max"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

const defaultModel = "sonnet"

// A chatRun is one call of outcrop chat.
type chatRun struct {
	settings chat.Settings
	prompt   chat.Prompt
	json     bool
	plain    bool
	verbose  bool
	gateway  string // its URL
	local    bool
}

func runChat(cmd *cobra.Command, prompt string) error {
	f := cmd.Flags()
	c := chatRun{prompt: chat.Prompt{Text: prompt}}
	c.settings.Model, _ = f.GetString("model")
	c.settings.Model = cmp.Or(c.settings.Model, defaultModel)
	c.settings.System, _ = f.GetString("system")
	c.settings.Think, _ = f.GetBool("think")
	c.settings.Effort, _ = f.GetString("effort")
	c.settings.MaxTokens, _ = f.GetInt("max-tokens")
	c.json, _ = f.GetBool("json")
	c.plain, _ = f.GetBool("plain")
	c.verbose, _ = f.GetBool("verbose")
	c.gateway, _ = f.GetString("gateway")
	c.local, _ = f.GetBool("local")
	if c.settings.MaxTokens < 0 {
		return &usageError{"--max-tokens: at least 1"}
	}
	if err := c.settings.Check(); err != nil {
		return &usageError{err.Error()}
	}
	talk := prompt == "" && !c.json && terminal.IsTerminal(os.Stdin) && terminal.IsTerminal(os.Stdout)
	paths, _ := f.GetStringArray("file")
	if err := c.read(cmd.Context(), paths, talk); err != nil {
		return c.explain(err)
	}
	client, stop, err := c.open(cmd.Context(), f, talk)
	if err != nil {
		return err
	}
	defer stop()
	if talk {
		return c.talk(cmd.Context(), client)
	}
	return c.explain(c.answer(cmd.Context(), client))
}

// open makes the client: of a gateway, or of what serve would stand on.
func (c *chatRun) open(ctx context.Context, f *pflag.FlagSet, talk bool) (*outcrop.Client, func(), error) {
	keyFile, _ := f.GetString("key-file")
	if c.gateway == "" {
		if keyFile != "" {
			return nil, nil, &usageError{"--key-file goes with --gateway"}
		}
		w := io.Discard
		if c.verbose && !talk {
			w = os.Stderr
		}
		return openBedrock(ctx, f, slog.New(slog.NewTextHandler(w, nil)))
	}
	for _, other := range []string{"local", "region", "endpoint-url"} {
		if f.Changed(other) {
			return nil, nil, &usageError{"--" + other + " does not go with --gateway: the gateway knows where Bedrock is"}
		}
	}
	key, err := gatewayKey(keyFile)
	if err != nil {
		return nil, nil, err
	}
	client, err := outcrop.New(ctx, outcrop.WithGateway(c.gateway, key))
	if err != nil {
		return nil, nil, &usageError{"--gateway: " + err.Error()}
	}
	return client, func() {}, nil
}

// gatewayKey finds the key for a gateway.
func gatewayKey(path string) (string, error) {
	if path == "" {
		if key := os.Getenv("OUTCROP_KEY"); key != "" {
			return key, nil
		}
		return "", outcrop.Errorf(outcrop.Unauthenticated, "a gateway wants a key: set OUTCROP_KEY, or --key-file")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", &usageError{"--key-file: " + err.Error()}
	}
	key := strings.TrimSpace(string(text))
	if key == "" || strings.ContainsAny(key, "\r\n") {
		return "", &usageError{"--key-file: " + path + " does not hold one key"}
	}
	return key, nil
}

// read reads files and what is piped in.
func (c *chatRun) read(ctx context.Context, paths []string, talk bool) error {
	fromStdin := false
	for _, path := range paths {
		a, err := chat.Attachment{}, error(nil)
		if path == "-" {
			fromStdin = true
			a, err = readStdin(ctx)
		} else {
			a, err = chat.ReadAttachment(path)
		}
		if err != nil {
			return fileError(err)
		}
		c.prompt.Files = append(c.prompt.Files, a)
	}
	if !talk && !fromStdin && piped(os.Stdin, c.prompt.Text == "" && len(paths) == 0) {
		if err := c.readPipe(ctx); err != nil {
			return fileError(err)
		}
	}
	if !talk && c.prompt.Text == "" && len(c.prompt.Files) == 0 {
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
		c.prompt.Files = append(c.prompt.Files, a)
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
	type read struct {
		a   chat.Attachment
		err error
	}
	done := make(chan read, 1)
	go func() {
		a, err := chat.Attach("standard input", os.Stdin)
		done <- read{a, err}
	}()
	select {
	case r := <-done:
		return r.a, r.err
	case <-ctx.Done():
		return chat.Attachment{}, ctx.Err()
	}
}

// fileError makes a fault of usage of what is wrong with a file.
func fileError(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &usageError{err.Error()}
}

// answer asks once and prints the answer.
func (c *chatRun) answer(ctx context.Context, client *outcrop.Client) error {
	conversation := &chat.Conversation{Settings: c.settings}
	inv, err := conversation.Invocation(c.prompt)
	if err != nil {
		return err
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

// talk holds a conversation on the terminal.
func (c *chatRun) talk(ctx context.Context, client *outcrop.Client) error {
	if os.Getenv("TERM") == "dumb" {
		return &usageError{"this terminal cannot edit lines (TERM=dumb): give the prompt as an argument, or pipe it in"}
	}
	if _, err := client.Resolve(c.settings.Model); err != nil {
		return err
	}
	if err := client.Ready(ctx); err != nil {
		return c.explain(err)
	}
	style := terminal.NewStyle(os.Stdout, os.Getenv)
	t, err := terminal.Open(os.Stdin, os.Stdout, style)
	if err != nil {
		return err
	}
	defer t.Close()
	s := &chat.Session{
		Client: client, Terminal: t, Style: style, Plain: c.plain, Place: c.place(client), Now: time.Now,
		Advice: c.advice, Conversation: chat.Conversation{Settings: c.settings}, Files: c.prompt.Files,
	}
	s.Cache = true
	return c.explain(s.Run(ctx))
}

// place says where answers come from.
func (c *chatRun) place(client *outcrop.Client) string {
	switch {
	case c.gateway != "":
		return "by " + c.gateway
	case c.local:
		return "the embedded Bedrock"
	}
	return "Bedrock in " + client.Region()
}

// explain adds what to do to an error.
func (c *chatRun) explain(err error) error {
	if err == nil {
		return nil
	}
	if chat.Stopped(err) {
		return outcrop.Errorf(outcrop.Canceled, "stopped")
	}
	if advice := c.advice(err); advice != "" {
		return fmt.Errorf("%w\n%s", err, advice)
	}
	return err
}

// advice says what to do about an error; "" where the error says it itself.
func (c *chatRun) advice(err error) string {
	e := outcrop.AsError(err)
	switch e.Kind {
	case outcrop.Credentials:
		if c.gateway != "" {
			return "The gateway does not take this key: check OUTCROP_KEY or --key-file against what outcrop serve printed."
		}
		return "Refresh the AWS credentials (aws sso login, aws login, new keys or AWS_BEARER_TOKEN_BEDROCK); --local needs none."
	case outcrop.AccessDenied:
		return "Check the IAM policy (bedrock:InvokeModelWithResponseStream), service control policies and model access."
	case outcrop.Throttled, outcrop.Quota:
		return "Bedrock sets --max-tokens aside from the token quota when a call begins: a lower one may fit, and so may another model."
	case outcrop.NotFound:
		if m, ok := catalog.Lookup(c.settings.Model); ok && m.Lifecycle == catalog.EOL {
			return m.Name + " has reached its end of life on Bedrock."
		}
	}
	return ""
}
