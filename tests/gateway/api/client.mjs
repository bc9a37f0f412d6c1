// OpenAI's own client for Node, as any program would use it. What it was told is printed as JSON for the test.
import { createRequire } from "node:module";

const { default: OpenAI, NotFoundError } = createRequire(`${process.env.CLIENT_HOME}/`)("openai");

const client = new OpenAI({ apiKey: process.env.KONTOR_TOKEN, baseURL: process.env.KONTOR_V1, maxRetries: 0 });
const messages = [{ role: "user", content: "What is there to know about the practice provider?" }];
const model = "fake-n30";
const said = {};

const whole = await client.chat.completions.create({ model, messages });
said.whole = whole.choices[0].message.content;
said.usage = whole.usage.completion_tokens;

said.pieces = "";
for await (const chunk of await client.chat.completions.create({
  model,
  messages,
  stream: true,
  stream_options: { include_usage: true },
})) {
  said.pieces += chunk.choices[0]?.delta?.content ?? "";
  said.streamedUsage = chunk.usage?.completion_tokens ?? null;
}

const called = await client.chat.completions
  .stream({
    model: "fake-tools",
    messages,
    tools: [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }],
  })
  .finalChatCompletion();
said.tool = called.choices[0].message.tool_calls[0].function.name;

said.response = (await client.responses.create({ model, input: messages })).output_text;
said.responsePieces = "";
for await (const event of await client.responses.create({ model, input: messages, stream: true })) {
  if (event.type === "response.output_text.delta") said.responsePieces += event.delta;
  said.lastEvent = event.type;
}

said.vector = (await client.embeddings.create({ model: "fake-d16", input: "boat" })).data[0].embedding.length;
said.models = [];
for await (const each of client.models.list()) said.models.push(each.id);

try {
  await client.chat.completions.create({ model: "no-such-model", messages });
} catch (error) {
  said.error = { isNotFound: error instanceof NotFoundError, status: error.status, code: error.code, type: error.type };
}

console.log(JSON.stringify(said));
