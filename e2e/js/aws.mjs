// AWS's SDK for JavaScript, all by the environment: endpoints, Region and credentials. It speaks
// HTTP/2 to the runtime, also in plain text. Each operation is called so that its answer holds
// something that is no default, and so that it is refused.
import * as control from "@aws-sdk/client-bedrock";
import * as runtime from "@aws-sdk/client-bedrock-runtime";
import { refusal, step, wrongKey } from "./report.mjs";

const profileId = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const modelId = "anthropic.claude-haiku-4-5-20251001-v1:0";
const retired = "anthropic.claude-3-haiku-20240307-v1:0";
const bedrock = new control.BedrockClient();
const bedrockRuntime = new runtime.BedrockRuntimeClient();
const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
const body = (content, rest) =>
  JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 1000, messages: [{ role: "user", content }], ...rest });
const input = (content, rest) => ({ modelId: profileId, contentType: "application/json", body: body(content), ...rest });
const invoke = (...args) => bedrockRuntime.send(new runtime.InvokeModelCommand(input(...args)));
const stream = (...args) => bedrockRuntime.send(new runtime.InvokeModelWithResponseStreamCommand(input(...args)));
const count = (modelId, body) => bedrockRuntime.send(new runtime.CountTokensCommand({ modelId, input: { invokeModel: { body: encode(body) } } }));
const refused = (promise) => refusal(runtime, promise);
const controlRefused = (command) => refusal(control, bedrock.send(command));

await step("InvokeModel", async () => {
  const out = await invoke("Hello", { serviceTier: "priority", performanceConfigLatency: "optimized" });
  return `${out.contentType}, ${out.serviceTier}, ${out.performanceConfigLatency}: ${decode(out.body).content[0].text}`;
});
await step("InvokeModel refused", () => refused(invoke("hi", { modelId: "us.anthropic.claude-haiku-9" })));
await step("InvokeModel past its end", () => refused(invoke("hi", { modelId: retired })));

await step("InvokeModelWithResponseStream", async () => {
  const out = await stream("write 100 words", { serviceTier: "priority" });
  let text = "";
  let last;
  for await (const { chunk } of out.body) {
    last = decode(chunk.bytes);
    text += last.delta?.text ?? "";
  }
  const metrics = last["amazon-bedrock-invocationMetrics"];
  return `${out.contentType}, ${out.serviceTier}: ${text.split(/\s+/).length} words to ${last.type} in ${metrics.outputTokenCount} tokens`;
});
// Only an abort ends the stream: a loop that is left goes on to hold it. The SDK says nothing of it.
await step("InvokeModelWithResponseStream aborted", async () => {
  const leaving = new AbortController();
  const command = new runtime.InvokeModelWithResponseStreamCommand(input("", { body: body("write 20000 words", { max_tokens: 32000 }) }));
  const out = await bedrockRuntime.send(command, { abortSignal: leaving.signal });
  let last;
  for await (const { chunk } of out.body) {
    last = decode(chunk.bytes).type;
    if (last === "content_block_delta") leaving.abort();
  }
  return `ended with ${last}`;
});
await step("InvokeModelWithResponseStream refused", () => refused(stream("", { body: "{}" })));
await step("InvokeModelWithResponseStream past its end", () => refused(stream("hi", { modelId: retired })));

await step("CountTokens", async () => {
  const { inputTokens } = await count(modelId, body("How many?"));
  const { usage } = decode((await invoke("How many?")).body);
  return inputTokens === usage.input_tokens && inputTokens > 2 ? "as charged" : `${inputTokens}, charged ${usage.input_tokens}`;
});
await step("CountTokens refused", () => refused(count("anthropic.claude-haiku-9", body("How many?"))));
await step("CountTokens by a profile's ID", async () => {
  let counted;
  const said = await refused(count(profileId, body("How many?")).then((out) => (counted = out.inputTokens)));
  return counted ?? said;
});

const profiles = [];
await step("ListInferenceProfiles", async () => {
  let pages = 0;
  for await (const page of control.paginateListInferenceProfiles({ client: bedrock, pageSize: 5 }, { typeEquals: "SYSTEM_DEFINED" })) {
    profiles.push(...page.inferenceProfileSummaries);
    pages++;
  }
  const p = profiles.find((p) => p.inferenceProfileId === profileId);
  const full = pages > 1 && pages === Math.ceil(profiles.length / 5);
  return `${full ? "pages of 5" : `${profiles.length} on ${pages} pages`}: ${p.inferenceProfileName}, ${p.type}`;
});
await step("ListInferenceProfiles refused", () => controlRefused(new control.ListInferenceProfilesCommand({ nextToken: "invented" })));

await step("GetInferenceProfile", async () => {
  const { inferenceProfileArn } = profiles.find((p) => p.inferenceProfileId === profileId);
  const p = await bedrock.send(new control.GetInferenceProfileCommand({ inferenceProfileIdentifier: inferenceProfileArn }));
  const { body } = await invoke("by ARN", { modelId: inferenceProfileArn });
  return `${p.inferenceProfileId}, ${p.createdAt.toISOString()}, ${p.models[0].modelArn}; ${decode(body).content[0].text}`;
});
await step("GetInferenceProfile refused", () =>
  controlRefused(new control.GetInferenceProfileCommand({ inferenceProfileIdentifier: "us.anthropic.claude-haiku-9" })),
);

await step("ListFoundationModels", async () => {
  const { modelSummaries } = await bedrock.send(new control.ListFoundationModelsCommand({ byProvider: "anthropic" }));
  const m = modelSummaries.find((m) => m.modelId === modelId);
  return `${m.modelName} of ${m.providerName}, ${m.modelLifecycle.status}, ${m.inferenceTypesSupported}`;
});
await step("ListFoundationModels refused", () => controlRefused(new control.ListFoundationModelsCommand({ byOutputModality: "SMELL" })));

await step("GetFoundationModel", async () => {
  const { modelDetails: m } = await bedrock.send(new control.GetFoundationModelCommand({ modelIdentifier: modelId }));
  return `${m.modelName} since ${m.modelLifecycle.startOfLifeTime.toISOString()}, ${m.inputModalities}, streams: ${m.responseStreamingSupported}`;
});
await step("GetFoundationModel refused", () => controlRefused(new control.GetFoundationModelCommand({ modelIdentifier: "anthropic.claude-haiku-9" })));
await step("GetFoundationModel past its end", () => controlRefused(new control.GetFoundationModelCommand({ modelIdentifier: retired })));

const stranger = new runtime.BedrockRuntimeClient(wrongKey());
await step("wrong key", () => refused(stranger.send(new runtime.InvokeModelCommand(input("hi")))));

for (const client of [bedrockRuntime, bedrock, stranger]) client.destroy();
