// SPDX-License-Identifier: MIT
// The official clients, as an agent would use them: base URLs from the
// environment, keys of no worth. Prints "ok NAME" per step; throws otherwise.
import assert from "node:assert";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const secret = process.argv[2];
const anthropic = new Anthropic({ apiKey: "k", maxRetries: 0 });
const openai = new OpenAI({ apiKey: "sk-" + "x", maxRetries: 0 });
const ask = { model: "m", max_tokens: 10,
	messages: [{ role: "user", content: "my key is " + secret + ", ok?" }] };
const special = (name) => ({ headers: { "x-fake": name } });

let m = await anthropic.messages.create(ask);
assert.equal(m.content[0].text, "Hello world");
assert.equal(m.usage.cache_read_input_tokens, 7);
console.log("ok anthropic");

let text = "";
const stream = anthropic.messages.stream(ask);
stream.on("text", (t) => { text += t; });
m = await stream.finalMessage();
assert.equal(text, "Hello world");
assert.equal(m.usage.output_tokens, 11);
console.log("ok anthropic stream");

await assert.rejects(anthropic.messages.create(ask, special("error")),
	(e) => e instanceof Anthropic.BadRequestError &&
		e.error.error.message === "bad thing");
await assert.rejects(anthropic.messages.create(ask, special("overloaded")),
	(e) => e.status === 529);
await assert.rejects(anthropic.messages.create(ask, special("reset-early")),
	(e) => e.status === 502);
await assert.rejects(async () => {
	const s = await anthropic.messages.create({ ...ask, stream: true },
		special("reset"));
	for await (const event of s)
		;
});
console.log("ok anthropic errors");

// a stream that is given up on the way
const begun = await anthropic.messages.create({ ...ask, stream: true },
	special("slow"));
for await (const event of begun)
	break;
begun.controller.abort();
console.log("ok anthropic abort");

let c = await openai.chat.completions.create(ask);
assert.equal(c.choices[0].message.content, "Hello world");
assert.equal(c.usage.prompt_tokens, 30);
console.log("ok openai chat");

text = "";
for await (const chunk of await openai.chat.completions.create(
	{ ...ask, stream: true, stream_options: { include_usage: true } }))
	text += chunk.choices[0]?.delta?.content ?? "";
assert.equal(text, "Hello world");
console.log("ok openai chat stream");

let r = await openai.responses.create({ model: "m", input: "key " + secret });
assert.equal(r.output_text, "Hello world");
text = "";
for await (const event of await openai.responses.create(
	{ model: "m", input: "key " + secret, stream: true }))
	if (event.type === "response.output_text.delta")
		text += event.delta;
assert.equal(text, "Hello world");
console.log("ok openai responses");

await assert.rejects(openai.chat.completions.create(ask, special("error")),
	(e) => e instanceof OpenAI.BadRequestError);
await assert.rejects(openai.models.retrieve("nothing"),
	(e) => e instanceof OpenAI.NotFoundError);
console.log("ok openai errors");

// twenty at a time
const all = await Promise.all(Array.from({ length: 20 }, (_, i) => i % 2
	? openai.chat.completions.create(ask)
	: anthropic.messages.create(ask)));
assert.equal(all.length, 20);
console.log("ok parallel");
