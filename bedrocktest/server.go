// Package bedrocktest gives tests a Bedrock to run against, as net/http/httptest gives them a web
// server.
//
//	srv := bedrocktest.NewServer(t)
//	cmd.Env = append(os.Environ(), srv.Env()...)
//
// An SDK in the test's own process is pointed at it by its configuration, here that of AWS's SDK for Go:
//
//	client := bedrockruntime.NewFromConfig(aws.Config{
//		Region:       srv.Region,
//		BaseEndpoint: aws.String(srv.URL),
//		Credentials:  credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, srv.SessionToken),
//	})
//
// A Server is a whole Amazon Bedrock for Claude, for one account and Region, on a port of its own:
// InvokeModel, InvokeModelWithResponseStream, Converse, ConverseStream and CountTokens of the data plane,
// and the models and inference profiles of the control plane, over HTTP/1.1 and HTTP/2. It verifies SigV4
// and Bedrock API keys in full and refuses in AWS's words, so that what works against it has a reason to
// work against AWS. It needs no network, no AWS account and no files.
//
// Behind it stands a small deterministic model. It repeats what it is told, thinks if it is asked to,
// describes images and PDFs, fills in JSON schemas, and uses tools: `call NAME {json}` anywhere in the
// last turn of the user makes it use the tool NAME with that input, if it is offered. When the result
// comes back it quotes it. `write N words` makes a long answer. Token counts, stop sequences,
// max_tokens, thinking signatures and the prompt cache are kept as Claude keeps them.
//
// By Converse and ConverseStream the models of other families answer too (Nova, Llama, Mistral, DeepSeek,
// GPT and more), each with what it takes and refuses on AWS: tools, streamed tools, images, documents,
// system prompts, stop sequences. There are no guardrails, no Amazon S3 and no Prompt management: a
// guardrail that is asked for finds nothing, the others are refused.
//
// Where a test needs something else, Server.Script says what comes of which calls: exact answers,
// failures, delays, and streams that break off.
//
//	srv.Script(
//		bedrocktest.Failure("ThrottlingException", "").Times(2),
//		bedrocktest.Text("It is raining."),
//	)
package bedrocktest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
)

// A Server is a Bedrock that listens on 127.0.0.1. It is safe for concurrent use; its fields must not
// be changed.
type Server struct {
	URL       string // base URL of data plane and control plane, without a slash at its end
	Region    string
	AccountID string

	AccessKeyID     string // the access key that may sign
	SecretAccessKey string
	SessionToken    string // "" unless WithSessionToken

	// APIKey is a long-term Bedrock API key, for "Authorization: Bearer" and AWS_BEARER_TOKEN_BEDROCK.
	// AWS's SDK for Go sends it over https only: see NewTLSServer.
	APIKey string

	tb       testing.TB
	script   *script.Script
	options  options
	ca       *emulator.CA // nil without TLS
	caFile   string
	client   *http.Client
	http     *http.Server
	served   chan struct{} // closed when Serve has returned
	closing  sync.Once
	mu       sync.Mutex // guards requests
	requests []Request
}

// The server's keys are invented, and the same for every Server.
const (
	accessKeyID     = "AKIABEDROCKTEST00001"
	secretAccessKey = "bedrocktest/not/a/secret/but/forty/long/"
	apiKeySecret    = "not-a-secret"
)

// apiKey makes a long-term key of the form that IAM makes.
func apiKey(account string) string {
	return "ABSK" + base64.StdEncoding.EncodeToString([]byte("BedrockAPIKey-test-at-"+account+":"+apiKeySecret))
}

// closeTimeout is how long Close waits for answers that are under way.
const closeTimeout = 5 * time.Second

// NewServer starts a Server in plain text, which speaks HTTP/1.1 and, to clients that begin with it,
// HTTP/2. It is closed when the test ends.
func NewServer(t testing.TB, opts ...Option) *Server {
	t.Helper()
	return start(t, nil, opts)
}

// NewTLSServer starts a Server with TLS, under an authority of its own: see Server.Client and
// Server.CAPEM. It is closed when the test ends.
func NewTLSServer(t testing.TB, opts ...Option) *Server {
	t.Helper()
	ca, err := emulator.NewCA(time.Now())
	if err != nil {
		t.Fatalf("bedrocktest: %v", err)
	}
	return start(t, ca, opts)
}

func start(t testing.TB, ca *emulator.CA, opts []Option) *Server {
	t.Helper()
	o := options{region: emulator.DefaultRegion, account: emulator.DefaultAccountID, now: time.Now}
	for _, opt := range opts {
		opt(&o)
	}
	s := &Server{
		Region: o.region, AccountID: o.account,
		AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey, SessionToken: o.sessionToken,
		APIKey: apiKey(o.account), tb: t, script: emulator.NewScript(), options: o, ca: ca, served: make(chan struct{}),
	}
	config := s.config()
	if err := config.Validate(); err != nil {
		t.Fatalf("bedrocktest: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("bedrocktest: %v", err)
	}
	s.listen(listener, emulator.New(config))
	t.Cleanup(s.Close)
	if ca != nil {
		s.caFile = filepath.Join(t.TempDir(), "bedrock-ca.pem")
		if err := os.WriteFile(s.caFile, ca.PEM(), 0o600); err != nil {
			t.Fatalf("bedrocktest: %v", err)
		}
	}
	return s
}

func (s *Server) config() emulator.Config {
	return emulator.Config{
		Region: s.Region, AccountID: s.AccountID,
		Credentials: []emulator.Credential{s.credential()}, APIKeys: []string{s.APIKey},
		ApplicationProfiles: s.options.profiles, RetiredModels: s.options.retired, DataRetention: s.options.dataRetention,
		Logger: s.options.logger, Script: s.script, ChunkDelay: s.options.chunkDelay, Now: s.options.now, Observe: s.observe,
	}
}

func (s *Server) listen(l net.Listener, bedrock *emulator.Server) {
	transport := &http.Transport{ForceAttemptHTTP2: true}
	s.client = &http.Client{Transport: transport}
	if s.ca == nil {
		s.URL = "http://" + l.Addr().String()
		s.http = emulator.HTTPServer(bedrock, nil, s.options.logger)
		go s.serve(func() { s.http.Serve(l) })
		return
	}
	s.URL = "https://" + l.Addr().String()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.ca.PEM())
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	s.http = emulator.HTTPServer(bedrock, s.ca.Config(), s.options.logger)
	go s.serve(func() { s.http.ServeTLS(l, "", "") })
}

func (s *Server) serve(run func()) {
	defer close(s.served)
	run()
}

func (s *Server) credential() emulator.Credential {
	return emulator.NewCredential(s.AccessKeyID, s.SecretAccessKey, s.SessionToken)
}

// Close stops the Server. Answers under way are given some seconds to end. It may be called more than
// once.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			s.http.Close()
		}
		<-s.served
	})
}

// Client returns a client that trusts the Server's authority. It does not sign.
func (s *Server) Client() *http.Client { return s.client }

// CAPEM returns the certificate of the Server's authority, nil without TLS.
func (s *Server) CAPEM() []byte {
	if s.ca == nil {
		return nil
	}
	return s.ca.PEM()
}

// ShortTermAPIKey makes a short-term Bedrock API key that is good for lifetime from now on by the
// Server's clock; at most twelve hours.
func (s *Server) ShortTermAPIKey(lifetime time.Duration) string {
	return emulator.ShortTermAPIKey(s.credential(), s.Region, lifetime, s.options.now())
}

// Env returns the environment in which AWS's SDKs and command line, and what is built on them, find
// the Server and its access key and nothing else, as "NAME=value". Append it to what a child process
// is to have besides. For API keys add AWS_BEARER_TOKEN_BEDROCK.
func (s *Server) Env() []string {
	env := []string{
		"AWS_ENDPOINT_URL_BEDROCK_RUNTIME=" + s.URL,
		"AWS_ENDPOINT_URL_BEDROCK=" + s.URL,
		"AWS_REGION=" + s.Region,
		"AWS_DEFAULT_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + s.SessionToken,
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
	}
	if s.caFile != "" {
		env = append(env, "AWS_CA_BUNDLE="+s.caFile, "NODE_EXTRA_CA_CERTS="+s.caFile)
	}
	return env
}

// Requests returns what has been answered so far, in the order in which the answers began. When a
// client has the head of an answer, its request is among them.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *Server) observe(x emulator.Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, newRequest(x))
}
