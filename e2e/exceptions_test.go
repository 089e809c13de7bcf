package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/bedrock"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// An exception is one of the service model's.
type exception struct {
	code     string
	status   int
	as       func(error) smithy.APIError // the type that AWS's SDK for Go has for it
	refused  []string                    // operations that declare it
	streamed []string                    // streams that have it as a member
	detail   string                      // its field beside message and originalStatusCode; "" if it has neither
	again    again
}

// again says which of AWS's SDKs retry an exception. Anthropic's go by the status.
type again struct{ inGo, inJavaScript bool }

var (
	invokeModel = []string{"InvokeModel", "InvokeModelWithResponseStream"}
	everywhere  = append(invokeModel, "Converse", "ConverseStream")
	streams     = []string{"InvokeModelWithResponseStream", "ConverseStream"}
)

var exceptions = []exception{
	{code: "ValidationException", status: 400, as: as[*types.ValidationException], refused: everywhere, streamed: streams},
	{code: "ServiceQuotaExceededException", status: 400, as: as[*types.ServiceQuotaExceededException], refused: invokeModel},
	{code: "AccessDeniedException", status: 403, as: as[*types.AccessDeniedException], refused: everywhere},
	{code: "ResourceNotFoundException", status: 404, as: as[*types.ResourceNotFoundException], refused: everywhere},
	{code: "ModelTimeoutException", status: 408, as: as[*types.ModelTimeoutException], refused: everywhere, streamed: streams[:1]},
	{code: "ModelErrorException", status: 424, as: as[*types.ModelErrorException], refused: everywhere, detail: "resourceName"},
	{code: "ModelStreamErrorException", status: 424, as: as[*types.ModelStreamErrorException], refused: streams[:1], streamed: streams, detail: "originalMessage"},
	{code: "ThrottlingException", status: 429, as: as[*types.ThrottlingException], refused: everywhere, streamed: streams, again: again{true, true}},
	{code: "ModelNotReadyException", status: 429, as: as[*types.ModelNotReadyException], refused: everywhere, again: again{false, true}},
	{code: "InternalServerException", status: 500, as: as[*types.InternalServerException], refused: everywhere, streamed: streams, again: again{true, true}},
	{code: "ServiceUnavailableException", status: 503, as: as[*types.ServiceUnavailableException], refused: everywhere, streamed: streams, again: again{true, true}},
}

// as returns the E in err, nil if there is none.
func as[E smithy.APIError](err error) smithy.APIError {
	if e, ok := errors.AsType[E](err); ok {
		return e
	}
	return nil
}

// member is the exception's name in a stream.
func (e exception) member() string { return strings.ToLower(e.code[:1]) + e.code[1:] }

// with gives a step the fields that the exception has.
func (e exception) with(s bedrocktest.Step) bedrocktest.Step {
	if e.detail != "" {
		s = s.WithField("originalStatusCode", 529).WithField(e.detail, "scripted "+e.detail)
	}
	return s
}

// What else can come of a call.
const (
	twice   = "twice"   // it is throttled twice, then answered
	first   = "first"   // its stream is throttled by its first message
	corrupt = "corrupt" // a message of its stream has a wrong checksum
	cut     = "cut"     // its stream is cut between two messages
)

// exceptional is a Bedrock at which the prompt says what comes of a call: an exception by its code before
// the answer, by its name in a stream on the way.
func exceptional(t *testing.T) *bedrocktest.Server {
	t.Helper()
	srv := bedrocktest.NewServer(t)
	answer := bedrocktest.Text("one two three")
	on := func(prompt string, s bedrocktest.Step) { srv.Script(s.OnText("^" + prompt + "$").Always()) }
	refuse := func(code string) bedrocktest.Step {
		return bedrocktest.Failure(code, "scripted "+code).WithHeader("Retry-After-Ms", "1") // Anthropic's SDKs wait no longer
	}
	for _, e := range exceptions {
		on(e.code, e.with(refuse(e.code)))
		for _, operation := range e.streamed {
			on(e.member(), e.with(answer.ExceptionAfter(2, e.member(), "scripted "+e.member()).OnOperation(operation)))
		}
	}
	for _, operation := range everywhere {
		srv.Script(refuse("ThrottlingException").OnOperation(operation).OnText("^" + twice + "$").Times(2))
	}
	on(first, answer.ExceptionAfter(0, "throttlingException", "scripted "+first))
	on(corrupt, answer.BreakAfter(2, bedrocktest.Corrupt))
	on(cut, answer.BreakAfter(2, bedrocktest.Cut))
	return srv
}

// wantAttempts expects how often a call has reached the server.
func wantAttempts(t *testing.T, srv *bedrocktest.Server, operation, prompt string, want int) {
	t.Helper()
	got := 0
	for _, r := range srv.Requests() {
		if r.Operation == operation && strings.Contains(string(r.Body), strconv.Quote(prompt)) {
			got++
		}
	}
	if got != want {
		t.Errorf("%s, %s: sent %d times, want %d", operation, prompt, got, want)
	}
}

// attempts is how often a client that tries three times sends what it retries, or not.
func attempts(retried bool) int {
	if retried {
		return 3
	}
	return 1
}

// Bedrock's exceptions are those of AWS's SDK for Go, which retries those that AWS's service model means.
func TestExceptionsByAWSSDKForGo(t *testing.T) {
	srv := exceptional(t)
	config := signing(srv.URL, srv.Region, srv.AccessKeyID, srv.SecretAccessKey)
	config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	client := bedrockruntime.NewFromConfig(config)
	call := func(operation, prompt string) error { return callAWS(t, client, operation, prompt) }

	for _, e := range exceptions {
		for _, operation := range e.refused {
			err := call(operation, e.code)
			wantScripted(t, e, operation, err, e.code)
			var response interface{ HTTPStatusCode() int }
			if !errors.As(err, &response) || response.HTTPStatusCode() != e.status {
				t.Errorf("%s refused by %s: %v, want status %d", operation, e.code, err, e.status)
			}
			wantAttempts(t, srv, operation, e.code, attempts(e.again.inGo))
		}
		for _, operation := range e.streamed {
			wantScripted(t, e, operation, call(operation, e.member()), e.member())
			wantAttempts(t, srv, operation, e.member(), 1)
		}
	}
	for _, operation := range everywhere {
		if err := call(operation, twice); err != nil {
			t.Errorf("%s throttled twice: %v, want the answer", operation, err)
		}
		wantAttempts(t, srv, operation, twice, 3)
	}
	for _, operation := range streams {
		if err := call(operation, corrupt); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("%s with a corrupt message: %v, want a wrong checksum", operation, err)
		}
	}
}

// callAWS calls an operation and reads a stream to its end.
func callAWS(t *testing.T, client *bedrockruntime.Client, operation, prompt string) error {
	switch operation {
	case "InvokeModel":
		_, err := client.InvokeModel(t.Context(), invoke(haiku, prompt))
		return err
	case "InvokeModelWithResponseStream":
		out, err := client.InvokeModelWithResponseStream(t.Context(), invokeStream(haiku, prompt, 1000))
		if err != nil {
			return err
		}
		return drain(eventStream{out.GetStream()})
	case "Converse":
		_, err := client.Converse(t.Context(), ask(haiku, prompt))
		return err
	}
	out, err := client.ConverseStream(t.Context(), streaming(ask(haiku, prompt)))
	if err != nil {
		return err
	}
	return drain(converseStream{out.GetStream()})
}

// drain reads a stream to its end and returns how it ended.
func drain(s stream) error {
	defer s.Close()
	for s.Next() {
	}
	return s.Err()
}

// wantScripted expects err to be e as exceptional has it.
func wantScripted(t *testing.T, e exception, operation string, err error, prompt string) {
	t.Helper()
	got := e.as(err)
	if got == nil || got.ErrorMessage() != "scripted "+prompt {
		t.Errorf("%s, %s: %T %v, want the SDK's type and the scripted message", operation, prompt, err, err)
		return
	}
	var status *int32
	var detail *string
	switch got := got.(type) {
	case *types.ModelErrorException:
		status, detail = got.OriginalStatusCode, got.ResourceName
	case *types.ModelStreamErrorException:
		status, detail = got.OriginalStatusCode, got.OriginalMessage
	}
	if e.detail != "" && (aws.ToInt32(status) != 529 || aws.ToString(detail) != "scripted "+e.detail) {
		t.Errorf("%s, %s: original status %d, %s %q; want what is scripted", operation, prompt, aws.ToInt32(status), e.detail, aws.ToString(detail))
	}
}

// AWS's SDK for JavaScript has a class for each exception, too, and retries one more of them.
func TestExceptionsByAWSSDKForJavaScript(t *testing.T) {
	srv := exceptional(t)
	want, sent := lines{}, map[[2]string]int{}
	add := func(operation, prompt string, times int, pattern string) {
		want[operation+" "+prompt], sent[[2]string{operation, prompt}] = pattern, times
	}
	for _, e := range exceptions {
		detail := ""
		if e.detail != "" {
			detail = " 529 scripted " + e.detail
		}
		for _, operation := range e.refused {
			add(operation, e.code, attempts(e.again.inJavaScript), fmt.Sprintf(`%s %d with a request ID "scripted %s"%s$`, e.code, e.status, e.code, detail))
		}
		for _, operation := range e.streamed {
			add(operation, e.member(), 1, fmt.Sprintf(`%s "scripted %s"%s$`, e.code, e.member(), detail))
		}
	}
	for _, operation := range everywhere {
		add(operation, twice, 3, `no refusal$`)
	}
	for _, operation := range streams {
		add(operation, first, 3, `ThrottlingException "scripted first"$`)
		add(operation, corrupt, 1, `.*message checksum`)
		add(operation, cut, 1, `.*ERR_HTTP2_STREAM_ERROR`)
	}
	wantLines(t, runNode(t, srv.Env(), append([]string{"js/exceptions-aws.mjs"}, slices.Sorted(maps.Keys(want))...)...), want)
	for call, times := range sent {
		wantAttempts(t, srv, call[0], call[1], times)
	}
}

// retriedByAnthropic reports whether Anthropic's SDKs retry what has that status.
func retriedByAnthropic(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// The Bedrock client of anthropic-sdk-go goes by statuses, and in a stream by the exception's name.
func TestExceptionsByAnthropicSDKForGo(t *testing.T) {
	srv := exceptional(t)
	config := signing(srv.URL, srv.Region, srv.AccessKeyID, srv.SecretAccessKey)
	claude := anthropic.NewClient(bedrock.WithConfig(config), option.WithBaseURL(srv.URL))
	whole := func(prompt string) error {
		_, err := claude.Messages.New(t.Context(), say(haiku5, prompt))
		return err
	}
	streamed := func(prompt string) error {
		return drain(claude.Messages.NewStreaming(t.Context(), say(haiku5, prompt)))
	}

	for _, e := range exceptions {
		wantError(t, streamed(e.code), e.status, "", "scripted "+e.code)
		wantAttempts(t, srv, "InvokeModelWithResponseStream", e.code, attempts(retriedByAnthropic(e.status)))
		if slices.Contains(e.refused, "InvokeModel") {
			wantError(t, whole(e.code), e.status, "", "scripted "+e.code)
			wantAttempts(t, srv, "InvokeModel", e.code, attempts(retriedByAnthropic(e.status)))
		}
		if e.streamed != nil {
			wantError(t, streamed(e.member()), http.StatusOK, anthropic.ErrorType(e.member()), "scripted "+e.member())
		}
	}
	if err := errors.Join(whole(twice), streamed(twice)); err != nil {
		t.Errorf("throttled twice: %v, want the answer", err)
	}
	if err := streamed(corrupt); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a corrupt message: %v, want a wrong checksum", err)
	}
}

// The classes that Anthropic's Bedrock SDK has for statuses; those before its first major version differ.
var (
	classes  = map[int]string{400: "BadRequestError", 403: "PermissionDeniedError", 404: "NotFoundError", 408: "RequestTimeoutError", 424: "APIError", 429: "RateLimitError", 500: "InternalServerError", 503: "ServiceUnavailableError"}
	classes0 = map[int]string{408: "APIError", 503: "InternalServerError"}
)

func TestExceptionsByAnthropicBedrockSDKsForJavaScript(t *testing.T) {
	f := func(sdk majorVersion, classes map[int]string) {
		t.Run(sdk.name, func(t *testing.T) {
			srv := exceptional(t)
			want := lines{}
			for _, e := range exceptions {
				for _, operation := range e.refused {
					if slices.Contains(invokeModel, operation) {
						want[operation+" "+e.code] = fmt.Sprintf(`%s %d "%d scripted %s"$`, classes[e.status], e.status, e.status, e.code)
					}
				}
				if e.streamed != nil {
					want["InvokeModelWithResponseStream "+e.member()] = fmt.Sprintf(`APIError %[1]s .*"message":"scripted %[1]s"`, e.member())
				}
			}
			for _, operation := range invokeModel {
				want[operation+" "+twice] = `no refusal$`
			}
			want["InvokeModelWithResponseStream "+corrupt] = `AnthropicError "The message checksum`
			env := append(srv.Env(), "ANTHROPIC_BEDROCK_BASE_URL="+srv.URL)
			wantLines(t, runNode(t, env, append([]string{"js/exceptions-anthropic.mjs", sdk.npm, sdk.model}, slices.Sorted(maps.Keys(want))...)...), want)
			for _, e := range exceptions {
				wantAttempts(t, srv, "InvokeModelWithResponseStream", e.code, attempts(retriedByAnthropic(e.status)))
			}
		})
	}
	f(majorVersion{name: "1.x", npm: "@anthropic-ai/bedrock-sdk", model: haiku5}, classes)
	before := maps.Clone(classes)
	maps.Copy(before, classes0)
	f(majorVersion{name: "0.x", npm: "anthropic-bedrock-sdk-0", model: haiku}, before)
}
