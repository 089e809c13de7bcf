package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop"
)

// How slowly a body may come: this long between two pieces, and this many bytes a second on the
// whole, beyond the first pause.
const (
	bodyPause = 15 * time.Second
	bodyRate  = 16 << 10
)

// believed is how much of a body's length is believed before any of it has come.
const believed = 64 << 10

// readBody reads the body up to maxBody, and gives up a client that stops sending or drips. Memory
// grows with what arrives, not with the length that the request claims.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	room := int64(4 << 10)
	if r.ContentLength > 0 {
		room = min(r.ContentLength+1, believed)
	}
	control, began := http.NewResponseController(w), time.Now()
	body := make([]byte, 0, room)
	for {
		control.SetReadDeadline(bodyDeadline(began, time.Now(), len(body)))
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxBody:
			return nil, tooLarge()
		case err == io.EOF:
			control.SetReadDeadline(time.Time{}) // or the server takes its passing for a client gone
			return body, nil
		case err != nil:
			return nil, broken(r, err, len(body))
		case len(body) == cap(body):
			body = grow(body, r.ContentLength)
		}
	}
}

// bodyDeadline is when the next piece of a body must be there, of which n bytes are.
func bodyDeadline(began, now time.Time, n int) time.Time {
	pause := now.Add(bodyPause)
	whole := began.Add(bodyPause + time.Duration(n)*time.Second/bodyRate)
	if whole.Before(pause) {
		return whole
	}
	return pause
}

// trust is how many bytes of memory each byte that came of a body buys it: so many that a body of any
// length is moved twice at most.
const trust = 24

// grow makes room in a full buffer: for all that the request says is to come, but at most trust times
// what has come, so that a claim costs little. A body that does not say its length doubles, but not up to
// the limit, since that would hold twice as much in the end.
func grow(body []byte, length int64) []byte {
	size := 2 * len(body)
	switch {
	case length >= int64(len(body)):
		size = int(min(length+1, trust*int64(len(body))))
	case len(body) >= maxBody/8:
		size = maxBody + 1
	}
	return append(make([]byte, 0, size), body...)
}

// broken says why a body ended after n bytes.
func broken(r *http.Request, err error, n int) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return outcrop.Errorf(outcrop.Invalid, "the request's body came too slowly: %d bytes, and no more for a while", n)
	case errors.Is(err, io.ErrUnexpectedEOF), r.Context().Err() != nil:
		return outcrop.Errorf(outcrop.Canceled, "the request's body broke off after %d bytes: %w", n, err)
	}
	return outcrop.Errorf(outcrop.Invalid, "the request's body cannot be read beyond its first %d bytes: %w", n, err)
}

func tooLarge() error {
	return outcrop.Errorf(outcrop.TooLarge, "the body has more than %d bytes, the most that Outcrop reads; Bedrock takes at most %d", maxBody, outcrop.MaxBody)
}

// checkEncoding refuses a compressed body by name; neither Anthropic's API nor Bedrock takes one.
func checkEncoding(h http.Header) error {
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return outcrop.Errorf(outcrop.Invalid, "Content-Encoding: %.40q is not taken; send the JSON as it is", coding)
	}
	return nil
}

// What is left of a refused body is read for this long and up to this size.
const (
	discardTime = 2 * time.Second
	discardSize = 64 << 20
)

// discard reads what is left of the body of a request that has its answer: many clients read an
// answer only once they have sent everything, and see a broken connection otherwise. One that waits
// for leave to send (Expect: 100-continue) is not asked for it.
func discard(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(discardTime))
	if r.Header.Get("Expect") == "" && control.Flush() == nil {
		io.CopyN(io.Discard, r.Body, discardSize)
	}
}
