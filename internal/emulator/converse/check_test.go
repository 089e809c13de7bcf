package converse_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/emulator/converse"
)

// of returns the traits of a model.
func of(t *testing.T, id string) converse.Traits {
	t.Helper()
	if m, ok := catalog.Lookup(id); ok {
		return converse.OfClaude(m)
	}
	m, ok := catalog.LookupOther(id)
	if !ok {
		t.Fatalf("no model %s", id)
	}
	return converse.OfOther(m)
}

const (
	opus    = "claude-opus-5-5"
	sonnet4 = "claude-sonnet-4-6"
	nova    = "amazon.nova-lite-v1:0"
	llama   = "meta.llama4-scout-17b-instruct-v1:0"
	mistral = "mistral.mistral-7b-instruct-v0:2"
	glm     = "zai.glm-5"
	gpt     = "openai.gpt-6-sol"
)

func TestCheck(t *testing.T) {
	f := func(name, model, in, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			err := converse.Check(input(t, in), of(t, model), false)
			got := ""
			var refusal *converse.Refusal
			if errors.As(err, &refusal) {
				got = refusal.Message
			}
			if got != want || err != nil && refusal == nil {
				t.Errorf("Check: got %v, want %q", err, want)
			}
		})
	}
	talk := func(messages string, more ...string) string {
		return "{" + strings.Join(append([]string{`"messages":[` + messages + `]`}, more...), ",") + "}"
	}
	user := func(content string) string { return `{"role":"user","content":[` + content + `]}` }
	assistant := func(content string) string { return `{"role":"assistant","content":[` + content + `]}` }
	const (
		hi    = `{"text":"hi"}`
		tools = `"toolConfig":{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":{"type":"object"}}}}]}`
		use   = `{"toolUse":{"toolUseId":"a","name":"t","input":{}}}`
		use2  = `{"toolUse":{"toolUseId":"b","name":"t","input":{}}}`
		res   = `{"toolResult":{"toolUseId":"a","content":[{"text":"x"}]}}`
		res2  = `{"toolResult":{"toolUseId":"b","content":[{"text":"x"}]}}`
	)

	f("hello", opus, talk(user(hi)), "")
	f("no messages", opus, `{}`, "A conversation must start with a user message. Try again with a conversation that starts with a user message.")
	f("the assistant first", nova, talk(assistant(hi)), "A conversation must start with a user message. Try again with a conversation that starts with a user message.")
	f("two of one role", nova, talk(user(hi)+","+user(hi)), "")
	f("the assistant last, not Claude", nova, talk(user(hi)+","+assistant(hi)), "The model that you are using requires the last turn in the conversation to be a user message. Add a user message to the conversation and try again.")
	f("the assistant last, Claude says for itself", opus, talk(user(hi)+","+assistant(hi)), "")
	f("no system prompt", mistral, talk(user(hi), `"system":[{"text":"s"}]`), "This model doesn't support system messages. Try again without a system message or use a model that supports system messages.")
	f("role system amid, which the model takes", opus, talk(user(hi)+`,{"role":"system","content":[{"text":"s"}]},`+user(hi)), "")
	f("role system amid", sonnet4, talk(user(hi)+`,{"role":"system","content":[{"text":"s"}]},`+user(hi)), "This model doesn't support system messages. Try again without a system message or use a model that supports system messages.")
	f("role system at the end", sonnet4, talk(user(hi)+`,{"role":"system","content":[{"text":"s"}]}`), "The model that you are using requires the last turn in the conversation to be a user message. Add a user message to the conversation and try again.")
	f("no content", opus, talk(user(hi)+","+assistant("")), "The content field in the Message object at messages.1 is empty. Add a ContentBlock object to the content field and try again.")
	f("a blank text", opus, talk(user(hi+`,{"text":""}`)), "The text field in the ContentBlock object at messages.0.content.1 is blank. Add text to the text field, and try again.")
	f("the user reasons", opus, talk(user(`{"reasoningContent":{"reasoningText":{"text":"t"}}}`)), "User messages cannot contain reasoning content. Please remove the reasoning content and try again.")
	f("the assistant has results", opus, talk(user(hi)+","+assistant(res), tools), "Assistant messages cannot contain tool results. Please remove the tool results and try again.")

	f("an image for a model that sees none", glm, talk(user(`{"image":{"format":"png","source":{"bytes":"AA=="}}},`+hi)), "This model doesn't support the image content block that you provided. Update your request and try again.")
	f("a video for Claude", opus, talk(user(`{"video":{"format":"mp4","source":{"bytes":"AA=="}}},`+hi)), "This model doesn't support the video content block that you provided. Update your request and try again.")
	f("audio within a tool's result", opus, talk(user(hi)+","+assistant(use)+","+user(`{"toolResult":{"toolUseId":"a","content":[{"video":{"format":"mp4","source":{"bytes":"AA=="}}}]}}`), tools), "This model doesn't support the video content block that you provided. Update your request and try again.")
	f("a video for Nova", nova, talk(user(`{"video":{"format":"mp4","source":{"bytes":"AA=="}}},`+hi)), "")
	f("a document for a model that reads none", glm, talk(user(`{"document":{"format":"txt","name":"n","source":{"bytes":"aGk="}}},`+hi)), "This model doesn't support documents.")
	f("something in S3", opus, talk(user(`{"image":{"format":"png","source":{"s3Location":{"uri":"s3://b/k"}}}}`)), "The embedded Bedrock has no Amazon S3. Send the bytes in place of messages.0.content.0.image.source.s3Location and try again.")

	f("tools without toolConfig", opus, talk(user(hi)+","+assistant(use)+","+user(res)), "The toolConfig field must be defined when using toolUse and toolResult content blocks.")
	f("tools for a model without", mistral, talk(user(hi), tools), "This model doesn't support tool use.")
	f("a choice that Llama does not take", llama, talk(user(hi), strings.Replace(tools, `{"tools"`, `{"toolChoice":{"any":{}},"tools"`, 1)), "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.")
	f("a tool of the system", opus, talk(user(hi), `"toolConfig":{"tools":[{"systemTool":{"name":"web"}}]}`), "This model doesn't support the toolConfig.tools.0.systemTool field. Remove toolConfig.tools.0.systemTool and try again.")
	f("a schema that is no object", opus, talk(user(hi), `"toolConfig":{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":"{}"}}}]}`), "The format of the value at toolConfig.tools.0.toolSpec.inputSchema.json is invalid. Provide a json object for the field and try again.")
	f("an input that is no object", opus, talk(user(hi)+","+assistant(`{"toolUse":{"toolUseId":"a","name":"t","input":"{}"}}`)+","+user(res), tools), "The format of the value at messages.1.content.0.toolUse.input is invalid. Provide a json object for the field and try again.")
	f("a result that is no object", opus, talk(user(hi)+","+assistant(use)+","+user(`{"toolResult":{"toolUseId":"a","content":[{"json":[1]}]}}`), tools), "The format of the value at messages.2.content.0.toolResult.content.0.json is invalid. Provide a json object for the field and try again.")
	f("an error without content", opus, talk(user(hi)+","+assistant(use)+","+user(`{"toolResult":{"toolUseId":"a","status":"error","content":[]}}`), tools), "The content field at messages.2.content.0.toolResult cannot be empty when status value is error.")
	f("a result without content", opus, talk(user(hi)+","+assistant(use)+","+user(`{"toolResult":{"toolUseId":"a","content":[]}}`), tools), "")
	f("calls answered", opus, talk(user(hi)+","+assistant(hi+","+use+","+use2)+","+user(res2+","+res+","+hi), tools), "")
	f("a call not answered", opus, talk(user(hi)+","+assistant(use+","+use2)+","+user(hi), tools), "Expected toolResult blocks at messages.2.content for the following Ids: a, b")
	f("a call at the end", opus, talk(user(hi)+","+assistant(use), tools), "Expected toolResult blocks at messages.2.content for the following Ids: a")
	f("more results than calls", opus, talk(user(hi)+","+assistant(use)+","+user(res+","+res2), tools), "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.")
	f("a result of another call", opus, talk(user(hi)+","+assistant(use)+","+user(res2), tools), "Expected toolResult blocks at messages.2.content for the following Ids: a")
	f("one ID twice", opus, talk(user(hi)+","+assistant(use+","+use)+","+user(res), tools), "The toolUse blocks at messages.1.content contain duplicate Ids: a")
	f("one result twice", opus, talk(user(hi)+","+assistant(use+","+use2)+","+user(res+","+res), tools), "The toolResult blocks at messages.2.content contain duplicate Ids: a")
	f("Llama's results beside a text", llama, talk(user(hi)+","+assistant(use)+","+user(res+","+hi), tools), "messages.2.content: Conversation blocks and tool result blocks cannot be provided in the same turn.")
	f("Llama's calls beside a text", llama, talk(user(hi)+","+assistant(hi+","+use)+","+user(res), tools), "messages.1.content: Conversation blocks and tool use blocks cannot be provided in the same turn.")
	f("tools change where the model knows how", opus, talk(user(hi)+`,{"role":"system","content":[{"toolRemoval":{"tool":{"name":"t"}}}]},`+user(hi), tools), "")
	f("tools change", nova, talk(user(`{"toolRemoval":{"tool":{"name":"t"}}}`), tools), "This model doesn't support the toolRemoval field. Remove toolRemoval and try again.")

	f("a cache point", opus, talk(user(hi+`,{"cachePoint":{"type":"default"}}`)), "")
	const point = `{"cachePoint":{"type":"default"}}`
	const hour = `{"cachePoint":{"type":"default","ttl":"1h"}}`
	const nothing, order = "There is nothing available to cache.", ".cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
	f("a cache point before all else", opus, talk(user(point+","+hi)), nothing)
	f("a message of a cache point alone", opus, talk(user(hi)+","+user(point)), nothing)
	f("a system prompt of a cache point alone", opus, talk(user(hi), `"system":[`+point+`]`), nothing)
	f("tools behind a cache point", opus, talk(user(hi), strings.Replace(tools, `"tools":[`, `"tools":[`+point+`,`, 1)), nothing)
	f("four cache points behind one block", opus, talk(user(hi+strings.Repeat(","+point, 4))), "")
	f("five cache points behind one block", opus, talk(user(hi+strings.Repeat(","+point, 5))), "The model returned the following errors: A maximum of 4 blocks with cache_control may be provided. Found 5.")
	f("five cache points of another family", nova, talk(user(hi+strings.Repeat(","+point, 5))), "The model returned the following errors: A maximum of 4 blocks with cache_control may be provided. Found 5.")
	f("an hour behind five minutes", opus, talk(user(hi+","+point+","+hour)), "The model returned the following errors: messages.0.content.2"+order)
	f("five minutes behind an hour", opus, talk(user(hi+","+hour+","+point)), "")
	f("a cache point after reasoning", opus, talk(user(hi)+","+assistant(`{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},{"cachePoint":{"type":"default"}},`+hi)+","+user(hi)), "Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.")
	f("a cache point in tools of a model that caches nothing", glm, talk(user(hi), strings.Replace(tools, `}}}}]`, `}}}},{"cachePoint":{"type":"default"}}]`, 1)), "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.")
	f("reasoning back to a model that does not reason", nova, talk(user(hi)+","+assistant(`{"reasoningContent":{"reasoningText":{"text":"t"}}},`+hi)+","+user(hi)), "This model doesn't support the reasoningContent field. Remove reasoningContent and try again.")
	f("a signature back to a model that does not sign", glm, talk(user(hi)+","+assistant(`{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},`+hi)+","+user(hi)), "This model doesn't support the reasoningContent.reasoningText.signature field. Remove reasoningContent.reasoningText.signature and try again.")

	f("too many tokens", nova, talk(user(hi), `"inferenceConfig":{"maxTokens":8193}`), "The maximum tokens you requested exceeds the model limit of 8192. Try again with a maximum tokens value that is lower than 8192.")
	f("as many tokens as there are", nova, talk(user(hi), `"inferenceConfig":{"maxTokens":8192}`), "")
	f("temperature where there is none", gpt, talk(user(hi), `"inferenceConfig":{"temperature":0}`), "This model doesn't support the temperature field. Remove temperature and try again.")
	f("topP where there is none", gpt, talk(user(hi), `"inferenceConfig":{"topP":1}`), "This model doesn't support the topP field. Remove topP and try again.")
	f("stop sequences where there are none", "qwen.qwen3-235b-a22b-2507-v1:0", talk(user(hi), `"inferenceConfig":{"stopSequences":["x"]}`), "This model doesn't support the stopSequences field. Remove stopSequences and try again.")
	f("tool search", opus, talk(user(hi), `"additionalModelRequestFields":{"anthropic_beta":["tool-search-tool-2025-10-19"]}`), "The tool-search-tool beta feature is not currently supported on the Converse and ConverseStream APIs")
	f("another beta, which the model may refuse", opus, talk(user(hi), `"additionalModelRequestFields":{"anthropic_beta":["nonsense"]}`), "")
	f("additional fields that are none", opus, talk(user(hi), `"additionalModelRequestFields":[1]`), "The format of the value at additionalModelRequestFields is invalid. Provide a json object for the field and try again.")
	f("a path that is no pointer", opus, talk(user(hi), `"additionalModelResponseFieldPaths":["stop_sequence"]`), "The value stop_sequence at additionalModelResponseFieldPaths is not a JSON pointer. Provide a JSON pointer and try again.")
	f("a schema that is no JSON", opus, talk(user(hi), `"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{"}}}}`), "The schema at outputConfig.textFormat.structure.jsonSchema.schema is not a valid JSON object. Provide a JSON schema as a string and try again.")
	f("half a guardrail", opus, talk(user(hi), `"guardrailConfig":{"guardrailIdentifier":"g"}`), "The guardrailConfig field must have both guardrailIdentifier and guardrailVersion. Add the missing field and try again.")
	f("variables without a prompt", opus, talk(user(hi), `"promptVariables":{"a":{"text":"b"}}`), "This model doesn't support the promptVariables field. Remove promptVariables and try again.")
}

func TestCheckOfStreams(t *testing.T) {
	const body = `{"messages":[{"role":"user","content":[{"text":"hi"}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":{}}}}]}}`
	for model, want := range map[string]string{
		llama: "ValidationException: This model doesn't support tool use in streaming mode.", "deepseek.r1-v1:0": "ValidationException: This model doesn't support tool use in streaming mode.",
		nova: "<nil>", opus: "<nil>",
	} {
		if got := fmt.Sprint(converse.Check(input(t, body), of(t, model), true)); got != want {
			t.Errorf("%s: got %s, want %s", model, got, want)
		}
	}
	if err := converse.Check(input(t, body), of(t, llama), false); err != nil {
		t.Errorf("Llama by Converse: %v", err)
	}
}

func TestDocumentRules(t *testing.T) {
	check := func(content string) string {
		err := converse.Check(input(t, `{"messages":[{"role":"user","content":[`+content+`]}]}`), of(t, opus), false)
		var r *converse.Refusal
		if errors.As(err, &r) {
			return r.Message
		}
		return ""
	}
	document := func(format, name, data string) string {
		return fmt.Sprintf(`{"document":{"format":%q,"name":%q,"source":{"bytes":%q}}}`, format, name, base64.StdEncoding.EncodeToString([]byte(data)))
	}
	const text = `{"text":"hi"},`
	const badName = "The document file name can only contain alphanumeric characters"
	for name, want := range map[string]string{
		"report": "", "test-name (1) [2]": "", "test_name": "", " a ": "",
		"report.pdf": badName, "a  b": badName, "a\tb": badName, "résumé": badName, "a　b": badName, "": badName,
	} {
		if got := check(text + document("txt", name, "x")); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("name %q: got %q, want %q", name, got, want)
		}
	}
	six := ""
	for i := range 6 {
		six += "," + document("txt", fmt.Sprint("n", i), "x")
	}
	for name, c := range map[string]struct{ content, want string }{
		"without a text":                 {document("txt", "n", "x"), "A text block must be included when using documents. Add a text block and retry your request."},
		"with guarded text":              {`{"guardContent":{"text":{"text":"t"}}},` + document("txt", "n", "x"), ""},
		"one name twice":                 {text + document("txt", "n", "x") + "," + document("md", "n", "y"), "Messages can't contain duplicate document names. Rename the document and retry your request."},
		"six of them":                    {`{"text":"hi"}` + six, "The number of documents at messages.0.content exceeds the maximum of 5. Remove documents and retry your request."},
		"too long":                       {text + document("txt", "n", strings.Repeat("x", 4_718_593)), "The document at messages.0.content.1.document.source.bytes exceeds the maximum size of 4.5 MB. Reduce the size of the document and retry your request."},
		"a text that says it is a PDF":   {text + document("pdf", "n", "x"), "The detected filetype is PLAIN_TEXT, but the provided filetype was PDF."},
		"a PDF":                          {text + document("pdf", "n", "%PDF-1.4"), ""},
		"a text that says it is a sheet": {text + document("xlsx", "n", "x"), "The detected filetype is PLAIN_TEXT, but the provided filetype was XLSX."},
	} {
		if got := check(c.content); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestImageRules(t *testing.T) {
	picture := func(width, height int) string {
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
			t.Fatal(err)
		}
		return `{"image":{"format":"png","source":{"bytes":"` + base64.StdEncoding.EncodeToString(b.Bytes()) + `"}}}`
	}
	check := func(model, content string) string {
		err := converse.Check(input(t, `{"messages":[{"role":"user","content":[`+content+`]}]}`), of(t, model), false)
		var r *converse.Refusal
		if errors.As(err, &r) {
			return r.Message
		}
		return ""
	}
	many := strings.TrimSuffix(strings.Repeat(picture(1, 1)+",", 21), ",")
	for _, c := range []struct{ name, model, content, want string }{
		{"a picture", nova, picture(8000, 1), ""},
		{"too wide", nova, picture(8001, 1), "The image at messages.0.content.0.image.source.bytes exceeds the maximum height or width of 8000 pixels. Reduce the size of the image and try again."},
		{"too many", nova, many, "The model returned the following errors: too many images and documents: 21 + 0 > 20"},
		{"as many for Claude, which has its own limits", opus, many, ""},
		{"no picture", nova, `{"image":{"format":"png","source":{"bytes":"AAAA"}}}`, "The model returned the following errors: messages.0.content.0.image.source.bytes: Could not process image"},
		{"too long", nova, `{"image":{"format":"png","source":{"bytes":"` + base64.StdEncoding.EncodeToString(make([]byte, 3_932_161)) + `"}}}`, "The image at messages.0.content.0.image.source.bytes exceeds the maximum size of 3.75 MB. Reduce the size of the image and try again."},
	} {
		if got := check(c.model, c.content); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReturnedNamesConversesMembers(t *testing.T) {
	got := converse.Returned("messages.0.content.1.image.source.base64: image exceeds 5 MB maximum").Message
	if want := "The model returned the following errors: messages.0.content.1.image.source.bytes: image exceeds 5 MB maximum"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
