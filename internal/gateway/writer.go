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
	s.timer = time.AfterFunc(s.next(0), s.watch)
	return s
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

// watch runs when the timer fires.
func (s *streamWriter) watch() {
	silent, writing := s.check()
	if silent > s.interval && s.ping != nil && s.write.TryLock() {
		if !s.isClosed() {
			s.send(s.ping) // an error will meet the next event too
		}
		s.write.Unlock()
	}
	s.state.Lock()
	defer s.state.Unlock()
	if !s.closed {
		s.timer.Reset(s.next(writing))
	}
}

// check cuts the client off if it has stalled, and returns for how long the stream has been silent
// and for how long a write has been under way; one of them is 0.
func (s *streamWriter) check() (silent, writing time.Duration) {
	s.state.Lock()
	defer s.state.Unlock()
	if s.closed {
		return 0, 0
	}
	if s.began.IsZero() {
		return time.Since(s.last), 0
	}
	writing = time.Since(s.began)
	if writing >= s.stall {
		s.stalled = true
		s.control.SetWriteDeadline(time.Unix(1, 0)) // ends the write under way
	}
	return 0, writing
}

// next is when to look again: soon enough for a ping and, if a write is under way, for its stall.
func (s *streamWriter) next(writing time.Duration) time.Duration {
	wait := s.stall - writing
	if writing >= s.stall {
		wait = s.stall
	}
	if s.ping != nil {
		wait = min(wait, s.interval)
	}
	return max(wait, time.Millisecond)
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
}
