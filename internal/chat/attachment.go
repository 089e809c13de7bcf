package chat

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Limits of what is attached.
const (
	maxBody = 20_000_000 // bytes of a request, per Anthropic's documentation for Bedrock

	maxImage = 5 << 20         // Anthropic's documentation: 5 MB per image
	maxFile  = maxBody / 4 * 3 // base64 makes four bytes of three
)

// ErrAttachment is wrapped by every error about what a file is, as against how it is read.
var ErrAttachment = errors.New("cannot be attached")

// An Attachment is a file as a content block.
type Attachment struct {
	Name  string
	Kind  string // PDF, image or text
	Size  int
	Text  string // of a text
	Block json.RawMessage
}

// ReadAttachment reads a file, unless ctx ends first. What it is, its content says, not its name. The
// size is checked before it is read.
func ReadAttachment(ctx context.Context, path string) (Attachment, error) {
	return Within(ctx, func() (Attachment, error) { return readAttachment(path) })
}

// Within returns what f returns, or the error of ctx if that ends first: a pipe without a writer blocks
// whoever opens or reads it. f is left behind then.
func Within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func readAttachment(path string) (Attachment, error) {
	file, err := os.Open(path)
	if err != nil {
		return Attachment{}, pathError(err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return Attachment{}, pathError(err)
	case info.IsDir():
		return Attachment{}, fmt.Errorf("%s: a folder %w", path, ErrAttachment)
	case info.Size() > maxFile:
		return Attachment{}, tooLarge(path, maxFile)
	}
	return Attach(filepath.Base(path), file)
}

// pathError leaves out which system call it was.
func pathError(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}

// Attach reads a file from r, at most as much as can be sent.
func Attach(name string, r io.Reader) (Attachment, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Attachment{}, fmt.Errorf("read %s: %w", name, err)
	}
	a := Attachment{Name: name, Size: len(data)}
	media := mediaType(data)
	switch {
	case len(data) == 0:
		return a, fmt.Errorf("%s: an empty file %w", name, ErrAttachment)
	case len(data) > maxFile:
		return a, tooLarge(name, maxFile)
	case strings.HasPrefix(media, "image/") && len(data) > maxImage:
		return a, tooLarge(name, maxImage)
	case media == "":
		return a, fmt.Errorf("%s: %w: neither a PDF, a PNG, JPEG, GIF or WebP image, nor UTF-8 text", name, ErrAttachment)
	}
	if media == "text/plain" {
		a.Text = strings.TrimPrefix(string(data), "\ufeff")
		data = []byte(a.Text)
	}
	a.Kind, a.Block = block(name, media, data)
	return a, nil
}

// Attached returns files with one more. The error is that they are too large together: who asks for each
// reads no more than can be sent.
func Attached(files []Attachment, a Attachment) ([]Attachment, error) {
	size := len(a.Block)
	for _, f := range files {
		size += len(f.Block)
	}
	if size > maxBody {
		return files, fmt.Errorf("%s: %w: the request would be larger than %d MB", a.Name, ErrAttachment, maxBody/1_000_000)
	}
	return append(files, a), nil
}

func tooLarge(name string, limit int) error {
	return fmt.Errorf("%s: %w: larger than %.1f MB", name, ErrAttachment, float64(limit)/1e6)
}

// mediaType tells by its first bytes what data is: "" for what Claude does not read.
func mediaType(data []byte) string {
	switch {
	case bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")): // readers allow for something before it
		return "application/pdf"
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return "image/gif"
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return "image/webp"
	case utf8.Valid(data) && bytes.IndexByte(data, 0) < 0:
		return "text/plain"
	}
	return ""
}

// source is where the bytes of a block stand.
type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      string `json:"data"`
}

// A contentBlock is one of the Messages API.
type contentBlock struct {
	Type   string  `json:"type"`
	Source *source `json:"source,omitempty"`
	Title  string  `json:"title,omitempty"`
	Text   string  `json:"text,omitempty"`
}

func block(name, media string, data []byte) (kind string, raw json.RawMessage) {
	b := contentBlock{Type: "document", Title: title(name)}
	switch kind = "text"; media {
	case "text/plain":
		b.Source = &source{"text", media, string(data)}
		return kind, mustMarshal(b)
	case "application/pdf":
		kind = "PDF"
	default:
		kind, b.Type, b.Title = "image", "image", ""
	}
	b.Source = &source{"base64", media, base64.StdEncoding.EncodeToString(data)}
	return kind, mustMarshal(b)
}

// maxTitle is how many characters of a file's name go along.
const maxTitle = 200

func title(name string) string {
	runes := []rune(strings.ToValidUTF8(name, ""))
	return string(runes[:min(len(runes), maxTitle)])
}

// textBlock is a block of text.
func textBlock(text string) json.RawMessage {
	return mustMarshal(contentBlock{Type: "text", Text: strings.ToValidUTF8(text, "\ufffd")})
}

// mustMarshal is for values of our own, which always have a JSON form.
func mustMarshal(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
