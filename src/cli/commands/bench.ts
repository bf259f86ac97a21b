// clawdbot bench: speed of prompt processing and of generation, in llama-bench's terms.
import { InvalidArgumentError } from '../../errors.ts';
import { measureDecode, measurePrefill, meanAndDeviation } from '../bench-runs.ts';
import { command } from '../command.ts';
import type { CliEngine, Surroundings } from '../command.ts';
import { printable, table } from '../format.ts';
import { refusePositionals } from '../input.ts';
import { withEngine } from '../load.ts';
import { integer, integers } from '../options.ts';
import { print } from '../output.ts';
import { COMPUTE, EVERYWHERE, JSON_OUTPUT, MODEL } from '../shared-options.ts';

export interface BenchRow {
  /** pp512, tg128, pp512@d2048 … */
  readonly test: string;
  readonly tokensPerSecond: number;
  readonly stddev: number;
  readonly threads: number;
  readonly depth: number;
  readonly repetitions: number;
  readonly samples: readonly number[];
  readonly model: string;
  readonly architecture: string;
  readonly numParameters: number;
  readonly weightBytes: number;
  readonly kernels: string;
}

export interface BenchPlan {
  readonly promptTokens: readonly number[];
  readonly newTokens: readonly number[];
  readonly depths: readonly number[];
  readonly repetitions: number;
}

export const bench = command({
  name: 'bench',
  summary: 'Measure speed',
  usage: '[OPTIONS]',
  notes: `ppN is the speed of processing a prompt of N tokens, tgN that of generating N tokens one by one; @dN says that
N tokens came before. Prompts are random ids with a fixed seed; every test runs once unmeasured and then -r times.`,
  examples: [
    'clawdbot bench --model smollm2',
    'clawdbot bench -m model.gguf -p 512 -n 128 -d 0,2048 -t 1,2 -r 3 --json',
  ],
  options: {
    ...MODEL,
    promptTokens: integers({ min: 0, max: 2 ** 20 }, { short: 'p', help: 'Prompt lengths; 0 for none (512)' }),
    newTokens: integers({ min: 0, max: 2 ** 20 }, { short: 'n', help: 'Tokens to generate; 0 for none (128)' }),
    depth: integers({ min: 0, max: 2 ** 20 }, { short: 'd', help: 'Tokens before the test (0)' }),
    threads: integers({ min: 0, max: 64 }, { short: 't', help: 'Compute threads (one per physical core); 0: the main thread computes' }),
    repetitions: integer({ min: 1, max: 1000 }, { short: 'r', help: 'Measured runs of each test (3)' }),
    ...JSON_OUTPUT,
    ...COMPUTE,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    refusePositionals(positionals, 'clawdbot bench takes options only; name the model with --model.');
    const { promptTokens = [512], newTokens = [128], depth: depths = [0], repetitions = 3 } = options;
    const plan: BenchPlan = { promptTokens, newTokens, depths, repetitions };
    const rows: BenchRow[] = [];
    for (const threads of options.threads ?? [undefined]) {
      // The tests prefill the same ids again and again.
      const load = { ...options, threads, context: contextFor(plan), prefixCacheBytes: 0 };
      await withEngine(load, surroundings, async (engine) => {
        for await (const row of runPlan(engine, plan, surroundings)) {
          rows.push(row);
          surroundings.stderr.write(
            surroundings.stderr.isTTY
              ? `${row.test}, ${row.threads} threads: ${row.tokensPerSecond.toFixed(2)} tok/s\n`
              : '',
          );
        }
      });
    }
    await print(
      surroundings.stdout,
      options.json ? `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n` : rowTable(rows),
    );
  },
});

/** Positions that the longest test takes. */
function contextFor({ promptTokens, newTokens, depths }: BenchPlan): number {
  const longest = Math.max(0, ...depths) + Math.max(...promptTokens, ...newTokens);
  if (longest === 0 || Math.max(...promptTokens, ...newTokens) === 0) {
    throw new InvalidArgumentError('There is nothing to measure: -p and -n are both 0.');
  }
  return longest + 2;
}

/** Measures every test of the plan on one engine. */
async function* runPlan(
  engine: CliEngine,
  plan: BenchPlan,
  { signal }: Pick<Surroundings, 'signal'>,
): AsyncGenerator<BenchRow, void, void> {
  const tests = plan.depths.flatMap((depth) => [
    ...plan.promptTokens
      .filter((count) => count > 0)
      .map((count) => ({ name: `pp${count}`, depth, count, measure: measurePrefill })),
    ...plan.newTokens
      .filter((count) => count > 0)
      .map((count) => ({ name: `tg${count}`, depth, count, measure: measureDecode })),
  ]);
  for (const { name, depth, count, measure } of tests) {
    await measure(engine, count, depth, signal);
    const samples: number[] = [];
    for (let i = 0; i < plan.repetitions; i++) samples.push(await measure(engine, count, depth, signal));
    const { mean, deviation } = meanAndDeviation(samples);
    const { model } = engine;
    yield {
      test: depth === 0 ? name : `${name}@d${depth}`,
      tokensPerSecond: mean,
      stddev: deviation,
      threads: model.threads,
      depth,
      repetitions: plan.repetitions,
      samples,
      model: model.name,
      architecture: model.architecture,
      numParameters: model.numParameters,
      weightBytes: model.memory.weightBytes,
      kernels: model.kernels,
    };
  }
}

function rowTable(rows: readonly BenchRow[]): string {
  return table(
    [
      ['MODEL', 'KERNELS', 'THREADS', 'TEST', 'TOK/S'],
      ...rows.map(({ model, kernels, threads, test, tokensPerSecond, stddev }) => [
        printable(model),
        kernels,
        String(threads),
        test,
        `${tokensPerSecond.toFixed(2)} ± ${stddev.toFixed(2)}`,
      ]),
    ],
    [2, 4],
  );
}
