package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
	"github.com/outcrop-dev/outcrop/internal/catalog"
)

// A connection is what a client needs to reach a gateway.
type connection struct {
	URL    string
	Region string
	Local  bool
	Key    sigv4.Secret      // empty if only its hash is known
	AWS    sigv4.Credentials // the key's AWS face; without its secret where that is not to be shown
	note   string            // what stands for the key where Key is empty
}

// key is the key as a user can paste it, or what stands for it.
func (c connection) key() string {
	if c.Key.IsZero() {
		return c.note
	}
	return c.Key.Reveal()
}

// header is the key as an HTTP header, one word of a shell's.
func (c connection) header() string {
	if c.Key.IsZero() {
		return `"Authorization: Bearer ` + c.note + `"` // a variable of the shell's, or no key at all
	}
	return "'Authorization: Bearer " + strings.ReplaceAll(c.Key.Reveal(), "'", `'\''`) + "'"
}

// variable is one of an environment.
type variable struct{ name, value string }

// anthropic is the environment of Claude Code and of Anthropic's SDKs.
func (c connection) anthropic() []variable {
	return []variable{{"ANTHROPIC_BASE_URL", c.URL}, {"ANTHROPIC_AUTH_TOKEN", c.key()}}
}

// bedrock is that of Claude Code in Bedrock mode. With the three models pinned it does not probe
// for them at each start.
func (c connection) bedrock() []variable {
	out := []variable{
		{"CLAUDE_CODE_USE_BEDROCK", "1"}, {"AWS_REGION", c.Region},
		{"ANTHROPIC_BEDROCK_BASE_URL", c.URL}, {"AWS_BEARER_TOKEN_BEDROCK", c.key()},
	}
	for _, family := range []string{"opus", "sonnet", "haiku"} {
		if id, err := catalog.Resolve(family, c.Region); err == nil {
			out = append(out, variable{"ANTHROPIC_DEFAULT_" + strings.ToUpper(family) + "_MODEL", id})
		}
	}
	return out
}

// endpoints point AWS's SDKs here.
func (c connection) endpoints() []variable {
	return []variable{{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", c.URL}, {"AWS_ENDPOINT_URL_BEDROCK", c.URL}}
}

// keyPair is the key's AWS face, with which AWS's SDKs sign.
func (c connection) keyPair() []variable {
	secret := c.AWS.SecretAccessKey.Reveal()
	if secret == "" {
		secret = "(outcrop serve --show-secrets prints it)"
	}
	return append([]variable{{"AWS_ACCESS_KEY_ID", c.AWS.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", secret}}, region(c.Region)...)
}

// region is a Region for all of AWS's SDKs: botocore reads the second only.
func region(name string) []variable {
	return []variable{{"AWS_REGION", name}, {"AWS_DEFAULT_REGION", name}}
}

// print tells how to connect.
func (c connection) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return c.printJSON(w)
	}
	behind := "Bedrock in " + c.Region
	if c.Local {
		behind = "an embedded Bedrock (" + c.Region + "; no AWS account, nothing leaves this machine)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Outcrop serves %s on %s\n", behind, c.URL)
	if c.Key.IsZero() && !strings.HasPrefix(c.note, "$") {
		fmt.Fprintf(&b, "Key: %s, made at an earlier start and kept as a hash; lost it? outcrop serve --new-key\n", c.note)
	}
	section(&b, "Try it", fmt.Sprintf(`curl %s/v1/messages -H %s \
    -H 'content-type: application/json' \
    -d '{"model":"claude-opus-5-5","max_tokens":300,"messages":[{"role":"user","content":"Hello!"}]}'`, c.URL, c.header()))
	section(&b, "Claude Code", exports(c.anthropic())+"\n  claude")
	section(&b, "Claude Code in Bedrock mode", exports(c.bedrock())+"\n  claude")
	section(&b, "AWS's SDKs and Roo Code", exports(append(c.endpoints(), c.keyPair()...)))
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func section(b *strings.Builder, title, text string) { fmt.Fprintf(b, "\n%s:\n  %s\n", title, text) }

// exports writes variables as lines for a shell.
func exports(list []variable) string {
	lines := make([]string, len(list))
	for i, v := range list {
		lines[i] = "export " + v.name + "=" + quote(v.value)
	}
	return strings.Join(lines, "\n  ")
}

// quote makes one word of s for a POSIX shell; $OUTCROP_KEY, which stands for a key, stays as it is.
func quote(s string) string {
	if s == "$OUTCROP_KEY" {
		return `"` + s + `"`
	}
	special := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,", r)
	}
	if !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (c connection) printJSON(w io.Writer) error {
	return json.NewEncoder(w).Encode(struct {
		SchemaVersion   int    `json:"schema_version"`
		URL             string `json:"url"`
		Region          string `json:"region"`
		Local           bool   `json:"local"`
		Key             string `json:"key,omitempty"`
		AccessKeyID     string `json:"aws_access_key_id"`
		SecretAccessKey string `json:"aws_secret_access_key,omitempty"`
	}{1, c.URL, c.Region, c.Local, c.Key.Reveal(), c.AWS.AccessKeyID, c.AWS.SecretAccessKey.Reveal()})
}
