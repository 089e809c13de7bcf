package outcrop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

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
	http        sender
	idle        time.Duration // silence after which a stream is given up
	timeout     time.Duration // for an answer that is not streamed
	now         func() time.Time
	budget      retryBudget
	gateway     bool // it calls an Outcrop gateway, which resolves models and retries
}

// New makes a Client. Without options it finds Region and credentials as AWS's SDKs do: a Bedrock
// API key in AWS_BEARER_TOKEN_BEDROCK, else the default credential chain. It honours
// AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_ENDPOINT_URL_BEDROCK and AWS_ENDPOINT_URL, or the profile's
// endpoint_url, and AWS_CA_BUNDLE. Credentials are first fetched when they are needed.
func New(ctx context.Context, options ...Option) (*Client, error) {
	s := settings{idle: DefaultIdleTimeout, timeout: DefaultTimeout, getenv: os.Getenv}
	for _, o := range options {
		o(&s)
	}
	if s.fault != nil {
		return nil, s.fault
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
	sender, err := newSender(s.http, s.getenv)
	if err != nil {
		return nil, err
	}
	return &Client{
		region: s.region, runtime: runtime, control: control,
		credentials: s.source, signer: sigv4.NewSigner(signingName, s.region),
		http: sender, idle: s.idle, timeout: s.timeout, now: time.Now, gateway: s.gateway,
	}, nil
}

// Ready returns an error of kind Credentials if there is nothing to sign with.
func (c *Client) Ready(ctx context.Context) error {
	if _, err := c.credentials.Retrieve(ctx); err != nil {
		return withoutCredentials(err)
	}
	return nil
}

func withoutCredentials(err error) *Error {
	return &Error{Kind: Credentials, Message: "no AWS credentials", Err: err}
}

// Region returns the source Region that the Client calls; "" for that of a gateway, if none was given.
func (c *Client) Region() string { return c.region }

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
	stream.Target, stream.Attempts, stream.LeftOut, stream.used = p.target, attempts, p.leftOut, p.used
	return stream, nil
}

// prepared is an invocation ready to be sent, any number of times.
type prepared struct {
	method  string
	url     *url.URL
	header  http.Header
	body    content
	hash    string                 // of body, in hex; "" until a signature needs it
	signer  string                 // access key ID that signed last
	used    credential.Credentials // last
	target  Target
	leftOut []string
}

// failed notes in err where, how and how often p was sent.
func (p *prepared) failed(err error, attempts int) error {
	e := AsError(err)
	e.Target, e.Attempts, e.LeftOut = p.target, attempts, p.leftOut
	e.redact(p.used)
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
	if n := body.len(); n > MaxBody {
		return nil, Errorf(TooLarge, "the body has %d bytes; Bedrock takes at most %d", n, MaxBody)
	}
	u, err := url.Parse(c.runtime + "/model/" + escapeSegment(id) + "/" + inv.Operation.path())
	if err != nil || inv.Operation.path() == "" {
		return nil, Errorf(Invalid, "operation %q on model %q cannot be addressed", inv.Operation, id)
	}
	return &prepared{
		method: http.MethodPost, url: u, header: requestHeader(inv),
		body: body, target: Target{Region: c.region, ModelID: id}, leftOut: leftOut,
	}, nil
}

// shape returns the body to send: that of an InvokeModel shaped, any other as it came. What is no
// JSON object is not sent.
func shape(inv *Invocation, modelID string) (body content, leftOut []string, err error) {
	object, err := inv.edit()
	if err != nil || inv.Operation == CountTokens {
		return content{inv.Body}, nil, err
	}
	leftOut = shaping.Shape(shaping.Request{ModelID: modelID, Body: object, Version: inv.Version, Betas: inv.Betas})
	if !object.Changed() {
		return content{inv.Body}, leftOut, nil
	}
	return contentOf(object), leftOut, nil
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
	body, err := readAnswer(resp)
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

// readAnswer reads what there is of the answer's body, at most one byte more than is allowed. One whose
// length is given is read without being moved about; the length is not trusted with more memory than
// usual answers take.
func readAnswer(resp *http.Response) ([]byte, error) {
	room := min(max(resp.ContentLength, 0), 64<<10) + bytes.MinRead // which ReadFrom wants to see free
	buf := bytes.NewBuffer(make([]byte, 0, room))
	_, err := buf.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1))
	return buf.Bytes(), err
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

// send makes one HTTP request of p and returns the response if its status is 200.
func (c *Client) send(ctx context.Context, p *prepared) (*http.Response, error) {
	req := (&http.Request{
		Method: p.method, URL: p.url, Host: p.url.Host, Header: p.header.Clone(),
		ContentLength: int64(p.body.len()),
	}).WithContext(ctx)
	if req.ContentLength > 0 {
		body := p.body
		defer func() { body = nil }() // the request outlives this call, and in it GetBody
		req.Body = body.reader()
		req.GetBody = func() (io.ReadCloser, error) { return body.reader(), nil }
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
		if c.gateway && e.Kind == Credentials { // the key is the caller's; of AWS's credentials a gateway says so with 502
			e.Kind = Unauthenticated
		}
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
	return c.unreachable(err)
}

// canceled says why the caller's context ended. A cause of its own, such as a shutdown, is not the
// caller's doing.
func canceled(ctx context.Context) *Error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return &Error{Kind: Unavailable, Message: cause.Error(), Err: ctx.Err()}
	}
	return &Error{Kind: Canceled, Message: "the caller went away", Err: ctx.Err()}
}

// authorise puts credentials on req: a bearer key as it is, or a signature.
func (c *Client) authorise(ctx context.Context, req *http.Request, p *prepared) error {
	cred, err := c.credentials.Retrieve(ctx)
	if err != nil && ctx.Err() != nil {
		return c.unsent(ctx, err)
	}
	if err != nil {
		return withoutCredentials(err)
	}
	p.used = cred
	if !cred.APIKey.IsZero() {
		if req.URL.Scheme != "https" && !isLoopback(req.URL.Hostname()) {
			return Errorf(Credentials, "an API key is sent over https only, not to %s", req.URL.Host)
		}
		req.Header.Set("Authorization", "Bearer "+cred.APIKey.Reveal())
		return nil
	}
	if p.hash == "" {
		p.hash = sigv4.HashHex(p.body...)
	}
	p.signer = cred.Keys.AccessKeyID
	c.signer.Sign(req, p.hash, cred.Keys, c.now())
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
