// Package ledger holds what is kept of an invocation. A Record is written once, at the end of the
// invocation and in every outcome; log, metrics and activity read it and nothing else.
package ledger

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop"
)

// A Record is one invocation. It holds no prompt content.
type Record struct {
	ID        string // Outcrop's request ID
	Door      string // anthropic, bedrock
	Operation string // as AWS spells it
	Key       string // name of the Outcrop key
	Session   string // Claude Code's session, if it says
	Agent     string // Claude Code's subagent, likewise

	Model    string // as asked for
	Target   outcrop.Target
	Begun    bool // the head of the answer was sent: what comes after cannot change the status
	Attempts int
	LeftOut  []string // what shaping left out

	Status       int          // HTTP status that the client got; 499 if it went away before
	Kind         outcrop.Kind // "" for success
	Code         string       // AWS's exception name
	Reason       string       // what broke, without content
	AWSRequestID string
	Usage        outcrop.Usage

	Start        time.Time
	FirstContent time.Time // zero if there was none
	End          time.Time
}

// maxReason is how much of an error's text is kept.
const maxReason = 512

// Fail notes err as the outcome.
func (r *Record) Fail(err *outcrop.Error) {
	r.Kind, r.Code, r.Reason = err.Kind, err.Code, err.Error()
	if len(r.Reason) > maxReason { // a refused signature's has the canonical request in it
		r.Reason = r.Reason[:maxReason] + "…"
	}
	if err.RequestID != "" {
		r.AWSRequestID = err.RequestID
	}
	if err.Attempts > 0 {
		r.Target, r.Attempts, r.LeftOut = err.Target, err.Attempts, err.LeftOut
	}
}

// Duration is the time from the request's head to the end of its answer.
func (r *Record) Duration() time.Duration { return r.End.Sub(r.Start) }

// TimeToFirstContent is the time to the first content of a streamed answer, and whether there was
// any.
func (r *Record) TimeToFirstContent() (time.Duration, bool) {
	return r.FirstContent.Sub(r.Start), !r.FirstContent.IsZero()
}

// Log writes the one line of the invocation: at level info, or warn where something broke that the
// operator can do something about.
func (r *Record) Log(log *slog.Logger) {
	level := slog.LevelInfo
	switch r.Kind {
	case "", outcrop.Canceled, outcrop.Invalid, outcrop.TooLarge, outcrop.NotFound:
	default:
		level = slog.LevelWarn
	}
	attrs := append(make([]slog.Attr, 0, 24), // room for all there may be
		slog.String("request_id", r.ID),
		slog.String("door", r.Door),
		slog.String("operation", r.Operation),
		slog.String("key", r.Key),
		slog.String("model", r.Model),
		slog.String("target", r.Target.ModelID),
		slog.String("region", r.Target.Region),
		slog.Int("status", r.Status),
		slog.Int64("input_tokens", r.Usage.InputTokens),
		slog.Int64("output_tokens", r.Usage.OutputTokens),
		slog.Int64("cache_read_tokens", r.Usage.CacheReadTokens),
		slog.Int64("cache_write_tokens", r.Usage.CacheWriteTokens),
		slog.Int64("ms", r.Duration().Milliseconds()),
	)
	if d, ok := r.TimeToFirstContent(); ok {
		attrs = append(attrs, slog.Int64("first_content_ms", d.Milliseconds()))
	}
	for _, a := range []struct{ name, value string }{
		{"aws_request_id", r.AWSRequestID}, {"session", r.Session}, {"agent", r.Agent}, {"left_out", strings.Join(r.LeftOut, ", ")},
		{"kind", string(r.Kind)}, {"code", r.Code}, {"reason", r.Reason},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.name, a.value))
		}
	}
	if r.Attempts > 1 {
		attrs = append(attrs, slog.Int("attempts", r.Attempts))
	}
	log.LogAttrs(context.Background(), level, "invocation", attrs...)
}
