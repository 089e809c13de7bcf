package emulator

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// HTTPServer returns a server for h on one port: HTTP/1.1 and HTTP/2, the latter by ALPN over TLS and
// by prior knowledge without. config is nil for plain text. A nil logger silences what net/http has
// to say of connections.
//
// There is no WriteTimeout, for streams are long; a Server limits each write by itself.
func HTTPServer(h http.Handler, config *tls.Config, logger *slog.Logger) *http.Server {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           h,
		Protocols:         protocols,
		TLSConfig:         config,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
