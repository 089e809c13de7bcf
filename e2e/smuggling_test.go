package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// What two servers in a row may read differently. In raw, KEY is a header with the key, {a}, {b} are
// bodies of their own, and LAST is a request that ends the connection. answers are the statuses that come,
// in this order, before the connection is closed; calls are the bodies that reach Bedrock. Nothing named
// {hidden} may.
var smuggling = []struct {
	name    string
	raw     string
	answers []int
	calls   string // "a", "ab", ""
}{
	{"one request", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},
	{"pipelined requests", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len b}\r\n\r\n{b}LAST", []int{200, 200, 200}, "ab"},
	{"a body that is a request", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len request}\r\n\r\n{request}LAST", []int{400, 200}, ""},
	{"a request behind Connection: close", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nConnection: close\r\nContent-Length: {len a}\r\n\r\n{a}{request}", []int{200}, "a"},
	{"a request behind a refused one", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: {len request}\r\n\r\n{request}LAST", []int{401, 200}, ""},

	// Both lengths. RFC 9112, 6.1: the chunks count, and the connection ends.
	{"CL.TE: what Content-Length hides", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: 4096\r\nTransfer-Encoding: chunked\r\n\r\n{chunked a}{request}", []int{200}, "a"},
	{"TE.CL: what the chunks hide", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{chunked request}LAST", []int{400}, ""},
	{"chunks, then a request", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{chunked a}{request}", []int{200}, "a"},
	{"chunks and a bad Content-Length", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunked a}", []int{400}, ""},

	// Content-Length that is not one number.
	{"two that differ", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\nContent-Length: 0\r\n\r\n{a}", []int{400}, ""},
	{"two that are the same", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\nContent-Length: {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},
	{"a plus", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: +{len a}\r\n\r\n{a}", []int{400}, ""},
	{"a minus", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: -1\r\n\r\n{a}", []int{400}, ""},
	{"hexadecimal", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: 0x5\r\n\r\n{a}", []int{400}, ""},
	{"a list", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}, {len a}\r\n\r\n{a}", []int{400}, ""},
	{"empty", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length:\r\n\r\n{a}", []int{400}, ""},
	{"more than 64 bits", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: 18446744073709551621\r\n\r\n{a}", []int{400}, ""},
	{"a number and a letter", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: 5e1\r\n\r\n{a}", []int{400}, ""},
	{"a space within", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: 1 0\r\n\r\n{a}", []int{400}, ""},
	{"a vertical tab behind", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\x0b\r\n\r\n{a}", []int{400}, ""},

	// Transfer-Encoding that is not chunked and nothing else: 501 (RFC 9112, 6.1).
	{"chunked, identity", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked, identity\r\n\r\n{chunked a}", []int{501}, ""},
	{"identity", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: identity\r\nContent-Length: {len a}\r\n\r\n{a}", []int{501}, ""},
	{"gzip, chunked", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{chunked a}", []int{501}, ""},
	{"xchunked", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: xchunked\r\nContent-Length: {len a}\r\n\r\n{a}", []int{501}, ""},
	{"chunked in quotes", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: \"chunked\"\r\n\r\n{chunked a}", []int{501}, ""},
	{"a vertical tab behind chunked", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\x0b\r\n\r\n{chunked a}", []int{400}, ""},
	{"a tab before chunked", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding:\tchunked\r\n\r\n{chunked a}", []int{200}, "a"},
	{"chunked twice", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunked a}", []int{501}, ""},
	{"chunked and identity in two fields", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{chunked a}", []int{501}, ""},
	{"empty, with a length", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding:\r\nContent-Length: {len a}\r\n\r\n{a}", []int{501}, ""},
	{"chunked over HTTP/1.0", "POST /v1/messages HTTP/1.0\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{chunked a}{request}", []int{400}, ""},
	{"chunked over HTTP/1.0 that stays open", "POST /v1/messages HTTP/1.0\r\nHost: x\r\nKEY\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: {len a}\r\n\r\n{chunked a}{request}", []int{400}, ""},
	{"a space before the colon", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding : chunked\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"a tab before the colon", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length\t: 0\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"an underscore for the hyphen", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer_Encoding: chunked\r\nContent-Length: {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},

	// Chunks.
	{"a size that ends in LF", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{hexlen a}\n{a}\r\n0\r\n\r\n", []int{400}, ""},
	{"a chunk that ends in LF", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{hexlen a}\r\n{a}\n0\r\n\r\n", []int{400}, ""},
	{"a size of more than 64 bits", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000005\r\nhello\r\n0\r\n\r\n", []int{400}, ""},
	{"a negative size", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", []int{400}, ""},
	{"a size with 0x", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", []int{400}, ""},
	{"no size", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", []int{400}, ""},
	{"a chunk that is longer than its size", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{a}\r\n0\r\n\r\n", []int{400}, ""},
	{"an extension", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{hexlen a};x=y\r\n{a}\r\n0\r\n\r\n", []int{200}, "a"},
	{"an extension with LF in it", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{hexlen a};x\ny\r\n{a}\r\n0\r\n\r\n", []int{400}, ""},
	{"an extension with CR in it", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{hexlen a};x\ry\r\n{a}\r\n0\r\n\r\n", []int{400}, ""},
	{"an endless extension", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{hexlen a};" + strings.Repeat("x", 1<<16) + "\r\n{a}\r\n0\r\n\r\n", []int{400}, ""},
	{"a trailer that is a length", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n{hexlen a}\r\n{a}\r\n0\r\nContent-Length: 4096\r\n\r\n{request}", []int{200}, "a"},

	// Lines and header fields. A field that goes on in the next line is one field (RFC 9112, 5.2), and a
	// line may end in LF alone (2.2).
	{"a field that goes on in the next line", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nX-A: b\r\n Content-Length: 0\r\nContent-Length: {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},
	{"a length that goes on in the next line", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length:\r\n {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},
	{"a first field that begins with a space", "POST /v1/messages HTTP/1.1\r\n Host: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"NUL in a value", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nX-A: b\x00c\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"CR in a value", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nX-A: b\rContent-Length: 0\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"NUL in a name", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nX\x00A: b\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"a letter beyond ASCII in a name", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Lengt\xc4\xa7: 0\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"no name", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\n: b\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"no colon", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length\r\n\r\n{a}", []int{400}, ""},
	{"a head of more than 64 KiB", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nX-A: " + strings.Repeat("a", 70<<10) + "\r\n\r\n{request}", []int{431}, ""},
	{"lines that end in LF", "POST /v1/messages HTTP/1.1\nHost: x\nKEY\nContent-Length: {len a}\n\n{a}LAST", []int{200, 200}, "a"},
	{"no Host", "POST /v1/messages HTTP/1.1\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"two Hosts", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nHost: y\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"a Host that is none", "POST /v1/messages HTTP/1.1\r\nHost: x y\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},

	// Request lines.
	{"a target with a host", "POST http://y/v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},
	{"a target that is a host", "CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\nKEY\r\n\r\n{request}", []int{405}, ""},
	{"a target that is no URL", "POST /v1/mess%zzages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"a space in the target", "POST /v1/messages /x HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"a version that is none", "POST /v1/messages HTTP/1.1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"a version to come", "POST /v1/messages HTTP/3.0\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{505}, ""},
	{"a method that is none", "PO ST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len a}\r\n\r\n{a}", []int{400}, ""},
	{"a GET with a body", "GET /v1/models HTTP/1.1\r\nHost: x\r\nKEY\r\nContent-Length: {len request}\r\n\r\n{request}LAST", []int{200, 200}, ""},
	{"an upgrade to HTTP/2", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},
	{"a connection header that names Authorization", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nKEY\r\nConnection: authorization\r\nContent-Length: {len a}\r\n\r\n{a}LAST", []int{200, 200}, "a"},
}

func TestRequestSmuggling(t *testing.T) {
	f := startFar(t, lengthy(t, 1, 1))
	g := serveFar(t, f)
	said := func(text string) string { return strings.Replace(plainMessage, "hi", text, 1) }
	hidden := said("hidden")
	request := string(post("/v1/messages", hidden, withKey(g)))
	inChunks := func(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }
	a, b := said("call a"), said("call b")
	fill := strings.NewReplacer("KEY", withKey(g), "LAST", "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"{a}", a, "{b}", b, "{request}", request, "{chunked a}", inChunks(a), "{chunked request}", inChunks(request),
		"{len a}", fmt.Sprint(len(a)), "{len b}", fmt.Sprint(len(b)), "{len request}", fmt.Sprint(len(request)), "{hexlen a}", fmt.Sprintf("%x", len(a)))
	for _, c := range smuggling {
		t.Run(c.name, func(t *testing.T) {
			before := len(f.came())
			raw := fill.Replace(c.raw)
			conn := g.dial(t)
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			go io.WriteString(conn, raw) // may end with an error: what is refused is not read to its end
			var answers []int
			in := bufio.NewReader(conn)
			for {
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					if err != io.ErrUnexpectedEOF && !strings.Contains(err.Error(), "reset by peer") {
						t.Errorf("the connection is not closed: %v", err)
					}
					break
				}
				answers = append(answers, resp.StatusCode)
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Errorf("answer %d: %v", len(answers), err)
					break
				}
			}
			if !slices.Equal(answers, c.answers) {
				t.Errorf("%.200q: answers %v, want %v", raw, answers, c.answers)
			}
			var calls string
			for _, body := range f.came()[before:] {
				switch {
				case strings.Contains(body, "call a"):
					calls += "a"
				case strings.Contains(body, "call b"):
					calls += "b"
				default:
					calls += "(" + body + ")"
				}
			}
			if calls != c.calls {
				t.Errorf("%.200q: calls %q reach the upstream, want %q", raw, calls, c.calls)
			}
		})
	}
}
