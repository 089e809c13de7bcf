package sigv4

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// Nothing that holds a secret lets it out, whatever prints it.
func TestSecretsDoNotPrint(t *testing.T) {
	const canary = "canary"
	c := NewCredentials("AKIDEXAMPLE", canary+"-secret", canary+"-token")
	signer := NewSigner("bedrock", "us-east-1")
	r, body := invoke(t)
	signer.Sign(r, HashHex(body), c, noon)
	verifier := &Verifier{Lookup: only(Key{Credentials: c})}
	pending, err := verifier.Begin(r, noon)
	if err != nil {
		t.Fatal(err)
	}
	pending.canonical, pending.shown = nil, nil // which hold the session token that the client sent
	derived := deriveKey(canary+"-secret", scope{"20261120", "us-east-1", "bedrock"})

	values := map[string]any{
		"Secret": c.SecretAccessKey, "*Secret": &c.SecretAccessKey, "Credentials": c, "*Credentials": &c,
		"Key": Key{Credentials: c, ExpiresAt: noon}, "*Key": &Key{Credentials: c},
		"in a struct": struct{ inner Credentials }{c}, "in an interface": []any{c}, "in a map": map[string]Secret{"a": c.SecretAccessKey},
		"Signer": signer, "Verifier": verifier, "Pending": pending,
	}
	for name, value := range values {
		prints := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s", "%p"} {
			prints[verb] = fmt.Sprintf(verb, value)
		}
		if b, err := json.Marshal(value); err == nil {
			prints["json"] = string(b)
		}
		if b, err := xml.Marshal(value); err == nil {
			prints["xml"] = string(b)
		}
		var text, js bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "value", value)
		slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "value", value)
		prints["slog text"], prints["slog JSON"] = text.String(), js.String()
		for how, print := range prints {
			for _, secret := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprint([]byte(derived)[:8]), fmt.Sprintf("%x", []byte(derived)[:8])} {
				if strings.Contains(print, strings.Trim(secret, "[]")) {
					t.Errorf("%s printed by %s holds a secret: %s", name, how, print)
				}
			}
		}
	}
}

func TestSecretPrintsAsRedacted(t *testing.T) {
	c := NewCredentials("AKIDEXAMPLE", "secret", "")
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		got := fmt.Sprintf(verb, c)
		if !strings.Contains(got, "REDACTED") || !strings.Contains(got, "AKIDEXAMPLE") || strings.Count(got, "REDACTED") != 1 {
			t.Errorf("%s of Credentials: %s, want the key ID and REDACTED once", verb, got)
		}
	}
	got, err := json.Marshal(Key{Credentials: c, ExpiresAt: time.Time{}})
	const want = `{"AccessKeyID":"AKIDEXAMPLE","SecretAccessKey":"REDACTED","SessionToken":"","ExpiresAt":"0001-01-01T00:00:00Z"}`
	if err != nil || string(got) != want {
		t.Errorf("JSON of Key: %s, %v, want %s", got, err, want)
	}
}

func TestSecretKeepsItsValue(t *testing.T) {
	if got := NewSecret("value").Reveal(); got != "value" {
		t.Errorf("Reveal = %q, want %q", got, "value")
	}
	if s := NewSecret(""); !s.IsZero() || s.Reveal() != "" || s.String() != "" {
		t.Errorf("NewSecret(\"\"): IsZero %v, Reveal %q, String %q, want the zero Secret", s.IsZero(), s.Reveal(), s.String())
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{{"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"", "", true}, {"a", "ab", false}} {
		if got := NewSecret(c.a).Equal(NewSecret(c.b)); got != c.want {
			t.Errorf("Equal of %q and %q = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
