// clawdbot score: how likely a model finds ids, and what it would say next.
import { command } from '../command.ts';
import { checkWritable, writeOut } from '../files.ts';
import { printable, table } from '../format.ts';
import { TEXT_OR_IDS, textOrIds } from '../input.ts';
import { withEngine } from '../load.ts';
import { integer, text } from '../options.ts';
import { print, printJson } from '../output.ts';
import { EVERYWHERE, ENGINE, JSON_OUTPUT, MODEL } from '../shared-options.ts';

export const score = command({
  name: 'score',
  summary: 'Likelihood of a text, and the likeliest next tokens',
  usage: '[TEXT] [OPTIONS]',
  notes: 'Likelihoods are in nats; the first id is context only. Without TEXT, standard input is read.',
  examples: [
    'clawdbot score "The capital of France is Paris"',
    'clawdbot score --model model.gguf --ids 1,2,3 --top 10 --json',
    'clawdbot score --ids 1,2,3 --logits logits.f32',
  ],
  options: {
    ...MODEL,
    ...TEXT_OR_IDS,
    top: integer({ min: 0 }, { help: 'Next tokens to show (10)' }),
    logits: text({ value: 'FILE', help: 'Write the last position’s logits as little-endian float32' }),
    ...JSON_OUTPUT,
    ...ENGINE,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    const input = await textOrIds(options, positionals, surroundings);
    if (options.logits !== undefined) await checkWritable(options.logits);
    const { stdout, signal } = surroundings;
    await withEngine(options, surroundings, async (engine) => {
      const result = await engine.score(input, { topK: options.top ?? 10, logits: options.logits !== undefined, signal });
      if (options.logits !== undefined) await writeOut(options.logits, littleEndian(result.logits!));
      const tokens = result.tokenNlls.length;
      const meanNll = tokens > 0 ? result.nll / tokens : null;
      const { last, nll } = result;
      if (options.json)
        return printJson(stdout, { last: { ids: last.ids, logprobs: last.logprobs }, nll, meanNll, tokens });
      const perplexity = meanNll === null ? '-' : Math.exp(meanNll).toFixed(4);
      await print(
        stdout,
        `${tokens} tokens scored: nll ${nll.toFixed(6)}, mean ${meanNll?.toFixed(6) ?? '-'}, ` +
          `perplexity ${perplexity}\n`,
      );
      if (last.ids.length === 0) return;
      await print(
        stdout,
        table(
          [
            ['ID', 'LOGPROB', 'P', 'TOKEN'],
            ...last.ids.map((id, i) => [
              String(id),
              last.logprobs[i].toFixed(4),
              Math.exp(last.logprobs[i]).toFixed(4),
              `"${printable(engine.tokenizer.tokenText(id))}"`,
            ]),
          ],
          [0, 1, 2],
        ),
      );
    });
  },
});

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return bytes;
}
