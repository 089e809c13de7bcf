package outcrop_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
)

// An upstream may say again what it was sent; the error does not.
func TestErrorsDoNotSayOwnSecrets(t *testing.T) {
	const key, secret, token = "oc_own-gateway-key", "own-secret-access-key", "own-session-token"
	signs := outcrop.WithCredentials(credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", secret, token))
	f := func(name, secret, want string, option outcrop.Option, h func(int, http.ResponseWriter, *http.Request)) {
		t.Run(name, func(t *testing.T) {
			client := newUpstream(t, h).client(t, option)
			_, err := client.Do(context.Background(), invocation(t, ask))
			says(t, err, secret, want)
			stream, err := client.InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
			for err == nil {
				_, err = stream.Next()
			}
			says(t, err, secret, want)
		})
	}
	f("the key", key, "UnknownException: no REDACTED here", outcrop.WithAPIKey(key), refuses(400, "UnknownException", "no "+key+" here"))
	f("the session token, in a signature's refusal", token, "x-amz-security-token:REDACTED", signs,
		refuses(403, "SignatureDoesNotMatch", "should have been 'POST\nx-amz-security-token:"+token+"'"))
	f("the secret access key", secret, "REDACTED", signs, refuses(400, "ValidationException", secret))
	f("in an error under status 200", key, "REDACTED", outcrop.WithAPIKey(key), func(_ int, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"__type":"ValidationException","message":%q}`, key)
	})
	f("spelled with escapes", key, "REDACTED", outcrop.WithAPIKey(key), func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		io.WriteString(w, `{"message":"\u006fc_own-gateway-key"}`)
	})
	f("beside the message", key, "no", outcrop.WithAPIKey(key), func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"message":"no","authorization":%q}`, key)
	})
	f("in what is no HTTP", key, "REDACTED", outcrop.WithAPIKey(key), func(_ int, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			fmt.Fprintf(conn, "Bearer %s\r\n\r\n", key)
			conn.Close()
		}
	})
}

func TestStreamErrorsDoNotSayOwnSecrets(t *testing.T) {
	const key = "oc_own-gateway-key"
	events := append(answer(1)[:2], exception("throttlingException", "slow down, "+key))
	stream, err := newUpstream(t, streams(events...)).client(t, outcrop.WithAPIKey(key)).InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
	for err == nil {
		_, err = stream.Next()
	}
	says(t, err, key, "slow down, REDACTED")
}

// says holds an error to what it says, on every door, and to what it does not.
func says(t *testing.T, err error, secret, want string) {
	t.Helper()
	_, _, native := outcrop.NativeError(err)
	_, messages := outcrop.MessagesError(err, "")
	all := err.Error() + string(native) + string(messages) + string(outcrop.AppendNativeException(nil, err))
	if strings.Contains(all, secret) || !strings.Contains(err.Error(), want) {
		t.Errorf("%q, want %q and no %q", all, want, secret)
	}
}
