// Command outcrop brings Claude on Amazon Bedrock to every client. See the README, or
// outcrop help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/terminal"
)

// Exit codes, the same for every command.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitAuth        = 3
	exitNotFound    = 4
	exitQuota       = 5
	exitNetwork     = 6
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string) int {
	started := false // an error before a command runs is one of usage
	root := newRoot(&started)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case !started:
		fmt.Fprintf(os.Stderr, "outcrop: %v\nRun 'outcrop help' for what there is.\n", err)
		return exitUsage
	}
	var child *exec.ExitError
	if errors.As(err, &child) { // outcrop run: the child has said what there is to say
		return childCode(child)
	}
	fmt.Fprintf(os.Stderr, "outcrop: %s\n", terminal.Printable(err.Error())) // what came over the wire may be in it
	return exitCode(err)
}

// exitCode is the code for an error of a command's.
func exitCode(err error) int {
	var usage *usageError
	var e *outcrop.Error
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, exec.ErrNotFound):
		return exitNotFound
	case !errors.As(err, &e):
		return exitFailure
	}
	switch e.Kind {
	case outcrop.Unauthenticated, outcrop.Forbidden, outcrop.Credentials, outcrop.AccessDenied:
		return exitAuth
	case outcrop.NotFound:
		return exitNotFound
	case outcrop.Throttled, outcrop.Quota, outcrop.Limited:
		return exitQuota
	case outcrop.Unavailable, outcrop.Interrupted:
		return exitNetwork
	case outcrop.Canceled:
		return exitInterrupted
	case outcrop.ModelFailed:
		if errors.Is(err, context.DeadlineExceeded) {
			return exitNetwork
		}
	}
	return exitFailure
}

// usageError is a fault in what was asked for, found after flags were parsed.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func newRoot(started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "outcrop",
		Short: "Claude on Amazon Bedrock, for every client",
		Long: `Outcrop brings Claude on Amazon Bedrock to every client.

  outcrop serve --local      try it: a gateway on an embedded Bedrock, no AWS account needed
  outcrop run -- claude      one command (here Claude Code) on Bedrock, nothing else to set
  outcrop serve              a gateway for your AWS account
  outcrop chat               talk to a model here in the terminal

Settings come from flags, then from environment variables: OUTCROP_ and the flag's name, as in
OUTCROP_LISTEN. AWS's own variables and files mean here what they mean to AWS's SDKs.

Exit codes: 0 ok, 1 failure, 2 usage, 3 authentication or permission, 4 not found, 5 quota,
6 network or time-out, 130 interrupted; outcrop run exits with the code of its command.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := setFromEnvironment(cmd.Flags(), os.LookupEnv); err != nil {
				return err
			}
			*started = true
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolP("verbose", "v", false, "log more")
	root.AddCommand(newServe(), newRun(), newLocal(), newChat(), newVersion())
	return root
}

// setFromEnvironment gives flags that were not set the value of OUTCROP_<NAME>.
func setFromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := environmentName(f)
		value, ok := lookup(name)
		if f.Changed || !ok || f.Name == "help" {
			return
		}
		if e := flags.Set(f.Name, value); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
		}
	})
	return err
}

// environmentName is the variable that stands for a flag.
func environmentName(f *pflag.Flag) string {
	return "OUTCROP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}
