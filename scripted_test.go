package outcrop_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// These tests hold what the Client makes of a Bedrock that fails as a script says.

func scriptedClient(t *testing.T, idle time.Duration, steps ...bedrocktest.Step) (*outcrop.Client, *bedrocktest.Server) {
	t.Helper()
	srv := bedrocktest.NewServer(t)
	srv.Script(steps...)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := outcrop.New(context.Background(),
		outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL), outcrop.WithIdleTimeout(idle),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")),
		outcrop.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	return c, srv
}

func TestScriptedFailures(t *testing.T) {
	const unavailable, throttling = "ServiceUnavailableException", "ThrottlingException"
	f := func(name string, kind outcrop.Kind, calls int, steps ...bedrocktest.Step) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			c, srv := scriptedClient(t, time.Minute, steps...)
			_, err := c.InvokeModel(context.Background(), invocation(t, ask))
			if kind == "" && err != nil || kind != "" && outcrop.KindOf(err) != kind {
				t.Errorf("got %v, want kind %q", err, kind)
			}
			if got := len(srv.Requests()); got != calls {
				t.Errorf("%d calls, want %d", got, calls)
			}
			for _, step := range srv.Unused() {
				t.Error(step)
			}
		})
	}
	f("unavailable twice, then answered", "", 3, bedrocktest.Failure(unavailable, "").Times(2), bedrocktest.Text("hi"))
	f("unavailable for good", outcrop.Unavailable, 3, bedrocktest.Failure(unavailable, "").Always())
	f("throttled, with a wait that is too long to wait for", outcrop.Throttled, 1, bedrocktest.Failure(throttling, "").WithHeader("Retry-After", "30"))
	f("the day's tokens are spent", outcrop.Quota, 1, bedrocktest.Failure(throttling, "Too many tokens per day, please wait before trying again."))
	f("no access", outcrop.AccessDenied, 1, bedrocktest.Failure("AccessDeniedException", ""))
	f("expired credentials, once more", outcrop.Credentials, 2, bedrocktest.Failure("ExpiredTokenException", "").Times(2))
	f("the model timed out", outcrop.ModelFailed, 1, bedrocktest.Failure("ModelTimeoutException", ""))
	f("a proxy's page once", "", 2, bedrocktest.Body(200, "<html>").WithHeader("Content-Type", "text/html"))
	f("a lost connection once", "", 2, bedrocktest.NoAnswer(bedrocktest.Reset))
	f("and another way", "", 2, bedrocktest.NoAnswer(bedrocktest.Cut))
}

// TestScriptedStreamsThatBreak: whatever breaks a stream, it is never a success.
func TestScriptedStreamsThatBreak(t *testing.T) {
	text := bedrocktest.Text("one two three four five six")
	idle := time.Minute
	f := func(name string, kind outcrop.Kind, events int, step bedrocktest.Step) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			c, _ := scriptedClient(t, idle, step)
			s, err := c.InvokeModelWithResponseStream(context.Background(), invocation(t, ask))
			var got []string
			if err == nil {
				defer s.Close()
				got, err = read(s)
			}
			if outcrop.KindOf(err) != kind || len(got) != events {
				t.Errorf("got %d events and %v, want %d and kind %s", len(got), err, events, kind)
			}
		})
	}
	f("cut", outcrop.Interrupted, 3, text.BreakAfter(3, bedrocktest.Cut))
	f("cut within the first message, and again", outcrop.Interrupted, 0, text.BreakAfterBytes(20, bedrocktest.Cut).Times(2))
	f("reset", outcrop.Interrupted, 3, text.BreakAfter(3, bedrocktest.Reset))
	f("ended before message_stop", outcrop.Interrupted, 3, text.BreakAfter(3, bedrocktest.End))
	f("a wrong checksum", outcrop.Interrupted, 3, text.BreakAfter(3, bedrocktest.Corrupt))
	f("throttled at its start", outcrop.Quota, 0, text.ExceptionAfter(0, "throttlingException", "Too many tokens per day, please wait."))
	f("throttled on the way", outcrop.Throttled, 3, text.ExceptionAfter(3, "throttlingException", ""))
	f("the model failed on the way", outcrop.Interrupted, 3, text.ExceptionAfter(3, "modelStreamErrorException", ""))
	f("an error nobody models", outcrop.Unavailable, 3, text.ErrorAfter(3, "InternalFailure", "oops"))
	idle = 50 * time.Millisecond
	f("silent", outcrop.Interrupted, 3, text.BreakAfter(3, bedrocktest.Stall))
}
