package outcrop

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/outcrop-dev/outcrop/internal/aws/credential"
	"github.com/outcrop-dev/outcrop/internal/aws/endpoint"
	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/shaping"
	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

const (
	// MaxBody is the most bytes of a request body that Bedrock takes (Body in the Bedrock Runtime
	// service model).
	MaxBody = 25_000_000

	maxAnswer     = 32 << 20 // bytes of an answer that is not streamed; Bedrock's own limit is MaxBody
	maxErrorBody  = 64 << 10
	signingName   = "bedrock"
	requestIDName = "x-amzn-requestid"
)

// A Client calls Claude on Amazon Bedrock in one Region with one identity. It is safe for
// concurrent use. Make it with New.
type Client struct {
	region      string
	runtime     string // base URL, without a trailing slash
	control     string
	credentials credential.Source
	signer      *sigv4.Signer
	http        *http.Client
	idle        time.Duration // silence after which a stream is given up
	timeout     time.Duration // for an answer that is not streamed
	now         func() time.Time
	budget      retryBudget
}

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

// WithAPIKey authorises with a Bedrock API key (a bearer token) in place of a signature.
func WithAPIKey(key string) Option {
	return func(s *settings) {
		s.source = credential.Static(credential.Credentials{APIKey: sigv4.NewSecret(key)})
	}
}

// WithHTTPClient sends through client in place of a transport of the Client's own. Redirects are
// not followed whatever it says: a signature is for one host. Its Timeout, if it has one, cuts
// streams too.
func WithHTTPClient(client *http.Client) Option { return func(s *settings) { s.http = client } }

// WithIdleTimeout sets after how much silence a stream is given up; 4 minutes if not set.
func WithIdleTimeout(d time.Duration) Option {
	return func(s *settings) { s.idle = cmp.Or(max(d, 0), s.idle) }
}

// WithTimeout sets how long an answer that is not streamed may take; 10 minutes if not set.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) { s.timeout = cmp.Or(max(d, 0), s.timeout) }
}

// WithGetenv reads the environment through getenv in place of os.Getenv. With credentials and Region
// given, a getenv that returns "" keeps New off the environment altogether.
func WithGetenv(getenv func(string) string) Option { return func(s *settings) { s.getenv = getenv } }

// New makes a Client. Without options it finds Region and credentials as AWS's SDKs do: a Bedrock
// API key in AWS_BEARER_TOKEN_BEDROCK, else the default credential chain. It honours
// AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_ENDPOINT_URL_BEDROCK and AWS_ENDPOINT_URL, or the profile's
// endpoint_url, and AWS_CA_BUNDLE.
// Credentials are first fetched when they are needed.
func New(ctx context.Context, options ...Option) (*Client, error) {
	s := settings{idle: 4 * time.Minute, timeout: 10 * time.Minute, getenv: os.Getenv}
	for _, o := range options {
		o(&s)
	}
	if err := s.complete(ctx); err != nil {
		return nil, err
	}
	runtime, err := endpoint.Runtime(s.region, s.endpoint)
	if err != nil {
		return nil, err
	}
	control, err := endpoint.Control(s.region, s.endpoint)
	if err != nil {
		return nil, err
	}
	client, err := httpClient(s.http, s.getenv)
	if err != nil {
		return nil, err
	}
	return &Client{
		region: s.region, runtime: runtime, control: control,
		credentials: s.source, signer: sigv4.NewSigner(signingName, s.region),
		http: client, idle: s.idle, timeout: s.timeout, now: time.Now,
	}, nil
}

// complete finds what was not given as AWS's SDKs do.
func (s *settings) complete(ctx context.Context) error {
	s.endpoint.Getenv = s.getenv
	if s.source != nil && s.region != "" {
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

// Ready returns an error of kind Credentials if there is nothing to sign with.
func (c *Client) Ready(ctx context.Context) error {
	if _, err := c.credentials.Retrieve(ctx); err != nil {
		return &Error{Kind: Credentials, Message: "no AWS credentials", Err: err}
	}
	return nil
}

// Region returns the source Region that the Client calls.
func (c *Client) Region() string { return c.region }

// httpClient returns given without redirects, or a client of our own.
func httpClient(given *http.Client, getenv func(string) string) (*http.Client, error) {
	h := new(http.Client)
	if given != nil {
		*h = *given
	} else {
		transport := newTransport()
		if path := getenv("AWS_CA_BUNDLE"); path != "" {
			roots, err := loadRoots(path)
			if err != nil {
				return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
			}
			transport.TLSClientConfig = &tls.Config{RootCAs: roots}
		}
		h.Transport = transport
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h, nil
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

// Do sends an operation that does not stream and returns the whole answer. It shapes an InvokeModel
// body for the model, retries what is worth it, and returns an *Error for anything but one whole
// JSON object.
func (c *Client) Do(ctx context.Context, inv *Invocation) (*Response, error) {
	if inv.Operation == InvokeModelWithResponseStream {
		return nil, Errorf(Invalid, "%s streams: call the method of that name", inv.Operation)
	}
	p, err := c.prepare(inv)
	if err != nil {
		return nil, err
	}
	return c.whole(ctx, p)
}

// whole sends p until there is an answer.
func (c *Client) whole(ctx context.Context, p *prepared) (*Response, error) {
	var answer *Response
	attempts, err := c.try(ctx, func() (err error) {
		answer, err = c.exchange(ctx, p)
		return err
	})
	if err != nil {
		return nil, p.failed(err, attempts)
	}
	answer.Target, answer.Attempts, answer.LeftOut = p.target, attempts, p.leftOut
	return answer, nil
}

// InvokeModel sends inv as the operation of that name, whatever inv.Operation says.
func (c *Client) InvokeModel(ctx context.Context, inv *Invocation) (*Response, error) {
	copied := *inv
	copied.Operation = InvokeModel
	return c.Do(ctx, &copied)
}

// InvokeModelWithResponseStream sends inv as the operation of that name and returns the answer once
// its first event is there. Errors that come before it are retried and returned like those of Do.
// The caller must Close the Stream.
func (c *Client) InvokeModelWithResponseStream(ctx context.Context, inv *Invocation) (*Stream, error) {
	copied := *inv
	copied.Operation = InvokeModelWithResponseStream
	p, err := c.prepare(&copied)
	if err != nil {
		return nil, err
	}
	var stream *Stream
	attempts, err := c.try(ctx, func() (err error) {
		stream, err = c.open(ctx, p)
		return err
	})
	if err != nil {
		return nil, p.failed(err, attempts)
	}
	stream.Target, stream.Attempts, stream.LeftOut = p.target, attempts, p.leftOut
	return stream, nil
}

// prepared is an invocation ready to be sent, any number of times.
type prepared struct {
	operation Operation
	method    string
	url       *url.URL
	header    http.Header
	body      []byte
	hash      string // of body, in hex; "" until a signature needs it
	signer    string // access key ID that signed last
	target    Target
	leftOut   []string
}

// failed notes in err where, how and how often p was sent.
func (p *prepared) failed(err error, attempts int) error {
	e := AsError(err)
	e.Target, e.Attempts, e.LeftOut = p.target, attempts, p.leftOut
	return e
}

// prepare resolves the model, shapes the body and builds the URL. Nothing is signed for a model ID
// that is not one.
func (c *Client) prepare(inv *Invocation) (*prepared, error) {
	id, err := c.modelID(inv)
	if err != nil {
		return nil, err
	}
	body, leftOut, err := shape(inv, id)
	if err != nil {
		return nil, err
	}
	if len(body) > MaxBody {
		return nil, Errorf(TooLarge, "the body has %d bytes; Bedrock takes at most %d", len(body), MaxBody)
	}
	u, err := url.Parse(c.runtime + "/model/" + escapeSegment(id) + "/" + inv.Operation.path())
	if err != nil || inv.Operation.path() == "" {
		return nil, Errorf(Invalid, "operation %q on model %q cannot be addressed", inv.Operation, id)
	}
	return &prepared{
		operation: inv.Operation, method: http.MethodPost, url: u, header: requestHeader(inv),
		body: body, target: Target{Region: c.region, ModelID: id}, leftOut: leftOut,
	}, nil
}

// shape returns the body to send: that of an InvokeModel shaped, any other as it came.
func shape(inv *Invocation, modelID string) (body []byte, leftOut []string, err error) {
	if inv.Operation == CountTokens {
		return inv.Body, nil, nil
	}
	object, err := inv.edit()
	if err != nil {
		return nil, nil, err
	}
	leftOut = shaping.Shape(shaping.Request{ModelID: modelID, Body: object, Version: inv.Version, Betas: inv.Betas})
	if !object.Changed() {
		return inv.Body, leftOut, nil
	}
	return object.AppendTo(make([]byte, 0, object.Len())), leftOut, nil
}

const bedrockHeader = "X-Amzn-Bedrock-"

// requestHeader holds what the operation takes as headers.
func requestHeader(inv *Invocation) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}
	if inv.Operation == InvokeModelWithResponseStream {
		h["Accept"] = []string{"application/vnd.amazon.eventstream"}
		h["X-Amzn-Bedrock-Accept"] = []string{"application/json"}
	}
	for name, values := range inv.Header {
		if strings.HasPrefix(name, bedrockHeader) && len(values) > 0 {
			h[name] = values[:1]
		}
	}
	return h
}

// exchange sends p once and reads the whole answer.
func (c *Client) exchange(ctx context.Context, p *prepared) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	resp, err := c.send(ctx, p)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	id := resp.Header.Get(requestIDName)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, c.unsent(ctx, err)
	case err != nil:
		return nil, &Error{Kind: Interrupted, Message: fmt.Sprintf("the answer broke off after %d bytes", len(body)), Err: err, RequestID: id}
	case len(body) > maxAnswer:
		return nil, &Error{Kind: Interrupted, Message: fmt.Sprintf("the answer has more than %d bytes", maxAnswer), RequestID: id}
	case len(body) == 0:
		return nil, &Error{Kind: Interrupted, Message: "the answer is empty", RequestID: id}
	}
	object, err := jsonedit.Parse(body)
	if err != nil {
		return nil, &Error{Kind: Interrupted, Message: notJSON(resp, len(body)), Err: err, RequestID: id}
	}
	if e := errorUnder200(resp, object, body); e != nil {
		return nil, e
	}
	answer := &Response{Header: resp.Header, RequestID: id, Body: body}
	if usage, ok := object.Get("usage"); ok {
		answer.Usage.read(usage)
	}
	return answer, nil
}

func notJSON(resp *http.Response, n int) string {
	return fmt.Sprintf("the answer, %d bytes of %q, is not JSON", n, resp.Header.Get("Content-Type"))
}

// open sends p once and reads the answer up to its first event.
func (c *Client) open(parent context.Context, p *prepared) (*Stream, error) {
	ctx, cancel := context.WithCancelCause(parent)
	idle := time.AfterFunc(c.idle, func() { cancel(errIdle) })
	stream, err := func() (*Stream, error) {
		resp, err := c.send(ctx, p)
		if err != nil {
			return nil, err
		}
		if !looksLikeAStream(resp) {
			return nil, notAStream(resp)
		}
		return newStream(resp, cancel, idle, c.idle)
	}()
	if err != nil {
		idle.Stop()
		cancel(nil)
		return nil, err
	}
	return stream, nil
}

// looksLikeAStream goes by the content type, which may be missing, and by the first byte: that of an
// event stream is 0 or 1, a part of the first message's length.
func looksLikeAStream(resp *http.Response) bool {
	if t := resp.Header.Get("Content-Type"); t != "" && !strings.Contains(t, "application/vnd.amazon.eventstream") {
		return false
	}
	body := bufio.NewReaderSize(resp.Body, 16) // longer reads go past it
	first, _ := body.Peek(1)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return len(first) == 0 || first[0] != '{'
}

// notAStream reads what came in place of an event stream: an error under status 200, or something
// that a proxy made.
func notAStream(resp *http.Response) error {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if object, err := jsonedit.Parse(body); err == nil {
		if e := errorUnder200(resp, object, body); e != nil {
			return e
		}
	}
	return &Error{
		Kind: Interrupted, RequestID: resp.Header.Get(requestIDName),
		Message: fmt.Sprintf("the answer is %q, not an event stream; a proxy on the way may have changed it", resp.Header.Get("Content-Type")),
	}
}

// send makes one HTTP request of p and returns the response if its status is 200.
func (c *Client) send(ctx context.Context, p *prepared) (*http.Response, error) {
	req := (&http.Request{
		Method: p.method, URL: p.url, Host: p.url.Host, Header: p.header.Clone(),
		ContentLength: int64(len(p.body)),
	}).WithContext(ctx)
	if len(p.body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(p.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil }
	}
	if err := c.authorise(ctx, req, p); err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unsent(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		e := refusal(resp)
		e.rejected = p.signer
		return nil, e
	}
	return resp, nil
}

// errTimeout is the cause of a context that ran out of the Client's own time-out.
var errTimeout = errors.New("time-out")

// unsent says why a request got no answer.
func (c *Client) unsent(ctx context.Context, err error) error {
	var unwrapped *url.Error
	if errors.As(err, &unwrapped) {
		err = unwrapped.Err // the URL is ours, not the caller's
	}
	switch {
	case errors.Is(context.Cause(ctx), errIdle):
		return &Error{Kind: ModelFailed, Message: fmt.Sprintf("no answer for %v", c.idle), Err: context.DeadlineExceeded}
	case errors.Is(context.Cause(ctx), errTimeout):
		return &Error{Kind: ModelFailed, Message: fmt.Sprintf("no whole answer within %v", c.timeout), Err: context.DeadlineExceeded}
	case ctx.Err() != nil:
		return canceled(ctx)
	}
	return unreachable(err)
}

// canceled says why the caller's context ended. A cause of its own, such as a shutdown, is not the
// caller's doing.
func canceled(ctx context.Context) *Error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return &Error{Kind: Unavailable, Message: cause.Error(), Err: ctx.Err()}
	}
	return &Error{Kind: Canceled, Message: "the caller went away", Err: ctx.Err()}
}

// unreachable says why there is no connection, and tells what may pass from what will not: a
// certificate that is not trusted and a name that does not exist stay so for minutes.
func unreachable(err error) *Error {
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	switch {
	case errors.As(err, &certificate):
		return &Error{Kind: Unavailable, Err: err, permanent: true,
			Message: "Bedrock's certificate is not trusted; if a proxy inspects TLS, point AWS_CA_BUNDLE to its CA"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &Error{Kind: Unavailable, Err: err, permanent: true,
			Message: "Bedrock's endpoint has no address; check the Region and AWS_ENDPOINT_URL"}
	}
	return &Error{Kind: Unavailable, Message: "Bedrock is not reachable", Err: err}
}

// authorise puts credentials on req: a bearer key as it is, or a signature.
func (c *Client) authorise(ctx context.Context, req *http.Request, p *prepared) error {
	cred, err := c.credentials.Retrieve(ctx)
	if err != nil && ctx.Err() != nil {
		return c.unsent(ctx, err)
	}
	if err != nil {
		return &Error{Kind: Credentials, Message: "no AWS credentials", Err: err}
	}
	if !cred.APIKey.IsZero() {
		if req.URL.Scheme != "https" && !isLoopback(req.URL.Hostname()) {
			return Errorf(Credentials, "a Bedrock API key is sent over https only, not to %s", req.URL.Host)
		}
		req.Header.Set("Authorization", "Bearer "+cred.APIKey.Reveal())
		return nil
	}
	if p.hash == "" {
		p.hash = sigv4.HashHex(p.body)
	}
	p.signer = cred.Keys.AccessKeyID
	c.signer.Sign(req, p.hash, cred.Keys, c.now())
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// errorBodyTime is how long the body of a refusal may take: its head says most of it.
const errorBodyTime = 10 * time.Second

// refusal reads an answer whose status is not 200.
func refusal(resp *http.Response) *Error {
	late := time.AfterFunc(errorBodyTime, func() { resp.Body.Close() })
	defer late.Stop()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get(requestIDName), retryAfter: retryAfter(resp.Header)}
	object, err := jsonedit.Parse(body)
	if err == nil {
		e.body = body
	}
	e.Code, e.Message = exceptionOf(resp, object)
	e.Kind = classify(e.Status, e.Code, e.Message)
	switch {
	case err != nil:
		e.Message = fmt.Sprintf("status %d; %s", resp.StatusCode, notJSON(resp, len(body)))
	case e.Message == "":
		e.Message = fmt.Sprintf("status %d without a message", resp.StatusCode)
	}
	return e
}

// retryAfter reads the header of that name, in seconds; 0 if there is none.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// exceptionOf finds AWS's exception name and message, as AWS's SDKs do: x-amzn-errortype up to its
// colon, else __type behind its hash; message or Message. object is nil if the body is not JSON.
func exceptionOf(resp *http.Response, object *jsonedit.Object) (code, message string) {
	text := func(name string) string {
		if object == nil {
			return ""
		}
		raw, _ := object.Get(name)
		s, _ := jsonedit.String(raw)
		return s
	}
	code = cmp.Or(resp.Header.Get("x-amzn-errortype"), text("__type"))
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	code, _, _ = strings.Cut(code, ":")
	return code, cmp.Or(text("message"), text("Message"))
}

// errorUnder200 recognises an error that came with status 200 (seen of proxies, and of Bedrock on
// unknown routes): an exception's name, or a message where an answer has its content.
func errorUnder200(resp *http.Response, object *jsonedit.Object, body []byte) *Error {
	code, message := exceptionOf(resp, object)
	if code == "" {
		if message == "" || hasAny(object, "content", "type", "usage", "inputTokens", "output", "choices", "results") {
			return nil
		}
		code = "ValidationException"
	}
	kind := classify(0, code, message)
	status := facets[kind].native
	return &Error{Kind: kind, Code: code, Message: message, Status: status, RequestID: resp.Header.Get(requestIDName), body: body}
}

func hasAny(object *jsonedit.Object, names ...string) bool {
	for _, name := range names {
		if _, ok := object.Get(name); ok {
			return true
		}
	}
	return false
}
