package outcrop

import (
	"net/url"
	"strings"
	"testing"
)

// Whatever is taken for a model ID becomes exactly one segment of the path that is signed.
func FuzzModelID(f *testing.F) {
	for _, id := range []string{
		"us.anthropic.claude-opus-5-5", "anthropic.claude-haiku-4-5-20251001-v1:0", "..", "a/../b", "%2e", "a//b", "?", "#",
		"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/..",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if checkModelID(id) != nil {
			return
		}
		u, err := url.Parse("https://bedrock.example/prefix/model/" + escapeSegment(id) + "/invoke")
		if err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		if len(segments) != 5 || u.Host != "bedrock.example" || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q is sent to %s", id, u)
		}
		if back, err := url.PathUnescape(segments[3]); err != nil || back != id || strings.Trim(segments[3], ".") == "" {
			t.Fatalf("%q arrives as %q, %v", id, back, err)
		}
	})
}
