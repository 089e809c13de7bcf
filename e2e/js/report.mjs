// What a script has seen goes to the Go test as one JSON object: under the name of each step a line
// that says what came of it, as the SDK presents it. The test holds each line to what it expects.
const lines = {};

process.on("exit", () => console.log(JSON.stringify(lines)));

/** step notes what f returns, or what it throws. */
export async function step(name, f) {
  try {
    lines[name] = String(await f());
  } catch (e) {
    lines[name] = `threw ${e?.stack ?? e}`;
  }
}

/**
 * refusal says what a promise is rejected with: the class, if it is that of the SDK (an object that
 * has the classes under their names), status, Anthropic's type if there is one, and message.
 */
export async function refusal(SDK, promise) {
  const e = await promise.then(
    () => undefined,
    (e) => e,
  );
  if (e === undefined) return "no refusal";
  const name = e?.constructor?.name;
  if (typeof SDK[name] !== "function" || !(e instanceof SDK[name])) return `no error of the SDK's: ${e?.stack ?? e}`;
  const status = e.status ?? e.$metadata?.httpStatusCode;
  const id = e.requestID ?? e.$metadata?.requestId;
  const code = e.name !== name && e.name !== "Error" && e.name; // where the SDK has no class for it
  return [name, code, status, e.error?.error?.type, id && "with a request ID", `"${e.message}"`].filter(Boolean).join(" ");
}

/** wrongKey is what gives a client of AWS's SDK a wrong key, of the kind that the environment has. */
export function wrongKey() {
  const { AWS_ACCESS_KEY_ID, AWS_BEARER_TOKEN_BEDROCK } = process.env;
  if (AWS_BEARER_TOKEN_BEDROCK) return { token: { token: "not-a-key-of-anybody" } };
  return { credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: "x".repeat(40) } };
}
