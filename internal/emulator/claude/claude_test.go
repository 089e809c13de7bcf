package claude

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// epoch is when tests begin.
var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func setting(t testing.TB, model string) Setting {
	t.Helper()
	m, ok := catalog.Lookup(model)
	if !ok {
		t.Fatalf("no model %q in the catalogue", model)
	}
	return Setting{Model: m, Account: "123456789012"}
}

// body makes a body of messages and further members.
func body(messages string, more ...string) string {
	members := append([]string{`"anthropic_version":"bedrock-2023-05-31"`, `"max_tokens":4096`, `"messages":` + messages}, more...)
	return "{" + strings.Join(members, ",") + "}"
}

// user makes messages of one turn of the user.
func user(text string) string { return fmt.Sprintf(`[{"role":"user","content":%s}]`, quoted(text)) }

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// invoke takes a body the whole way.
func invoke(in Setting, cache *Cache, src string, now time.Time) (*Reply, error) {
	r, err := Parse([]byte(src))
	if err != nil {
		return nil, err
	}
	if err := r.Check(in); err != nil {
		return nil, err
	}
	p := Layout(r, in.Model)
	if err := r.CheckLength(in, p); err != nil {
		return nil, err
	}
	return r.Answer(in, cache.Use(p, in, now)), nil
}

func mustInvoke(t testing.TB, model, src string) *Reply {
	t.Helper()
	reply, err := invoke(setting(t, model), &Cache{}, src, epoch)
	if err != nil {
		t.Fatalf("invoke %s with %.300s: %v", model, src, err)
	}
	return reply
}

// only returns the one block of a kind in a reply.
func only(t testing.TB, reply *Reply, kind string) Content {
	t.Helper()
	var found []Content
	for _, c := range reply.Content {
		if c.Kind == kind {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("reply has %d blocks of kind %s, want 1: %+v", len(found), kind, reply.Content)
	}
	return found[0]
}

func wantRefusal(t *testing.T, err error, want string) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Message != want {
		t.Errorf("got error %v, want the refusal %q", err, want)
	}
}

func claudeCode(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "claude-code", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func pngData(width, height int) string {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func decoded(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
