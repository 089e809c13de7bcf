package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/emulator"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
)

// The credentials of outcrop local: AWS's documentation examples, the same at each start, so that
// scripts and tests can hold them. They guard nothing.
const (
	exampleAccessKeyID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var exampleAPIKey = "ABSK" + base64.StdEncoding.EncodeToString([]byte("BedrockAPIKey-local-at-"+emulator.DefaultAccountID+":example"))

func newLocal() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Serve the embedded Bedrock alone",
		Long: `Serve the embedded Bedrock alone: Bedrock's runtime and control plane for AWS's SDKs, with a small
deterministic Claude behind them. It verifies signatures and API keys and refuses as AWS does. No
AWS account, files, variables or network are needed, and the credentials are the same at each start.

AWS's SDK for Go sends a Bedrock API key over https only: use --tls for that.`,
		Example: `  outcrop local
  outcrop local --tls --listen 127.0.0.1:4848
  outcrop local --script throttled.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return local(cmd) },
	}
	f := cmd.Flags()
	f.String("listen", "127.0.0.1:4848", "`ADDRESS` to listen on")
	f.String("region", emulator.DefaultRegion, "`REGION` to be")
	f.Bool("tls", false, "serve https under a CA made for this start")
	f.String("ca-file", "", "with --tls: `FILE` to write the CA's certificate to (default: in the state directory)")
	f.Duration("drain", 30*time.Second, "how long open streams may go on after SIGTERM")
	f.Duration("chunk-delay", 0, "pause between the pieces of a streamed answer")
	scriptFlag(f, "`FILE` that says what to answer to which calls: docs/script.md")
	f.Bool("json", false, "print what to connect with as JSON, and log as JSON")
	return cmd
}

func local(cmd *cobra.Command) error {
	f := cmd.Flags()
	asJSON, _ := f.GetBool("json")
	config := embeddedConfig{log: newLog(cmd.ErrOrStderr(), f, asJSON), apiKey: exampleAPIKey}
	config.keys = sigv4.NewCredentials(exampleAccessKeyID, exampleSecretAccessKey, "")
	config.address, _ = f.GetString("listen")
	config.region, _ = f.GetString("region")
	config.delay, _ = f.GetDuration("chunk-delay")
	var err error
	if config.script, err = readScript(cmd.Context(), f); err != nil {
		return err
	}
	caFile := ""
	if withTLS, _ := f.GetBool("tls"); withTLS {
		ca, err := emulator.NewCA(time.Now())
		if err != nil {
			return err
		}
		if caFile, err = writeCA(f.Lookup("ca-file").Value.String(), ca.PEM()); err != nil {
			return err
		}
		config.tls = ca.Config()
	}
	b, err := startEmbedded(config)
	if err != nil {
		return err
	}
	if err := b.print(cmd.OutOrStdout(), caFile, asJSON); err != nil {
		b.stop()
		return err
	}
	drain, _ := f.GetDuration("drain")
	return b.wait(cmd.Context(), drain)
}

// writeCA keeps the CA's certificate where clients can be pointed to.
func writeCA(path string, pem []byte) (string, error) {
	if path == "" {
		state, err := statePath()
		if err != nil {
			return "", err
		}
		path = filepath.Join(filepath.Dir(state), "local-ca.pem")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, pem, 0o644)
}

// embeddedConfig says what embedded Bedrock to start.
type embeddedConfig struct {
	address string
	region  string
	delay   time.Duration
	script  *script.Script    // nil for none
	keys    sigv4.Credentials // random if empty
	apiKey  string            // none if empty
	tls     *tls.Config       // nil for plain text
	log     *slog.Logger
}

// An embedded is an embedded Bedrock that serves.
type embedded struct {
	url    string
	region string
	keys   sigv4.Credentials
	apiKey string
	script *script.Script
	log    *slog.Logger
	server *http.Server
	failed chan error
}

func startEmbedded(c embeddedConfig) (*embedded, error) {
	if c.keys.AccessKeyID == "" {
		c.keys = sigv4.NewCredentials("AKIA"+rand.Text()[:16], rand.Text()+rand.Text(), "")
	}
	config := emulator.Config{
		Region: cmp.Or(c.region, emulator.DefaultRegion), Logger: c.log, Script: c.script, ChunkDelay: c.delay,
		Credentials: []emulator.Credential{{Credentials: c.keys}},
	}
	if c.apiKey != "" {
		config.APIKeys = []string{c.apiKey}
	}
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.address, err)
	}
	b := &embedded{
		url: "http://" + reachable(listener.Addr()), region: config.Region, keys: c.keys, apiKey: c.apiKey, script: c.script, log: c.log,
		server: emulator.HTTPServer(emulator.New(config), c.tls, c.log), failed: make(chan error, 1),
	}
	go func() {
		if c.tls != nil {
			b.failed <- b.server.ServeTLS(listener, "", "")
			return
		}
		b.failed <- b.server.Serve(listener)
	}()
	if c.tls != nil {
		b.url = "https://" + reachable(listener.Addr())
	}
	return b, nil
}

// stop ends it at once, and says what of its script has not come to pass.
func (b *embedded) stop() {
	b.server.Close()
	<-b.failed
	for _, step := range b.script.Unused() {
		b.log.Warn("script not used up", "step", step)
	}
}

// wait serves until ctx ends, then lets open streams finish for at most drain.
func (b *embedded) wait(ctx context.Context, drain time.Duration) error {
	select {
	case err := <-b.failed:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := b.server.Shutdown(limit)
	b.stop()
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// environment is what points AWS's SDKs at it.
func (b *embedded) environment(caFile string) []variable {
	out := append(region(b.region),
		variable{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", b.url}, variable{"AWS_ENDPOINT_URL_BEDROCK", b.url},
		variable{"AWS_ACCESS_KEY_ID", b.keys.AccessKeyID}, variable{"AWS_SECRET_ACCESS_KEY", b.keys.SecretAccessKey.Reveal()})
	if caFile != "" {
		out = append(out, variable{"AWS_CA_BUNDLE", caFile}, variable{"NODE_EXTRA_CA_CERTS", caFile})
	}
	return out
}

func (b *embedded) print(w io.Writer, caFile string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			SchemaVersion   int    `json:"schema_version"`
			URL             string `json:"url"`
			Region          string `json:"region"`
			AccessKeyID     string `json:"aws_access_key_id"`
			SecretAccessKey string `json:"aws_secret_access_key"`
			APIKey          string `json:"aws_bearer_token_bedrock"`
			CAFile          string `json:"ca_file,omitempty"`
		}{1, b.url, b.region, b.keys.AccessKeyID, b.keys.SecretAccessKey.Reveal(), b.apiKey, caFile})
	}
	_, err := fmt.Fprintf(w, `The embedded Bedrock (%s) is on %s

AWS's SDKs and CLI:
  %s
or with a Bedrock API key in place of the key pair:
  export AWS_BEARER_TOKEN_BEDROCK=%s

`, b.region, b.url, exports(b.environment(caFile)), b.apiKey)
	return err
}
