package sigv4

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

type apiKeyVector struct {
	SessionToken string
	Expires      int
	Token        string
}

func readAPIKeys(tb testing.TB) []apiKeyVector {
	tb.Helper()
	var file struct{ APIKeys []apiKeyVector }
	readJSON(tb, &file)
	if got, want := len(file.APIKeys), 4; got != want {
		tb.Fatalf("%d API keys, want %d", got, want)
	}
	return file.APIKeys
}

func (c apiKeyVector) verifier() *Verifier {
	key := NewCredentials(exampleID, exampleSecret, c.SessionToken)
	return &Verifier{Region: "us-east-1", Lookup: only(Key{Credentials: key})}
}

func TestAPIKeyVectors(t *testing.T) {
	all := readAPIKeys(t)
	t.Logf("%d API keys: made to the letter and verified, none excluded", len(all))
	for _, c := range all {
		key := NewCredentials(exampleID, exampleSecret, c.SessionToken)
		lifetime := time.Duration(c.Expires) * time.Second
		if got := PresignAPIKey(key, "us-east-1", lifetime, noon); got != c.Token {
			t.Errorf("PresignAPIKey(%v, token %q):\n got %s\nwant %s", lifetime, c.SessionToken, got, c.Token)
		}
		if !IsAPIKey(c.Token) {
			t.Errorf("IsAPIKey(%q) = false", c.Token)
		}
		v := c.verifier()
		for _, now := range []time.Time{noon, noon.Add(lifetime), noon.Add(-5 * time.Minute)} {
			if id, err := v.VerifyAPIKey(c.Token, now); err != nil || id != exampleID {
				t.Errorf("VerifyAPIKey at %v = %q, %v, want %q", now, id, err, exampleID)
			}
		}
	}
}

// The generator for Go that AWS documents puts X-Amz-SignedHeaders before X-Amz-Signature.
func TestVerifyAPIKeyMadeByAWSSigner(t *testing.T) {
	r, err := http.NewRequest("POST", "https://bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Expires=900", nil)
	if err != nil {
		t.Fatal(err)
	}
	credentials := aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: "a/b+c=="}
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, r, EmptyHash, "bedrock", "us-east-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	token := encodeAPIKey(strings.TrimPrefix(signed, "https://") + "&Version=1")
	v := apiKeyVector{SessionToken: "a/b+c=="}.verifier()
	if id, err := v.VerifyAPIKey(token, noon); err != nil || id != exampleID {
		t.Errorf("VerifyAPIKey(%s) = %q, %v, want %q", signed, id, err, exampleID)
	}
}

func encodeAPIKey(request string) string {
	return apiKeyPrefix + base64.StdEncoding.EncodeToString([]byte(request))
}

func decodeAPIKey(tb testing.TB, token string) string {
	tb.Helper()
	request, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(token, apiKeyPrefix))
	if err != nil {
		tb.Fatal(err)
	}
	return string(request)
}

func TestVerifyAPIKeyRefuses(t *testing.T) {
	const invalid = "Authentication failed: Please make sure your API Key is valid."
	good := readAPIKeys(t)[3] // with session token, an hour
	request := decodeAPIKey(t, good.Token)
	edit := func(old, new string) string {
		if !strings.Contains(request, old) {
			t.Fatalf("no %q in %q", old, request)
		}
		return encodeAPIKey(strings.Replace(request, old, new, 1))
	}
	presign := func(c Credentials, region string) string { return PresignAPIKey(c, region, time.Hour, noon) }
	c := NewCredentials(exampleID, exampleSecret, good.SessionToken)
	for _, c := range []struct {
		name, token string
		now         time.Time
		message     string
	}{
		{"expired", good.Token, noon.Add(time.Hour + time.Second), "Bearer Token has expired"},
		{"made by a clock far ahead", good.Token, noon.Add(-6 * time.Minute), invalid},
		{"empty", "", noon, invalid},
		{"the prefix alone", apiKeyPrefix, noon, invalid},
		{"a long-term key", "ABSKQmVkcm9ja0FQSUtleS1hYmNkLWF0LTEyMzQ1Njc4OTAxMjpzZWNyZXQ=", noon, invalid},
		{"not base64", good.Token + "!", noon, invalid},
		{"padding added", good.Token + "==", noon, invalid},
		{"line breaks inside", good.Token[:40] + "\r\n" + good.Token[40:], noon, invalid},
		{"endless", apiKeyPrefix + strings.Repeat("A", 1<<20), noon, invalid},
		{"another host", edit("bedrock.amazonaws.com", "bedrock.amazonaws.org"), noon, invalid},
		{"another path", edit("/?", "/a?"), noon, invalid},
		{"a scheme before it", encodeAPIKey("https://" + request), noon, invalid},
		{"no version", edit("&Version=1", ""), noon, invalid},
		{"another version", edit("Version=1", "Version=2"), noon, invalid},
		{"two versions", edit("Version=1", "Version=1&Version=1"), noon, invalid},
		{"another action", edit("CallWithBearerToken", "ListFoundationModels"), noon, invalid},
		{"two actions", edit("Action=", "Action=CallWithBearerToken&Action="), noon, invalid},
		{"a parameter added", edit("Action=", "a=b&Action="), noon, invalid},
		{"a longer life", edit("Expires=3600", "Expires=43200"), noon, invalid},
		{"no expiry", edit("&X-Amz-Expires=3600", ""), noon, invalid},
		{"two expiries", edit("&X-Amz-Expires=3600", "&X-Amz-Expires=3600&X-Amz-Expires=43200"), noon, invalid},
		{"another date", edit("Date=20261120T12", "Date=20261120T13"), noon, invalid},
		{"another session token", edit("SESSIONTOKEN", "SESSIONTOKEM"), noon, invalid},
		{"no session token", edit("&X-Amz-Security-Token=SESSIONTOKEN%2F%2F%2B%3D%3D", ""), noon, invalid},
		{"another Region in the scope", edit("us-east-1", "us-west-2"), noon, invalid},
		{"made for another Region", presign(c, "us-west-2"), noon, invalid},
		{"another service in the scope", edit("%2Fbedrock%2F", "%2Fs3%2F"), noon, invalid},
		{"an unknown key", edit("AKIDEXAMPLE", "AKIDEXAMPLF"), noon, invalid},
		{"another secret", presign(NewCredentials(exampleID, "other", good.SessionToken), "us-east-1"), noon, invalid},
		{"no signature", edit("X-Amz-Signature=", "X-Amz-Nature="), noon, invalid},
		{"two signatures", edit("X-Amz-Signature=", "X-Amz-Signature=ab&X-Amz-Signature="), noon, invalid},
		{"another header signed", edit("SignedHeaders=host", "SignedHeaders=host%3Bx"), noon, invalid},
		{"a life that AWS does not give, well signed", longLived(c), noon, invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := good.verifier().VerifyAPIKey(c.token, c.now)
			if e := wantCode(t, err, AccessDenied); e.Message != c.message {
				t.Errorf("message %q, want %q", e.Message, c.message)
			}
		})
	}
}

// longLived returns a well-signed key for a day, which PresignAPIKey would not make.
func longLived(c Credentials) string {
	query := "Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + c.AccessKeyID +
		"%2F20261120%2Fus-east-1%2Fbedrock%2Faws4_request&X-Amz-Date=20261120T120000Z&X-Amz-Expires=86400&X-Amz-Security-Token=" +
		url.QueryEscape(c.SessionToken.Reveal()) + "&X-Amz-SignedHeaders=host"
	_, signature := reference("POST", "/", query, [][2]string{{"host", apiKeyHost}}, "", "20261120T120000Z", "us-east-1", "bedrock", c.SecretAccessKey.Reveal())
	return encodeAPIKey(apiKeyHost + "/?" + query + "&X-Amz-Signature=" + signature + "&Version=1")
}

func TestVerifyAPIKeyDiesWithItsCredentials(t *testing.T) {
	v := &Verifier{Lookup: only(Key{exampleKey, noon.Add(time.Minute)})}
	token := PresignAPIKey(exampleKey, "eu-west-1", time.Hour, noon)
	if _, err := v.VerifyAPIKey(token, noon); err != nil {
		t.Errorf("VerifyAPIKey, any Region: %v, want nil", err)
	}
	_, err := v.VerifyAPIKey(token, noon.Add(time.Minute))
	if e := wantCode(t, err, AccessDenied); e.Message != "Bearer Token has expired" {
		t.Errorf("message %q after the credentials expired", e.Message)
	}
}

func TestEveryChangedByteOfAnAPIKeyIsRefused(t *testing.T) {
	for _, c := range readAPIKeys(t) {
		v, request := c.verifier(), decodeAPIKey(t, c.Token)
		tried := 0
		refused := func(token string) {
			if decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(token, apiKeyPrefix)); err == nil && sameAPIKey(string(decoded), request) {
				return
			}
			tried++
			if _, err := v.VerifyAPIKey(token, noon); err == nil {
				t.Errorf("accepted %q", token)
			}
		}
		changes(request, func(s string) { refused(encodeAPIKey(s)) })
		changes(c.Token, refused)
		if want := 8 * 700; tried < want {
			t.Errorf("%d changes tried, want at least %d", tried, want)
		}
	}
}

// sameAPIKey reports whether two decoded API keys mean the same: an escape may be in the other case.
func sameAPIKey(a, b string) bool {
	hostA, rawA, _ := strings.Cut(a, "?")
	hostB, rawB, _ := strings.Cut(b, "?")
	queryA, errA := url.ParseQuery(rawA)
	queryB, errB := url.ParseQuery(rawB)
	return hostA == hostB && errA == nil && errB == nil && queryA.Encode() == queryB.Encode()
}

func TestPresignAPIKeyLifetime(t *testing.T) {
	for _, c := range []struct {
		lifetime time.Duration
		want     int
	}{{-time.Hour, 1}, {0, 1}, {90 * time.Second, 90}, {12 * time.Hour, 43200}, {13 * time.Hour, 43200}} {
		request := decodeAPIKey(t, PresignAPIKey(exampleKey, "us-east-1", c.lifetime, noon))
		if want := "&X-Amz-Expires=" + strconv.Itoa(c.want) + "&"; !strings.Contains(request, want) {
			t.Errorf("PresignAPIKey(%v) = %q, want %q in it", c.lifetime, request, want)
		}
	}
}
