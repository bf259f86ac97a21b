// A program that answers a prompt: node.js MODEL.gguf PROMPT. (Executables of Node have no await outside of functions.)
import { Engine } from '@clawdbot/runtime';

async function main([model, prompt]) {
  const engine = await Engine.load(model, { deterministic: true, threads: 2 });
  const { text } = await engine.complete(prompt, { temperature: 0, maxTokens: 24, ignoreEos: true });
  process.stdout.write(`${JSON.stringify({ text, threads: engine.model.threads })}\n`);
  await engine.dispose();
}

main(process.argv.slice(2));
