// The process in which one side runs: takes calls from side-process.mjs over IPC and answers each.
//   node child.mjs SIDE
const side = await import(`./${process.argv[2]}.mjs`);
let loaded;

const CALLS = {
  version: () => side.version(),
  async load(options) {
    loaded = await side.load(options);
    return { vocabSize: loaded.vocabSize, description: loaded.description };
  },
  measure: ({ prompt, newTokens }) => loaded.measure(prompt, newTokens),
  memory: () => loaded.memory(),
  coldStart: (options) => side.coldStart(options),
  async close() {
    await loaded?.close();
    process.disconnect();
  },
};

process.on('message', async ({ call, argument }) => {
  try {
    const result = await CALLS[call](argument);
    if (process.connected) process.send({ result: result ?? null });
  } catch (error) {
    process.send({ error: error instanceof Error ? error.message : String(error) });
  }
});
// Without the parent nobody asks any more.
process.on('disconnect', () => process.exit(0));
process.send({ result: 'ready' });
