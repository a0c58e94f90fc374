// The clients for Node: node clients.mjs BASE_URL PICTURE, with the key in OPENAI_API_KEY; prints JSON.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const [baseURL, file] = process.argv.slice(2);
const apiKey = process.env.OPENAI_API_KEY;
const picture = readFileSync(file);
const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
const parameters = { type: "object", properties: { city: { type: "string" } } };

async function throughOpenAI() {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const url = `data:image/png;base64,${picture.toString("base64")}`;
  const content = [{ type: "image_url", image_url: { url } }, { type: "text", text: "What does the sign say?" }];
  const messages = [{ role: "user", content }];
  const answer = await client.chat.completions.create({ model: "scripted", messages });
  const stream = [];
  for await (const chunk of await client.chat.completions.create({ model: "scripted", messages, stream: true })) {
    if (chunk.choices[0]?.delta.content) stream.push(chunk.choices[0].delta.content);
  }
  const called = await client.chat.completions.create({
    model: "scripted",
    messages: [{ role: "user", content: "Rain?" }],
    tools: [{ type: "function", function: { name: "weather", parameters } }],
  });
  const call = called.choices[0].message.tool_calls[0].function;
  const failure = (which, model) =>
    which.chat.completions.create({ model, messages }).then(
      () => [],
      (error) => [error.constructor.name, error.status, error.error.message],
    );
  return {
    version: version("openai"),
    answer: answer.choices[0].message.content,
    stream,
    tool: [call.name, JSON.parse(call.arguments)],
    no_model: await failure(client, "no-such-model"),
    no_key: await failure(new OpenAI({ baseURL, apiKey: "a-wrong-key", maxRetries: 0 }), "scripted"),
  };
}

async function throughAi() {
  const provider = (key) => createOpenAICompatible({ name: "kimi", baseURL, apiKey: key });
  const model = (name = "scripted", key = apiKey) => provider(key)(name);
  const content = [{ type: "image", image: picture, mediaType: "image/png" }, { type: "text", text: "What does the sign say?" }];
  const messages = [{ role: "user", content }];
  const { text } = await generateText({ model: model(), messages });
  const stream = [];
  for await (const piece of streamText({ model: model(), messages }).textStream) stream.push(piece);
  const called = await generateText({
    model: model(),
    prompt: "Rain?",
    tools: { weather: tool({ inputSchema: jsonSchema(parameters) }) },
  });
  const failure = (which) =>
    generateText({ model: which, messages, maxRetries: 0 }).then(
      () => [],
      (error) => [error.name, error.statusCode, error.message],
    );
  return {
    version: version("ai"),
    answer: text,
    stream,
    tool: called.toolCalls.map((call) => [call.toolName, call.input])[0],
    no_model: await failure(model("no-such-model")),
    no_key: await failure(model("scripted", "a-wrong-key")),
  };
}

console.log(JSON.stringify({ openai: await throughOpenAI(), ai: await throughAi() }));
