// @huggingface/inference: TGI's own stream. Later versions than the one pinned here have lost it.
import { InferenceClient } from "@huggingface/inference";

const endpoint = new InferenceClient(process.env.HF_TOKEN).endpoint(process.env.ENDPOINT_URL);
const stream = endpoint.textGenerationStream({
  inputs: "What is deep learning?",
  parameters: { max_new_tokens: 200, temperature: 0.2, stop: ["\nUser:"], return_full_text: false, details: true },
});
let last = null;
for await (const frame of stream) {
  if (!frame.token.special) console.log(JSON.stringify(frame.token.text));
  last = frame;
}
console.log(JSON.stringify({ text: last.generated_text, finish: last.details.finish_reason }));
