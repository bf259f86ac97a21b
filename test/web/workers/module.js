// A module worker that runs the engine.
import { Engine } from '/dist/browser.js';

addEventListener('message', async ({ data: { options, prompt } }) => {
  try {
    const bytes = await (await fetch('/models/q-llama-q4_0.gguf')).arrayBuffer();
    const engine = await Engine.load(bytes, options);
    const { ids } = await engine.complete(prompt, { temperature: 0, maxTokens: 12, ignoreEos: true });
    postMessage({ ids, threads: engine.model.threads });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
