// Floods `clawdbot serve` with requests that take long to prepare – long texts and conversations, schemas and grammars never seen
// before, bodies at the limit –, each kind by itself, and says how long /health and the server's event loop waited meanwhile.
// Prints a table and exits with 1 where /health took longer than a load run allows.
//   node test/load/flood.mjs [--model smollm2] [--rounds 3] [--only WORD] [--threads 1]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { randomFrom } from './clients.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'smollm2' }, rounds: { type: 'string', default: '3' }, only: { type: 'string', default: '' },
    threads: { type: 'string', default: '1' },
  },
});
/** What /health may take at most, in ms, as in run.mjs. */
const HEALTH_MS = 50;
const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const random = randomFrom(1);

/** Words that no word cache knows, of several scripts. */
function word() {
  const first = random() < 0.9 ? 97 : random() < 0.5 ? 0x430 : 0x4e00;
  return String.fromCharCode(...Array.from({ length: 1 + Math.floor(9 * random()) }, () => first + Math.floor(26 * random())));
}

function text(length) {
  let written = '';
  while (written.length < length) written += `${word()}${random() < 0.1 ? '.\n' : ' '}`;
  return written.slice(0, length);
}

const conversation = (turns, length) => Array.from({ length: turns }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: text(length) }));
const chat = (more) => ['/v1/chat/completions', { model: 'load', max_tokens: 1, messages: [{ role: 'user', content: 'x' }], ...more }];

function objectSchema(numProperties) {
  const property = () => [{ type: 'string', maxLength: 40 }, { type: 'integer', minimum: -5, maximum: 1e6 }, { type: 'string', pattern: '^[a-f]{2,8}-[0-9]+$' },
    { type: 'array', items: { type: 'number' }, maxItems: 5 }, { type: 'object', properties: { [word()]: { enum: [word(), word()] } }, additionalProperties: false },
    { anyOf: [{ type: 'null' }, { type: 'string', format: 'date-time' }] }][Math.floor(6 * random())];
  const names = Array.from({ length: numProperties }, (_, i) => `${word()}${i}`);
  return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, property()])), required: names.filter((_, i) => i % 2), additionalProperties: false };
}

/** Optional properties that are counted take a state for each count. */
const countedSchema = () => ({ type: 'object', minProperties: 200, properties: Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`${word()}${i}`, { type: 'boolean' }])) });
/** Each choice multiplies the alternatives. */
const alternativesSchema = () => ({ allOf: Array.from({ length: 8 }, (_, i) => ({ anyOf: [{ required: [`a${i}`] }, { properties: { [`b${i}${word()}`]: { type: 'string' } } }] })) });
const patternSchema = () => ({ type: 'object', properties: { a: { type: 'string', pattern: `(${word()}|[a-m]{3}x).{1,9}[aeiou].{6}y` }, b: { type: 'string', pattern: `^(?:[a-z]{1,40}@){1,12}${word()}$` } } });

function gbnf(numRules) {
  const rules = Array.from({ length: numRules }, (_, i) => `r${i} ::= "${word()}" [a-z]{1,9} ("${word()}" | r${i + 1}) [^"\\\\\\x7F-\\U0001F64F]*`);
  return `root ::= r0\n${rules.join('\n')}\nr${numRules} ::= "end"\n`;
}

const tools = (count) => Array.from({ length: count }, (_, i) => ({ type: 'function', function: { name: `tool_${i}`, description: text(300), parameters: objectSchema(8) } }));

/** Name, how many at once, and what makes path and body. */
const KINDS = [
  ['text of 100 kB, tokenized', 8, () => ['/tokenize', { content: text(100_000) }]],
  ['text of 1 MB, tokenized', 2, () => ['/tokenize', { content: text(1_000_000) }]],
  ['one word of 100 kB, tokenized', 4, () => ['/tokenize', { content: String.fromCharCode(...Array.from({ length: 100_000 }, () => 97 + Math.floor(26 * random()))) }]],
  ['prompts of 100 kB', 8, () => ['/v1/completions', { model: 'load', max_tokens: 1, prompt: text(100_000) }]],
  ['16 prompts of 100 kB in a request', 2, () => ['/v1/completions', { model: 'load', max_tokens: 1, prompt: Array.from({ length: 16 }, () => text(100_000)) }]],
  ['a message of 100 kB', 8, () => chat({ messages: conversation(1, 100_000) })],
  ['400 messages of 250 B', 8, () => chat({ messages: conversation(400, 250) })],
  ['2000 messages of 1 kB', 2, () => chat({ messages: conversation(2000, 1000) })],
  ['a message of 1 MB', 2, () => chat({ messages: conversation(1, 1_000_000) })],
  ['256 texts of 12 kB to embed', 2, () => ['/v1/embeddings', { model: 'load', input: Array.from({ length: 256 }, () => text(12_000)) }]],
  ['schemas of 40 properties', 16, () => chat({ json_schema: objectSchema(40) })],
  ['schemas of 1000 properties', 4, () => chat({ json_schema: objectSchema(1000) })],
  ['schemas that count properties', 4, () => chat({ json_schema: countedSchema() })],
  ['schemas of many alternatives', 4, () => chat({ json_schema: alternativesSchema() })],
  ['schemas of large patterns', 4, () => chat({ json_schema: patternSchema() })],
  ['grammars of 1500 rules', 4, () => chat({ grammar: gbnf(1500) })],
  ['100 tools', 4, () => chat({ tools: tools(100), tool_choice: 'required' })],
  ['bodies of 8 MB, one text', 2, () => ['/tokenize', { content: 'word '.repeat(1_600_000), nonsense: 1 }]],
  ['bodies of 250,000 values', 2, () => ['/detokenize', { tokens: Array.from({ length: 250_000 }, () => Math.floor(40_000 * random())) }]],
];

const server = spawn(process.execPath, [
  '--import', fileURLToPath(new URL('./loop-delay.mjs', import.meta.url)), PROGRAM, 'serve', `load=${options.model}`, '--port', '0', '--json', '--quiet', '--no-page',
  '--threads', options.threads, '--context', '2048',
], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
process.on('exit', () => server.kill('SIGKILL'));
server.stdout.setEncoding('utf8');
const { url } = JSON.parse((await Promise.race([
  once(server.stdout, 'data'), once(server, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code}`))),
]))[0]);

/** The answer's status, or what became of the connection. */
function send(path, body) {
  return new Promise((resolve) => {
    const request = http.request(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    // A body that is refused before its end.
    request.on('error', (error) => resolve(error.code));
    request.end(body);
  });
}

/** The longest wait of the server's event loop since this was last asked, in ms. */
async function loopDelay() {
  server.send('report');
  return (await once(server, 'message'))[0].most;
}

async function withHealth(work) {
  const probe = new Worker(new URL('./health.mjs', import.meta.url), { workerData: { url, everyMs: 5 } });
  const probed = once(probe, 'message');
  await new Promise((resolve) => setTimeout(resolve, 500));
  await loopDelay();
  await work();
  const held = await loopDelay();
  probe.postMessage('stop');
  const [{ server: healthMs, idle }] = await probed;
  return { held, health: Math.max(...healthMs), idle: Math.max(...idle) };
}

await send(...chat({}).map((part) => (typeof part === 'string' ? part : JSON.stringify(part))));
console.log(`${options.model}, ${options.threads} threads, Node ${process.version}, ${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, load ${os.loadavg()[0].toFixed(1)}\n`);
console.log('| at once | what | statuses | seconds | event loop held, most | /health, most | of an idle server |\n|---|---|---|---|---|---|---|');
let isRight = true;
for (const [name, atOnce, make] of KINDS) {
  if (!name.includes(options.only)) continue;
  const rounds = Array.from({ length: Number(options.rounds) }, () => Array.from({ length: atOnce }, make).map(([path, body]) => [path, JSON.stringify(body)]));
  const statuses = new Map();
  const startedAt = performance.now();
  let seconds;
  const { held, health, idle } = await withHealth(async () => {
    for (const bodies of rounds) {
      const answered = await Promise.all(bodies.map(([path, body]) => send(path, body)));
      for (const status of answered) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    seconds = (performance.now() - startedAt - 500) / 1000;
  });
  isRight &&= health < HEALTH_MS;
  console.log(`| ${atOnce} | ${name} | ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')} | ${seconds.toFixed(1)} | ${held.toFixed(0)} ms | ${health.toFixed(0)} ms | ${idle.toFixed(0)} ms |`);
}
agent.destroy();
const ended = once(server, 'exit');
server.kill('SIGTERM');
await ended;
process.exitCode = isRight ? 0 : 1;
