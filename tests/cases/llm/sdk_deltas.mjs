// SPDX-License-Identifier: MIT
// What the official clients make of streamed answers: a line for each text.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const anthropic = new Anthropic({ apiKey: "k", maxRetries: 0 });
const openai = new OpenAI({ apiKey: "sk-" + "x", maxRetries: 0 });
const ask = { model: "m", max_tokens: 10,
	messages: [{ role: "user", content: "say it" }] };

const m = await anthropic.messages.stream(ask).finalMessage();
console.log("anthropic: " + m.content[0].text);
console.log("anthropic tool: " + m.content[1].input.command);

const c = await openai.chat.completions.stream(ask).finalChatCompletion();
console.log("chat: " + c.choices[0].message.content);
console.log("chat tool: " +
	JSON.parse(c.choices[0].message.tool_calls[0].function.arguments).command);

let text = "";
for await (const event of await openai.responses.create(
	{ model: "m", input: "say it", stream: true }))
	if (event.type === "response.output_text.delta")
		text += event.delta;
console.log("responses: " + text);
