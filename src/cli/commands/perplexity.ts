// clawdbot perplexity: how well a model predicts a text, measured as llama.cpp's llama-perplexity does.
import { InvalidArgumentError } from '../../errors.ts';
import { command } from '../command.ts';
import type { CliEngine, Surroundings } from '../command.ts';
import { readText } from '../files.ts';
import { refusePositionals } from '../input.ts';
import { withEngine } from '../load.ts';
import { integer, text } from '../options.ts';
import { LONGEST_INPUT_BYTES, print, printJson, readInput } from '../output.ts';
import { UsageError } from '../parse-arguments.ts';
import { COMPUTE, ENGINE, EVERYWHERE, JSON_OUTPUT, MODEL } from '../shared-options.ts';

const DEFAULT_WINDOW = 512;

export interface PerplexityResult {
  /** Tokens scored. */
  readonly tokens: number;
  readonly meanNll: number;
  readonly perplexity: number;
  readonly windows: number;
  readonly contextLength: number;
}

export const perplexity = command({
  name: 'perplexity',
  summary: 'How well a model predicts a text',
  usage: '-f FILE [OPTIONS]',
  notes: `The text is cut into windows of --context tokens, each beginning with BOS where the model adds one. The second
half of every window is scored, the first half is context; a text shorter than one window is scored whole.
"-f -" reads standard input.`,
  examples: [
    'clawdbot perplexity --model smollm2 -f wiki.test.raw',
    'clawdbot perplexity -f book.txt -c 1024 --max-tokens 32768 --json',
  ],
  options: {
    ...MODEL,
    file: text({ short: 'f', value: 'FILE', help: 'The text' }),
    context: integer({ min: 4 }, { short: 'c', help: `Tokens per window (${DEFAULT_WINDOW})` }),
    maxTokens: integer({ min: 2 }, { help: 'Tokens of the text to use (all)' }),
    threads: ENGINE.threads,
    ...JSON_OUTPUT,
    ...COMPUTE,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    refusePositionals(positionals, 'Give the text with -f FILE.');
    if (options.file === undefined) throw new UsageError('Give the text with -f FILE (-f - is standard input).');
    const contextLength = options.context ?? DEFAULT_WINDOW;
    const given =
      options.file === '-'
        ? await readInput(surroundings)
        : await readText(options.file, LONGEST_INPUT_BYTES, surroundings.signal);
    await withEngine({ ...options, context: contextLength }, surroundings, async (engine) => {
      const ids = engine.tokenize(given).slice(0, options.maxTokens);
      const result = await measurePerplexity(engine, ids, contextLength, surroundings);
      if (options.json) return printJson(surroundings.stdout, result);
      return print(
        surroundings.stdout,
        `perplexity ${result.perplexity.toFixed(4)}  (mean nll ${result.meanNll.toFixed(6)}, ` +
          `${result.tokens} tokens scored in ${result.windows} windows of ${result.contextLength})\n`,
      );
    });
  },
});

/** `ids` begin with BOS where the model adds one, as tokenize makes them. */
async function measurePerplexity(
  engine: CliEngine,
  ids: readonly number[],
  contextLength: number,
  surroundings: Pick<Surroundings, 'signal' | 'stderr'>,
): Promise<PerplexityResult> {
  const windows = windowsOf(ids, contextLength, firstId(engine));
  let nll = 0;
  let tokens = 0;
  for (const [index, window] of windows.entries()) {
    const from = ids.length < contextLength ? 1 : Math.floor(contextLength / 2) + 1;
    const result = await engine.score(window, { from, topK: 0, signal: surroundings.signal });
    nll += result.nll;
    tokens += result.tokenNlls.length;
    if (surroundings.stderr.isTTY) {
      surroundings.stderr.write(
        `\r\u001b[2Kwindow ${index + 1} of ${windows.length}  perplexity so far ${Math.exp(nll / tokens).toFixed(4)}`,
      );
    }
  }
  if (surroundings.stderr.isTTY) surroundings.stderr.write('\r\u001b[2K');
  const meanNll = nll / tokens;
  return { tokens, meanNll, perplexity: Math.exp(meanNll), windows: windows.length, contextLength };
}

/** Whole windows only; one short window where the text has no whole one. */
function windowsOf(ids: readonly number[], contextLength: number, first: number | undefined): number[][] {
  if (ids.length < 2)
    throw new InvalidArgumentError('The text has fewer than 2 tokens: there is nothing to predict. Give a longer one.');
  if (ids.length < contextLength) return [[...ids]];
  return Array.from({ length: Math.floor(ids.length / contextLength) }, (_, index) => {
    const window = ids.slice(index * contextLength, (index + 1) * contextLength);
    return first === undefined ? window : [first, ...window.slice(1)];
  });
}

/** The token every window begins with, where the model adds one to texts. */
function firstId({ tokenizer }: CliEngine): number | undefined {
  return tokenizer.addBos ? tokenizer.bosId : undefined;
}
