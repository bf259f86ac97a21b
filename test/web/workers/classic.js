// A classic worker that runs the engine: it has no import statements, only import().
addEventListener('message', async ({ data: { options, prompt } }) => {
  try {
    const { Engine } = await import('/dist/browser.js');
    const bytes = await (await fetch('/models/q-llama-q4_0.gguf')).arrayBuffer();
    const engine = await Engine.load(bytes, options);
    const { ids } = await engine.complete(prompt, { temperature: 0, maxTokens: 12, ignoreEos: true });
    postMessage({ ids, threads: engine.model.threads });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
