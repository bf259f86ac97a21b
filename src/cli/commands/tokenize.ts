// clawdbot tokenize: text to token ids; needs a vocabulary and no weights.
import { createTokenizer } from '../../tokenizer/tokenizer.ts';
import type { EncodeOptions } from '../../tokenizer/tokenizer.ts';
import { command } from '../command.ts';
import type { Surroundings } from '../command.ts';
import { printable, table } from '../format.ts';
import { readHeader } from '../load.ts';
import { flag, text } from '../options.ts';
import { print, printJson, readInput } from '../output.ts';
import { UsageError } from '../parse-arguments.ts';
import { DEFAULT_MODEL, EVERYWHERE, JSON_OUTPUT, MODEL, SOURCE } from '../shared-options.ts';

export const tokenize = command({
  name: 'tokenize',
  summary: 'Turn text into token ids',
  usage: '[TEXT] [OPTIONS]',
  notes: 'Without TEXT, standard input is taken exactly as it is, its last end of line included.',
  examples: [
    'clawdbot tokenize "Hello world"',
    'clawdbot tokenize --model vocab.gguf --json < text.txt',
    'echo \'["one", "two"]\' | clawdbot tokenize --batch --no-special --json',
  ],
  options: {
    ...MODEL,
    text: text({ help: 'The text' }),
    noSpecial: flag({ help: 'Add no BOS, EOS, CLS or SEP' }),
    parseSpecial: flag({ help: 'Special tokens written in the text become tokens' }),
    batch: flag({ help: 'Read a JSON array of strings from standard input' }),
    ...JSON_OUTPUT,
    ...SOURCE,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    const given = options.text ?? (positionals.length > 0 ? positionals.join(' ') : undefined);
    if (given !== undefined && (options.batch || (options.text !== undefined && positionals.length > 0))) {
      throw new UsageError('Give the text once: as TEXT, with --text, or on standard input (which --batch reads).');
    }
    const { file } = await readHeader(options.model ?? DEFAULT_MODEL, options, surroundings);
    const tokenizer = createTokenizer(file.metadata);
    const rules: EncodeOptions = { addSpecial: !options.noSpecial, parseSpecial: options.parseSpecial ?? false };
    if (options.batch) {
      const ids = (await readBatch(surroundings)).map((item) => tokenizer.encode(item, rules));
      return options.json
        ? printJson(surroundings.stdout, { ids })
        : print(surroundings.stdout, ids.map((list) => `${list.join(' ')}\n`).join(''));
    }
    const ids = tokenizer.encode(given ?? (await readInput(surroundings)), rules);
    if (options.json) return printJson(surroundings.stdout, { ids });
    if (ids.length === 0) return;
    const rows = ids.map((id) => [String(id), `"${printable(tokenizer.tokenText(id))}"`]);
    return print(surroundings.stdout, table(rows, [0]));
  },
});

async function readBatch(surroundings: Surroundings): Promise<string[]> {
  const input = await readInput(surroundings);
  let items: unknown;
  try {
    items = JSON.parse(input);
  } catch (error) {
    throw new UsageError(
      `--batch reads a JSON array of strings, and standard input is no JSON: ${printable((error as Error).message)}`,
    );
  }
  if (Array.isArray(items) && items.every((item) => typeof item === 'string')) return items;
  throw new UsageError('--batch reads a JSON array of strings, and standard input holds something else.');
}
