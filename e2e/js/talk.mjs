// What all of Anthropic's SDKs are asked, whatever their version and whatever carries them.
import { refusal, step } from "./report.mjs";

const textOf = (message) => message.content.filter((b) => b.type === "text").map((b) => b.text).join("");
const note = { name: "note", input_schema: { type: "object", properties: { text: { type: "string" } } } };

/**
 * talk asks claude. model is whom, thinking what makes it think, retired a model past its end of life;
 * stranger is a client with a wrong key.
 */
export async function talk(claude, stranger, { model, thinking, retired }) {
  const SDK = claude.constructor;
  const { messages } = claude;
  const ask = (content, rest) => ({ model, max_tokens: 4096, messages: [{ role: "user", content }], ...rest });
  const long = ask("write 20000 words", { max_tokens: 32000 });

  await step("whole", async () => {
    const m = await messages.create(ask("Hello", { system: "Be short.", temperature: undefined }));
    return `${m.id.slice(0, 9)} ${m.role} ${m.stop_reason}, ${m.usage.input_tokens} + ${m.usage.output_tokens} tokens: ${textOf(m)}`;
  });
  await step("stop sequence", async () => {
    const m = await messages.create(ask("write 100 words", { stop_sequences: ["granite", "the surface"] }));
    return `${m.stop_reason} ${m.stop_sequence}: ${textOf(m)}`;
  });
  await step("max_tokens", async () => {
    const m = await messages.create(ask("write 100 words", { max_tokens: 4 }));
    return `${m.stop_reason}: ${textOf(m)}`;
  });

  await step("stream", async () => {
    const count = {};
    let text = "";
    const stream = messages.stream(ask("write 100 words"));
    stream.on("streamEvent", (e) => (count[e.type] = (count[e.type] ?? 0) + 1));
    stream.on("text", (delta) => (text += delta));
    const m = await stream.finalMessage();
    const same = text === textOf(m) ? "the deltas are the text" : `deltas ${text}, text ${textOf(m)}`;
    const events = Object.entries(count).map(([type, n]) => `${n} ${type}`).join(", ");
    return `${events}; ${text.split(/\s+/).length} words, ${m.stop_reason}, ${m.usage.output_tokens} tokens, ${same}`;
  });
  await step("raw stream", async () => {
    let last, words = "";
    for await (const e of await messages.create({ ...ask("write 20 words"), stream: true })) {
      if (e.type === "content_block_delta") words += e.delta.text;
      if (e.type === "message_delta") last = e;
    }
    return `${last.delta.stop_reason} after ${last.usage.output_tokens} tokens: ${words}`;
  });

  // Three ways to leave a stream. The server's log tells whether it has seen the client leave.
  await step("abort by a signal", () => {
    const leaving = new AbortController();
    const stream = messages.stream(long, { signal: leaving.signal });
    stream.once("text", () => leaving.abort());
    return refusal(SDK, stream.finalMessage());
  });
  await step("abort of the stream", async () => {
    const stream = messages.stream(long);
    stream.once("text", () => stream.abort());
    const said = await refusal(SDK, stream.finalMessage());
    return `${said}; aborted: ${stream.aborted}`;
  });
  await step("break out of a stream", async () => {
    for await (const e of await messages.create({ ...long, stream: true })) {
      if (e.type === "content_block_delta") return "left";
    }
    return "it ended";
  });

  await step("tools", async () => {
    const params = ask('call note {"text":"abc"}', { thinking, tools: [note] });
    let json = 0;
    const stream = messages.stream(params);
    stream.on("inputJson", () => json++);
    const first = await stream.finalMessage();
    const use = first.content.find((b) => b.type === "tool_use");
    params.messages.push(
      { role: "assistant", content: first.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "noted" }] },
    );
    const last = await messages.create(params);
    const kinds = first.content.map((b) => b.type).join(" ");
    return `${first.stop_reason}: ${kinds}, ${JSON.stringify(use.input)} in ${json > 1 ? "several deltas" : `${json} delta`}; ${last.stop_reason}: ${textOf(last)}`;
  });
  await step("thinking", async () => {
    const params = ask("Think about this.", { thinking });
    const first = await messages.create(params);
    const [thought] = first.content;
    params.messages.push({ role: "assistant", content: first.content }, { role: "user", content: "Go on." });
    const second = await messages.create(params);
    const shown = thought.thinking && thought.signature ? "signed" : JSON.stringify(thought);
    return `${thought.type}, ${shown}; ${second.usage.output_tokens_details?.thinking_tokens > 0}; ${textOf(second)}`;
  });
  await step("forged thinking", async () => {
    const first = await messages.create(ask("Think about this.", { thinking }));
    first.content[0].signature = first.content[0].signature.replace(/^......../, "AAAAAAAA");
    const params = ask("Think about this.", { thinking });
    params.messages.push({ role: "assistant", content: first.content }, { role: "user", content: "Go on." });
    return refusal(SDK, messages.create(params));
  });

  await step("wrong key", () => refusal(SDK, stranger.messages.create(ask("hi"))));
  await step("no messages", () => refusal(SDK, messages.create({ ...ask("hi"), messages: [] })));
  await step("past its end", () => refusal(SDK, messages.create({ ...ask("hi"), model: retired })));
  await step("past its end, stream", () => refusal(SDK, messages.stream({ ...ask("hi"), model: retired }).finalMessage()));
}
