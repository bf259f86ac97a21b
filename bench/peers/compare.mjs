// Compares clawdbot with node-llama-cpp (native llama.cpp) and wllama (llama.cpp in WebAssembly, in headless Chromium)
// on one GGUF file, with the same threads, the sides taking turns round by round (and swapping who begins).
//   node compare.mjs --model FILE.gguf [--peers native,wllama] [--threads 1,2] [--rounds 5] [--depth 2048]
//     [--tests pp,tg,depth,cold,memory] [--name NAME] [--out FOLDER] [--wllama-rounds N] [--node PATH] [--json]
// Needs the built package. CLAWDBOT_DIST names another build's index.js, CHROMIUM another browser.
//
// Every side evaluates the same tokens: prompts are texts of an exact length, given as the ids of clawdbot's tokenizer to
// the first two and as text to wllama, which must count as many. All are greedy without penalties and do not end at EOS.
//   pp     prompt of 512: from the call to the first token, which is 512 evaluations with logits of the last, one choice
//   tg     prompt of 4, 129 new tokens: from the first to the last, which is 128 evaluations of one token, 128 choices
//   depth  the same after a prompt of 2048, 32 evaluations
//   cold   spawn of a process (wllama: of the browser) to the first token of a prompt of 16; the file is in the page cache
//   memory peak resident set (VmHWM) of a fresh process after pp and tg; of the browser's renderer for wllama
// wllama's pp, tg and depth are by its own clock, without its messages to the page, which is to its advantage.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from '../../scripts/command-line.mjs';
import { createTokenizer, openFile, readGguf } from '../../dist/index.js';
import { bytesPerToken, describeMachine } from './machine.mjs';
import { promptMaker } from './prompts.mjs';
import { ratioPlot } from './report/plot.mjs';
import { median, summarize } from './report/statistics.mjs';
import { markdownReport } from './report/table.mjs';
import { coldProcess, SideProcess } from './sides/side-process.mjs';

const PEERS = { native: 'node-llama-cpp', wllama: 'wllama' };
const SETTLE_MS = 150;
/** Load at the start above which figures should be taken again: docs/benchmarks.md. */
const QUIET_LOAD = 0.5;

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    peers: { type: 'string', default: 'native,wllama' },
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '5' },
    tests: { type: 'string', default: 'pp,tg,depth,cold,memory' },
    depth: { type: 'string', default: '2048' },
    'prompt-tokens': { type: 'string', default: '512' },
    'new-tokens': { type: 'string', default: '128' },
    'wllama-rounds': { type: 'string' },
    node: { type: 'string', default: process.execPath },
    name: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('../results/', import.meta.url)) },
    json: { type: 'boolean', default: false },
  },
});
if (!options.model) throw new Error('Name a model: --model FILE.gguf');
const rounds = Number(options.rounds);
const wllamaRounds = Math.min(rounds, Number(options['wllama-rounds'] ?? rounds));
const [promptTokens, newTokens, depth] = ['prompt-tokens', 'new-tokens', 'depth'].map((name) => Number(options[name]));
const depthTokens = Math.min(32, newTokens);
const wanted = new Set(options.tests.split(','));
const isSlowest = (side) => side === PEERS.wllama;

const source = await openFile(options.model);
const file = await readGguf(source);
await source.close();
const tokenizer = createTokenizer(file.metadata);
const makePrompt = promptMaker(tokenizer, file.metadata.entries.get('tokenizer.ggml.tokens').length);

const speed = (evaluations, ms) => (1000 * evaluations) / ms;
const TESTS = [
  {
    name: 'pp', label: `prefill, ${promptTokens} tokens`, unit: 'tok/s', higherIsBetter: true, promptTokens, newTokens: 1,
    value: ({ prefillMs }) => speed(promptTokens, prefillMs),
  },
  {
    name: 'tg', label: `decode, ${newTokens} tokens`, unit: 'tok/s', higherIsBetter: true, promptTokens: 4,
    newTokens: newTokens + 1, value: ({ decodeMs, evaluations }) => speed(evaluations, decodeMs),
  },
  {
    name: 'depth', label: `decode at depth ${depth}`, unit: 'tok/s', higherIsBetter: true, promptTokens: depth,
    newTokens: depthTokens + 1, value: ({ decodeMs, evaluations }) => speed(evaluations, decodeMs),
  },
  { name: 'cold', label: 'cold process to first token', unit: 'ms', higherIsBetter: false },
  { name: 'memory', label: 'peak memory', unit: 'MiB', higherIsBetter: false },
];
const warmTests = TESTS.filter(({ name, value }) => value && wanted.has(name));
const contextLength = Math.ceil((Math.max(promptTokens, ...warmTests.map((test) => test.promptTokens)) + newTokens + 2) / 256) * 256;

const progress = (line) => process.stderr.write(`${line}\n`);
const notes = [];
const versions = {};
const samples = [];
const descriptions = [];
const readRates = [];
let sides = ['clawdbot', ...options.peers.split(',').filter(Boolean).map((peer) => PEERS[peer] ?? peer)];

/** Leaves a peer out from here on, in one line; a failure of clawdbot itself ends the run. */
function leaveOut(side, error) {
  if (side === 'clawdbot') throw error;
  sides = sides.filter((other) => other !== side);
  notes.push(`${side} is left out: ${error.message.split('\n')[0]}`);
  progress(notes.at(-1));
}

async function attempt(side, work) {
  try {
    return await work();
  } catch (error) {
    leaveOut(side, error);
    return undefined;
  }
}

/** The sides of a round: the one that begins changes, wllama drops out after its rounds. */
function turns(round) {
  const present = sides.filter((side) => !isSlowest(side) || round < wllamaRounds);
  return present.map((_, i) => present[(i + round) % present.length]);
}

async function start(side, threads, length) {
  const running = await SideProcess.start(side, options.node);
  try {
    if (side !== 'bandwidth') versions[side] ??= await running.call('version');
    const { description } = await running.call('load', { model: options.model, threads, contextLength: length });
    descriptions.push({ side, contextLength: length, ...description });
    return running;
  } catch (error) {
    await running.close();
    throw error;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

function record(test, threads, side, value, details) {
  samples.push({ test, threads, side, value, details });
  progress(`${test}, ${threads} threads, ${side}: ${value.toFixed(1)}`);
}

async function warmRounds(threads) {
  const running = new Map();
  try {
    for (const side of sides) {
      const started = await attempt(side, () => start(side, threads, contextLength));
      if (started) running.set(side, started);
    }
    const bandwidth = await start('bandwidth', threads, 0);
    running.set('bandwidth', bandwidth);
    for (const side of [...sides]) {
      await attempt(side, () => running.get(side).call('measure', { prompt: makePrompt(32), newTokens: 8 }));
    }
    for (let round = 0; round < rounds; round++) {
      readRates.push({ threads, ...(await bandwidth.call('measure', {})) });
      for (const test of warmTests) {
        const prompt = makePrompt(test.promptTokens);
        for (const side of turns(round)) {
          await pause();
          const measured = await attempt(side, () =>
            running.get(side).call('measure', { prompt, newTokens: test.newTokens }));
          if (measured) record(test.name, threads, side, test.value(measured), measured);
        }
      }
    }
  } finally {
    for (const side of running.values()) await side.close();
  }
}

async function coldRounds(threads) {
  for (let round = 0; round < rounds; round++) {
    const asked = { model: options.model, threads, contextLength: 512, prompt: makePrompt(16) };
    for (const side of turns(round)) {
      await pause();
      const measured = await attempt(side, () => (isSlowest(side) ? coldBrowser(asked) : coldProcess(side, options.node, asked)));
      if (measured) record('cold', threads, side, measured.ms, measured);
    }
  }
}

async function coldBrowser(asked) {
  const running = await SideProcess.start(PEERS.wllama, options.node);
  try {
    return await running.call('coldStart', asked);
  } finally {
    await running.close();
  }
}

async function memoryRounds(threads) {
  const prompts = [makePrompt(promptTokens), makePrompt(4)];
  const length = Math.ceil((promptTokens + newTokens + 2) / 256) * 256;
  for (const side of turns(0)) {
    const memory = await attempt(side, async () => {
      const running = await start(side, threads, length);
      try {
        await running.call('measure', { prompt: prompts[0], newTokens: 1 });
        await running.call('measure', { prompt: prompts[1], newTokens: newTokens + 1 });
        return await running.call('memory');
      } finally {
        await running.close();
      }
    });
    if (memory) record('memory', threads, side, memory.peakBytes / 2 ** 20, memory);
  }
}

/** Read rate per thread count, and clawdbot's share of it while it decodes. */
function bandwidthRows(rows) {
  const perToken = bytesPerToken(file);
  return [...new Set(readRates.map(({ threads }) => threads))].map((threads) => {
    const bytesPerSecond = median(readRates.filter((rate) => rate.threads === threads).map((rate) => rate.bytesPerSecond));
    const decode = rows.find((row) => row.test === 'tg' && row.threads === threads)?.sides.clawdbot?.median;
    const share = decode && perToken ? (decode * perToken) / bytesPerSecond : undefined;
    return { threads, bytesPerSecond, bytesPerToken: perToken, share };
  });
}

const machine = describeMachine(options.node);
if (machine.loadAverage > QUIET_LOAD) {
  notes.push(`The machine was busy (load ${machine.loadAverage.toFixed(1)} at the start), which costs sides unequally: take these figures again.`);
}
if (process.env.CLAWDBOT_DIST) notes.push('clawdbot is the build that CLAWDBOT_DIST named, not that of the commit.');
const date = new Date().toISOString().slice(0, 10);
for (const threads of options.threads.split(',').map(Number)) {
  if (warmTests.length > 0) await warmRounds(threads);
  if (wanted.has('cold')) await coldRounds(threads);
  if (wanted.has('memory')) await memoryRounds(threads);
}
const rows = summarize(samples, TESTS);
const model = { name: path.basename(options.model), bytes: file.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0) };
const peers = [...new Set(samples.map(({ side }) => side))].filter((side) => side !== 'clawdbot');
const bandwidth = bandwidthRows(rows);
const result = { date, model, machine, versions, rounds, peers, rows, bandwidth, notes, descriptions, samples };
const report = markdownReport(result);
mkdirSync(options.out, { recursive: true });
const name = options.name ?? `${date}-${model.name.replace(/\.gguf$/, '').toLowerCase()}`;
const write = (extension, content) => writeFileSync(path.join(options.out, `${name}.${extension}`), content);
write('json', `${JSON.stringify(result, undefined, 1)}\n`);
write('md', report);
write('svg', ratioPlot(result));
process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : report);
