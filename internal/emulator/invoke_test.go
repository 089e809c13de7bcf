package emulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

const writeTool = `"tools":[{"name":"Write","input_schema":{"type":"object"}}]`

func TestInvokeModel(t *testing.T) {
	b := start(t, emulator.Config{})
	a := b.invoke(opus, user(`call Write {"path":"<a>"}`, writeTool))
	var got message
	a.decode(t, &got)
	if !strings.HasPrefix(got.ID, "msg_bdrk_01") || got.Type != "message" || got.Role != "assistant" || got.Model != "claude-opus-5-5" || got.StopReason != "tool_use" {
		t.Errorf("got %+v, want a message of claude-opus-5-5 that uses a tool", got)
	}
	if len(got.Content) != 2 || got.Content[1].Name != "Write" || !strings.HasPrefix(got.Content[1].ID, "toolu_bdrk_01") {
		t.Fatalf("got content %+v, want text and a use of Write", got.Content)
	}
	var input map[string]string
	if err := json.Unmarshal(got.Content[1].Input, &input); err != nil || input["path"] != "<a>" {
		t.Errorf("got input %s, %v, want the path <a>", got.Content[1].Input, err)
	}
	for name, want := range map[string]int{
		"Input-Token-Count": got.Usage.Input, "Output-Token-Count": got.Usage.Output,
		"Cache-Read-Input-Token-Count": 0, "Cache-Write-Input-Token-Count": 0,
	} {
		if v := a.Header.Get("X-Amzn-Bedrock-" + name); v != strconv.Itoa(want) {
			t.Errorf("X-Amzn-Bedrock-%s: got %q, want %d", name, v, want)
		}
	}
	if _, err := strconv.Atoi(a.Header.Get("X-Amzn-Bedrock-Invocation-Latency")); err != nil {
		t.Errorf("X-Amzn-Bedrock-Invocation-Latency: %v", err)
	}
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: got %q, want application/json", got)
	}
	var raw struct{ Usage map[string]any }
	a.decode(t, &raw)
	if want := map[string]any{"ephemeral_5m_input_tokens": 0.0, "ephemeral_1h_input_tokens": 0.0}; !reflect.DeepEqual(raw.Usage["cache_creation"], want) {
		t.Errorf("usage.cache_creation: got %v, want %v", raw.Usage["cache_creation"], want)
	}
}

func TestInvokeModelWithResponseStream(t *testing.T) {
	b := start(t, emulator.Config{})
	long := user(strings.Repeat("rock ", 600)+`call Write {"path":"a b c d e f g h"}`, writeTool, `"thinking":{"type":"adaptive","display":"summarized"}`, `"cache_control":{"type":"ephemeral"}`)
	var whole message
	b.invoke(opus, long).decode(t, &whole) // writes the cache
	a := b.call(http.MethodPost, "/model/"+opus+"/invoke-with-response-stream", long)
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" || a.Header.Get("X-Amzn-Bedrock-Content-Type") != "application/json" {
		t.Fatalf("got %d, %v, want an event stream of JSON", a.StatusCode, a.Header)
	}
	a.wantHead(t)
	all := frames(t, a.body)
	var kinds []string
	paddings := map[string]bool{}
	deltas := map[string]string{}
	for _, f := range all {
		want := map[string]string{":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
		if diff := cmp.Diff(want, f.headers); diff != "" {
			t.Errorf("headers, -want +got:\n%s", diff)
		}
		paddings[f.padding] = true
		kind := f.event["type"].(string)
		if len(kinds) == 0 || kinds[len(kinds)-1] != kind {
			kinds = append(kinds, kind)
		}
		if delta, ok := f.event["delta"].(map[string]any); ok && kind == "content_block_delta" {
			for name, v := range delta {
				if name != "type" {
					deltas[name] += v.(string)
				}
			}
		}
	}
	block := []string{"content_block_start", "content_block_delta", "content_block_stop"}
	if want := slices.Concat([]string{"message_start"}, block, block, block, []string{"message_delta", "message_stop"}); !slices.Equal(kinds, want) {
		t.Errorf("events: got %v, want %v", kinds, want)
	}
	if len(paddings) < 3 {
		t.Errorf("padding of %d frames: %d different ones, want it random", len(all), len(paddings))
	}
	if deltas["text"] != whole.Content[1].Text || deltas["partial_json"] != string(whole.Content[2].Input) || deltas["signature"] == "" || deltas["thinking"] == "" {
		t.Errorf("deltas: got %q, want the blocks of %+v", deltas, whole.Content)
	}
	metrics, _ := all[len(all)-1].event["amazon-bedrock-invocationMetrics"].(map[string]any)
	if whole.Usage.Write < 600 {
		t.Fatalf("%d tokens written, want the 600 words", whole.Usage.Write)
	}
	for name, want := range map[string]int{
		"inputTokenCount": whole.Usage.Input, "outputTokenCount": whole.Usage.Output,
		"cacheReadInputTokenCount": whole.Usage.Write, "cacheWriteInputTokenCount": 0,
	} {
		if got, ok := metrics[name].(float64); !ok || int(got) != want {
			t.Errorf("amazon-bedrock-invocationMetrics.%s: got %v, want %d", name, metrics[name], want)
		}
	}
	for _, name := range []string{"invocationLatency", "firstByteLatency"} {
		if _, ok := metrics[name].(float64); !ok {
			t.Errorf("amazon-bedrock-invocationMetrics.%s: got %v, want a number", name, metrics[name])
		}
	}
}

// TestModelIDs holds which identifiers invoke what, from us-east-1.
func TestModelIDs(t *testing.T) {
	const arn = "arn:aws:bedrock:us-east-1:123456789012:"
	b := start(t, emulator.Config{ApplicationProfiles: []emulator.ApplicationProfile{
		{ID: "abc123def456", Source: opus},
		{ID: "0ld", Source: "us.anthropic.claude-opus-4-20250514-v1:0"},
	}})
	const invalid, onDemand = "The provided model identifier is invalid.", "Invocation of model ID %s with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model."
	const pattern = "1 validation error detected: Value '%s' at 'modelId' failed to satisfy constraint: Member must satisfy regular expression pattern: "
	const gone = "This model version has reached the end of its life. Please refer to the AWS documentation for more details."
	for _, c := range []struct {
		name, id string
		status   int
		want     string // the model that answers, or the message
	}{
		{"a profile's ID", opus, 200, "claude-opus-5-5"},
		{"a global profile's ID", "global.anthropic.claude-opus-5-5", 200, "claude-opus-5-5"},
		{"a profile's ARN", arn + "inference-profile%2F" + opus, 200, "claude-opus-5-5"},
		{"an application profile's ARN", arn + "application-inference-profile%2Fabc123def456", 200, "claude-opus-5-5"},
		{"a legacy model", "us.anthropic.claude-opus-4-1-20250805-v1:0", 200, "claude-opus-4-1-20250805"},
		{"the bare ID of a model that wants a profile", "anthropic.claude-opus-5-5", 400, fmt.Sprintf(onDemand, "anthropic.claude-opus-5-5")},
		{"its foundation-model ARN", "arn:aws:bedrock:us-east-1::foundation-model%2Fanthropic.claude-opus-5-5", 400, fmt.Sprintf(onDemand, "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5-5")},
		{"a profile of another geography", "eu.anthropic.claude-opus-5-5", 400, invalid},
		{"a prefix that Claude Code makes up for ap-* Regions", "apac.anthropic.claude-opus-5-5", 400, invalid},
		{"a foundation-model ARN with an account", "arn:aws:bedrock:us-east-1:123456789012:foundation-model%2Fanthropic.claude-opus-5-5", 400, fmt.Sprintf(pattern, arn+"foundation-model/anthropic.claude-opus-5-5")},
		{"a profile that there is not", "jp.anthropic.claude-opus-4-5-20251101-v1:0", 400, invalid},
		{"an alias of Claude Code's", "opus", 400, invalid},
		{"a first-party ID", "claude-opus-5-5", 400, invalid},
		{"Claude Code's mark for a long context", opus + "%5B1m%5D", 400, fmt.Sprintf(pattern, opus+"[1m]")},
		{"an unknown model", "us.anthropic.claude-next", 400, invalid},
		{"a profile's ARN of another partition", "arn:aws-cn:bedrock:us-east-1:123456789012:inference-profile%2F" + opus, 400, invalid},
		{"a model's ARN of another partition", "arn:aws-us-gov:bedrock:us-east-1::foundation-model%2Fanthropic.claude-opus-5-5", 400, invalid},
		{"a profile's ARN of another Region", "arn:aws:bedrock:us-west-2:123456789012:inference-profile%2F" + opus, 400, invalid},
		{"a profile's ARN of another account", "arn:aws:bedrock:us-east-1:210987654321:inference-profile%2F" + opus, 400, invalid},
		{"a profile's ARN with a bare ID", arn + "inference-profile%2Fanthropic.claude-opus-5-5", 400, invalid},
		{"an application profile that there is not", arn + "application-inference-profile%2Fnone", 404, "Could not resolve the foundation model from the provided model identifier."},
		{"a model at the end of its life", "us.anthropic.claude-opus-4-20250514-v1:0", 404, gone},
		{"and an application profile of it", arn + "application-inference-profile%2F0ld", 404, gone},
		{"and its bare ID", "anthropic.claude-3-haiku-20240307-v1:0", 404, gone},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := b.invoke(c.id, user("hi"))
			switch c.status {
			case 200:
				var got message
				a.decode(t, &got)
				if got.Model != c.want {
					t.Errorf("got an answer of %s, want one of %s", got.Model, c.want)
				}
			case 400:
				a.wantError(t, 400, "ValidationException", c.want)
			default:
				a.wantError(t, c.status, "ResourceNotFoundException", c.want)
			}
		})
	}
}

func TestDataRetention(t *testing.T) {
	const fable = "us.anthropic.claude-fable-5-2"
	for _, c := range []struct {
		name, mode, model string
		refused           bool
	}{
		{"the mode that Fable does not take", "default", fable, true},
		{"one that it takes", "aws_review", fable, false},
		{"nothing said", "", fable, false},
		{"a model that asks for none", "default", opus, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := start(t, emulator.Config{DataRetention: c.mode}).invoke(c.model, user("hi"))
			if c.refused {
				a.wantError(t, 400, "ValidationException", "data retention mode 'default' is not available for this model")
			} else if a.StatusCode != http.StatusOK {
				t.Errorf("got %d %s, want 200", a.StatusCode, a.body)
			}
		})
	}
}

func TestRegionDecidesWhatIsThere(t *testing.T) {
	b := start(t, emulator.Config{Region: "eu-west-1"})
	body := user("hi")
	call := func(id string) answer {
		r := b.request(http.MethodPost, "/model/"+id+"/invoke", body)
		r.Header.Set("Authorization", "Bearer "+longTermKey)
		return b.do(r)
	}
	if a := call("eu.anthropic.claude-opus-5-5"); a.StatusCode != http.StatusOK {
		t.Errorf("eu profile from eu-west-1: got %d %s, want 200", a.StatusCode, a.body)
	}
	call(opus).wantError(t, 400, "ValidationException", "The provided model identifier is invalid.")
	r := sign(t, b.request(http.MethodPost, invokePath, body), body, keys, time.Now()) // for us-east-1
	b.do(r).wantError(t, 403, "InvalidSignatureException", "Credential should be scoped to a valid region")
}

func TestHostileModelIDs(t *testing.T) {
	b := start(t, emulator.Config{})
	for _, id := range []string{
		"..", ".", "%2e", "%2e%2e", "a/../b", "a%2F..%2Fb", "%00", "%0d%0a", "a%0Ab", "%3F", "%23", "a%3Fb", "%25", "%252e", "%2F", "%5C", "%FF",
		"anthropic.", ".anthropic", "us.", "us.us." + opus, "arn:aws:bedrock", "arn:aws:bedrock:us-east-1::foundation-model%2F", "arn:aws:bedrock:us-east-1:123456789012:inference-profile%2F..%2F" + opus,
		"%20" + opus, opus + "%00", opus + "%2Finvoke", strings.Repeat("a", 4000), "%E2%80%AE", "'%22%3Cscript%3E",
	} {
		r := b.request(http.MethodPost, "/x", user("hi"))
		r.URL.Opaque = "//" + r.URL.Host + "/model/" + id + "/invoke" // sent as it is
		r.Header.Set("Authorization", "Bearer "+longTermKey)
		a := b.do(r)
		if a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusNotFound || !strings.Contains(a.body, `"message":`) {
			t.Errorf("model ID %q: got %d %s, want 400 or 404 with a message", id, a.StatusCode, a.body)
		}
	}
	if a := b.invoke(opus, user("hi")); a.StatusCode != http.StatusOK {
		t.Errorf("the next request: got %d %s, want 200", a.StatusCode, a.body)
	}
}

func TestBadBodies(t *testing.T) {
	b := start(t, emulator.Config{})
	for _, c := range []struct{ name, body, want string }{
		{"nothing", "", "Malformed input request"},
		{"no JSON", "hello", "Malformed input request"},
		{"something behind", user("hi") + "}", "Malformed input request"},
		{"10,000 deep", user("hi", `"metadata":`+strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001)), "Malformed input request"},
		{"safeguards", user("hi", `"safeguards":[]`), "safeguards: Extra inputs are not permitted"},
		{"40 MiB", user(strings.Repeat("a", 40<<20)), "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or equal to 25000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.invoke(opus, c.body).wantError(t, 400, "ValidationException", c.want)
			a := b.call(http.MethodPost, "/model/"+opus+"/invoke-with-response-stream", c.body)
			a.wantError(t, 400, "ValidationException", c.want)
			if a := b.invoke(opus, user("hi")); a.StatusCode != http.StatusOK {
				t.Errorf("the next request: got %d %s, want 200", a.StatusCode, a.body)
			}
		})
	}
}

func TestABodyThatIsRefusedUnreadIsStillAnswered(t *testing.T) {
	b := start(t, emulator.Config{})
	r := b.request(http.MethodPost, invokePath, strings.Repeat("a", 40<<20))
	b.do(r).wantError(t, 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

func TestUnknownOperations(t *testing.T) {
	b := start(t, emulator.Config{})
	for _, c := range [][2]string{
		{"POST", "/model/" + opus + "/converse-more"}, {"GET", "/model/" + opus + "/converse"}, {"GET", invokePath},
		{"POST", "/model/invoke"}, {"POST", "/model//invoke"}, {"GET", "/"}, {"DELETE", "/inference-profiles/x"}, {"GET", "/favicon.ico"},
	} {
		b.call(c[0], c[1], "").wantError(t, 404, "UnknownOperationException", c[0]+" ")
	}
}

func TestCountTokens(t *testing.T) {
	b := start(t, emulator.Config{})
	cached := user(strings.Repeat("rock ", 5000), `"system":[{"type":"text","text":"be kind","cache_control":{"type":"ephemeral"}}]`, writeTool,
		`"messages":[{"role":"user","content":[{"type":"text","text":"`+strings.Repeat("rock ", 5000)+`","cache_control":{"type":"ephemeral"}}]}]`)
	for _, body := range []string{user("hi"), user("hi", writeTool), cached, cached} {
		var count struct{ InputTokens int }
		b.call(http.MethodPost, "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens", countBody(body)).decode(t, &count)
		var m message
		b.invoke(haiku, body).decode(t, &m)
		if want := m.Usage.Input + m.Usage.Read + m.Usage.Write; count.InputTokens != want || want == 0 {
			t.Errorf("CountTokens: got %d, want %d, what InvokeModel charges: %+v", count.InputTokens, want, m.Usage)
		}
	}
}

func TestCountTokensRefusals(t *testing.T) {
	b := start(t, emulator.Config{})
	const model = "anthropic.claude-haiku-4-5-20251001-v1:0"
	const uncounted = "The provided model doesn't support counting tokens."
	for _, c := range []struct {
		name, id, body, code, want string
		status                     int
	}{
		{"a model since 4.7", "anthropic.claude-opus-5-5", countBody(user("hi")), "ValidationException", uncounted, 400},
		{"a profile", haiku, countBody(user("hi")), "ValidationException", uncounted, 400},
		{"a profile's ARN", "arn:aws:bedrock:us-east-1:123456789012:inference-profile%2F" + haiku, countBody(user("hi")), "ValidationException", uncounted, 400},
		{"an unknown model", "anthropic.claude-next", countBody(user("hi")), "ValidationException", "The provided model identifier is invalid.", 400},
		{"a model that is gone", "anthropic.claude-3-haiku-20240307-v1:0", countBody(user("hi")), "ResourceNotFoundException", "This model version has reached the end of its life.", 404},
		{"a Messages body that is wrong", model, countBody(`{"messages":[]}`), "ValidationException", "anthropic_version: Field required", 400},
		{"base64 that is none", model, `{"input":{"invokeModel":{"body":"*"}}}`, "SerializationException", "", 400},
		{"no JSON", model, `x`, "SerializationException", "", 400},
		{"no input", model, `{}`, "ValidationException", "1 validation error detected: Value null at 'input' failed to satisfy constraint: Member must not be null", 400},
		{"both inputs", model, `{"input":{"invokeModel":{"body":""},"converse":{}}}`, "ValidationException", "CountTokensInput object at input must set only one of the following keys: invokeModel, converse.", 400},
		{"no input that is not null", model, `{"input":{"invokeModel":null,"converse":null}}`, "ValidationException", "CountTokensInput object at input must set one of the following keys: invokeModel, converse.", 400},
		{"a member in capitals, which is another", model, `{"input":{"invokeModel":{"BODY":""}}}`, "ValidationException", "1 validation error detected: Value null at 'input.invokeModel.body' failed to satisfy constraint: Member must not be null", 400},
		{"no body", model, `{"input":{"invokeModel":{}}}`, "ValidationException", "1 validation error detected: Value null at 'input.invokeModel.body' failed to satisfy constraint: Member must not be null", 400},
		{"Converse's input", model, `{"input":{"converse":{"messages":[]}}}`, "ValidationException", "A conversation must start with a user message.", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.call(http.MethodPost, "/model/"+c.id+"/count-tokens", c.body).wantError(t, c.status, c.code, c.want)
		})
	}
	t.Run("but a member that is null is none", func(t *testing.T) {
		null := strings.Replace(countBody(user("hi")), `{"input":{`, `{"input":{"converse":null,`, 1)
		if a := b.call(http.MethodPost, "/model/"+model+"/count-tokens", null); a.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %s, want 200", null, a.StatusCode, a.body)
		}
	})
	t.Run("but Claude Code's beta is taken", func(t *testing.T) {
		a := b.call(http.MethodPost, "/model/"+model+"/count-tokens", countBody(user("hi", `"anthropic_beta":["claude-code-20250219"]`)))
		if a.StatusCode != http.StatusOK {
			t.Errorf("got %d %s, want 200", a.StatusCode, a.body)
		}
	})
}

// TestChunksLeaveAsTheyAreMade reads the first event while the model still makes the others, and then
// goes away: the work ends at once.
func TestChunksLeaveAsTheyAreMade(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			b := start(t, emulator.Config{ChunkDelay: 20 * time.Millisecond})
			if proto == "HTTP/2.0" {
				protocols := &http.Protocols{}
				protocols.SetUnencryptedHTTP2(true)
				b.client = &http.Client{Transport: &http.Transport{Protocols: protocols}}
				t.Cleanup(b.client.CloseIdleConnections)
			}
			body := strings.Replace(user("write 100000 words"), "1000,", "120000,", 1) // three quarters of an hour
			r := sign(t, b.request(http.MethodPost, "/model/"+opus+"/invoke-with-response-stream", body), body, keys, time.Now())
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			resp, err := b.client.Do(r.WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.Proto != proto {
				t.Errorf("got %s, want %s", resp.Proto, proto)
			}
			if _, err := bufio.NewReader(resp.Body).Peek(100); err != nil {
				t.Fatalf("the first event: %v", err)
			}
			cancel()
			line := b.logged(1)[0]
			if !strings.Contains(line, "status=200") || !strings.Contains(line, `fault="context canceled"`) {
				t.Errorf("log after the client went: got %s, want status 200 and what ended it", line)
			}
		})
	}
}

func TestLog(t *testing.T) {
	b := start(t, emulator.Config{})
	const secret = "my secret wish"
	b.invoke(opus, user(secret))
	b.invoke(opus, `{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"`+secret+`"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_7","name":"Write","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_7","content":"`+secret+`"},{"type":"text","text":"x"}]}],`+writeTool+`}`)
	b.invoke("nope", user(secret))
	b.call(http.MethodGet, "/nothing", "")
	lines := b.logged(4)
	for i, want := range [][]string{
		{"operation=InvokeModel", "model=" + opus, "status=200", "last=text", "input_tokens=", "output_tokens=", "request_id="},
		{"status=200", "last=tool_result,text", "tool_results=toolu_7"},
		{"model=nope", "status=400", "error=ValidationException"},
		{"status=404", "error=UnknownOperationException", "path=/nothing"},
	} {
		for _, part := range want {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d: got %s, want it to say %s", i+1, lines[i], part)
			}
		}
		if strings.Contains(lines[i], "secret") || strings.Contains(lines[i], keys.SecretAccessKey) {
			t.Errorf("line %d holds what was said: %s", i+1, lines[i])
		}
	}
	if len(lines) != 4 {
		t.Errorf("got %d lines for 4 requests", len(lines))
	}
}

func TestExchangesHoldNoSecrets(t *testing.T) {
	b := start(t, emulator.Config{})
	token := func() *http.Request {
		r := b.request(http.MethodPost, invokePath, user("hi"))
		r.Header.Set("Authorization", "Bearer "+longTermKey)
		r.Header.Set("X-Amz-Security-Token", "hush")
		r.Header.Set("Cookie", "hush")
		return r
	}
	b.do(token())
	b.invoke(opus, user("hi"))
	odd := b.request(http.MethodGet, "/inference-profiles?X-Amz-Signature=hush&a=b&x-amz-security-token=hush", "")
	odd.Header.Set("Authorization", "hush")
	b.do(odd)
	escaped := b.request(http.MethodGet, "/inference-profiles?X%2DAmz-Signature=hush", "")
	b.do(escaped)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.exchanges) != 4 {
		t.Fatalf("%d exchanges observed, want 4", len(b.exchanges))
	}
	for i, x := range b.exchanges {
		shown := fmt.Sprint(x.Header, x.Query)
		if strings.Contains(shown, "hush") || strings.Contains(shown, longTermKey) {
			t.Errorf("exchange %d shows a secret: %s", i, shown)
		}
	}
	if got := b.exchanges[0].Header.Get("Authorization"); got != "Bearer REDACTED" {
		t.Errorf("Authorization of an API key: got %q, want Bearer REDACTED", got)
	}
	if got := b.exchanges[1].Header.Get("Authorization"); !strings.Contains(got, "Credential="+keys.AccessKeyID) || !strings.HasSuffix(got, "Signature=REDACTED") {
		t.Errorf("Authorization of a signature: got %q, want the credential and no signature", got)
	}
	if got := b.exchanges[1]; got.Operation != "InvokeModel" || got.ModelID != opus || got.Status != 200 || string(got.Body) != user("hi") || got.Usage.InputTokens == 0 {
		t.Errorf("exchange: got %+v, want the InvokeModel", got)
	}
}

// TestInvocationHeaders holds what InvokeModel and its streaming twin take as headers.
func TestInvocationHeaders(t *testing.T) {
	b := start(t, emulator.Config{})
	const guardrail, version, metadata = "X-Amzn-Bedrock-Guardrailidentifier", "X-Amzn-Bedrock-Guardrailversion", "X-Amzn-Bedrock-Request-Metadata"
	const constraint, violation = "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: ", "1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: "
	many := `{"k0":""`
	for i := range 16 {
		many += fmt.Sprintf(`,"k%d":""`, i+1)
	}
	for _, c := range []struct {
		name   string
		header http.Header
		want   string // "" for accepted
	}{
		{"everything that may be said", http.Header{
			"X-Amzn-Bedrock-Trace": {"ENABLED_FULL"}, guardrail: {"abc123"}, version: {"DRAFT"}, "X-Amzn-Bedrock-Performanceconfig-Latency": {"optimized"},
			"X-Amzn-Bedrock-Service-Tier": {"flex"}, metadata: {`{"team":"a b","cost":"7"}`}}, ""},
		{"an unknown trace", http.Header{"X-Amzn-Bedrock-Trace": {"yes"}}, fmt.Sprintf(constraint, "yes", "trace") + "Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_FULL]"},
		{"an unknown latency", http.Header{"X-Amzn-Bedrock-Performanceconfig-Latency": {"fast"}}, fmt.Sprintf(constraint, "fast", "performanceConfigLatency")},
		{"an unknown tier", http.Header{"X-Amzn-Bedrock-Service-Tier": {"free"}}, fmt.Sprintf(constraint, "free", "serviceTier")},
		{"a guardrail without its version", http.Header{guardrail: {"abc123"}}, "Both the guardrail identifier and the guardrail version are required."},
		{"a version without its guardrail", http.Header{version: {"1"}}, "Both the guardrail identifier and the guardrail version are required."},
		{"a guardrail's name", http.Header{guardrail: {"My Guard"}, version: {"1"}}, fmt.Sprintf(constraint, "My Guard", "guardrailIdentifier")},
		{"a version that is none", http.Header{guardrail: {"abc123"}, version: {"0"}}, fmt.Sprintf(constraint, "0", "guardrailVersion")},
		{"two faults", http.Header{guardrail: {"A"}, "X-Amzn-Bedrock-Trace": {"on"}}, "2 validation errors detected: Value 'on' at 'trace'"},
		{"metadata that is no JSON", http.Header{metadata: {"team=a"}}, "The request metadata is invalid."},
		{"metadata that is null", http.Header{metadata: {"null"}}, "The request metadata is invalid."},
		{"a number in the metadata", http.Header{metadata: {`{"cost":7}`}}, "The request metadata is invalid."},
		{"no metadata in it", http.Header{metadata: {"{}"}}, violation + "Member must have length greater than or equal to 1"},
		{"17 of them", http.Header{metadata: {many + "}"}}, violation + "Member must have length less than or equal to 16"},
		{"a character that metadata may not have", http.Header{metadata: {`{"a":"<b>"}`}}, violation + "Map value must satisfy constraint: [Member must have length less than or equal to 256"},
		{"metadata that is too long", http.Header{metadata: {`{"a":"` + strings.Repeat("b", 8500) + `"}`}}, violation + "Member must have length less than or equal to 8500"},
		{"no content type", http.Header{"Content-Type": nil}, ""},
		{"another content type", http.Header{"Content-Type": {"application/octet-stream"}}, "The provided Content Type is invalid or not supported for this model"},
		{"a content type with a charset", http.Header{"Content-Type": {"application/json; charset=utf-8"}}, "The provided Content Type is invalid or not supported for this model"},
	} {
		for _, operation := range []string{"invoke", "invoke-with-response-stream"} {
			t.Run(c.name+", "+operation, func(t *testing.T) {
				a := b.withHeader("/model/"+opus+"/"+operation, c.header)
				if c.want != "" {
					a.wantError(t, 400, "ValidationException", c.want)
					return
				}
				if a.StatusCode != http.StatusOK {
					t.Errorf("got %d %s, want 200", a.StatusCode, a.body)
				}
				for _, name := range []string{"X-Amzn-Bedrock-Service-Tier", "X-Amzn-Bedrock-Performanceconfig-Latency"} {
					if got, want := a.Header.Get(name), c.header.Get(name); got != want {
						t.Errorf("%s of the answer: got %q, want that of the request, %q", name, got, want)
					}
				}
			})
		}
	}
}

// withHeader sends a good body with these headers and an API key.
func (b *bedrock) withHeader(path string, header http.Header) answer {
	b.t.Helper()
	r := b.request(http.MethodPost, path, user("hi"))
	r.Header.Set("Authorization", "Bearer "+longTermKey)
	for name, values := range header {
		r.Header[name] = values
	}
	return b.do(r)
}

func TestAccept(t *testing.T) {
	b := start(t, emulator.Config{})
	const stream = "/model/" + opus + "/invoke-with-response-stream"
	for _, c := range []struct {
		path, header, value string
		ok                  bool
	}{
		{invokePath, "Accept", "application/json", true},
		{invokePath, "Accept", "*/*", true},
		{invokePath, "Accept", "text/plain, application/*;q=0.5", true},
		{invokePath, "Accept", "text/event-stream", false},
		{invokePath, "X-Amzn-Bedrock-Accept", "text/event-stream", true}, // nothing to it
		{stream, "Accept", "application/vnd.amazon.eventstream", true},
		{stream, "X-Amzn-Bedrock-Accept", "*/*", true},
		{stream, "X-Amzn-Bedrock-Accept", "text/plain", false},
	} {
		a := b.withHeader(c.path, http.Header{c.header: {c.value}})
		if c.ok && a.StatusCode != http.StatusOK {
			t.Errorf("%s with %s: %s: got %d %s, want 200", c.path, c.header, c.value, a.StatusCode, a.body)
		} else if !c.ok {
			a.wantError(t, 400, "ValidationException", "The provided Accept Type is invalid or not supported for this model")
		}
	}
}

// TestACutRequest sends half of a body and goes.
func TestACutRequest(t *testing.T) {
	b := start(t, emulator.Config{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{", invokePath, longTermKey)
	conn.Close()
	if line := b.logged(1)[0]; !strings.Contains(line, "status=400") {
		t.Errorf("log: got %s, want status 400", line)
	}
	if a := b.invoke(opus, user("hi")); a.StatusCode != http.StatusOK {
		t.Errorf("the next request: got %d %s, want 200", a.StatusCode, a.body)
	}
}
