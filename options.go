package outcrop

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/outcrop-dev/outcrop/internal/aws/credential"
	"github.com/outcrop-dev/outcrop/internal/aws/endpoint"
	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

// An Option changes what New makes.
type Option func(*settings)

type settings struct {
	region   string
	endpoint endpoint.Options
	source   credential.Source
	http     *http.Client
	idle     time.Duration
	timeout  time.Duration
	getenv   func(string) string
	gateway  bool
	fault    error // of an option
}

// WithRegion sets the source Region. Without it, AWS_REGION, AWS_DEFAULT_REGION or the profile says.
func WithRegion(region string) Option { return func(s *settings) { s.region = region } }

// WithBaseURL sends every call to url in place of AWS's hosts, as AWS_ENDPOINT_URL does; a path in
// it is kept as a prefix.
func WithBaseURL(url string) Option {
	return func(s *settings) { s.endpoint.BaseURL = url }
}

// WithCredentials signs with what provider returns, in place of AWS's default chain.
func WithCredentials(provider aws.CredentialsProvider) Option {
	return func(s *settings) { s.source = credential.FromProvider(provider) }
}

// WithAPIKey authorises with a Bedrock API key (a bearer token) in place of a signature. New refuses an
// empty one.
func WithAPIKey(key string) Option {
	return func(s *settings) {
		if key == "" {
			s.fault = Errorf(Credentials, "the API key is empty")
		}
		s.source = credential.Static(credential.Credentials{APIKey: sigv4.NewSecret(key)})
	}
}

// WithGateway calls the Outcrop gateway at url with one of its keys in place of Bedrock. Models go by
// the name that the caller gives them: the gateway resolves it for its own Region, and it retries, so
// that the Client does not but for what never got an answer. No Region is needed. A key that the gateway
// does not take is an error of kind Unauthenticated. New refuses an empty URL or key.
func WithGateway(url, key string) Option {
	return func(s *settings) {
		s.gateway = true
		if url == "" {
			s.fault = Errorf(Invalid, "the gateway's URL is empty")
		}
		WithBaseURL(url)(s)
		WithAPIKey(key)(s)
	}
}

// WithHTTPClient sends through client in place of a transport of the Client's own. Redirects are
// not followed whatever it says: a signature is for one host. Its Timeout, if it has one, cuts
// streams too.
func WithHTTPClient(client *http.Client) Option { return func(s *settings) { s.http = client } }

// How long a Client waits for Bedrock unless it is told otherwise.
const (
	DefaultIdleTimeout = 4 * time.Minute  // between two pieces of a stream
	DefaultTimeout     = 10 * time.Minute // for an answer that is not streamed
)

// WithIdleTimeout sets after how much silence a stream is given up; DefaultIdleTimeout if not set.
func WithIdleTimeout(d time.Duration) Option {
	return func(s *settings) { s.idle = cmp.Or(max(d, 0), s.idle) }
}

// WithTimeout sets how long an answer that is not streamed may take; DefaultTimeout if not set.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) { s.timeout = cmp.Or(max(d, 0), s.timeout) }
}

// WithGetenv reads the environment through getenv in place of os.Getenv. With credentials and Region
// given, a getenv that returns "" keeps New off the environment altogether.
func WithGetenv(getenv func(string) string) Option { return func(s *settings) { s.getenv = getenv } }

// complete finds what was not given as AWS's SDKs do.
func (s *settings) complete(ctx context.Context) error {
	s.endpoint.Getenv = s.getenv
	if s.gateway { // AWS's own settings (FIPS, dual stack) are not about a gateway
		s.endpoint.Getenv = func(string) string { return "" }
	}
	if s.source != nil && (s.region != "" || s.gateway) {
		return nil
	}
	found, err := credential.Default(ctx, s.region, s.getenv)
	if err != nil {
		return err
	}
	s.region = found.Region
	if s.source == nil {
		s.source = found.Source
	}
	s.endpoint.ProfileRuntimeURL, s.endpoint.ProfileControlURL = found.RuntimeURL, found.ControlURL
	s.endpoint.FIPS, s.endpoint.DualStack = found.FIPS, found.DualStack
	return nil
}

// A sender makes one HTTP request. It follows no redirect: a signature is for one host.
type sender interface {
	Do(*http.Request) (*http.Response, error)
}

// newSender sends through given, or a transport of our own.
func newSender(given *http.Client, getenv func(string) string) (sender, error) {
	if given != nil {
		h := *given
		h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return &h, nil
	}
	transport := newTransport()
	if path := getenv("AWS_CA_BUNDLE"); path != "" {
		roots, err := loadRoots(path)
		if err != nil {
			return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return plainSender{transport}, nil
}

// A plainSender does without http.Client, which copies headers for redirects that are not followed.
type plainSender struct{ transport *http.Transport }

func (s plainSender) Do(r *http.Request) (*http.Response, error) {
	resp, err := s.transport.RoundTrip(r)
	var record tls.RecordHeaderError
	if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
		err = http.ErrSchemeMismatch // as http.Client says it
	}
	return resp, err
}

// loadRoots reads the certificates that stand for the system's, as AWS's SDKs do.
func loadRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", path)
	}
	return roots, nil
}

// newTransport speaks HTTP/1.1: one connection per call under way costs less here than frames of
// many on one, and a lost connection takes one answer with it, not all.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   512,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // an event stream is read as it comes
	}
}
