package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newRun() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARGUMENT...]",
		Short: "Run one command with a gateway of its own",
		Long: `Run one command with a gateway on a free port for as long as the command lives.

The command, and only it, gets ANTHROPIC_BASE_URL and ANTHROPIC_AUTH_TOKEN,
AWS_ENDPOINT_URL_BEDROCK_RUNTIME and AWS_ENDPOINT_URL_BEDROCK. An ANTHROPIC_API_KEY and the
switches for Claude Code's other providers are taken out of its environment, since they would win.
outcrop exits with the command's exit code.`,
		Example: `  outcrop run -- claude
  outcrop run --local -- claude -p 'say hi'
  outcrop run --bedrock --region eu-central-1 -- claude
  outcrop run --aws-env -- python my_boto3_script.py`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runCommand(cmd, args) },
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.Bool("bedrock", false, "put Claude Code into Bedrock mode instead of Anthropic mode")
	f.Bool("aws-env", false, "replace the command's AWS credentials with a key pair of the gateway's")
	f.String("log", "", "append the gateway's log to `FILE`")
	bedrockFlags(f)
	limitFlags(f)
	return cmd
}

func runCommand(cmd *cobra.Command, args []string) error {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	f := cmd.Flags()
	log, closeLog, err := runLog(cmd)
	if err != nil {
		return err
	}
	defer closeLog()
	client, stop, err := openBedrock(cmd.Context(), f, log)
	if err != nil {
		return err
	}
	defer stop()
	keys, shown, err := memoryKeys("")
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- newGateway(client, keys, log).Serve(ctx, listener, time.Second) }()
	defer func() { cancel(); <-served }()

	bedrockMode, _ := f.GetBool("bedrock")
	awsEnv, _ := f.GetBool("aws-env")
	face := connection{URL: "http://" + listener.Addr().String(), Region: client.Region(), Key: shown.text, AWS: keys.AWS(shown.key)}
	child := exec.Command(path, args[1:]...)
	child.Args[0] = args[0]
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Env = childEnvironment(os.Environ(), face, bedrockMode, awsEnv)
	return runChild(child)
}

// runLog keeps the gateway's log out of the command's terminal: it goes to a file, to standard
// error only with --verbose, or nowhere.
func runLog(cmd *cobra.Command) (*slog.Logger, func(), error) {
	path, _ := cmd.Flags().GetString("log")
	verbose, _ := cmd.Flags().GetBool("verbose")
	switch {
	case path != "":
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, err
		}
		return newLog(file, cmd.Flags(), false), func() { file.Close() }, nil
	case verbose:
		return newLog(cmd.ErrOrStderr(), cmd.Flags(), false), func() {}, nil
	}
	return newLog(io.Discard, cmd.Flags(), false), func() {}, nil
}

// Variables that would lead a client past the gateway.
var (
	otherProviders = []string{
		"OUTCROP_KEY", "ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_USE_MANTLE",
		"CLAUDE_CODE_USE_ANTHROPIC_AWS", "CLAUDE_CODE_USE_GATEWAY", "ANTHROPIC_BEDROCK_BASE_URL", "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
	}
	otherCredentials = []string{"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"}
)

// childEnvironment is the environment of the command: base with what leads to the gateway set, and
// what leads past it taken out.
func childEnvironment(base []string, c connection, bedrockMode, awsEnv bool) []string {
	drop := slices.Clone(otherProviders)
	set := c.endpoints()
	if bedrockMode {
		drop = append(drop, "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")
		set = append(set, c.bedrock()...)
	} else {
		set = append(set, c.anthropic()...)
	}
	if awsEnv {
		drop = append(drop, otherCredentials...)
		set = append(set, c.keyPair()...)
	}
	env := map[string]string{}
	for _, entry := range base {
		if name, value, ok := strings.Cut(entry, "="); ok && !slices.Contains(drop, name) {
			env[name] = value
		}
	}
	for _, v := range set {
		env[v.name] = v.value
	}
	bypassProxy(env)
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

const loopback = "127.0.0.1,localhost"

// bypassProxy keeps calls to the gateway, on loopback, away from a configured proxy.
func bypassProxy(env map[string]string) {
	list := cmp.Or(env["no_proxy"], env["NO_PROXY"])
	switch list {
	case "*":
	case "":
		list = loopback
	default:
		list += "," + loopback
	}
	env["NO_PROXY"], env["no_proxy"] = list, list
}

// runChild waits for the command. What a terminal sends (Ctrl-C, Ctrl-\) reaches it by itself; other
// signals are passed on.
func runChild(child *exec.Cmd) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- child.Wait() }()
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if !fromTerminal(s) {
				child.Process.Signal(s)
			}
		}
	}
}

// fromTerminal reports whether s is one that a terminal sends to the command as well.
func fromTerminal(s os.Signal) bool {
	if s != os.Interrupt && s != syscall.SIGQUIT {
		return false
	}
	return term.IsTerminal(int(os.Stdin.Fd()))
}

// childCode is the child's exit code, or 128 and the signal's number that ended it, as shells say.
func childCode(err *exec.ExitError) int {
	if status, ok := err.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return err.ExitCode()
}
