// What both SDKs of Anthropic's are asked to do.
export async function talk(claude, model, unknown, more = {}) {
  const ask = (content, rest) => ({ model, max_tokens: 4096, messages: [{ role: "user", content }], ...rest });
  const whole = await claude.messages.create(ask("Hello"));

  // A tool loop with signed thinking, streamed.
  const params = ask('call note {"text":"abc"}', {
    thinking: { type: "enabled", budget_tokens: 1024 },
    tools: [{ name: "note", input_schema: { type: "object", properties: { text: { type: "string" } } } }],
  });
  const first = await claude.messages.stream(params).finalMessage();
  const use = first.content.find((b) => b.type === "tool_use");
  params.messages.push(
    { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "noted" }] },
  );
  const last = await claude.messages.create(params);

  const refusal = await claude.messages.create({ ...ask("hi"), model: unknown }).catch((e) => e);
  const refusedStream = await claude.messages.stream({ ...ask("hi"), model: unknown }).finalMessage().catch((e) => e);
  console.log(
    JSON.stringify({
      whole: whole.content[0].text,
      kinds: first.content.map((b) => b.type).join(" "),
      input: JSON.stringify(use.input),
      last: last.content.at(-1).text,
      refusal: `${refusal.status} ${refusal.message}`,
      refusedStream: `${refusedStream.status}`,
      ...more,
    }),
  );
}
