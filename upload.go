package outcrop

import (
	"bytes"
	"io"
	"slices"
)

// A content is the body of a request in pieces that are sent one after another, so that editing a few
// members of a long body costs no second copy of it. The pieces are not changed.
type content [][]byte

func (c content) len() (n int) {
	for _, piece := range c {
		n += len(piece)
	}
	return n
}

// joined is up to how many bytes a content is sent as one piece: the transport then puts it into the
// same write as the head, which saves more than the copy costs.
const joined = 16 << 10

// join makes one piece of a short content.
func (c content) join() content {
	if len(c) > 1 && c.len() <= joined {
		return content{slices.Concat(c...)}
	}
	return c
}

// reader returns a reader of c for the transport.
func (c content) reader() io.ReadCloser {
	if len(c) == 1 && len(c[0]) <= joined {
		return io.NopCloser(bytes.NewReader(c[0])) // which the transport knows by its type
	}
	return &upload{left: c}
}

// An upload is one sending of a content. The transport keeps the request, and in it the upload, for
// as long as the answer is read: an upload that was read lets go of the content, so that a long prompt
// does not stay in memory for the whole of a streamed answer.
type upload struct {
	left content
	at   int // how much of left[0] was read
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (n int, err error) {
	for n < len(p) && len(u.left) > 0 {
		copied := copy(p[n:], u.left[0][u.at:])
		n, u.at = n+copied, u.at+copied
		if u.at == len(u.left[0]) {
			u.left, u.at = u.left[1:], 0
		}
	}
	if len(u.left) == 0 {
		u.left = nil // the end of a slice still holds all of it
		return n, io.EOF
	}
	return n, nil
}

// Close implements io.Closer. It does nothing: the transport may call it while it still reads.
func (u *upload) Close() error { return nil }
