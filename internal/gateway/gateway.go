// Package gateway is outcrop serve: one HTTP server in front of Bedrock that speaks what clients
// speak.
//
//	client -> front door (dialect) -> admission -> shaping -> sign and send -> Bedrock
//	client <- front door (dialect) <- transcoding <- event stream <--------- <-
//	                                      \-> one Record -> log, metrics
//
// answer, below, is that way; routes.go is the surface. Shaping, signing and sending are the client
// library's (package outcrop).
package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/gateway/admission"
	"github.com/outcrop-dev/outcrop/internal/gateway/dialect/anthropic"
	"github.com/outcrop-dev/outcrop/internal/gateway/dialect/bedrock"
	"github.com/outcrop-dev/outcrop/internal/gateway/ledger"
	"github.com/outcrop-dev/outcrop/internal/gateway/metrics"
)

// maxBody is the largest request body that a door reads; Anthropic's own API takes as much. What
// Bedrock takes is less (outcrop.MaxBody), and told apart in the refusal.
const maxBody = 32 << 20

// A Dialect is an API that clients speak: it turns their requests into Invocations, and answers
// into what they read.
type Dialect interface {
	// Name is the front door's name in logs and metrics.
	Name() string
	// Decode makes an Invocation of a request's header and body.
	Decode(header http.Header, body []byte) (*outcrop.Invocation, error)
	// Encode returns the header and body for a whole answer.
	Encode(header http.Header, answer *outcrop.Response) ([]byte, error)
	// Error returns status and body for err and sets what goes with them.
	Error(header http.Header, err error, requestID string) (status int, body []byte)

	// StreamHeader sets the header of a streamed answer.
	StreamHeader(header http.Header, stream *outcrop.Stream)
	// AppendEvent appends what the client reads for event.
	AppendEvent(dst []byte, event outcrop.Event) []byte
	// AppendError appends what ends a streamed answer that broke.
	AppendError(dst []byte, err error, requestID string) []byte
	// Ping is sent when a stream is silent; nil if the API has none.
	Ping() []byte
}

// Config is what a Gateway is made of. Client, Keys and Log are required.
type Config struct {
	Client *outcrop.Client
	Keys   *admission.Keys
	Log    *slog.Logger

	PingInterval time.Duration // silence before a ping; 15 s if 0
	StallTimeout time.Duration // how long a client may not read; 60 s if 0
	Version      string        // for the greeting at /
}

// A Gateway is an http.Handler. It is safe for concurrent use; make it with New.
type Gateway struct {
	Config
	metrics *metrics.Metrics
	now     func() time.Time
}

// New returns a Gateway.
func New(c Config) *Gateway {
	if c.PingInterval == 0 {
		c.PingInterval = 15 * time.Second
	}
	if c.StallTimeout == 0 {
		c.StallTimeout = time.Minute
	}
	return &Gateway{Config: c, metrics: metrics.New(), now: time.Now}
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A body that nobody wants must not hold its connection; readBody takes the deadline off.
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyPause))
	if ambiguous(r) {
		w.Header().Set("Connection", "close")
	}
	rt, ok := parseRoute(r.URL.EscapedPath())
	if !ok {
		g.refuse(w, r, rt, outcrop.Errorf(outcrop.NotFound, "%s %.200q is not served here; see the README for what is", r.Method, r.URL.Path))
		return
	}
	if !slices.Contains(rt.methods, r.Method) {
		w.Header().Set("Allow", strings.Join(rt.methods, ", "))
		w = withStatus{w, http.StatusMethodNotAllowed}
		g.refuse(w, r, rt, outcrop.Errorf(outcrop.Invalid, "%s is not a method of %.200q; %s is", r.Method, r.URL.Path, rt.methods[0]))
		return
	}
	if rt.operation == "" { // no call to Bedrock to wait for
		g.mustRead(w)
	}
	switch rt.place {
	case placeHello:
		g.hello(w)
	case placeHealth:
		plain(w, http.StatusOK, "ok\n")
	case placeReady:
		g.ready(w, r)
	case placeMetrics:
		g.metrics.Handler().ServeHTTP(w, r)
	case placeMessagesModels:
		g.models(w, r, rt)
	case placeControl:
		g.control(w, r, rt)
	case placeMessages, placeMessagesCount, placeInvoke:
		g.invoke(w, r, rt)
	}
}

// ambiguous reports whether a server before this one may see the end of r elsewhere, so that what
// follows on the connection cannot be trusted. net/http takes chunks over a Content-Length and does not
// say that there was one; RFC 9112, 6.1 wants such a connection closed, and one with chunks over
// HTTP/1.0. Behind CONNECT there may be a tunnel's bytes.
func ambiguous(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) || r.Method == http.MethodConnect
}

// invoke keeps the Record of one invocation around its way.
func (g *Gateway) invoke(w http.ResponseWriter, r *http.Request, rt route) {
	d := g.dialect(rt)
	rec := &ledger.Record{
		ID: newRequestID(), Door: d.Name(), Operation: string(rt.operation), Start: g.now(), Status: http.StatusOK,
		Session: clip(r.Header.Get("X-Claude-Code-Session-Id")), Agent: clip(r.Header.Get("X-Claude-Code-Agent-Id")),
	}
	defer g.finish(rec)
	err := g.answer(d, w, r, rec)
	if err == nil {
		return
	}
	e := outcrop.AsError(err)
	rec.Fail(e)
	if !rec.Begun { // else the error is in the stream
		rec.Status = g.writeError(w, r, d, e, rec.ID)
	}
}

// finish writes the Record, also of an invocation that a fault of ours ended.
func (g *Gateway) finish(rec *ledger.Record) {
	fault := recover()
	if fault != nil {
		rec.Status, rec.Kind, rec.Reason = http.StatusInternalServerError, outcrop.Unavailable, fmt.Sprint("panic: ", fault)
		g.Log.Error("panic", "request_id", rec.ID, "fault", fault, "stack", string(debug.Stack()))
	}
	rec.End = g.now()
	rec.Log(g.Log)
	g.metrics.Observe(rec)
	if fault != nil {
		panic(http.ErrAbortHandler) // what was sent is not an answer: the connection must not look whole
	}
}

// answer is the way of an invocation: each line is a stage.
func (g *Gateway) answer(d Dialect, w http.ResponseWriter, r *http.Request, rec *ledger.Record) error {
	key, body, err := g.admit(w, r) // whose it is, and what is asked
	rec.Key = key.Name
	if err != nil {
		return err
	}
	if err := checkEncoding(r.Header); err != nil {
		return err
	}
	inv, err := d.Decode(r.Header, body)
	if err != nil {
		return err
	}
	rec.Operation, rec.Model = string(inv.Operation), clip(inv.Model)
	if inv.Operation == outcrop.InvokeModelWithResponseStream {
		stream, err := g.Client.InvokeModelWithResponseStream(r.Context(), inv)
		if err != nil {
			return err
		}
		defer stream.Close()
		return g.stream(d, w, stream, rec)
	}
	answer, err := g.Client.Do(r.Context(), inv)
	if err != nil {
		return err
	}
	rec.Target, rec.Attempts, rec.LeftOut = answer.Target, answer.Attempts, answer.LeftOut
	rec.AWSRequestID, rec.Usage = answer.RequestID, answer.Usage
	w.Header().Set(requestIDHeader, rec.ID)
	text, err := d.Encode(w.Header(), answer)
	if err != nil {
		return err
	}
	rec.Begun = true
	return g.write(w, text)
}

// dialect picks the front door of a route.
func (g *Gateway) dialect(rt route) Dialect {
	switch {
	case rt.native:
		return bedrock.Door{Operation: rt.operation, ModelID: rt.id}
	case rt.place == placeMessagesCount:
		return anthropic.CountTokens{}
	}
	return anthropic.Messages{}
}

// admit authenticates r and reads its body. A request without a known key is refused before its
// body is read; a signature is verified with the body in hand. The key is returned with an error
// too if it is known, for the Record.
func (g *Gateway) admit(w http.ResponseWriter, r *http.Request) (admission.Key, []byte, error) {
	key, finish, err := g.Keys.Authenticate(r)
	if err != nil {
		return admission.Key{}, nil, err
	}
	body, err := readBody(w, r)
	if err == nil && finish != nil {
		err = finish(sha256.Sum256(body))
	}
	return key, body, err
}

// stream passes a streamed answer on, event by event, as many per write as have arrived.
func (g *Gateway) stream(d Dialect, w http.ResponseWriter, stream *outcrop.Stream, rec *ledger.Record) error {
	defer g.metrics.StreamOpened()()
	rec.Begun, rec.Target, rec.Attempts, rec.LeftOut = true, stream.Target, stream.Attempts, stream.LeftOut
	rec.AWSRequestID = stream.RequestID
	defer func() { rec.Usage = stream.Usage() }()

	w.Header().Set(requestIDHeader, rec.ID)
	d.StreamHeader(w.Header(), stream)
	w.WriteHeader(http.StatusOK)
	out := newStreamWriter(w, d.Ping(), g.PingInterval, g.StallTimeout)
	defer out.Close()
	var buf []byte
	for {
		event, err := stream.Next()
		switch {
		case err == io.EOF:
			return out.Write(buf)
		case err != nil && out.Stalled():
			return out.Write(nil) // a ping was cut, and that is what ended the stream
		case err != nil:
			out.Write(d.AppendError(buf, err, rec.ID))
			return err
		}
		if rec.FirstContent.IsZero() && string(event.Type) == "content_block_delta" {
			rec.FirstContent = g.now()
		}
		buf = d.AppendEvent(buf, event)
		if !stream.Buffered() || len(buf) >= burst {
			if err := out.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
}

// burst is how many bytes of events are gathered at most before they are written.
const burst = 32 << 10

// write sends a whole answer piece by piece, and gives up a client that stops reading.
func (g *Gateway) write(w http.ResponseWriter, text []byte) error {
	for piece := range slices.Chunk(text, 64<<10) {
		g.mustRead(w)
		if _, err := w.Write(piece); err != nil {
			return outcrop.Errorf(outcrop.Canceled, "the client did not take the answer: %w", err)
		}
	}
	return nil
}

// mustRead gives the client StallTimeout to take what is written from now on. Streams are watched by
// their streamWriter.
func (g *Gateway) mustRead(w http.ResponseWriter) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(g.StallTimeout))
}

// requestIDHeader carries Outcrop's request ID on every answer, under the name that Anthropic's
// clients show; AWS's own ID is beside it in X-Amzn-Requestid.
const requestIDHeader = "Request-Id"

func newRequestID() string {
	var b [12]byte
	rand.Read(b[:])
	return "req_oc_" + hex.EncodeToString(b[:])
}

// clip bounds what a client says before it reaches a log.
func clip(s string) string { return s[:min(len(s), 256)] }

// writeError answers with err in the dialect's shape and returns the status.
func (g *Gateway) writeError(w http.ResponseWriter, r *http.Request, d Dialect, err error, requestID string) int {
	g.mustRead(w)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set(requestIDHeader, requestID)
	outcrop.RetryHeaders(h, err)
	status, body := d.Error(h, err, requestID)
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	w.Write(body)
	discard(w, r)
	return status
}

// withStatus answers with another status than the error's kind has.
type withStatus struct {
	http.ResponseWriter
	status int
}

func (w withStatus) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }

// Unwrap is for http.ResponseController.
func (w withStatus) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// refuse answers a request that is none of an invocation.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, rt route, err error) {
	status := g.writeError(w, r, g.dialect(rt), err, newRequestID())
	g.Log.Debug("refused", "status", status, "reason", err.Error())
}
