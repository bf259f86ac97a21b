// A page that answers with a model that lies beside it.
import { Engine } from '@clawdbot/runtime';

async function answer(prompt) {
  const model = await (await fetch('/model.gguf')).blob();
  const engine = await Engine.load(model, { deterministic: true, threads: 2 });
  const { text } = await engine.complete(prompt, { temperature: 0, maxTokens: 24, ignoreEos: true });
  return { text, threads: engine.model.threads };
}

answer('Hello').catch((error) => ({ error: String(error) })).then((result) => {
  document.querySelector('output').textContent = JSON.stringify(result);
});
