// Decoding with and without speculation, taking turns, on texts that repeat themselves and on one that does not: speed, how many
// guesses were right, and that the tokens are the same (else it fails).
//   npm run build && node bench/speculation.mjs [MODEL] [--draft-model MODEL] [--tokens 128] [--rounds 5] [--threads N] [--json]
import os from 'node:os';
import { parseArgs } from '../scripts/command-line.mjs';
import { Engine } from '../dist/index.js';
import { median } from './peers/report/statistics.mjs';

const { values, positionals: [model = 'smollm2'] } = parseArgs({
  allowPositionals: true,
  options: {
    'draft-model': { type: 'string' }, tokens: { type: 'string', default: '128' }, rounds: { type: 'string', default: '5' },
    threads: { type: 'string' }, json: { type: 'boolean', default: false },
  },
});
const [maxTokens, rounds] = [Number(values.tokens), Number(values.rounds)];
const threads = values.threads === undefined ? undefined : Number(values.threads);

const RECORDS = ['Amsterdam, 1275, canals', 'Bergen, 1070, rain', 'Cordoba, 169, mosque', 'Dresden, 1206, porcelain', 'Evora, 1166, temple',
  'Florence, 59, bridges', 'Ghent, 650, towers', 'Helsinki, 1550, harbour'];
const CODE = `function total(items) {
  let sum = 0;
  for (const item of items) {
    sum += item.price * item.count;
  }
  return sum;
}
`;
/** Prompts that a base or an instruct model goes on with as text. */
const TEXTS = {
  'a table, copied': `Table:\n${RECORDS.join('\n')}\n\nThe same table again:\n${RECORDS.slice(0, 2).join('\n')}\n`,
  'code, edited': `// Before\n${CODE}\n// After: the same with another name for the result\n${CODE.split('\n').slice(0, 2).join('\n')}\n`,
  'prose': 'The old lighthouse keeper opened the door and looked out at the sea. That night',
};

const engine = await Engine.load(model, { threads, contextLength: 1024, draftModel: values['draft-model'] });
try {
  const ways = { plain: { lookup: false, draft: false }, lookup: { lookup: true, draft: false }, ...(values['draft-model'] && { draft: { lookup: false } }) };
  const rows = [];
  for (const [text, prompt] of Object.entries(TEXTS)) {
    const speeds = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
    const guesses = {};
    let expected;
    for (let round = 0; round <= rounds; round++) {
      const order = Object.entries(ways);
      for (const [way, speculation] of round % 2 ? order.reverse() : order) {
        const { ids, timings } = await engine.complete(prompt, { temperature: 0, ignoreEos: true, maxTokens, speculation });
        expected ??= ids.join();
        if (ids.join() !== expected) throw new Error(`${text}: ${way} says something else than plain decoding.`);
        // The first round computes the prompt.
        if (round > 0) speeds[way].push(timings.decodeTokensPerSecond);
        guesses[way] = { drafted: timings.draftTokens, accepted: timings.acceptedDraftTokens };
      }
    }
    const plain = median(speeds.plain);
    for (const way of Object.keys(ways)) {
      rows.push({ text, way, tokensPerSecond: median(speeds[way]), ratio: median(speeds[way]) / plain, ...guesses[way], samples: speeds[way] });
    }
  }
  const about = {
    model: engine.model.name, draftModel: values['draft-model'], threads: engine.model.threads, kernels: engine.model.kernels, maxTokens, rounds,
    node: process.version, cpu: os.cpus()[0]?.model.trim(), load: os.loadavg()[0],
  };
  if (values.json) {
    console.log(JSON.stringify({ ...about, rows }, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value), 1));
  } else {
    console.log(`${about.model}, ${about.threads} threads, kernels ${about.kernels}, ${maxTokens} tokens, median of ${rounds} rounds, Node ${about.node}, ` +
      `${about.cpu}, load ${about.load.toFixed(1)}\n\n| text | way | tokens/s | against plain | guessed | right |\n|---|---|---:|---:|---:|---:|`);
    for (const { text, way, tokensPerSecond, ratio, drafted, accepted } of rows) {
      console.log(`| ${text} | ${way} | ${tokensPerSecond.toFixed(0)} | ${ratio.toFixed(2)} | ${drafted} | ${accepted} |`);
    }
  }
} finally {
  await engine.dispose();
}
