// The clients of a load run: each sends one request after another, of kinds and lengths drawn from a seeded generator.
import http from 'node:http';

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

/** mulberry32 (public domain): the same requests for the same seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS = 'the river ran past an old mill where nobody had worked since the war and children played among its stones'.split(' ');
const text = (random, length) => Array.from({ length }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ');
/** Mostly short, sometimes long. */
const between = (random, least, most) => Math.floor(least * (most / least) ** random());

/** Bodies that must be refused, and with which status. */
const INVALID = [
  (model) => [{ model, messages: [], max_tokens: 4 }, 400],
  (model) => [{ model, messages: [{ role: 'user', content: 'x' }], temperature: 'hot' }, 400],
  (model) => [{ model, messages: [{ role: 'user', content: 'x' }], nonsense: 1 }, 400],
  (model) => [{ model, messages: [{ role: 'user', content: 'long '.repeat(6000) }] }, 400],
  () => [{ model: 'no-such-model', messages: [{ role: 'user', content: 'x' }] }, 404],
  () => ['{"messages": [', 400],
];

/** Runs until `over` is aborted, which also ends what is under way; tells `note` of every request. */
export async function client({ url, model, seed, over, note }) {
  const random = randomFrom(seed);
  while (!over.aborted) {
    const kind = random();
    if (kind < 0.05) await invalid({ url, model, random, note });
    else await valid({ url, model, random, isCancelled: kind < 0.15, over, note });
  }
}

/** A response, whose parts are texts; `signal` destroys its connection. */
function send(url, body, signal) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}/v1/chat/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, agent,
    }, (response) => resolve(response.setEncoding('utf8')));
    request.on('error', reject);
    signal?.addEventListener('abort', () => request.destroy());
    request.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

async function textOf(response) {
  let whole = '';
  for await (const part of response) whole += part;
  return whole;
}

async function invalid({ url, model, random, note }) {
  const [body, status] = INVALID[Math.floor(random() * INVALID.length)](model);
  try {
    const response = await send(url, body);
    const { statusCode } = response;
    await textOf(response);
    note({ kind: 'invalid', error: statusCode === status ? undefined : `invalid body answered ${statusCode}, not ${status}` });
  } catch (error) {
    note({ kind: 'invalid', error: causeOf(error) });
  }
}

async function valid({ url, model, random, isCancelled, over, note }) {
  const body = {
    model, messages: [{ role: 'user', content: text(random, between(random, 8, 400)) }], max_tokens: between(random, 8, 128),
    seed: Math.floor(random() * 2 ** 31), stream: true, stream_options: { include_usage: true },
  };
  const cancelAfter = isCancelled ? Math.floor(random() * body.max_tokens) : Infinity;
  const controller = new AbortController();
  const end = () => controller.abort();
  over.addEventListener('abort', end);
  // Some go away while they wait.
  const impatience = isCancelled && random() < 0.3 ? setTimeout(() => controller.abort(), 1000 * random()) : undefined;
  const kind = isCancelled ? 'cancelled' : 'answered';
  const startedAt = performance.now();
  let ttftMs, tokens = 0;
  try {
    const response = await send(url, body, controller.signal);
    if (response.statusCode !== 200) return note({ kind, error: `answered ${response.statusCode}: ${(await textOf(response)).slice(0, 200)}` });
    let isDone = false;
    for await (const event of events(response)) {
      if (event === '[DONE]') isDone = true;
      else if (event.error) return note({ kind, error: `stream failed: ${event.error.message}` });
      else if (event.choices?.[0]?.delta?.content) {
        ttftMs ??= performance.now() - startedAt;
        if (++tokens > cancelAfter) controller.abort();
      }
      if (event.usage) tokens = event.usage.completion_tokens;
    }
    note({ kind, ttftMs, tokens, error: isDone ? undefined : 'stream broke off' });
  } catch (error) {
    note({ kind: over.aborted ? 'cut off' : kind, ttftMs, tokens, error: controller.signal.aborted ? undefined : causeOf(error) });
  } finally {
    clearTimeout(impatience);
    over.removeEventListener('abort', end);
  }
}

async function* events(response) {
  let rest = '';
  for await (const part of response) {
    const lines = (rest + part).split('\n\n');
    rest = lines.pop();
    for (const line of lines) {
      // A comment, by which a stream says that its answer waits.
      if (line.startsWith(':')) continue;
      const json = line.slice(line.indexOf('data: ') + 6);
      yield json === '[DONE]' ? json : JSON.parse(json);
    }
  }
}

const causeOf = (error) => `${error.code ?? ''} ${error.message}`.trim();
