// Anthropic's SDK, by the environment: ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY or
// ANTHROPIC_AUTH_TOKEN. Prints what it got as one JSON object.
import Anthropic from "@anthropic-ai/sdk";
import { talk } from "./talk.mjs";

const claude = new Anthropic({ maxRetries: 0 });
const model = "claude-haiku-4-5";
const { input_tokens: counted } = await claude.messages.countTokens({ model, messages: [{ role: "user", content: "How many?" }] });
const models = [];
for await (const m of claude.models.list()) models.push(m.id);
const one = await claude.models.retrieve(model);
await talk(claude, model, "claude-haiku-9", { counted, models: models.length, one: one.id });
