package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// invoke returns a request as the client sends it to InvokeModel, and its body.
func invoke(tb testing.TB) (*http.Request, []byte) {
	tb.Helper()
	body := []byte(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":16,"messages":[]}`)
	const url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke"
	r, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "outcrop")
	return r, body
}

var (
	exampleKey = NewCredentials(exampleID, exampleSecret, "")
	noon       = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

func TestSignAllocatesLittle(t *testing.T) {
	s := NewSigner("bedrock", "us-east-1")
	for _, c := range []Credentials{exampleKey, NewCredentials("AKIDEXAMPLE", "secret", "session token")} {
		r, body := invoke(t)
		hash := HashHex(body)
		got := testing.AllocsPerRun(100, func() { s.Sign(r, hash, c, noon) })
		if want := 12.0; got > want {
			t.Errorf("Sign makes %v allocations, want at most %v", got, want)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	s := NewSigner("bedrock", "us-east-1")
	c := NewCredentials("AKIDEXAMPLE", "secret", "session token")
	r, body := invoke(b)
	hash := HashHex(body)
	b.ReportAllocs()
	for b.Loop() {
		s.Sign(r, hash, c, noon)
	}
}

// BenchmarkSignAWS is the same by AWS's signer, to compare with.
func BenchmarkSignAWS(b *testing.B) {
	s := v4.NewSigner()
	c := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "session token"}
	r, body := invoke(b)
	hash := HashHex(body)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.SignHTTP(context.Background(), c, r, hash, "bedrock", "us-east-1", noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	r, body := invoke(b)
	NewSigner("bedrock", "us-east-1").Sign(r, HashHex(body), exampleKey, noon)
	sum := sha256.Sum256(body)
	v := &Verifier{Service: "bedrock", Region: "us-east-1", Lookup: only(Key{Credentials: exampleKey})}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, sum, noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyAPIKey(b *testing.B) {
	token := PresignAPIKey(exampleKey, "us-east-1", time.Hour, noon)
	v := &Verifier{Region: "us-east-1", Lookup: only(Key{Credentials: exampleKey})}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.VerifyAPIKey(token, noon); err != nil {
			b.Fatal(err)
		}
	}
}

// only returns a Lookup that knows these keys.
func only(keys ...Key) func(string) (Key, bool) {
	return func(id string) (Key, bool) {
		for _, key := range keys {
			if key.AccessKeyID == id {
				return key, true
			}
		}
		return Key{}, false
	}
}
