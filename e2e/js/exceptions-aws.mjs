// What AWS's SDK for JavaScript makes of exceptions.
//
//	node exceptions-aws.mjs 'OPERATION PROMPT'...
//
// The prompt says what comes of the call: the server is scripted. Endpoint and credentials are in the
// environment.
import * as runtime from "@aws-sdk/client-bedrock-runtime";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { refusal, step } from "./report.mjs";

const client = new runtime.BedrockRuntimeClient({ retryStrategy: new ConfiguredRetryStrategy(3, () => 0) });
const modelId = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const invoke = (content) => ({
  modelId,
  contentType: "application/json",
  body: JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 1000, messages: [{ role: "user", content }] }),
});
const converse = (text) => ({ modelId, messages: [{ role: "user", content: [{ text }] }] });

async function call(operation, prompt) {
  const input = operation.startsWith("Invoke") ? invoke(prompt) : converse(prompt);
  const out = await client.send(new runtime[`${operation}Command`](input));
  if (operation.endsWith("Stream")) for await (const _ of out.stream ?? out.body);
}

await Promise.all(
  process.argv.slice(2).map((name) =>
    step(name, async () => {
      let error;
      const said = await refusal(runtime, call(...name.split(" ")).catch((e) => Promise.reject((error = e))));
      const { originalStatusCode, originalMessage, resourceName } = error ?? {};
      return [said, originalStatusCode, originalMessage, resourceName].filter(Boolean).join(" ");
    }),
  ),
);
client.destroy();
