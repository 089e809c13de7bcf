package gateway

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// A Server serves a Gateway over HTTP/1.1 and, by prior knowledge on the same port, HTTP/2: AWS's
// JavaScript SDK speaks nothing else.
type Server struct {
	gateway *Gateway
	http    *http.Server
	cut     context.CancelCauseFunc // ends what is still open when the drain is over
}

// NewServer returns a Server of g. No time-out spans a whole answer: each stage has its own.
func NewServer(g *Gateway) *Server {
	ctx, cut := context.WithCancelCause(context.Background())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &Server{gateway: g, cut: cut, http: &http.Server{
		Handler:   g,
		Protocols: protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 250,
			MaxReadFrameSize:     maxFrameSize,
			WriteByteTimeout:     g.StallTimeout, // a stream's own deadline cannot end a write to the socket
		},
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(logWriter{g.Log}, "", 0),
	}}
}

// errShutdown is what the clients of streams that the drain cuts are told.
var errShutdown = errors.New("the gateway is shutting down")

// cutGrace is how long a stream that the drain cuts has to tell its client so.
const cutGrace = 2 * time.Second

// Serve answers on l until ctx ends; then it takes nothing new, lets what is open finish for at
// most drain, and returns nil. Streams still open after that end with an error event. What l accepts is
// plain TCP: of TLS net/http would not see that HTTP/2 was agreed on.
func (s *Server) Serve(ctx context.Context, l net.Listener, drain time.Duration) error {
	defer s.cut(nil)
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(frameListener{l}) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.gateway.Log.Info("draining", "limit", drain)
	err := s.shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		s.gateway.Log.Warn("cutting what is still open", "after", drain)
		s.Cut()
		err = s.shutdown(cutGrace)
	}
	s.http.Close()
	<-failed
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Cut ends what is still open, with an error for each client. It is for an operator who does not
// want to wait for the drain.
func (s *Server) Cut() { s.cut(errShutdown) }

func (s *Server) shutdown(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return s.http.Shutdown(ctx)
}

// logWriter takes what net/http has to say about connections.
type logWriter struct{ log *slog.Logger }

func (w logWriter) Write(p []byte) (int, error) {
	w.log.Warn("http", "message", string(p))
	return len(p), nil
}
