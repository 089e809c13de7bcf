package admission

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

func bearer(text string) *http.Request {
	r, _ := http.NewRequest("POST", "http://gateway/v1/messages", nil)
	r.Header.Set("Authorization", "Bearer "+text)
	return r
}

func TestNewKey(t *testing.T) {
	key, secret := NewKey("default")
	text := secret.Reveal()
	parts := strings.Split(text, "_")
	if len(parts) != 3 || parts[0] != "oc" || parts[1] != key.ID || len(parts[2]) != 52 {
		t.Fatalf("a key of %d parts, the last of %d characters; want oc_<id>_<52>", len(parts), len(parts[len(parts)-1]))
	}
	if again, _ := KeyOf("default", text); again != key {
		t.Errorf("KeyOf of a made key = %+v, want %+v", again, key)
	}
	other, _ := NewKey("other")
	keys := NewKeys(NewState().Root, other, key)
	if got, finish, err := keys.Authenticate(bearer(text)); err != nil || finish != nil || got.ID != key.ID {
		t.Errorf("Authenticate = %+v, %v", got, err)
	}
	for _, wrong := range []string{text[:len(text)-1], text + "a", strings.ToUpper(text), "oc_" + key.ID + "_", ""} {
		if _, _, err := keys.Authenticate(bearer(wrong)); outcrop.KindOf(err) != outcrop.Unauthenticated {
			t.Errorf("a wrong key: %v, want kind unauthenticated", err)
		}
	}
}

func TestKeyOf(t *testing.T) {
	for _, bad := range []string{"", "fifteen-letters", "sixteen letters!!", "line\nbreak-and-more-text", "ümlaut-and-more-text"} {
		if _, err := KeyOf("x", bad); !errors.Is(err, ErrKeyTooShort) {
			t.Errorf("KeyOf(%q) = %v, want ErrKeyTooShort", bad, err)
		}
	}
	if key, err := KeyOf("x", "sixteen-letters!"); err != nil || key.ID == "" {
		t.Errorf("KeyOf of 16 characters = %+v, %v", key, err)
	}
}

func TestAWSFace(t *testing.T) {
	key, _ := NewKey("default")
	root := NewState().Root
	a, b := NewKeys(root, key).AWS(key), NewKeys(root, key).AWS(key)
	if a.AccessKeyID != b.AccessKeyID || !a.SecretAccessKey.Equal(b.SecretAccessKey) {
		t.Error("the AWS face of a key changes from start to start")
	}
	if len(a.AccessKeyID) != 20 || !strings.HasPrefix(a.AccessKeyID, "OUTC") || len(a.SecretAccessKey.Reveal()) != 40 {
		t.Errorf("access key ID %s, secret of %d characters; want 20 and 40 as AWS's", a.AccessKeyID, len(a.SecretAccessKey.Reveal()))
	}
	if c := NewKeys(NewState().Root, key).AWS(key); c.SecretAccessKey.Equal(a.SecretAccessKey) {
		t.Error("another root key makes the same secret")
	}
}

func TestState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outcrop", "state.json")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing = %v, want fs.ErrNotExist", err)
	}
	key, secret := NewKey("default")
	s, made, err := Open(path, key)
	if err != nil || !made {
		t.Fatalf("Open of nothing: made %v, %v", made, err)
	}
	data, _ := os.ReadFile(path)
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 || strings.Contains(string(data), secret.Reveal()) {
		t.Errorf("mode %v, or the file holds the key itself", info.Mode())
	}
	other, _ := NewKey("other")
	got, made, err := Open(path, other)
	if err != nil || made || len(got.Keys) != 1 || got.Keys[0] != key || !got.Root.Equal(s.Root) {
		t.Errorf("Open = %+v, %v", got, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(text, s.Root.Reveal()) {
		t.Error("a State prints its root key")
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files are left, want the one", len(left))
	}
	f := func(name, data string, mode fs.FileMode) {
		os.WriteFile(path, []byte(data), 0o600)
		os.Chmod(path, mode)
		if _, _, err := Open(path, key); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
	f("a file that others can read", string(data), 0o640)
	f("not JSON", "hello", 0o600)
	f("a later version", strings.Replace(string(data), `"schema_version": 1`, `"schema_version": 2`, 1), 0o600)
	f("a short root key", `{"schema_version":1,"root_key":"AAAA"}`, 0o600)
	f("a broken hash", strings.Replace(string(data), `"sha256": "`, `"sha256": "zz`, 1), 0o600)
}

func TestUnauthenticatedIsNeverWordedExpired(t *testing.T) {
	for _, e := range []*sigv4.Error{
		{Code: sigv4.InvalidSignature, Message: "Signature expired: 20261120T115000Z is now earlier than 20261120T115500Z"},
		{Code: sigv4.ExpiredToken, Message: "The security token included in the request is expired"},
		{Code: sigv4.AccessDenied, Message: "Bearer Token has expired"},
	} {
		err := unauthenticated(e)
		if strings.Contains(strings.ToLower(err.Error()), " expired") || outcrop.KindOf(err) != outcrop.Unauthenticated {
			t.Errorf("%s became %v", e.Message, err)
		}
	}
}

func TestStatesMadeAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outcrop", "state.json")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var makers []Key
	for range 20 {
		wg.Go(func() {
			key, _ := NewKey("default")
			_, made, err := Open(path, key)
			if err != nil {
				t.Error(err)
			}
			if made {
				mu.Lock()
				makers = append(makers, key)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s, err := Load(path)
	if err != nil || len(makers) != 1 || len(s.Keys) != 1 || s.Keys[0] != makers[0] {
		t.Errorf("%d gateways were told that their key is the one, want one; %v", len(makers), err)
	}
}
