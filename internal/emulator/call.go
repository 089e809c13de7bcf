package emulator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
)

// Time limits of one request. A client that neither sends nor reads does not hold the server.
const (
	readTimeout  = 2 * time.Minute // for the whole body
	writeTimeout = time.Minute     // for each write
)

// drainLimit is how much of a refused request's body is still read: a client that is busy sending
// would otherwise see a broken connection in place of the refusal.
const drainLimit = 64 << 20

// A call is one request on its way.
type call struct {
	r       *http.Request
	w       http.ResponseWriter
	control *http.ResponseController
	server  *Server

	requestID string
	started   time.Time
	operation operation // zero for a path that is none
	modelID   string    // or the profile's: the identifier in the path, decoded
	who       identity
	body      []byte
	input     map[string]any // of the operation; nil if it has not been read
	model     model          // zero if it has not been looked for

	asked  bool         // the script has been asked
	step   *script.Step // what it says of this call; nil if nothing
	number int          // of the step

	status    int // 0 before the answer has begun
	errorCode string
	usage     claude.Usage
	lastTurn  []string // kinds of blocks
	results   []string // IDs of tools
}

func newCall(s *Server, w http.ResponseWriter, r *http.Request) *call {
	return &call{
		r: r, w: w, control: http.NewResponseController(w), server: s,
		requestID: newUUID(), started: time.Now(),
	}
}

// asks notes what is asked for. None of the operations has more than one label: what it is about.
func (c *call) asks(op operation, labels map[string]string) {
	c.operation = op
	for _, id := range labels {
		c.modelID = id
	}
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// maxBody is the longest body of InvokeModel (service model: Body).
const maxBody = 25_000_000

// readBody reads the body. CountTokens wraps one of InvokeModel in base64.
func (c *call) readBody() error {
	longest := int64(maxBody)
	if c.operation.Name() == "CountTokens" {
		longest = maxBody/3*4 + 1024
	}
	c.control.SetReadDeadline(time.Now().Add(readTimeout)) // not supported by every ResponseWriter
	body, err := io.ReadAll(io.LimitReader(c.r.Body, longest+1))
	if err != nil {
		return invalid("body_unread", "fault", err)
	}
	if int64(len(body)) > longest {
		return runtimeAPI().Operation("InvokeModel").CheckMember("body", body) // status 400 (langchain-aws issue 419, March 2025)
	}
	c.body = body
	c.control.SetReadDeadline(time.Time{}) // or the server would take a long answer for a client that is gone
	return nil
}

// readInput reads the operation's input and holds it to the constraints of AWS's service model.
func (c *call) readInput(labels map[string]string) error {
	input, err := c.operation.Read(labels, c.r, c.body)
	if err != nil {
		return err
	}
	c.input = input
	return c.operation.Check(input)
}

// drain reads what is left of a refused request's body.
func (c *call) drain() {
	if c.r.Header.Get("Expect") != "" {
		return // the client waits for leave to send
	}
	c.control.SetReadDeadline(time.Now().Add(readTimeout))
	io.CopyN(io.Discard, c.r.Body, drainLimit) // whatever comes of it, the refusal is sent
	c.control.SetReadDeadline(time.Time{})
}

// begin tells the Config's Observe and sends the status and the headers that are on every answer.
func (c *call) begin(status int) {
	c.status = status
	c.w.Header().Set("X-Amzn-Requestid", c.requestID)
	// AWS's SDKs correct their clock by Date when a signature is refused.
	c.w.Header().Set("Date", c.server.cfg.Now().UTC().Format(http.TimeFormat))
	c.server.cfg.Observe(c.exchange())
	c.w.WriteHeader(status)
}

// writeJSON sends a whole answer.
func (c *call) writeJSON(status int, body []byte) error {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.begin(status)
	return c.write(body)
}

// output sends an operation's output, if the script has nothing else for the call.
func (c *call) output(output map[string]any) error {
	if err := c.play(); err != nil {
		return err
	}
	status, body, err := c.operation.Write(c.w.Header(), output)
	if err != nil {
		return err
	}
	return c.writeJSON(status, body)
}

// write sends bytes of the answer and sees them off, within writeTimeout.
func (c *call) write(b []byte) error {
	c.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not supported by every ResponseWriter
	defer c.control.SetWriteDeadline(time.Time{})
	if _, err := c.w.Write(b); err != nil {
		return err
	}
	if err := c.control.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// log writes the request's line. It holds no content.
func (c *call) log(err error) {
	attrs := []slog.Attr{
		slog.String("request_id", c.requestID),
		slog.String("operation", c.operation.Name()),
		slog.String("model", c.modelID),
		slog.Int("status", c.status),
		slog.Duration("took", time.Since(c.started)),
	}
	if c.operation.Name() == "" {
		attrs = append(attrs, slog.String("path", c.r.URL.EscapedPath()))
	}
	if c.errorCode != "" {
		attrs = append(attrs, slog.String("error", c.errorCode))
	}
	if c.number != 0 {
		attrs = append(attrs, slog.Int("step", c.number))
	}
	if c.lastTurn != nil {
		attrs = append(attrs, slog.String("last", strings.Join(c.lastTurn, ",")))
	}
	if c.results != nil {
		attrs = append(attrs, slog.String("tool_results", strings.Join(c.results, ",")))
	}
	if c.usage != (claude.Usage{}) {
		attrs = append(attrs,
			slog.Int("input_tokens", c.usage.InputTokens), slog.Int("output_tokens", c.usage.OutputTokens),
			slog.Int("cache_read_tokens", c.usage.CacheRead), slog.Int("cache_write_tokens", c.usage.CacheWrite))
	}
	if err != nil {
		attrs = append(attrs, slog.String("fault", err.Error()))
	}
	c.server.cfg.Logger.LogAttrs(context.WithoutCancel(c.r.Context()), slog.LevelInfo, "request", attrs...)
}
