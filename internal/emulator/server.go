package emulator

import (
	"errors"
	"net/http"
	"time"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/emulator/claude"
)

// A Server is one Bedrock: an http.Handler for both its endpoints. It is safe for concurrent use.
type Server struct {
	cfg        Config
	operations []operation
	keys       keyring
	verifier   *sigv4.Verifier
	cache      claude.Cache
	created    time.Time // and with it the application inference profiles
}

// New returns the Bedrock that c describes.
func New(c Config) *Server {
	c = c.withDefaults()
	keys := newKeyring(c)
	return &Server{
		cfg:        c,
		operations: operations(),
		keys:       keys,
		verifier:   &sigv4.Verifier{Service: signingName, Region: c.Region, Lookup: keys.lookup},
		created:    c.Now(),
	}
}

// ServeHTTP answers one request, or refuses it as AWS does, and logs it. Where a script breaks the
// connection it panics with http.ErrAbortHandler, which is how net/http is told.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCall(s, w, r)
	err := s.handle(c)
	if err == errAnswered {
		err = nil
	}
	var broken *brokenConnection
	if errors.As(err, &broken) {
		defer c.hangUp(broken)
	} else if err != nil && c.status == 0 {
		f := asFault(err)
		c.refuse(f, nil)
		if f.status < http.StatusInternalServerError {
			err = nil // the client's, and it has been told
		}
	}
	c.log(err)
}

// handle is the way of every request.
func (s *Server) handle(c *call) error {
	op, labels, err := s.route(c.r) // what is asked for
	if err != nil {
		return err
	}
	c.asks(op, labels)
	if err := s.authenticate(c); err != nil { // by whom; reads the body
		return err
	}
	if s.takeUnchecked(c) { // the script has an answer, whatever is asked
		return c.playUnchecked()
	}
	if err := c.readInput(labels); err != nil { // in what words
		return err
	}
	return op.serve(s, c)
}
