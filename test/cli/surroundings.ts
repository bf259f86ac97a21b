// Surroundings for commands under test: streams that remember, input that is given, an engine that says what it is
// told.
import { Readable } from 'node:stream';
import { runCli } from '../../src/cli/cli.ts';
import type { CliEngine, Output, Surroundings } from '../../src/cli/command.ts';
import type { LoadOptions, ModelInfo } from '../../src/engine/load/load-types.ts';
import type { GenerateChunk, GenerateOptions, Prompt, SaveSessionOptions, SessionSource } from '../../src/engine/types.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';

export class MemoryOutput implements Output {
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string, written?: () => void): boolean {
    this.text += text;
    if (written) setImmediate(written);
    return true;
  }
}

export interface FakeCalls {
  source?: unknown;
  loadOptions: LoadOptions[];
  prompts: Prompt[];
  options: GenerateOptions[];
  scored: { ids: readonly number[]; from: number | undefined }[];
  saved: { prompt: Prompt; file: string | undefined; note: string | undefined }[];
  restored: SessionSource[];
  disposed: number;
}

export interface FakeBehaviour {
  readonly reply?: readonly string[];
  readonly model?: Partial<ModelInfo>;
  readonly addBos?: boolean;
  /** Waits after each piece, so that a test can interrupt. */
  readonly pauseMs?: number;
  readonly fail?: Error;
  readonly failRestore?: Error;
  /** What saving this prompt's session fails with. */
  readonly failSave?: (prompt: Prompt) => Error | undefined;
  readonly finishReason?: 'stop' | 'length';
}

const TIMINGS = { promptTokens: 4, cachedTokens: 0, newTokens: 2, ttftMs: 10, prefillTokensPerSecond: 400, decodeTokensPerSecond: 50,
  draftTokens: 0, acceptedDraftTokens: 0, droppedTokens: 0 };

/** One id per character of text: its code. Every scored token costs 2 nats. */
export function fakeEngine(calls: FakeCalls, behaviour: FakeBehaviour = {}): CliEngine {
  const { reply = ['Hello', ' there'], addBos = false, finishReason = 'stop' } = behaviour;
  const model: ModelInfo = {
    name: 'fake', architecture: 'fake', kind: 'decoder', numParameters: 7, vocabSize: 1000, hiddenSize: 3, numLayers: 1,
    contextLength: 512, trainedContextLength: 512, threads: 2, kernels: 'baseline',
    memory: { weightBytes: 100, kvBytesPerToken: 1, kvBytes: 10, scratchBytes: 1, usedBytes: 111, reservedBytes: 120, numShards: 1 },
    loadMs: 5, hasChatTemplate: true, parallelToolCalls: false, recurrent: false, warnings: [],
    ...behaviour.model,
  };
  const tokenize = (text: string): number[] => [...(addBos ? [1] : []), ...Array.from(text, (c) => c.codePointAt(0)!)];
  async function* generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GenerateChunk, void, void> {
    calls.prompts.push(prompt);
    calls.options.push(options);
    if (behaviour.fail) throw behaviour.fail;
    for (const [i, text] of reply.entries()) {
      options.signal?.throwIfAborted();
      const isLast = i === reply.length - 1;
      yield { index: 0, text, ids: [i], ...(isLast && { finishReason, timings: TIMINGS }) };
      if (behaviour.pauseMs) await new Promise((resolve) => setTimeout(resolve, behaviour.pauseMs));
    }
  }
  return {
    model,
    tokenizer: { addBos, bosId: 1, tokenText: (id: number) => String.fromCodePoint(id) } as Tokenizer,
    generate,
    async complete(prompt, options = {}) {
      calls.prompts.push(prompt);
      calls.options.push(options);
      if (behaviour.fail) throw behaviour.fail;
      const ids = Array.from({ length: options.ignoreEos ? options.maxTokens! : reply.length }, (_, i) => i);
      const choices = Array.from({ length: options.n ?? 1 }, (_, index) =>
        ({ index, text: `${reply.join('')}${index}`, ids, finishReason: 'stop' as const, logprobs: [] }));
      const timings = { ...TIMINGS, promptTokens: Array.isArray(prompt) ? prompt.length : 4, newTokens: ids.length };
      return { ...choices[0]!, text: reply.join(''), promptIds: [1, 2], choices, timings, seed: options.seed ?? 0 };
    },
    promptIds: () => [1, 2],
    renderChat(messages) {
      const text = messages.map(({ content }) => content as string).join('');
      return { text, ids: tokenize(text) };
    },
    embed: async () => Float32Array.of(0.5, -0.25, 1),
    tokenize,
    tokenizeAsync: async (text) => tokenize(text),
    detokenize: (ids) => String.fromCodePoint(...ids),
    async score(input, options = {}) {
      const ids = typeof input === 'string' ? tokenize(input) : input;
      const from = options.from ?? 1;
      calls.scored.push({ ids, from: options.from });
      const tokenNlls = new Float64Array(ids.length - from).fill(2);
      const last = { ids: [97, 98].slice(0, options.topK), logprobs: [-0.5, -1].slice(0, options.topK) };
      return {
        tokenNlls, nll: 2 * tokenNlls.length, last,
        ...(options.logits && { logits: Float32Array.of(1.5, -2) }),
      };
    },
    async saveSession(prompt: Prompt, { file, note }: SaveSessionOptions = {}) {
      calls.saved.push({ prompt, file, note });
      const failure = behaviour.fail ?? behaviour.failSave?.(prompt);
      if (failure) throw failure;
      return { numTokens: 9, byteLength: 2_500_000, bytes: new Uint8Array() };
    },
    async loadSession(source) {
      calls.restored.push(source);
      if (behaviour.failRestore) throw behaviour.failRestore;
      return { ids: [1, 2], note: '' };
    },
    stats: {
      runningSequences: 0, maxSequences: 4, waitingRequests: 0, kvBlocks: { positions: 32, used: 0, cached: 0, total: 64 }, numPasses: 0,
      passesBySequences: [], numPrefilledTokens: 0, numDecodedTokens: 0, numSequences: 0, numPrefixHits: 0, numCachedTokens: 0,
      numDraftTokens: 0, numAcceptedDraftTokens: 0,
    },
    async dispose() {
      calls.disposed++;
    },
  };
}

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: FakeCalls;
  json<T = Record<string, unknown>>(): T;
}

export interface CliSettings extends FakeBehaviour {
  readonly input?: string | Readable;
  /** Loading ends in this. */
  readonly failLoad?: Error;
  readonly isTTY?: boolean;
  readonly env?: Record<string, string | undefined>;
  /** Gets the function that presses Ctrl-C, and what stdout has so far. */
  readonly during?: (press: () => void, stdout: MemoryOutput, stderr: MemoryOutput) => void;
}

/** Runs a command line in this process, on a fake engine. */
export async function cli(args: readonly string[], settings: CliSettings = {}): Promise<CliRun> {
  const calls: FakeCalls = { loadOptions: [], prompts: [], options: [], scored: [], saved: [], restored: [], disposed: 0 };
  const [stdout, stderr] = [new MemoryOutput(settings.isTTY), new MemoryOutput(settings.isTTY)];
  const controller = new AbortController();
  const listeners: (() => void)[] = [];
  const { input = '' } = settings;
  const surroundings: Surroundings = {
    stdin: typeof input === 'string' ? Readable.from(input === '' ? [] : [Buffer.from(input)]) : input,
    stdout, stderr, env: settings.env ?? {}, signal: controller.signal,
    onInterrupt(listener) {
      listeners.push(listener);
      return () => listeners.pop();
    },
    onTerminate: () => () => undefined,
    outliveReaders: () => undefined,
    async loadEngine(source, options) {
      calls.source = source;
      calls.loadOptions.push(options);
      if (settings.failLoad) throw settings.failLoad;
      return fakeEngine(calls, settings);
    },
  };
  settings.during?.(() => (listeners.at(-1) ?? (() => controller.abort(new Error('interrupted'))))(), stdout, stderr);
  const code = await runCli(args, surroundings);
  return { code, stdout: stdout.text, stderr: stderr.text, calls, json: <T>() => JSON.parse(stdout.text) as T };
}
