// What Anthropic's Bedrock SDK makes of exceptions.
//
//	node exceptions-anthropic.mjs PACKAGE MODEL 'OPERATION PROMPT'...
//
// The prompt says what comes of the call: the server is scripted, and asks for short pauses between
// retries. The environment has ANTHROPIC_BEDROCK_BASE_URL and credentials.
import { refusal, step } from "./report.mjs";

const [, , name, model, ...calls] = process.argv;
const { default: AnthropicBedrock } = await import(name);
const claude = new AnthropicBedrock();

async function call(operation, content) {
  const params = { model, max_tokens: 1000, messages: [{ role: "user", content }] };
  if (operation === "InvokeModel") return claude.messages.create(params);
  return claude.messages.stream(params).finalMessage();
}

await Promise.all(calls.map((name) => step(name, () => refusal(AnthropicBedrock, call(...name.split(" "))))));
