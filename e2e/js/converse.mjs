// Converse and ConverseStream by AWS's SDK for JavaScript, all by the environment: endpoint, Region
// and credentials.
//
//	node converse.mjs PDF PNG
import { readFileSync } from "node:fs";
import * as runtime from "@aws-sdk/client-bedrock-runtime";
import { refusal, step, wrongKey } from "./report.mjs";

const [, , pdf, png] = process.argv;
const haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const nova = "amazon.nova-lite-v1:0";
const llama = "us.meta.llama3-3-70b-instruct-v1:0";
const client = new runtime.BedrockRuntimeClient();
const ask = (content, rest) => ({
  modelId: haiku,
  inferenceConfig: { maxTokens: 4000 },
  messages: [{ role: "user", content: typeof content === "string" ? [{ text: content }] : content }],
  ...rest,
});
const converse = (input) => client.send(new runtime.ConverseCommand(input));
const stream = (input, options) => client.send(new runtime.ConverseStreamCommand(input), options);
const refused = (promise) => refusal(runtime, promise);
const textOf = (content) => content.map((b) => b.text ?? "").join("");
const off = (u) => `total ${u.totalTokens - u.inputTokens - u.outputTokens} off`;
const thinking = { additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 1024 } } };
const toolConfig = {
  tools: [{ toolSpec: { name: "note", inputSchema: { json: { type: "object", properties: { text: { type: "string" } } } } } }],
};

/** add reads a stream to its end: what its events add up to, and in which order they came. */
async function add(input) {
  const { stream: events } = await stream(input);
  const blocks = [];
  const order = [];
  let deltas = 0;
  let stop, metadata;
  for await (const event of events) {
    const [[kind, e]] = Object.entries(event);
    if (!kind.startsWith("contentBlock")) order.push(kind);
    if (kind === "contentBlockStart") blocks[e.contentBlockIndex] = { kind: e.start.toolUse.name, text: "" };
    if (kind === "messageStop") stop = e;
    if (kind === "metadata") metadata = e;
    if (kind !== "contentBlockDelta") continue;
    if (deltas++ === 0) order.push("blocks");
    const { text, reasoningContent, toolUse } = e.delta;
    const block = (blocks[e.contentBlockIndex] ??= { kind: reasoningContent ? "reasoning" : "text", text: "" });
    block.text += text ?? reasoningContent?.text ?? toolUse?.input ?? "";
    block.signature ??= reasoningContent?.signature;
  }
  const counted = `${blocks.length} block${blocks.length === 1 ? "" : "s"} in ${deltas} deltas`;
  return { blocks, stop, metadata, order: order.join(", ").replace("blocks", counted) };
}

await step("text", async () => {
  const out = await converse(ask("Hello", { system: [{ text: "Be short." }] }));
  const { role, content } = out.output.message;
  return `${role}, ${out.stopReason}, ${off(out.usage)}: ${textOf(content)}`;
});
const stopping = { inferenceConfig: { maxTokens: 4000, stopSequences: ["granite", "the surface"] } };
await step("stop sequence", async () => {
  const out = await converse(ask("write 100 words", { ...stopping, additionalModelResponseFieldPaths: ["/stop_sequence"] }));
  return `${out.stopReason} ${JSON.stringify(out.additionalModelResponseFields)}: ${textOf(out.output.message.content)}`;
});
await step("stop sequence, streamed", async () => {
  const got = await add(ask("write 100 words", { ...stopping, additionalModelResponseFieldPaths: ["/delta/stop_sequence"] }));
  return `${got.order}: ${got.stop.stopReason} ${JSON.stringify(got.stop.additionalModelResponseFields)}: ${textOf(got.blocks)}`;
});

const tools = async (modelId) => {
  const input = ask('call note {"text":"abc"}', { modelId, toolConfig });
  const first = await converse(input);
  const { toolUse } = first.output.message.content.at(-1);
  const content = [{ toolResult: { toolUseId: toolUse.toolUseId, content: [{ text: "noted" }] } }];
  input.messages.push(first.output.message, { role: "user", content });
  const last = await converse(input);
  return `${first.stopReason} ${toolUse.name} ${JSON.stringify(toolUse.input)}; ${last.stopReason}: ${textOf(last.output.message.content)}`;
};
await step("tools", () => tools(haiku));
await step("tools of Nova", () => tools(nova));

const shown = async (block) => textOf((await converse(ask([block, { text: "What is this?" }]))).output.message.content);
await step("image", () => shown({ image: { format: "png", source: { bytes: readFileSync(png) } } }));
await step("document", () => shown({ document: { name: "two pages", format: "pdf", source: { bytes: readFileSync(pdf) } } }));

const thought = ask("Think about this.", thinking);
await step("reasoning", async () => {
  const first = await converse(thought);
  thought.messages.push(first.output.message, { role: "user", content: [{ text: "Go on." }] });
  const { text, signature } = first.output.message.content[0].reasoningContent.reasoningText;
  return `${text && signature ? "signed" : "not signed"}; ${textOf((await converse(thought)).output.message.content)}`;
});
await step("forged reasoning", () => {
  thought.messages[1].content[0].reasoningContent.reasoningText.text += " I never thought this.";
  return refused(converse(thought));
});

await step("prompt cache", async () => {
  const system = [{ text: "The rock that comes to the surface. ".repeat(300) }, { cachePoint: { type: "default", ttl: "1h" } }];
  const input = ask("Hello", { modelId: "us.anthropic.claude-sonnet-5-5", system });
  const { usage: first } = await converse(input);
  const { usage: second } = (await add(input)).metadata;
  const good = first.cacheWriteInputTokens > 1024 && !first.cacheReadInputTokens && second.cacheReadInputTokens === first.cacheWriteInputTokens;
  return `${good ? "the second read what the first wrote" : JSON.stringify([first, second])}, for ${first.cacheDetails?.[0]?.ttl}`;
});

const hundred = async (modelId) => {
  const got = await add(ask("write 100 words", { modelId }));
  return `${got.order}: ${got.stop.stopReason}, ${textOf(got.blocks).split(/\s+/).length} words, ${off(got.metadata.usage)}`;
};
await step("stream", () => hundred(haiku));
await step("stream of Llama", () => hundred(llama));
await step("streamed tool", async () => {
  const got = await add(ask('call note {"text":"abc"}', { ...thinking, toolConfig }));
  return `${got.order}: ${got.stop.stopReason}, ${got.blocks.map((b) => b.kind).join(" ")} ${got.blocks.at(-1).text}`;
});
await step("aborted", async () => {
  const leaving = new AbortController();
  const out = await stream(ask("write 20000 words", { inferenceConfig: { maxTokens: 32000 } }), { abortSignal: leaving.signal });
  let last;
  for await (const event of out.stream) {
    [last] = Object.keys(event);
    if (last === "contentBlockDelta") leaving.abort();
  }
  return `ended with ${last}`;
});

await step("CountTokens", async () => {
  const { messages } = ask("How many?");
  const command = new runtime.CountTokensCommand({ modelId: haiku.replace("us.", ""), input: { converse: { messages, toolConfig } } });
  const { inputTokens } = await client.send(command);
  const { usage } = await converse(ask("How many?", { toolConfig }));
  return inputTokens === usage.inputTokens && inputTokens > 10 ? "as charged" : `${inputTokens}, charged ${usage.inputTokens}`;
});

await step("unknown model", () => refused(converse(ask("hi", { modelId: "us.anthropic.claude-haiku-9" }))));
await step("unknown model, streamed", () => refused(stream(ask("hi", { modelId: "us.anthropic.claude-haiku-9" }))));
await step("past its end", () => refused(converse(ask("hi", { modelId: "anthropic.claude-3-haiku-20240307-v1:0" }))));
await step("blank text", () => refused(converse(ask(""))));
await step("tools of Llama streamed", () => refused(stream(ask("hi", { modelId: llama, toolConfig }))));

const stranger = new runtime.BedrockRuntimeClient(wrongKey());
await step("wrong key", () => refused(stranger.send(new runtime.ConverseCommand(ask("hi")))));

for (const c of [client, stranger]) c.destroy();
