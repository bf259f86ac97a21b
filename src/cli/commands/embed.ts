// clawdbot embed: the embedding of a text or of ids.
import { command } from '../command.ts';
import { TEXT_OR_IDS, textOrIds } from '../input.ts';
import { withEngine } from '../load.ts';
import { choice, flag } from '../options.ts';
import { print, printJson } from '../output.ts';
import { EVERYWHERE, ENGINE, JSON_OUTPUT, MODEL } from '../shared-options.ts';

export const embed = command({
  name: 'embed',
  summary: 'Turn text into an embedding',
  usage: '[TEXT] [OPTIONS]',
  notes: 'Without TEXT, standard input is read. Any model works; those trained for embeddings work well.',
  examples: [
    'clawdbot embed --model bge-small.gguf "The cat sat on the mat." --json',
    'clawdbot embed --model bge-small.gguf --ids 101,1996,4937,102 --pooling cls',
  ],
  options: {
    ...MODEL,
    ...TEXT_OR_IDS,
    pooling: choice(['mean', 'cls', 'last'], { help: 'How positions become one vector (what the model says)' }),
    noNormalize: flag({ help: 'Leave the vector at its own length' }),
    ...JSON_OUTPUT,
    ...ENGINE,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    const input = await textOrIds(options, positionals, surroundings);
    await withEngine(options, surroundings, async (engine) => {
      const { pooling, noNormalize } = options;
      const embedding = await engine.embed(input, { pooling, normalize: !noNormalize, signal: surroundings.signal });
      if (options.json) await printJson(surroundings.stdout, { embedding: Array.from(embedding) });
      else await print(surroundings.stdout, `${embedding.join(' ')}\n`);
    });
  },
});
