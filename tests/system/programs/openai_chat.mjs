// The openai package of npm: which models there are, and a chat stream that ends with the usage.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.ENDPOINT_URL + "/v1" });
const [model] = (await client.models.list()).data;
const stream = await client.chat.completions.create({
  model: model.id,
  messages: [{ role: "user", content: "What is deep learning?" }],
  max_tokens: 200,
  stop: ["\nUser:"],
  stream: true,
  stream_options: { include_usage: true },
});
let finish = null;
let usage = null;
for await (const chunk of stream) {
  for (const choice of chunk.choices) {
    if (choice.delta.content) console.log(JSON.stringify(choice.delta.content));
    finish = choice.finish_reason ?? finish;
  }
  usage = chunk.usage ?? usage;
}
console.log(JSON.stringify({ model: model.id, finish, tokens: usage.completion_tokens }));
