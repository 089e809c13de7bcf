// Anthropic's SDK, by the environment: ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY or
// ANTHROPIC_AUTH_TOKEN.
//
//	node anthropic.mjs PACKAGE MODEL THINKING
import { refusal, step } from "./report.mjs";
import { talk } from "./talk.mjs";

const [, , name, model, thinking] = process.argv;
const { default: Anthropic } = await import(name);
const claude = new Anthropic({ maxRetries: 0 });
const stranger = new Anthropic({ maxRetries: 0, apiKey: "not-a-key-of-this-gateway", authToken: null });

await talk(claude, stranger, { model, thinking: JSON.parse(thinking), retired: "anthropic.claude-3-haiku-20240307-v1:0" });

const messages = [{ role: "user", content: "How many?" }];
await step("count_tokens", async () => {
  const counted = await claude.messages.countTokens({ model: "claude-haiku-4-5", messages });
  const { usage } = await claude.messages.create({ model: "claude-haiku-4-5", messages, max_tokens: 1 });
  return counted.input_tokens === usage.input_tokens && counted.input_tokens > 2 ? "as charged" : `${counted.input_tokens}, charged ${usage.input_tokens}`;
});
await step("count_tokens refused", () => refusal(Anthropic, claude.messages.countTokens({ model: "claude-haiku-5-5", messages })));
await step("models.list", async () => {
  const names = {};
  for await (const m of claude.models.list({ limit: 3 })) names[m.id] = m.display_name;
  return `${Object.keys(names).length > 3}, ${names["claude-haiku-4-5-20251001"]}`;
});
await step("models.retrieve", async () => {
  const m = await claude.models.retrieve("claude-haiku-4-5");
  return `${m.type} ${m.id}: ${m.display_name}, ${m.created_at}`;
});
await step("an unknown model", () => refusal(Anthropic, claude.messages.create({ model: "claude-haiku-9", messages, max_tokens: 100 })));
await step("an unknown model counted", () => refusal(Anthropic, claude.messages.countTokens({ model: "claude-haiku-9", messages })));
await step("an unknown model retrieved", () => refusal(Anthropic, claude.models.retrieve("claude-haiku-9")));
