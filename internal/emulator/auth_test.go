package emulator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

// invokePath is where the tests of authentication knock.
const invokePath = "/model/" + opus + "/invoke"

func TestSignedRequests(t *testing.T) {
	const arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile"
	b := start(t, emulator.Config{})
	for _, c := range []struct{ name, path string }{
		{"a plain ID", "/model/us.anthropic.claude-opus-5-5/invoke"},
		{"a colon as it is, as Anthropic's SDKs send it", "/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke"},
		{"a colon encoded, as AWS's SDKs send it", "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke"},
		{"an ARN, its slash encoded", "/model/" + arn + "%2F" + haiku + "/invoke"},
		{"an ARN, all encoded", "/model/" + strings.NewReplacer(":", "%3A").Replace(arn+"%2F"+haiku) + "/invoke"},
		{"an ARN with a plain slash", "/model/" + arn + "/" + haiku + "/invoke"},
		{"lower-case hex", "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3a0/invoke"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got message
			b.call(http.MethodPost, c.path, user("hi")).decode(t, &got)
			if got.Type != "message" {
				t.Errorf("%s: got %+v, want a message", c.path, got)
			}
		})
	}
	t.Run("a doubled slash, signed as one", func(t *testing.T) {
		r := sign(t, b.request(http.MethodGet, "/inference-profiles", ""), "", keys, time.Now())
		r.URL.Path = "//inference-profiles"
		if got := b.do(r); got.StatusCode != http.StatusOK {
			t.Errorf("GET //inference-profiles: got %d %s, want 200", got.StatusCode, got.body)
		}
	})
	t.Run("X-Amz-Content-Sha256 as AWS's SDK for JavaScript sends it", func(t *testing.T) {
		body := user("hi")
		r := b.request(http.MethodPost, invokePath, body)
		r.Header.Set("X-Amz-Content-Sha256", hash(body))
		if got := b.do(sign(t, r, body, keys, time.Now())); got.StatusCode != http.StatusOK {
			t.Errorf("got %d %s, want 200", got.StatusCode, got.body)
		}
	})
	t.Run("presigned in the query", func(t *testing.T) {
		body := user("hi")
		r := b.request(http.MethodPost, invokePath+"?X-Amz-Expires=300", body)
		url, header, err := v4.NewSigner().PresignHTTP(context.Background(), keys, r, hash(body), "bedrock", region, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		signed, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range header {
			if name != "Host" {
				signed.Header[name] = values
			}
		}
		if got := b.do(signed); got.StatusCode != http.StatusOK {
			t.Errorf("got %d %s, want 200", got.StatusCode, got.body)
		}
	})
}

func TestAuthenticationRefusals(t *testing.T) {
	now := time.Now()
	expired := emulator.NewCredential("AKIDEXPIRED", "secret", "")
	expired.ExpiresAt = now.Add(-time.Second)
	temporary := emulator.NewCredential("ASIATEMPORARY", "secret", "token")
	b := start(t, emulator.Config{Credentials: []emulator.Credential{expired, temporary}})
	body := user("hi")
	post := func() *http.Request { return b.request(http.MethodPost, invokePath, body) }
	with := func(c aws.Credentials, at time.Time) *http.Request { return sign(t, post(), body, c, at) }
	bearer := func(token string) *http.Request {
		r := post()
		r.Header.Set("Authorization", "Bearer "+token)
		return r
	}
	altered := with(keys, now)
	altered.Body = http.NoBody
	altered.ContentLength = 0
	movedPath := with(keys, now)
	movedPath.URL.Path = "/model/" + "us.anthropic.claude-sonnet-5-5" + "/invoke"
	cred := emulator.NewCredential(keys.AccessKeyID, keys.SecretAccessKey, "")

	const badToken, badKey = "The security token included in the request is invalid.", "Authentication failed: Please make sure your API Key is valid."
	for _, c := range []struct {
		name, code, message string
		request             *http.Request
	}{
		{"nothing", "MissingAuthenticationTokenException", "Missing Authentication Token", post()},
		{"an unknown access key", "UnrecognizedClientException", badToken, with(aws.Credentials{AccessKeyID: "AKIDNOBODY", SecretAccessKey: "x"}, now)},
		{"a wrong secret", "InvalidSignatureException", "The request signature we calculated does not match", with(aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: "x"}, now)},
		{"an altered body", "InvalidSignatureException", "The request signature we calculated does not match", altered},
		{"another path", "InvalidSignatureException", "The request signature we calculated does not match", movedPath},
		{"a clock behind", "InvalidSignatureException", "Signature expired: ", with(keys, now.Add(-6*time.Minute))},
		{"a clock ahead", "InvalidSignatureException", "Signature not yet current: ", with(keys, now.Add(6*time.Minute))},
		{"expired credentials", "ExpiredTokenException", "The security token included in the request is expired", with(aws.Credentials{AccessKeyID: "AKIDEXPIRED", SecretAccessKey: "secret"}, now)},
		{"a missing session token", "UnrecognizedClientException", badToken, with(aws.Credentials{AccessKeyID: "ASIATEMPORARY", SecretAccessKey: "secret"}, now)},
		{"a wrong session token", "UnrecognizedClientException", badToken, with(aws.Credentials{AccessKeyID: "ASIATEMPORARY", SecretAccessKey: "secret", SessionToken: "x"}, now)},
		{"an Authorization that is none", "IncompleteSignatureException", "", func() *http.Request {
			r := post()
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x")
			return r
		}()},
		{"an unknown API key", "AccessDeniedException", badKey, bearer("ABSKsomethingelse")},
		{"a short-term API key of another Region", "AccessDeniedException", badKey, bearer(emulator.ShortTermAPIKey(cred, "eu-west-1", time.Hour, now))},
		{"a short-term API key that is over", "AccessDeniedException", "Bearer Token has expired", bearer(emulator.ShortTermAPIKey(cred, region, time.Hour, now.Add(-2*time.Hour)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.do(c.request).wantError(t, http.StatusForbidden, c.code, c.message)
		})
	}
	t.Run("and the next request works", func(t *testing.T) {
		if got := b.do(with(keys, time.Now())); got.StatusCode != http.StatusOK {
			t.Errorf("got %d %s, want 200", got.StatusCode, got.body)
		}
	})
}

func TestAcceptedCredentials(t *testing.T) {
	temporary := emulator.NewCredential("ASIATEMPORARY", "secret", "token")
	b := start(t, emulator.Config{Credentials: []emulator.Credential{temporary}})
	body := user("hi")
	bearer := func(scheme, token string) *http.Request {
		r := b.request(http.MethodPost, invokePath, body)
		r.Header.Set("Authorization", scheme+" "+token)
		return r
	}
	for _, c := range []struct {
		name, account string
		request       *http.Request
	}{
		{"temporary credentials", account, sign(t, b.request(http.MethodPost, invokePath, body), body, aws.Credentials{AccessKeyID: "ASIATEMPORARY", SecretAccessKey: "secret", SessionToken: "token"}, time.Now())},
		{"a short-term API key", account, bearer("Bearer", emulator.ShortTermAPIKey(temporary, region, time.Hour, time.Now()))},
		{"a long-term API key, which names its account", "210987654321", bearer("bearer", longTermKey)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := b.do(c.request); got.StatusCode != http.StatusOK {
				t.Fatalf("got %d %s, want 200", got.StatusCode, got.body)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if got := b.exchanges[len(b.exchanges)-1].AccountID; got != c.account {
				t.Errorf("got account %s, want %s", got, c.account)
			}
		})
	}
}

// TestAuthorityIsSigned signs ":authority" in place of "host", as AWS's SDK for JavaScript does over
// HTTP/2, by hand: no signer in Go does.
func TestAuthorityIsSigned(t *testing.T) {
	b := start(t, emulator.Config{})
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	b.client = &http.Client{Transport: &http.Transport{Protocols: protocols}}
	t.Cleanup(b.client.CloseIdleConnections)

	body, stamp := user("hi"), time.Now().UTC().Format("20060102T150405Z")
	r := b.request(http.MethodPost, "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke", body)
	r.Header.Set("X-Amz-Date", stamp)
	const signed = ":authority;content-type;x-amz-date"
	canonical := "POST\n/model/us.anthropic.claude-haiku-4-5-20251001-v1%253A0/invoke\n\n:authority:" + r.URL.Host +
		"\ncontent-type:application/json\nx-amz-date:" + stamp + "\n\n" + signed + "\n" + hash(body)
	scope := stamp[:8] + "/" + region + "/bedrock/aws4_request"
	key := []byte("AWS4" + keys.SecretAccessKey)
	for _, part := range []string{stamp[:8], region, "bedrock", "aws4_request", "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hash(canonical)} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", keys.AccessKeyID, scope, signed, hex.EncodeToString(key)))
	got := b.do(r)
	if got.StatusCode != http.StatusOK || got.Proto != "HTTP/2.0" {
		t.Errorf("got %s %d %s, want HTTP/2.0 200", got.Proto, got.StatusCode, got.body)
	}
}

func TestClockIsTheConfigs(t *testing.T) {
	then := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	b := start(t, emulator.Config{Now: func() time.Time { return then }})
	body := user("hi")
	got := b.do(sign(t, b.request(http.MethodPost, invokePath, body), body, keys, then.Add(4*time.Minute)))
	if got.StatusCode != http.StatusOK {
		t.Errorf("signed by the emulator's clock: got %d %s, want 200", got.StatusCode, got.body)
	}
	got = b.do(sign(t, b.request(http.MethodPost, invokePath, body), body, keys, time.Now()))
	got.wantError(t, http.StatusForbidden, "InvalidSignatureException", "Signature not yet current: ")
	if want := "Wed, 01 Jan 2020 00:00:00 GMT"; got.Header.Get("Date") != want {
		t.Errorf("Date, by which SDKs correct their clock: got %q, want %q", got.Header.Get("Date"), want)
	}
}
