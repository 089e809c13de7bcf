package gateway

import (
	"net/http"
	"sync"
	"time"

	"github.com/outcrop-dev/outcrop"
)

// A streamWriter writes a streamed answer to a client. Its one timer, armed once per interval and
// not per event, sends a ping when the stream has been silent, and cuts a client that has not read
// for too long: then Write returns.
//
// write is held around every write to the client, state around what the timer and Write share; a
// holder of write may take state, not the other way about.
type streamWriter struct {
	control  *http.ResponseController
	w        http.ResponseWriter
	ping     []byte // nil for none
	interval time.Duration
	stall    time.Duration
	timer    *time.Timer

	write sync.Mutex

	state   sync.Mutex
	began   time.Time // of the write under way; zero if none is
	last    time.Time // end of the last write
	stalled bool
	closed  bool
}

func newStreamWriter(w http.ResponseWriter, ping []byte, interval, stall time.Duration) *streamWriter {
	s := &streamWriter{
		control: http.NewResponseController(w), w: w, ping: ping, interval: interval, stall: stall, last: time.Now(),
	}
	s.state.Lock() // the timer may fire before it is assigned
	defer s.state.Unlock()
	s.timer = time.AfterFunc(s.first(), s.watch)
	return s
}

// first is when there may be something to do.
func (s *streamWriter) first() time.Duration {
	if s.ping == nil {
		return s.stall
	}
	return min(s.interval, s.stall)
}

// Write sends p at once. The error is an *outcrop.Error of kind Canceled.
func (s *streamWriter) Write(p []byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	return s.send(p)
}

// send is Write by a holder of s.write.
func (s *streamWriter) send(p []byte) error {
	s.state.Lock()
	s.began = time.Now()
	s.state.Unlock()

	_, err := s.w.Write(p)
	if err == nil {
		err = s.control.Flush()
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.began, s.last = time.Time{}, time.Now()
	switch {
	case s.stalled:
		return outcrop.Errorf(outcrop.Canceled, "the client did not read for %v", s.stall)
	case err != nil:
		return outcrop.Errorf(outcrop.Canceled, "the client went away: %w", err)
	}
	return nil
}

// Stalled reports whether the client was cut off for not reading.
func (s *streamWriter) Stalled() bool {
	s.state.Lock()
	defer s.state.Unlock()
	return s.stalled
}

// watch runs when the timer fires. It re-arms the timer first: a ping may block as any write.
func (s *streamWriter) watch() {
	if s.check() && s.write.TryLock() {
		if !s.isClosed() {
			s.send(s.ping) // an error will meet the next event too
		}
		s.write.Unlock()
	}
}

// check cuts the client off if it has stalled, re-arms the timer for whatever is due next, and
// reports whether a ping is due now.
func (s *streamWriter) check() (ping bool) {
	s.state.Lock()
	defer s.state.Unlock()
	if s.closed {
		return false
	}
	now := time.Now()
	if !s.began.IsZero() {
		left := s.stall - now.Sub(s.began)
		if left <= 0 {
			s.stalled = true
			s.control.SetWriteDeadline(time.Unix(1, 0)) // ends the write under way
			left = s.stall
		}
		s.timer.Reset(left)
		return false
	}
	if s.ping == nil {
		s.timer.Reset(s.stall)
		return false
	}
	left := s.interval - now.Sub(s.last)
	if left <= 0 {
		ping, left = true, s.interval
	}
	s.timer.Reset(min(left, s.stall))
	return ping
}

func (s *streamWriter) isClosed() bool {
	s.state.Lock()
	defer s.state.Unlock()
	return s.closed
}

// Close ends the watch. When it returns nothing writes to the client any more.
func (s *streamWriter) Close() {
	s.write.Lock() // waits for a ping under way
	defer s.write.Unlock()
	s.state.Lock()
	defer s.state.Unlock()
	s.closed = true
	s.timer.Stop()
	if !s.stalled {
		s.control.SetWriteDeadline(time.Now().Add(s.stall)) // net/http has yet to write the answer's end
	}
}
