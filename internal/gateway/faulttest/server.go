package faulttest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server is the upstream. Start it with NewServer.
type Server struct {
	URL string // http://127.0.0.1:PORT

	listener net.Listener
	faults   map[call]Fault // by operation and name
	serving  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
	seen   map[call]map[string]Seen // by tag
}

// A call is what a request asks for.
type call struct {
	streamed bool
	name     string
}

// Seen is what the Server knows of the requests of one call.
type Seen struct {
	Requests int
	HungUp   int   // how many of them the client left in the middle of the answer
	Sent     int64 // bytes of their answers, as far as the system has taken them
}

// NewServer starts a Server on a free port of 127.0.0.1; it is closed when the test ends.
func NewServer(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		URL: "http://" + listener.Addr().String(), listener: listener, faults: map[call]Fault{},
		conns: map[net.Conn]bool{}, seen: map[call]map[string]Seen{},
	}
	for _, f := range All() {
		s.faults[call{f.Streamed(), f.Name}] = f
		s.seen[call{f.Streamed(), f.Name}] = map[string]Seen{}
	}
	s.serving.Go(s.accept)
	t.Cleanup(s.Close)
	return s
}

// Close cuts all connections and waits until nothing is served any more. It may be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.listener.Close()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// Seen returns what is known of the calls of f.Prompt(tag).
func (s *Server) Seen(f Fault, tag string) Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[call{f.Streamed(), f.Name}][tag]
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if s.keep(conn) {
			s.serving.Go(func() {
				defer s.drop(conn)
				s.serve(conn)
			})
		}
	}
}

// keep notes a connection to be cut by Close, and reports whether it is not too late for one.
func (s *Server) keep(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *Server) drop(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// prompt finds what Fault.Prompt wrote, whatever the shape of the body around it.
var prompt = regexp.MustCompile(`"fault: ([^ "]+) \(([^)"]*)\)"`)

// serve answers the requests of a connection until one of its answers breaks it.
func (s *Server) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for again := true; again; {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		a := &answer{server: s, conn: conn, call: call{streamed: strings.HasSuffix(r.URL.Path, "/invoke-with-response-stream")}}
		s.answer(a, body)
		again = a.ended
	}
}

// answer picks the fault that a body asks for.
func (s *Server) answer(a *answer, body []byte) {
	m := prompt.FindSubmatch(body)
	if m == nil {
		a.good()
		return
	}
	a.call.name, a.tag = string(m[1]), string(m[2])
	f, ok := s.faults[a.call]
	if !ok {
		a.refuse(http.StatusNotImplemented, "UnknownOperationException", "faulttest has no such fault: "+a.call.name)
		return
	}
	a.note(func(seen *Seen) {
		seen.Requests++
		a.request = seen.Requests
	})
	f.serve(a)
}

// An answer is one HTTP response. Once the client is gone, its methods do nothing.
type answer struct {
	server  *Server
	conn    net.Conn
	call    call
	tag     string
	request int  // which of the call it answers, from 1
	ended   bool // it is whole, and the connection good for another
	left    bool // the client is gone
}

// note changes what is Seen of the call.
func (a *answer) note(change func(*Seen)) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	tags := a.server.seen[a.call]
	if tags == nil {
		return // a good answer
	}
	seen := tags[a.tag]
	change(&seen)
	tags[a.tag] = seen
}

// gone notes that the client has closed its connection, unless it was Close that did.
func (a *answer) gone(err error) {
	if !a.left && !errors.Is(err, net.ErrClosed) {
		a.note(func(seen *Seen) { seen.HungUp++ })
	}
	a.left = true
}

func (a *answer) write(p []byte) {
	if a.left {
		return
	}
	n, err := a.conn.Write(p)
	a.note(func(seen *Seen) { seen.Sent += int64(n) })
	if err != nil {
		a.gone(err)
	}
}

// head begins a response.
func (a *answer) head(status int, lines ...string) {
	text := fmt.Sprintf("HTTP/1.1 %d %s\r\nDate: %s\r\nx-amzn-RequestId: %s\r\n",
		status, http.StatusText(status), time.Now().UTC().Format(http.TimeFormat), RequestID)
	for _, line := range lines {
		text += line + "\r\n"
	}
	a.write([]byte(text + "\r\n"))
}

// RequestID is the request ID of AWS's that every answer has.
const RequestID = "0fa17000-0000-4000-8000-000000000035"

// stream begins an event stream with messages, each a chunk of HTTP's and a write.
func (a *answer) stream(messages ...[]byte) {
	a.head(http.StatusOK, "Content-Type: application/vnd.amazon.eventstream", "X-Amzn-Bedrock-Content-Type: application/json", "Transfer-Encoding: chunked")
	for _, m := range messages {
		a.body(m)
	}
}

// body sends p as one chunk of HTTP's.
func (a *answer) body(p []byte) { a.write(fmt.Appendf(nil, "%x\r\n%s\r\n", len(p), p)) }

// zeros sends n zero bytes for as long as the client takes them.
func (a *answer) zeros(n int) {
	block := make([]byte, 64<<10)
	for ; n > 0 && !a.left; n -= len(block) {
		a.body(block[:min(n, len(block))])
	}
}

// split sends a good stream, each message cut after n bytes, with a pause in which the piece arrives.
func (a *answer) split(n int) {
	a.stream()
	for _, m := range good() {
		a.body(m[:n])
		time.Sleep(time.Millisecond)
		a.body(m[n:])
	}
	a.end()
}

// end ends a chunked response cleanly.
func (a *answer) end() {
	a.write([]byte("0\r\n\r\n"))
	a.ended = !a.left
}

// whole sends a response of one piece.
func (a *answer) whole(status int, contentType, body string, lines ...string) {
	a.head(status, append(lines, "Content-Type: "+contentType, fmt.Sprintf("Content-Length: %d", len(body)))...)
	a.write([]byte(body))
	a.ended = !a.left
}

// refuse answers as AWS's front end refuses.
func (a *answer) refuse(status int, code, text string) {
	a.whole(status, "application/json", errorBody(text), "x-amzn-ErrorType: "+code+":http://internal.amazon.com/coral/com.amazon.bedrock/")
}

// good answers well.
func (a *answer) good() {
	if !a.call.streamed {
		a.whole(http.StatusOK, "application/json", Whole)
		return
	}
	a.stream(good()...)
	a.end()
}

// silence waits until the client closes the connection.
func (a *answer) silence() {
	if a.left {
		return
	}
	_, err := io.Copy(io.Discard, a.conn)
	a.gone(err)
}

// close ends the connection in order, without a word.
func (a *answer) close() { a.conn.Close() }

// reset ends the connection by TCP reset.
func (a *answer) reset() {
	a.conn.(*net.TCPConn).SetLinger(0)
	a.conn.Close()
}
