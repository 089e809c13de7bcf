package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/gateway"
	"github.com/outcrop-dev/outcrop/internal/gateway/admission"
)

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the gateway",
		Long: `Serve the gateway: the Anthropic Messages API and Bedrock's own API on one port.

With --local it stands on an embedded Bedrock: no AWS account, files, variables or network needed.

The gateway always wants a key. OUTCROP_KEY sets it; otherwise one is made at the first start and
shown once (with --local: a new one at each start, kept nowhere).`,
		Example: `  outcrop serve --local
  AWS_PROFILE=dev outcrop serve --listen 127.0.0.1:9000
  OUTCROP_KEY=$(openssl rand -hex 32) outcrop serve --region eu-central-1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd) },
	}
	f := cmd.Flags()
	f.String("listen", "127.0.0.1:8484", "`ADDRESS` to listen on")
	f.Duration("drain", 30*time.Second, "how long open streams may go on after SIGTERM")
	f.Bool("new-key", false, "make a new key in place of the one made earlier")
	f.Bool("show-secrets", false, "print the AWS key pair at every start, not only when it is new")
	f.Bool("json", false, "print what to connect with as JSON, and log as JSON")
	bedrockFlags(f)
	limitFlags(f)
	profileFlags(f)
	return cmd
}

// bedrockFlags are those that say which Bedrock stands behind a gateway.
func bedrockFlags(f *pflag.FlagSet) {
	f.Bool("local", false, "use an embedded Bedrock: no AWS account, no network")
	f.String("region", "", "source `REGION` (default: as AWS's SDKs find it; us-east-1 with --local)")
	f.String("endpoint-url", "", "`URL` to call in place of AWS's endpoints")
	f.Duration("chunk-delay", 0, "with --local: pause between the pieces of a streamed answer")
	scriptFlag(f, "with --local: `FILE` that says what to answer to which calls: docs/script.md")
}

func serve(cmd *cobra.Command) (err error) {
	ctx, f := cmd.Context(), cmd.Flags()
	stopProfiles, err := startProfiles(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfiles()) }()
	keepHeap(heapFloor)
	asJSON, _ := f.GetBool("json")
	log := newLog(cmd.ErrOrStderr(), f, asJSON)
	client, stop, err := openBedrock(ctx, f, log)
	if err != nil {
		return err
	}
	defer stop()
	keys, shown, err := openKeys(f)
	if err != nil {
		return err
	}
	address, _ := f.GetString("listen")
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	local, _ := f.GetBool("local")
	face := connection{
		URL: "http://" + reachable(listener.Addr()), Region: client.Region(), Local: local,
		Key: shown.text, AWS: keys.AWS(shown.key), note: shown.note,
	}
	if show, _ := f.GetBool("show-secrets"); shown.note != "" && !show {
		face.AWS.SecretAccessKey = sigv4.Secret{}
	}
	if err := face.print(cmd.OutOrStdout(), asJSON); err != nil {
		return err
	}
	drain, _ := f.GetDuration("drain")
	server := newGateway(client, keys, log)
	defer onSecondInterrupt(ctx, server.Cut)()
	return server.Serve(ctx, listener, drain)
}

// onSecondInterrupt calls f at a Ctrl-C that comes when ctx has ended, until the function that it
// returns is called.
func onSecondInterrupt(ctx context.Context, f func()) (stop func()) {
	interrupts := make(chan os.Signal, 1)
	done := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			signal.Notify(interrupts, os.Interrupt)
		case <-done:
			return
		}
		select {
		case <-interrupts:
			f()
		case <-done:
		}
	}()
	return func() {
		close(done)
		signal.Stop(interrupts)
	}
}

func newGateway(client *outcrop.Client, keys *admission.Keys, log *slog.Logger) *gateway.Server {
	return gateway.NewServer(gateway.New(gateway.Config{
		Client: client, Keys: keys, Log: log, Version: readVersion().Version,
	}))
}

// openBedrock makes the client of what stands behind the gateway; stop ends an embedded Bedrock.
func openBedrock(ctx context.Context, f *pflag.FlagSet, log *slog.Logger) (client *outcrop.Client, stop func(), err error) {
	region, _ := f.GetString("region")
	options, err := limits(f)
	if err != nil {
		return nil, nil, err
	}
	script, err := readScript(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	if local, _ := f.GetBool("local"); local {
		delay, _ := f.GetDuration("chunk-delay")
		return openEmbedded(ctx, embeddedConfig{region: region, delay: delay, script: script, log: log}, options)
	}
	if script != nil {
		return nil, nil, &usageError{"--script goes with --local: it says what the embedded Bedrock answers"}
	}
	if f.Changed("chunk-delay") {
		return nil, nil, &usageError{"--chunk-delay goes with --local: it slows the embedded Bedrock down"}
	}
	if region != "" {
		options = append(options, outcrop.WithRegion(region))
	}
	if url, _ := f.GetString("endpoint-url"); url != "" {
		options = append(options, outcrop.WithBaseURL(url))
	}
	client, err = outcrop.New(ctx, options...)
	return client, func() {}, err
}

// openEmbedded starts an embedded Bedrock on a loopback port and a client with its credentials.
func openEmbedded(ctx context.Context, config embeddedConfig, options []outcrop.Option) (*outcrop.Client, func(), error) {
	config.address, config.log = "127.0.0.1:0", config.log.With("component", "embedded-bedrock")
	b, err := startEmbedded(config)
	if err != nil {
		return nil, nil, err
	}
	noEnvironment := func(string) string { return "" }
	client, err := outcrop.New(ctx, append(options, outcrop.WithRegion(b.region), outcrop.WithBaseURL(b.url), outcrop.WithGetenv(noEnvironment),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(b.keys.AccessKeyID, b.keys.SecretAccessKey.Reveal(), "")))...)
	if err != nil {
		b.stop()
		return nil, nil, err
	}
	return client, b.stop, nil
}

// shownKey is the key that is printed, with its text if that is known.
type shownKey struct {
	key  admission.Key
	text sigv4.Secret
	note string // in place of the text
}

// openKeys finds the gateway's keys: OUTCROP_KEY, or the one in the state file, or a new one.
func openKeys(f *pflag.FlagSet) (*admission.Keys, shownKey, error) {
	set := os.Getenv("OUTCROP_KEY")
	os.Unsetenv("OUTCROP_KEY") // no child of ours needs it
	if local, _ := f.GetBool("local"); local {
		return memoryKeys(set)
	}
	path, err := statePath()
	if err != nil {
		return nil, shownKey{}, err
	}
	if set != "" {
		return setKey(path, set)
	}
	key, text := admission.NewKey("default")
	state, made, err := admission.Open(path, key)
	if err != nil {
		return nil, shownKey{}, notKept(err)
	}
	if fresh, _ := f.GetBool("new-key"); !made && !fresh && len(state.Keys) > 0 {
		old := state.Keys[0]
		return admission.NewKeys(state.Root, state.Keys...), shownKey{key: old, note: "oc_" + old.ID + "_…"}, nil
	}
	if !made {
		state.Keys = []admission.Key{key}
		if err := state.Save(path); err != nil {
			return nil, shownKey{}, notKept(err)
		}
	}
	return admission.NewKeys(state.Root, key), shownKey{key: key, text: text}, nil
}

// setKey is the key that the operator sets. Only the root key of its AWS face is kept: a key that
// nobody was shown must not stand in the file.
func setKey(path, set string) (*admission.Keys, shownKey, error) {
	key, err := admission.KeyOf("OUTCROP_KEY", set)
	if err != nil {
		return nil, shownKey{}, &usageError{"OUTCROP_KEY: " + err.Error()}
	}
	state, _, err := admission.Open(path)
	if err != nil {
		return nil, shownKey{}, notKept(err)
	}
	return admission.NewKeys(state.Root, key), shownKey{key: key, note: "$OUTCROP_KEY"}, nil
}

func notKept(err error) error {
	return fmt.Errorf("keep the gateway's key: %w (XDG_STATE_HOME names another place)", err)
}

// memoryKeys are those of a gateway that keeps nothing.
func memoryKeys(set string) (*admission.Keys, shownKey, error) {
	root := admission.NewState().Root
	if set == "" {
		key, text := admission.NewKey("local")
		return admission.NewKeys(root, key), shownKey{key: key, text: text}, nil
	}
	key, err := admission.KeyOf("OUTCROP_KEY", set)
	if err != nil {
		return nil, shownKey{}, &usageError{"OUTCROP_KEY: " + err.Error()}
	}
	return admission.NewKeys(root, key), shownKey{key: key, text: sigv4.NewSecret(set)}, nil
}

// statePath is $XDG_STATE_HOME/outcrop/state.json, by default under ~/.local/state.
func statePath() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", errors.New("nowhere to keep the gateway's key: set HOME or XDG_STATE_HOME")
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "outcrop", "state.json"), nil
}

// newLog logs to w: text, or JSON; debug with --verbose.
func newLog(w io.Writer, f *pflag.FlagSet, asJSON bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose, _ := f.GetBool("verbose"); verbose {
		options.Level = slog.LevelDebug
	}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// reachable is the host and port under which a client on this machine reaches a listener.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
