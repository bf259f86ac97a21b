// clawdbot pull: fetches a model into the cache.
import { command } from '../command.ts';
import { printable } from '../format.ts';
import { modelArgument } from '../input.ts';
import { fetchModel } from '../load.ts';
import { print, printJson } from '../output.ts';
import { EVERYWHERE, JSON_OUTPUT, MODEL, SOURCE } from '../shared-options.ts';

export const pull = command({
  name: 'pull',
  summary: 'Download a model into the cache',
  usage: 'MODEL [OPTIONS]',
  notes: 'Downloads resume where they broke off and are checked by sha256 where it is known.',
  examples: [
    'clawdbot pull smollm2',
    'clawdbot pull hf:bartowski/SmolLM2-360M-Instruct-GGUF:Q4_K_M',
    'clawdbot pull https://example.org/models/tiny.gguf',
  ],
  options: { ...MODEL, ...JSON_OUTPUT, ...SOURCE, ...EVERYWHERE },
  async run({ options, positionals }, surroundings) {
    const model = await fetchModel(modelArgument(positionals, options.model, 'pull'), options, surroundings);
    if (options.json) await printJson(surroundings.stdout, model);
    else
      await print(surroundings.stdout, `${printable(model.name)} is ready: ${model.files.map(printable).join(', ')}\n`);
  },
});
