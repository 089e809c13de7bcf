// AWS's SDK for JavaScript, all by the environment: endpoints, Region and credentials. It speaks
// HTTP/2 to the runtime, also in plain text. Prints what it got as one JSON object.
import { BedrockClient, GetInferenceProfileCommand, ListFoundationModelsCommand, paginateListInferenceProfiles } from "@aws-sdk/client-bedrock";
import { BedrockRuntimeClient, CountTokensCommand, InvokeModelCommand, InvokeModelWithResponseStreamCommand } from "@aws-sdk/client-bedrock-runtime";

const modelId = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const runtime = new BedrockRuntimeClient();
const control = new BedrockClient();
const decode = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
const input = (text, id = modelId) => ({
  modelId: id,
  contentType: "application/json",
  body: JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 1000, messages: [{ role: "user", content: text }] }),
});

const whole = decode((await runtime.send(new InvokeModelCommand(input("Hello")))).body);

let streamed = "";
let stopped = false;
const answer = await runtime.send(new InvokeModelWithResponseStreamCommand(input("write 100 words")));
for await (const event of answer.body) {
  const e = decode(event.chunk.bytes);
  streamed += e.delta?.text ?? "";
  stopped ||= e.type === "message_stop";
}

const counted = await runtime.send(
  new CountTokensCommand({
    modelId: "anthropic.claude-haiku-4-5-20251001-v1:0",
    input: { invokeModel: { body: new TextEncoder().encode(input("How many?").body) } },
  }),
);

const profiles = [];
for await (const page of paginateListInferenceProfiles({ client: control, pageSize: 5 }, { typeEquals: "SYSTEM_DEFINED" })) {
  profiles.push(...page.inferenceProfileSummaries);
}
const { inferenceProfileArn } = profiles.find((p) => p.inferenceProfileId === modelId);
const profile = await control.send(new GetInferenceProfileCommand({ inferenceProfileIdentifier: inferenceProfileArn }));
const byARN = decode((await runtime.send(new InvokeModelCommand(input("by ARN", inferenceProfileArn)))).body);
const models = await control.send(new ListFoundationModelsCommand({ byProvider: "anthropic" }));

const refusal = await runtime.send(new InvokeModelCommand(input("hi", "us.anthropic.claude-haiku-9"))).catch((e) => e);

console.log(
  JSON.stringify({
    whole: whole.content[0].text,
    streamedWords: streamed.split(/\s+/).length,
    stopped,
    counted: counted.inputTokens,
    profile: profile.inferenceProfileId,
    byARN: byARN.content[0].text,
    models: models.modelSummaries.length,
    refusal: `${refusal.$metadata?.httpStatusCode} ${refusal.name}`,
  }),
);
runtime.destroy();
