// Anthropic's Bedrock SDK, by the environment: ANTHROPIC_BEDROCK_BASE_URL, Region and credentials.
// It asks every model for API version 2026-10-21. Prints what it got as one JSON object.
import AnthropicBedrock from "@anthropic-ai/bedrock-sdk";
import { talk } from "./talk.mjs";

await talk(new AnthropicBedrock({ maxRetries: 0 }), "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-haiku-9");
