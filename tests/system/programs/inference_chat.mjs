// @huggingface/inference: a chat that streams, with the model named as every engine wants it.
import { InferenceClient } from "@huggingface/inference";

const endpoint = new InferenceClient(process.env.HF_TOKEN).endpoint(process.env.ENDPOINT_URL);
const stream = endpoint.chatCompletionStream({
  model: process.env.MODEL,
  messages: [{ role: "user", content: "What is deep learning?" }],
  max_tokens: 200,
});
let finish = null;
for await (const chunk of stream) {
  for (const choice of chunk.choices) {
    if (choice.delta.content) console.log(JSON.stringify(choice.delta.content));
    finish = choice.finish_reason ?? finish;
  }
}
console.log(JSON.stringify({ finish }));
