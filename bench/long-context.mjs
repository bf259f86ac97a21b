// Memory against tokens: prefills one prompt in stretches up to 32k tokens and says after each what is resident and what was planned.
//   npm run build && node bench/long-context.mjs [MODEL] [--lengths 1024,2048,…] [--factor 4] [--max-memory BYTES]
//     [--batch 64] [--threads N] [--json]
// The model's memory is the mapping that holds its linear memory (/proc: Linux only); the process has Node itself besides.
// A pass takes as many rows as half a second allows, up to --batch: more than a slow machine fills would be planned and not used.
// Fails where a length takes 5 % more or less than planned, or anything more than the ceiling.
import { readFileSync } from 'node:fs';
import { parseArgs } from '../scripts/command-line.mjs';
import { Engine } from '../dist/index.js';

const { values, positionals: [source = 'smollm2'] } = parseArgs({
  allowPositionals: true,
  options: {
    lengths: { type: 'string', default: '1024,2048,4096,8192,16384,32768' },
    factor: { type: 'string', default: '4' },
    'max-memory': { type: 'string', default: String(2 ** 30) },
    batch: { type: 'string', default: '64' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const lengths = values.lengths.split(',').map(Number);
const TOLERANCE = 0.05;
const options = {
  contextLength: Math.max(...lengths), maxSequences: 1, maxMemory: Number(values['max-memory']),
  maxBatchTokens: Number(values.batch),
  ropeScaling: { type: 'yarn', factor: Number(values.factor) },
  ...(values.threads !== undefined && { threads: Number(values.threads) }),
};

/** Resident bytes of the mappings that hold a WebAssembly memory of `size` bytes. */
function residentBytes(size) {
  let resident = 0;
  for (const [, from, to, facts] of readFileSync('/proc/self/smaps', 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw.*\n([^]*?)VmFlags/gm)) {
    if (parseInt(to, 16) - parseInt(from, 16) === size) resident += 1024 * Number(/^Rss:\s+(\d+) kB/m.exec(facts)[1]);
  }
  return resident;
}

const plan = await Engine.plan(source, options);
const { memory } = plan;
const engine = await Engine.load(source, options);
const rows = [];
try {
  const size = Math.ceil(memory.reservedBytes / 65536) * 65536;
  const ids = Array.from({ length: options.contextLength }, (_, i) => 1000 + ((i * 7919 + i * i) % (engine.model.vocabSize - 2000)));
  for (const tokens of lengths) {
    const startedAt = performance.now();
    const { timings } = await engine.complete(ids.slice(0, tokens - 1), { temperature: 0, maxTokens: 1, ignoreEos: true });
    const plannedBytes = memory.weightBytes + memory.scratchBytes + memory.kvBytesPerToken * tokens;
    const modelBytes = residentBytes(size);
    rows.push({
      tokens, plannedBytes, modelBytes, difference: modelBytes / plannedBytes - 1, processBytes: process.memoryUsage.rss(),
      computedTokens: timings.promptTokens - timings.cachedTokens, seconds: (performance.now() - startedAt) / 1000,
    });
    const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
    const { difference, computedTokens, seconds } = rows.at(-1);
    process.stderr.write(
      `${tokens} tokens: ${mib(modelBytes)} MiB resident, ${mib(plannedBytes)} planned (${(100 * difference).toFixed(1)} %), ` +
        `process ${mib(rows.at(-1).processBytes)} MiB; ${computedTokens} tokens computed in ${seconds.toFixed(1)} s\n`,
    );
  }
} finally {
  await engine.dispose();
}
if (values.json) {
  console.log(JSON.stringify({
    model: plan.name, threads: plan.threads, node: process.version, contextLength: plan.contextLength, kvType: plan.kvType,
    maxMemory: plan.maxMemory, reservedBytes: memory.reservedBytes, kvBytesPerToken: memory.kvBytesPerToken, rows,
  }, (_, value) => (Number.isInteger(value) || typeof value !== 'number' ? value : Number(value.toPrecision(5)))));
}
const isWrong = ({ difference, modelBytes }) => Math.abs(difference) > TOLERANCE || modelBytes > plan.maxMemory;
if (rows.some(isWrong) || memory.reservedBytes > plan.maxMemory) process.exitCode = 1;
