package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	controltypes "github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/auth/bearer"

	"github.com/outcrop-dev/outcrop/bedrocktest"
)

const (
	haiku        = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
	haikuModel   = "anthropic.claude-haiku-4-5-20251001-v1:0"
	haikuProfile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/" + haiku
	noModel      = "us.anthropic.claude-haiku-9"
	retiredModel = "anthropic.claude-3-haiku-20240307-v1:0"
)

// What AWS says of the last two.
const (
	unknownModel = "The provided model identifier is invalid."
	endOfLife    = "This model version has reached the end of its life."
)

// config is that of someone who signs with the access key that outcrop local accepts.
func (l *local) config() aws.Config {
	return signing(l.URL, l.Region, l.AccessKeyID, l.SecretAccessKey)
}

// bearing is the config of someone who has the Bedrock API key that outcrop local accepts. With --tls it
// trusts its authority.
func (l *local) bearing(t *testing.T) aws.Config {
	config := aws.Config{
		Region: l.Region, BaseEndpoint: &l.URL, AuthSchemePreference: []string{"httpBearerAuth"},
		BearerAuthTokenProvider: bearer.StaticTokenProvider{Token: bearer.Token{Value: l.APIKey}},
	}
	if l.CAFile != "" {
		config.HTTPClient = trusting(t, l.CAFile)
	}
	return config
}

// gatewayConfig is that of someone who has the key pair of an Outcrop key.
func gatewayConfig(g *gateway) aws.Config {
	return signing(g.URL, g.Region, g.AccessKeyID, g.SecretAccessKey)
}

func signing(url, region, id, secret string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	}
}

// trusting is a client that trusts the authority in a file.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// AWS's SDK for Go finds the same Bedrock in outcrop local, in bedrocktest and in the gateway. A bearer
// key it sends over TLS only.
func TestAWSSDKForGo(t *testing.T) {
	f := func(name string, config aws.Config) {
		t.Run(name, func(t *testing.T) {
			runtime, control := bedrockruntime.NewFromConfig(config), bedrock.NewFromConfig(config)
			t.Run("InvokeModel", func(t *testing.T) { testInvokeModel(t, runtime) })
			t.Run("InvokeModelWithResponseStream", func(t *testing.T) { testInvokeStream(t, runtime) })
			t.Run("CountTokens", func(t *testing.T) { testAWSCountTokens(t, runtime) })
			t.Run("foundation models", func(t *testing.T) { testFoundationModels(t, control) })
			t.Run("inference profiles", func(t *testing.T) { testInferenceProfiles(t, runtime, control) })
		})
	}
	l, overTLS := startLocal(t), startLocal(t, "--tls")
	f("on outcrop local with SigV4", l.config())
	f("on outcrop local over TLS with SigV4", func() aws.Config {
		config := overTLS.config()
		config.HTTPClient = trusting(t, overTLS.CAFile)
		return config
	}())
	f("on outcrop local over TLS with a bearer key", overTLS.bearing(t))
	srv := bedrocktest.NewServer(t, bedrocktest.WithSessionToken("invented-session-token"))
	withToken := signing(srv.URL, srv.Region, "", "")
	withToken.Credentials = credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, srv.SessionToken)
	f("on bedrocktest with a session token", withToken)
	f("on the gateway with its key pair", gatewayConfig(serveLocal(t)))
}

// Who may not call is told so in the SDK's terms, by the emulator as by AWS. The gateway answers 401 for
// keys of its own.
func TestAWSSDKForGoWithAWrongKey(t *testing.T) {
	l, overTLS, g := startLocal(t), startLocal(t, "--tls"), serveLocal(t)
	call := func(config aws.Config) error {
		_, err := bedrockruntime.NewFromConfig(config).InvokeModel(t.Context(), invoke(haiku, "hi"))
		return err
	}
	wrongSecret := credentials.NewStaticCredentialsProvider(l.AccessKeyID, strings.Repeat("x", 40), "")
	config := l.config()
	config.Credentials = wrongSecret
	wantException[*smithy.GenericAPIError](t, call(config), http.StatusForbidden, "InvalidSignatureException: The request signature we calculated")

	config = overTLS.bearing(t)
	config.BearerAuthTokenProvider = bearer.StaticTokenProvider{Token: bearer.Token{Value: "not-a-key-of-anybody"}}
	wantException[*types.AccessDeniedException](t, call(config), http.StatusForbidden, "make sure your API Key is valid")

	config = gatewayConfig(g)
	config.Credentials = credentials.NewStaticCredentialsProvider(g.AccessKeyID, strings.Repeat("x", 40), "")
	wantException[*smithy.GenericAPIError](t, call(config), http.StatusUnauthorized, "InvalidSignatureException")
	config.Credentials = wrongSecret
	wantException[*smithy.GenericAPIError](t, call(config), http.StatusUnauthorized, "UnrecognizedClientException")

	if err := call(l.bearing(t)); err == nil || !strings.Contains(err.Error(), "HTTPS") {
		t.Errorf("a bearer key over http: %v, want it refused by the SDK, or outcrop local's help is wrong", err)
	}
}

// A stream that the client leaves ends at the server, too.
func TestAWSSDKForGoLeavesAStream(t *testing.T) {
	f := func(name string, p *process, config aws.Config) {
		t.Run(name, func(t *testing.T) {
			client := bedrockruntime.NewFromConfig(config)
			err := leaveStreams(t, p, func(ctx context.Context, text string) stream {
				out, err := client.InvokeModelWithResponseStream(ctx, invokeStream(haiku, text, 32000))
				if err != nil {
					t.Fatal(err)
				}
				return eventStream{out.GetStream()}
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the context ended in the middle of a stream: error %v, want context.Canceled", err)
			}
		})
	}
	l, overTLS, g := startLocal(t, chunkDelay), startLocal(t, chunkDelay, "--tls"), serveLocal(t, chunkDelay)
	f("on outcrop local", l.process, l.config())
	f("on outcrop local over TLS", overTLS.process, overTLS.bearing(t))
	f("on the gateway", g.process, gatewayConfig(g))
}

// An eventStream is AWS's as a stream.
type eventStream struct {
	*bedrockruntime.InvokeModelWithResponseStreamEventStream
}

func (s eventStream) Next() bool {
	_, ok := <-s.Events()
	return ok
}

func invoke(model, text string) *bedrockruntime.InvokeModelInput {
	return &bedrockruntime.InvokeModelInput{ModelId: &model, ContentType: aws.String("application/json"), Body: messagesBody(text)}
}

func invokeStream(model, text string, maxTokens int) *bedrockruntime.InvokeModelWithResponseStreamInput {
	body := strings.Replace(string(messagesBody(text)), `"max_tokens":1000`, `"max_tokens":`+jsonText(maxTokens), 1)
	return &bedrockruntime.InvokeModelWithResponseStreamInput{
		ModelId: &model, ContentType: aws.String("application/json"), Body: []byte(body), ServiceTier: types.ServiceTierTypePriority,
	}
}

func messagesBody(text string) []byte {
	return []byte(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":1000,"messages":[{"role":"user","content":` + jsonText(text) + `}]}`)
}

// A spoken is what these tests read of a message.
type spoken struct {
	Content []struct{ Text string }
	Usage   struct {
		InputTokens int32 `json:"input_tokens"`
	}
}

func testInvokeModel(t *testing.T, client *bedrockruntime.Client) {
	for _, model := range []string{haiku, haikuProfile} {
		input := invoke(model, "Hello")
		input.ServiceTier, input.PerformanceConfigLatency = types.ServiceTierTypePriority, types.PerformanceConfigLatencyOptimized
		out, err := client.InvokeModel(t.Context(), input)
		if err != nil {
			t.Errorf("InvokeModel of %s: %v", model, err)
			continue
		}
		var m spoken
		if err := json.Unmarshal(out.Body, &m); err != nil || len(m.Content) != 1 || !strings.HasPrefix(m.Content[0].Text, "You said: Hello") {
			t.Errorf("InvokeModel of %s answered %s (%v)", model, out.Body, err)
		}
		if *out.ContentType != "application/json" || out.ServiceTier != input.ServiceTier || out.PerformanceConfigLatency != input.PerformanceConfigLatency {
			t.Errorf("InvokeModel of %s answered %s, tier %q, latency %q; want JSON and what was asked for", model, *out.ContentType, out.ServiceTier, out.PerformanceConfigLatency)
		}
	}
	_, err := client.InvokeModel(t.Context(), invoke(noModel, "hi"))
	wantException[*types.ValidationException](t, err, http.StatusBadRequest, unknownModel)
	_, err = client.InvokeModel(t.Context(), invoke(retiredModel, "hi"))
	wantException[*types.ResourceNotFoundException](t, err, http.StatusNotFound, endOfLife)
	input := invoke(haiku, "hi")
	input.Body = []byte(`{"anthropic_version":"bedrock-2023-05-31","messages":[]}`)
	_, err = client.InvokeModel(t.Context(), input)
	wantException[*types.ValidationException](t, err, http.StatusBadRequest, "max_tokens")
}

func testInvokeStream(t *testing.T, client *bedrockruntime.Client) {
	out, err := client.InvokeModelWithResponseStream(t.Context(), invokeStream(haiku, "write 100 words", 1000))
	if err != nil {
		t.Fatal(err)
	}
	if *out.ContentType != "application/json" || out.ServiceTier != types.ServiceTierTypePriority {
		t.Errorf("a stream of %s, tier %q; want JSON and the tier that was asked for", *out.ContentType, out.ServiceTier)
	}
	stream := out.GetStream()
	defer stream.Close()
	var text strings.Builder
	var last struct {
		Type    string
		Delta   struct{ Text string }
		Metrics struct{ OutputTokenCount int } `json:"amazon-bedrock-invocationMetrics"`
	}
	for event := range stream.Events() {
		chunk, ok := event.(*types.ResponseStreamMemberChunk)
		if !ok {
			t.Fatalf("an event of type %T", event)
		}
		last.Delta.Text = ""
		if err := json.Unmarshal(chunk.Value.Bytes, &last); err != nil {
			t.Fatal(err)
		}
		text.WriteString(last.Delta.Text)
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(text.String())); n != 100 || last.Type != "message_stop" || last.Metrics.OutputTokenCount != 113 {
		t.Errorf("%d words, ending with %q that counts %d tokens; want 100, message_stop and 113", n, last.Type, last.Metrics.OutputTokenCount)
	}
	_, err = client.InvokeModelWithResponseStream(t.Context(), invokeStream(retiredModel, "hi", 1000))
	wantException[*types.ResourceNotFoundException](t, err, http.StatusNotFound, endOfLife)
	_, err = client.InvokeModelWithResponseStream(t.Context(), invokeStream(haiku, "hi", 0))
	wantException[*types.ValidationException](t, err, http.StatusBadRequest, "max_tokens")
}

func testAWSCountTokens(t *testing.T, client *bedrockruntime.Client) {
	count := func(model string) (*bedrockruntime.CountTokensOutput, error) {
		return client.CountTokens(t.Context(), &bedrockruntime.CountTokensInput{
			ModelId: &model,
			Input:   &types.CountTokensInputMemberInvokeModel{Value: types.InvokeModelTokensRequest{Body: messagesBody("How many?")}},
		})
	}
	counted, err := count(haikuModel)
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.InvokeModel(t.Context(), invoke(haiku, "How many?"))
	if err != nil {
		t.Fatal(err)
	}
	var m spoken
	if err := json.Unmarshal(out.Body, &m); err != nil || *counted.InputTokens != m.Usage.InputTokens || m.Usage.InputTokens < 3 {
		t.Errorf("CountTokens counts %d, InvokeModel %d (%v); want the same, and some", *counted.InputTokens, m.Usage.InputTokens, err)
	}
	_, err = count("anthropic.claude-haiku-9")
	wantException[*types.ValidationException](t, err, http.StatusBadRequest, unknownModel)
	_, err = count(retiredModel)
	wantException[*types.ResourceNotFoundException](t, err, http.StatusNotFound, endOfLife)
}

// released is when the model of haiku was.
var released = time.Date(2025, 10, 15, 0, 0, 0, 0, time.UTC)

func testFoundationModels(t *testing.T, control *bedrock.Client) {
	models, err := control.ListFoundationModels(t.Context(), &bedrock.ListFoundationModelsInput{ByProvider: aws.String("anthropic")})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(models.ModelSummaries, func(m controltypes.FoundationModelSummary) bool { return *m.ModelId == haikuModel })
	if i < 0 {
		t.Fatalf("ListFoundationModels lists %d models, not %s", len(models.ModelSummaries), haikuModel)
	}
	m := models.ModelSummaries[i]
	if *m.ProviderName != "Anthropic" || !slices.Equal(m.InferenceTypesSupported, []controltypes.InferenceType{"INFERENCE_PROFILE"}) || m.ModelLifecycle.Status != controltypes.FoundationModelLifecycleStatusActive {
		t.Errorf("ListFoundationModels says of %s: by %s, by %q, %s", haikuModel, *m.ProviderName, m.InferenceTypesSupported, m.ModelLifecycle.Status)
	}
	got, err := control.GetFoundationModel(t.Context(), &bedrock.GetFoundationModelInput{ModelIdentifier: m.ModelArn})
	if err != nil {
		t.Fatal(err)
	}
	d := got.ModelDetails
	if *d.ModelName != "Claude Haiku 4.5" || !slices.Contains(d.InputModalities, controltypes.ModelModalityImage) || !d.ModelLifecycle.StartOfLifeTime.Equal(released) {
		t.Errorf("GetFoundationModel of %s: %s, from %q, since %v", *m.ModelArn, *d.ModelName, d.InputModalities, d.ModelLifecycle.StartOfLifeTime)
	}

	_, err = control.ListFoundationModels(t.Context(), &bedrock.ListFoundationModelsInput{ByOutputModality: "SMELL"})
	wantException[*controltypes.ValidationException](t, err, http.StatusBadRequest, "byOutputModality")
	_, err = control.GetFoundationModel(t.Context(), &bedrock.GetFoundationModelInput{ModelIdentifier: aws.String("anthropic.claude-haiku-9")})
	wantException[*controltypes.ValidationException](t, err, http.StatusBadRequest, unknownModel)
	_, err = control.GetFoundationModel(t.Context(), &bedrock.GetFoundationModelInput{ModelIdentifier: aws.String(retiredModel)})
	wantException[*controltypes.ResourceNotFoundException](t, err, http.StatusNotFound, endOfLife)
}

func testInferenceProfiles(t *testing.T, runtime *bedrockruntime.Client, control *bedrock.Client) {
	profiles := listProfiles(t, control)
	i := slices.IndexFunc(profiles, func(p controltypes.InferenceProfileSummary) bool { return *p.InferenceProfileId == haiku })
	if i < 0 {
		t.Fatalf("ListInferenceProfiles lists %d profiles, not %s", len(profiles), haiku)
	}
	p, err := control.GetInferenceProfile(t.Context(), &bedrock.GetInferenceProfileInput{InferenceProfileIdentifier: profiles[i].InferenceProfileArn})
	if err != nil {
		t.Fatal(err)
	}
	if *p.InferenceProfileName != "US Anthropic Claude Haiku 4.5" || p.Type != controltypes.InferenceProfileTypeSystemDefined || !p.CreatedAt.Equal(released) {
		t.Errorf("GetInferenceProfile of %s: %s, %s, created %v", *profiles[i].InferenceProfileArn, *p.InferenceProfileName, p.Type, p.CreatedAt)
	}
	if !strings.HasSuffix(*p.Models[0].ModelArn, "::foundation-model/"+haikuModel) {
		t.Errorf("the profile routes to %s first, want a foundation model", *p.Models[0].ModelArn)
	}
	for _, p := range profiles { // each of Claude's that is listed can be called
		if !strings.Contains(*p.InferenceProfileId, ".anthropic.") {
			continue
		}
		if _, err := runtime.InvokeModel(t.Context(), invoke(*p.InferenceProfileId, "hi")); err != nil {
			t.Errorf("InvokeModel of the listed profile %s: %v", *p.InferenceProfileId, err)
		}
	}

	_, err = control.ListInferenceProfiles(t.Context(), &bedrock.ListInferenceProfilesInput{NextToken: aws.String("invented")})
	wantException[*controltypes.ValidationException](t, err, http.StatusBadRequest, "nextToken")
	_, err = control.GetInferenceProfile(t.Context(), &bedrock.GetInferenceProfileInput{InferenceProfileIdentifier: aws.String(noModel)})
	wantException[*controltypes.ResourceNotFoundException](t, err, http.StatusNotFound, "inference profile")
}

// listProfiles reads the system-defined profiles page by page.
func listProfiles(t *testing.T, control *bedrock.Client) (profiles []controltypes.InferenceProfileSummary) {
	t.Helper()
	pages := 0
	for p := bedrock.NewListInferenceProfilesPaginator(control, &bedrock.ListInferenceProfilesInput{
		TypeEquals: controltypes.InferenceProfileTypeSystemDefined, MaxResults: aws.Int32(5),
	}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		profiles = append(profiles, page.InferenceProfileSummaries...)
	}
	if pages < 2 || pages != (len(profiles)+4)/5 {
		t.Errorf("%d profiles on %d pages, want at most 5 on each", len(profiles), pages)
	}
	return profiles
}

// wantException expects an answer of AWS's API as the SDK's type E, with words in it.
func wantException[E smithy.APIError](t *testing.T, err error, status int, words string) {
	t.Helper()
	var exception E
	var response interface {
		HTTPStatusCode() int
		ServiceRequestID() string
	}
	if !errors.As(err, &exception) || !errors.As(err, &response) {
		t.Errorf("the error is %v, want %T", err, exception)
		return
	}
	if got := response.HTTPStatusCode(); got != status || !strings.Contains(exception.Error(), words) || response.ServiceRequestID() == "" {
		t.Errorf("the error is %v, want status %d, a request ID and %q", err, status, words)
	}
}
