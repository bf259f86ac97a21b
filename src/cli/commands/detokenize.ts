// clawdbot detokenize: token ids to text; needs a vocabulary and no weights.
import { checkTokenIds } from '../../engine/inputs.ts';
import { InvalidArgumentError } from '../../errors.ts';
import { createTokenizer } from '../../tokenizer/tokenizer.ts';
import { command } from '../command.ts';
import { forTerminal } from '../format.ts';
import { readHeader } from '../load.ts';
import { flag, integers, parseIntegers } from '../options.ts';
import { print, printJson, readInput } from '../output.ts';
import { UsageError } from '../parse-arguments.ts';
import { DEFAULT_MODEL, EVERYWHERE, JSON_OUTPUT, MODEL, SOURCE } from '../shared-options.ts';

export const detokenize = command({
  name: 'detokenize',
  summary: 'Turn token ids into text',
  usage: '[ID…] [OPTIONS]',
  notes: `Without ids, standard input is read: numbers separated by commas or white space, or the JSON that clawdbot
tokenize prints.`,
  examples: [
    'clawdbot detokenize 504 3575 282 4649',
    'clawdbot detokenize --model vocab.gguf --ids 1,15043 --skip-special --json',
    'clawdbot tokenize --text "Hi" --json | clawdbot detokenize',
  ],
  options: {
    ...MODEL,
    ids: integers({ min: 0 }, { value: 'ID,…', help: 'The ids' }),
    skipSpecial: flag({ help: 'Leave control tokens out of the text' }),
    ...JSON_OUTPUT,
    ...SOURCE,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    if (options.ids && positionals.length > 0)
      throw new UsageError('Give the ids once: as ID…, with --ids, or on standard input.');
    const ids =
      options.ids ?? (await idsFrom(positionals.length > 0 ? positionals.join(' ') : await readInput(surroundings)));
    const { file } = await readHeader(options.model ?? DEFAULT_MODEL, options, surroundings);
    const tokenizer = createTokenizer(file.metadata);
    checkTokenIds(ids, tokenizer.vocabSize);
    const text = tokenizer.decode(ids, { skipSpecial: options.skipSpecial ?? false });
    const { stdout } = surroundings;
    if (options.json) return printJson(stdout, { text });
    return print(stdout, stdout.isTTY ? `${forTerminal(text)}\n` : text);
  },
});

async function idsFrom(given: string): Promise<number[]> {
  try {
    return parseIntegers(/^\s*\{/.test(given) ? listIn(given) : given, { min: 0 });
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new UsageError(`The ids ${error.message}.`);
    throw error;
  }
}

/** The array in {"ids": […]}. */
function listIn(json: string): string {
  try {
    const { ids } = JSON.parse(json) as { ids?: unknown };
    if (Array.isArray(ids)) return JSON.stringify(ids);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InvalidArgumentError('must be numbers, or JSON such as {"ids":[1,2,3]}');
}
