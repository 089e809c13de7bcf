package sigv4_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

var (
	// AWS's documentation uses this key pair; it is not a real one.
	key  = sigv4.NewCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "")
	noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

func ExampleSigner() {
	signer := sigv4.NewSigner("bedrock", "us-east-1")
	r, _ := http.NewRequest("GET", "https://bedrock.us-east-1.amazonaws.com/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED", nil)
	signer.Sign(r, sigv4.EmptyHash, key, noon)

	fmt.Println("X-Amz-Date:", r.Header.Get("X-Amz-Date"))
	fmt.Println(strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ",\n "))
	// Output:
	// X-Amz-Date: 20261120T120000Z
	// AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/aws4_request,
	//  SignedHeaders=host;x-amz-date,
	//  Signature=4a1f736f982dc51f135bb339862badc661af0f77b6f8d5af299bd61ea18dd5e7
}

func ExampleVerifier_Begin() {
	verifier := &sigv4.Verifier{
		Service: "bedrock",
		Region:  "us-east-1",
		Lookup:  func(id string) (sigv4.Key, bool) { return sigv4.Key{Credentials: key}, id == key.AccessKeyID },
	}
	r, _ := http.NewRequest("POST", "https://gateway.example/model/a%3A0/invoke", strings.NewReader(`{}`))
	sigv4.NewSigner("bedrock", "us-east-1").Sign(r, sigv4.HashHex([]byte(`{}`)), key, noon)

	pending, err := verifier.Begin(r, noon) // before the body is read
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pending.AccessKeyID(), pending.Finish(sha256.Sum256([]byte(`{}`))))

	_, err = verifier.Begin(r, noon.Add(time.Hour))
	fmt.Println(err)
	// Output:
	// AKIDEXAMPLE <nil>
	// InvalidSignatureException: Signature expired: 20261120T120000Z is now earlier than 20261120T125500Z (20261120T130000Z - 5 min.)
}

func ExamplePresignAPIKey() {
	token := sigv4.PresignAPIKey(key, "us-east-1", time.Hour, noon)
	fmt.Println(token[:40] + "...")

	verifier := &sigv4.Verifier{Lookup: func(string) (sigv4.Key, bool) { return sigv4.Key{Credentials: key}, true }}
	fmt.Println(verifier.VerifyAPIKey(token, noon))
	fmt.Println(verifier.VerifyAPIKey(token, noon.Add(2*time.Hour)))
	// Output:
	// bedrock-api-key-YmVkcm9jay5hbWF6b25hd3Mu...
	// AKIDEXAMPLE <nil>
	//  AccessDeniedException: Bearer Token has expired
}

func ExampleSecret() {
	fmt.Printf("%+v\n", key)
	// Output: {AccessKeyID:AKIDEXAMPLE SecretAccessKey:REDACTED SessionToken:}
}
