// Memory against tokens beside peers: what ../long-context.mjs measured, and processes of peers with contexts of the same lengths.
//   node ../long-context.mjs --json > OURS.json; node long-context.mjs --model FILE.gguf --ours OURS.json [--peers native,wllama] [--name NAME]
// clawdbot touches memory as tokens come; llama.cpp takes all of a context's keys and values when the context is made, so that a
// prompt of 512 tokens is enough to see them. Peaks (VmHWM) of the process, of wllama the browser's renderer.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from '../../scripts/command-line.mjs';
import { createTokenizer, openFile, readGguf } from '../../dist/index.js';
import { describeMachine } from './machine.mjs';
import { promptMaker } from './prompts.mjs';
import { memoryPlot } from './report/memory-plot.mjs';
import { SideProcess } from './sides/side-process.mjs';

const PEERS = { native: 'node-llama-cpp', wllama: 'wllama' };
const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    ours: { type: 'string' },
    peers: { type: 'string', default: 'native,wllama' },
    name: { type: 'string', default: 'long-context' },
    out: { type: 'string', default: fileURLToPath(new URL('../results/', import.meta.url)) },
  },
});
const ours = JSON.parse(readFileSync(options.ours, 'utf8'));
const source = await openFile(options.model);
const file = await readGguf(source);
await source.close();
const makePrompt = promptMaker(createTokenizer(file.metadata), file.metadata.entries.get('tokenizer.ggml.tokens').length);
const mib = (bytes) => bytes / 2 ** 20;
const notes = [];

async function peakBytes(side, contextLength) {
  const running = await SideProcess.start(side, process.execPath);
  try {
    await running.call('load', { model: options.model, threads: 2, contextLength });
    await running.call('measure', { prompt: makePrompt(512), newTokens: 2 });
    return (await running.call('memory')).peakBytes;
  } finally {
    await running.close();
  }
}

const peers = {};
for (const side of options.peers.split(',').filter(Boolean).map((peer) => PEERS[peer])) {
  peers[side] = [];
  for (const { tokens } of ours.rows) {
    try {
      peers[side].push([tokens, mib(await peakBytes(side, tokens))]);
      process.stderr.write(`${side}, ${tokens}: ${peers[side].at(-1)[1].toFixed(0)} MiB\n`);
    } catch (error) {
      notes.push(`${side} at ${tokens}: ${error.message.split('\n')[0]}`);
      process.stderr.write(`${notes.at(-1)}\n`);
    }
  }
}
const date = new Date().toISOString().slice(0, 10);
const machine = describeMachine(process.execPath);
const at = (side, tokens) => peers[side].find(([length]) => length === tokens)?.[1];
const sides = Object.keys(peers);
const cells = (row) => [
  row.tokens, mib(row.plannedBytes), mib(row.modelBytes), `${(100 * row.difference).toFixed(1)} %`, mib(row.processBytes),
  ...sides.map((side) => at(side, row.tokens) ?? '–'),
].map((value, i) => (i > 0 && typeof value === 'number' ? value.toFixed(0) : value));
const head = ['tokens', 'planned, MiB', 'model’s memory, MiB', 'difference', 'process, MiB', ...sides.map((side) => `${side} process, MiB`)];
const line = (list) => `| ${list.join(' | ')} |`;
const report = [
  `# Memory against tokens: ${ours.model}`, '',
  `${date}, ${machine.cpu}, ${machine.cores} cores, Node ${ours.node}; ${ours.kvType} keys and values, ceiling ` +
    `${mib(ours.maxMemory).toFixed(0)} MiB (${mib(ours.reservedBytes).toFixed(0)} reserved for ${ours.contextLength} tokens).`, '',
  line(head), line(head.map(() => '---:')), ...ours.rows.map((row) => line(cells(row))), '',
  'One prompt was computed in stretches; "model’s memory" is what of its linear memory is resident. A peer’s process has a context of that',
  'length and has computed 512 tokens: llama.cpp takes a context’s memory when it is made.', ...notes.map((note) => `- ${note}`), '',
].join('\n');
mkdirSync(options.out, { recursive: true });
const write = (extension, content) => writeFileSync(path.join(options.out, `${options.name}.${extension}`), content);
write('json', `${JSON.stringify({ date, machine, ours, peers, notes }, undefined, 1)}\n`);
write('md', report);
write('svg', memoryPlot({
  title: `${ours.model}: memory against tokens`, subtitle: `${machine.cpu}, ${machine.cores} cores`, ceiling: mib(ours.maxMemory),
  series: [
    { name: 'clawdbot, model’s memory', points: ours.rows.map((row) => [row.tokens, mib(row.modelBytes)]) },
    { name: 'clawdbot, plan', points: ours.rows.map((row) => [row.tokens, mib(row.plannedBytes)]), dashed: true },
    { name: 'clawdbot, whole process', points: ours.rows.map((row) => [row.tokens, mib(row.processBytes)]) },
    ...sides.map((side) => ({ name: `${side}, whole process`, points: peers[side] })),
  ],
}));
process.stdout.write(report);
