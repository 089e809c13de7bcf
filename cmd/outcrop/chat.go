package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"

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
		ValidArgsFunction: cobra.NoFileCompletions, // a prompt
		RunE:              func(cmd *cobra.Command, args []string) error { return runChat(cmd, strings.Join(args, " ")) },
	}
	f := cmd.Flags()
	f.StringP("model", "m", defaultModel, "`MODEL`: an alias, model ID, inference profile ID or ARN")
	f.StringArrayP("file", "f", nil, "attach `FILE`: a PDF, image or text; - for standard input; may be repeated")
	f.Bool("think", false, "have the model think, and show it; without, it thinks as it does by itself")
	f.String("effort", "", "how much it does for an answer: `LEVEL` low, medium, high, xhigh or max")
	f.String("system", "", "`TEXT` that the model is told beforehand")
	f.Int("max-tokens", 0, "longest answer in `TOKENS`, thinking included (default 8192; 16384 if it thinks)")
	f.Bool("plain", false, "show Markdown as it comes")
	f.Bool("json", false, "print the answer as one JSON document")
	f.String("gateway", "", "ask the Outcrop gateway at `URL`, with the key in OUTCROP_KEY")
	f.String("key-file", "", "with --gateway: `FILE` that holds the key")
	bedrockFlags(f)
	idleFlag(f)
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
	if f.Changed("max-tokens") && c.settings.MaxTokens < 1 {
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
	if chat.Stopped(err) {
		return c.explain(err)
	}
	if err != nil {
		return err
	}
	defer stop()
	if err := c.checkModel(client); err != nil {
		return c.explain(err)
	}
	if talk {
		return c.explain(c.talk(cmd.Context(), client))
	}
	return c.explain(c.answer(cmd.Context(), client))
}

// checkModel tells a model that cannot be, which is a fault of usage, from one that is not there.
func (c *chatRun) checkModel(client *outcrop.Client) error {
	_, err := client.Resolve(c.settings.Model)
	if err != nil && outcrop.KindOf(err) == outcrop.Invalid {
		return &usageError{"--model: " + err.Error()}
	}
	return err
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
	if err := checkAlone(f); err != nil {
		return nil, nil, err
	}
	key, err := gatewayKey(ctx, keyFile)
	if err != nil {
		return nil, nil, err
	}
	options, err := limits(f)
	if err != nil {
		return nil, nil, err
	}
	client, err := outcrop.New(ctx, append(options, outcrop.WithGateway(c.gateway, key))...)
	if err != nil {
		return nil, nil, &usageError{"--gateway: " + err.Error()}
	}
	return client, func() {}, nil
}

// checkAlone refuses, beside --gateway, the flags that say which Bedrock is to be called.
func checkAlone(f *pflag.FlagSet) error {
	which := pflag.NewFlagSet("", pflag.ContinueOnError)
	bedrockFlags(which)
	var err error
	which.VisitAll(func(flag *pflag.Flag) {
		if f.Changed(flag.Name) {
			err = &usageError{"--" + flag.Name + " (" + environmentName(flag) + ") does not go with --gateway: the gateway has its own Bedrock"}
		}
	})
	return err
}

// maxKeyFile is how much of a file is read for a key.
const maxKeyFile = 8 << 10

// gatewayKey finds the key for a gateway.
func gatewayKey(ctx context.Context, path string) (string, error) {
	if path == "" {
		key := os.Getenv("OUTCROP_KEY")
		switch {
		case key == "":
			return "", outcrop.Errorf(outcrop.Unauthenticated, "a gateway wants a key: set OUTCROP_KEY, or --key-file")
		case strings.ContainsFunc(key, unicode.IsControl):
			return "", &usageError{"OUTCROP_KEY does not hold one key"}
		}
		return key, nil
	}
	key, err := chat.Within(ctx, func() (string, error) { return readKey(path) })
	if err != nil {
		return "", fileError(fmt.Errorf("--key-file: %w", err))
	}
	return key, nil
}

// readKey reads the key that a file holds.
func readKey(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(text))
	if len(text) > maxKeyFile || key == "" || strings.ContainsFunc(key, unicode.IsControl) {
		return "", fmt.Errorf("%s does not hold one key", path)
	}
	return key, nil
}

// talk holds a conversation on the terminal.
func (c *chatRun) talk(ctx context.Context, client *outcrop.Client) error {
	if os.Getenv("TERM") == "dumb" {
		return &usageError{"this terminal cannot edit lines (TERM=dumb): give the prompt as an argument, or pipe it in"}
	}
	if err := client.Ready(ctx); err != nil {
		return err
	}
	ctx, stop := untilHangup(ctx)
	defer stop()
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
	return s.Run(ctx)
}

// untilHangup ends ctx at the signals that would end the program and leave the terminal raw.
func untilHangup(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signals = append(signals, syscall.SIGHUP)
	}
	return signal.NotifyContext(ctx, signals...)
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
	case outcrop.Unauthenticated:
		return "The gateway does not take this key: check OUTCROP_KEY or --key-file against what outcrop serve printed."
	case outcrop.Credentials:
		if c.gateway != "" {
			return ""
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
