// Anthropic's Bedrock SDK, by the environment: ANTHROPIC_BEDROCK_BASE_URL, Region and credentials.
//
//	node anthropic-bedrock.mjs PACKAGE MODEL THINKING
//
// Its first major version asks every model for API version 2026-10-21, the one before for
// bedrock-2023-05-31.
import { refusal, step } from "./report.mjs";
import { talk } from "./talk.mjs";

const [, , name, model, thinking] = process.argv;
const { default: AnthropicBedrock } = await import(name);
const wrong = process.env.AWS_BEARER_TOKEN_BEDROCK
  ? { apiKey: "not-a-key-of-anybody" }
  : { awsAccessKey: process.env.AWS_ACCESS_KEY_ID, awsSecretKey: "x".repeat(40) };
const claude = new AnthropicBedrock({ maxRetries: 0 });

await talk(claude, new AnthropicBedrock({ maxRetries: 0, ...wrong }), {
  model,
  thinking: JSON.parse(thinking),
  retired: "anthropic.claude-3-haiku-20240307-v1:0",
});

const ask = (model) => claude.messages.create({ model, max_tokens: 100, messages: [{ role: "user", content: "Hello" }] });
const older = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
await step("a model older than 4.7", async () => {
  let text;
  const said = await refusal(AnthropicBedrock, ask(older).then((m) => (text = m.content[0].text)));
  return text ?? said;
});
await step("an unknown model", () => refusal(AnthropicBedrock, ask("us.anthropic.claude-haiku-9")));
await step("by ARN", async () => {
  const m = await ask(`arn:aws:bedrock:us-east-1:123456789012:inference-profile/${model}`);
  return `${m.model}: ${m.content[0].text}`;
});
