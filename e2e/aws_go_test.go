package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

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

const haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0"

// gatewayConfig is that of someone who has the key pair of an Outcrop key.
func gatewayConfig(g *gateway) aws.Config {
	return aws.Config{
		Region: g.Region, BaseEndpoint: aws.String(g.URL),
		Credentials: credentials.NewStaticCredentialsProvider(g.AccessKeyID, g.SecretAccessKey, ""),
	}
}

// AWS's SDK for Go finds the same Bedrock in bedrocktest, in the gateway, and over TLS with a
// bearer key, which it sends no other way.
func TestAWSSDKForGo(t *testing.T) {
	srv, tls := bedrocktest.NewServer(t, bedrocktest.WithSessionToken("invented-session-token")), bedrocktest.NewTLSServer(t)
	g := serveBefore(t, srv)
	f := func(name string, config aws.Config) {
		t.Run(name, func(t *testing.T) {
			runtime, control := bedrockruntime.NewFromConfig(config), bedrock.NewFromConfig(config)
			t.Run("InvokeModel", func(t *testing.T) { testInvokeModel(t, runtime) })
			t.Run("InvokeModelWithResponseStream", func(t *testing.T) { testInvokeStream(t, runtime) })
			t.Run("CountTokens", func(t *testing.T) { testAWSCountTokens(t, runtime) })
			t.Run("models and inference profiles", func(t *testing.T) { testControlPlane(t, runtime, control) })
			t.Run("refusals", func(t *testing.T) { testAWSRefusals(t, runtime, control) })
		})
	}
	f("on bedrocktest with SigV4", aws.Config{
		Region: srv.Region, BaseEndpoint: aws.String(srv.URL),
		Credentials: credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, srv.SessionToken),
	})
	f("on bedrocktest over TLS with a bearer key", aws.Config{
		Region: tls.Region, BaseEndpoint: aws.String(tls.URL), HTTPClient: tls.Client(),
		BearerAuthTokenProvider: bearer.StaticTokenProvider{Token: bearer.Token{Value: tls.APIKey}},
		AuthSchemePreference:    []string{"httpBearerAuth"},
	})
	f("on the gateway with its key pair", gatewayConfig(g))

	t.Run("a wrong secret is refused by the gateway", func(t *testing.T) {
		config := gatewayConfig(g)
		config.Credentials = credentials.NewStaticCredentialsProvider(g.AccessKeyID, strings.Repeat("x", 40), "")
		_, err := bedrockruntime.NewFromConfig(config).InvokeModel(t.Context(), invoke(haiku, "hi"))
		wantAWSError(t, err, http.StatusUnauthorized, "InvalidSignatureException")
	})
}

func invoke(model, text string) *bedrockruntime.InvokeModelInput {
	return &bedrockruntime.InvokeModelInput{ModelId: &model, ContentType: aws.String("application/json"), Body: messagesBody(text)}
}

func messagesBody(text string) []byte {
	return []byte(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":1000,"messages":[{"role":"user","content":` + jsonText(text) + `}]}`)
}

// A spoken is what these tests read of a message.
type spoken struct {
	Content []struct{ Text string }
}

func testInvokeModel(t *testing.T, client *bedrockruntime.Client) {
	for _, model := range []string{haiku, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/" + haiku} {
		out, err := client.InvokeModel(t.Context(), invoke(model, "Hello"))
		if err != nil {
			t.Errorf("InvokeModel of %s: %v", model, err)
			continue
		}
		var m spoken
		if err := json.Unmarshal(out.Body, &m); err != nil || len(m.Content) != 1 || !strings.HasPrefix(m.Content[0].Text, "You said: Hello") {
			t.Errorf("InvokeModel of %s answered %s (%v)", model, out.Body, err)
		}
	}
}

func testInvokeStream(t *testing.T, client *bedrockruntime.Client) {
	out, err := client.InvokeModelWithResponseStream(t.Context(), &bedrockruntime.InvokeModelWithResponseStreamInput{
		ModelId: aws.String(haiku), ContentType: aws.String("application/json"), Body: messagesBody("write 100 words"),
	})
	if err != nil {
		t.Fatal(err)
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
	if n := len(strings.Fields(text.String())); n < 100 || last.Type != "message_stop" || last.Metrics.OutputTokenCount < 50 {
		t.Errorf("%d words, ending with %q that counts %d tokens; want at least 100, message_stop and 50", n, last.Type, last.Metrics.OutputTokenCount)
	}
}

func testAWSCountTokens(t *testing.T, client *bedrockruntime.Client) {
	out, err := client.CountTokens(t.Context(), &bedrockruntime.CountTokensInput{
		ModelId: aws.String("anthropic.claude-haiku-4-5-20251001-v1:0"),
		Input:   &types.CountTokensInputMemberInvokeModel{Value: types.InvokeModelTokensRequest{Body: messagesBody("How many?")}},
	})
	if err != nil || *out.InputTokens < 3 {
		t.Errorf("CountTokens = %+v, %v; want some tokens", out, err)
	}
}

func testControlPlane(t *testing.T, runtime *bedrockruntime.Client, control *bedrock.Client) {
	var profiles []controltypes.InferenceProfileSummary
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
	i := slices.IndexFunc(profiles, func(p controltypes.InferenceProfileSummary) bool { return *p.InferenceProfileId == haiku })
	if pages < 2 || pages != (len(profiles)+4)/5 || i < 0 {
		t.Fatalf("%d profiles on %d pages of at most 5, that of Haiku 4.5 at %d", len(profiles), pages, i)
	}
	profile, err := control.GetInferenceProfile(t.Context(), &bedrock.GetInferenceProfileInput{InferenceProfileIdentifier: profiles[i].InferenceProfileArn})
	if err != nil || *profile.InferenceProfileId != haiku || len(profile.Models) == 0 {
		t.Errorf("GetInferenceProfile of %s = %+v, %v", *profiles[i].InferenceProfileArn, profile, err)
	}
	models, err := control.ListFoundationModels(t.Context(), &bedrock.ListFoundationModelsInput{ByProvider: aws.String("anthropic")})
	if err != nil {
		t.Fatal(err)
	}
	j := slices.IndexFunc(models.ModelSummaries, func(m controltypes.FoundationModelSummary) bool { return strings.HasSuffix(haiku, *m.ModelId) })
	if j < 0 {
		t.Fatalf("ListFoundationModels lists %d models, not that of %s", len(models.ModelSummaries), haiku)
	}
	model, err := control.GetFoundationModel(t.Context(), &bedrock.GetFoundationModelInput{ModelIdentifier: models.ModelSummaries[j].ModelId})
	if err != nil || !strings.Contains(*model.ModelDetails.ModelName, "Haiku 4.5") {
		t.Errorf("GetFoundationModel = %+v, %v", model, err)
	}
	for _, p := range profiles { // each of Claude's that is listed can be called
		if !strings.Contains(*p.InferenceProfileId, ".anthropic.") {
			continue
		}
		if _, err := runtime.InvokeModel(t.Context(), invoke(*p.InferenceProfileId, "hi")); err != nil {
			t.Errorf("InvokeModel of the listed profile %s: %v", *p.InferenceProfileId, err)
		}
	}
}

func testAWSRefusals(t *testing.T, runtime *bedrockruntime.Client, control *bedrock.Client) {
	_, err := runtime.InvokeModel(t.Context(), invoke("us.anthropic.claude-haiku-9", "hi"))
	wantAWSError(t, err, http.StatusBadRequest, "ValidationException")
	input := invoke(haiku, "hi")
	input.Body = []byte(`{"anthropic_version":"bedrock-2023-05-31","messages":[]}`)
	_, err = runtime.InvokeModel(t.Context(), input)
	wantAWSError(t, err, http.StatusBadRequest, "ValidationException")
	_, err = control.GetInferenceProfile(t.Context(), &bedrock.GetInferenceProfileInput{InferenceProfileIdentifier: aws.String("us.anthropic.claude-haiku-9")})
	wantAWSError(t, err, http.StatusNotFound, "ResourceNotFoundException")
}

func wantAWSError(t *testing.T, err error, status int, code string) {
	t.Helper()
	var api smithy.APIError
	var response interface {
		HTTPStatusCode() int
		ServiceRequestID() string
	}
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Errorf("the error is %v, want an answer of AWS's API", err)
		return
	}
	got := fmt.Sprintf("%d %s", response.HTTPStatusCode(), api.ErrorCode())
	if want := fmt.Sprintf("%d %s", status, code); got != want || api.ErrorMessage() == "" || response.ServiceRequestID() == "" {
		t.Errorf("the error is %v, want %s with a message and a request ID", err, want)
	}
}
