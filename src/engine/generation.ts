// One generate call on the caller's side: checks the options, sends the request, streams chunks until every choice
// ended.
import { tokenBytes } from '../grammar/vocabulary.ts';
import type { TokenBytes } from '../grammar/vocabulary.ts';
import type { Steps } from '../steps.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { AsyncQueue } from './async-queue.ts';
import type { ComputeHost } from './compute/host.ts';
import type { FittedPrompt } from './context-policy.ts';
import { checkOptions } from './generation-options.ts';
import type { Speaker } from './generation-options.ts';
import type { CompiledGrammar } from './grammar-options.ts';
import type { GrammarMessage, StepTimings, TokenMessage } from './compute/protocol.ts';
import { Gathered } from './gathered.ts';
import { SharedSteps } from './shared-steps.ts';
import { TextAssembler } from './text-assembler.ts';
import { callReading } from './tools/call-reading.ts';
import type { Choice, Completion, GenerateChunk, GenerateOptions, GenerateTimings } from './types.ts';

export interface Generation {
  readonly chunks: AsyncGenerator<GenerateChunk, void, void>;
  readonly choices: readonly TextAssembler[];
  readonly promptIds: readonly number[];
  readonly seed: number;
}

/** Validates and compiles, or throws; the work in the workers starts when `chunks` is first asked. */
export function* startGeneration(
  host: ComputeHost, speaker: Speaker, { ids: promptIds, numSinks, numDropped }: FittedPrompt, options: GenerateOptions,
): Steps<Generation> {
  const { tokenizer, model, toolFormat } = speaker;
  const { numChoices, maxTokens, stops, stopIds, sampling, lookup, draft, grammar, called } = yield* checkOptions(options, promptIds, speaker);
  const seed = sampling.seed ?? Math.floor(Math.random() * 2 ** 32);
  const readCalls = called && callReading(tokenizer, toolFormat, called);
  const choices = Array.from({ length: numChoices }, (_, index) => new TextAssembler(tokenizer, index, stops, readCalls?.()));
  const tokens = grammar && !informed.has(host) ? yield* vocabularyFor(host, tokenizer) : undefined;
  const { onPromptProgress } = options;
  const onPrompt = (computedTokens: number): void => onPromptProgress?.({ computedTokens, totalTokens: promptIds.length });
  const chunks = stream(host, choices, options.signal, onPrompt, (requestId) => ({
    type: 'generate', requestId, promptIds, numChoices, firstChoice: 0, maxTokens, stopIds, sampling, seed, lookup, draft,
    client: options.client,
    wantsPromptProgress: onPromptProgress !== undefined, numDropped,
    ...(options.contextPolicy === 'slide' && { slide: { contextLength: model.contextLength, numSinks } }),
    ...(grammar && { grammar: grammarMessage(host, grammar, tokens) }),
  }));
  return { chunks, choices, promptIds, seed };
}

/** Hosts whose compute thread knows the vocabulary. */
const informed = new WeakSet<ComputeHost>();
/** The vocabulary as it is read for hosts that do not know it yet. */
const readings = new WeakMap<ComputeHost, SharedSteps<TokenBytes>>();

function vocabularyFor(host: ComputeHost, tokenizer: Tokenizer): Steps<TokenBytes> {
  let reading = readings.get(host);
  if (!reading) readings.set(host, (reading = new SharedSteps(tokenBytes(tokenizer))));
  return reading.whole();
}

/** `tokens`: the vocabulary, unless the host was informed before. */
function grammarMessage(host: ComputeHost, grammar: CompiledGrammar, tokens: TokenBytes | undefined): GrammarMessage {
  if (informed.has(host)) return grammar;
  informed.add(host);
  readings.delete(host);
  return { ...grammar, tokens };
}

/** Drains a generation into its result. */
export async function collect({ chunks, choices: assemblers, promptIds, seed }: Generation): Promise<Completion> {
  const gathered = assemblers.map(() => new Gathered());
  for await (const chunk of chunks) gathered[chunk.index]!.add(chunk);
  const choices = gathered.map((choice, index) => choiceOf(choice, index, assemblers[index]!.toolCalls !== undefined));
  const { text, ids, finishReason, toolCalls } = choices[0]!;
  return { text, ids, finishReason, ...(toolCalls && { toolCalls }), promptIds, choices, timings: gathered[0]!.timings, seed };
}

function choiceOf({ text, ids, logprobs, finishReason, toolCalls }: Gathered, index: number, readsCalls: boolean): Choice {
  return { index, text, ids, finishReason, ...(logprobs.length > 0 && { logprobs }), ...(readsCalls && { toolCalls }) };
}

async function* stream(
  host: ComputeHost, choices: readonly TextAssembler[], signal: AbortSignal | undefined,
  onPrompt: (numComputed: number) => void,
  build: (requestId: number) => Parameters<ComputeHost['request']>[0] extends (id: number) => infer M ? M : never,
): AsyncGenerator<GenerateChunk, void, void> {
  signal?.throwIfAborted();
  const startedAt = performance.now();
  const firstTokenAt = new Map<number, number>();
  const tokens = new AsyncQueue<TokenMessage>();
  const report = (numComputed: number): void => {
    try {
      onPrompt(numComputed);
    } catch (error) {
      // The caller's own code threw: that ends this request, not the others whose messages came along.
      tokens.fail(error as Error);
    }
  };
  const requestId = host.request(build, {
    onReply: (message) => {
      if (message.type === 'token') tokens.push(message);
      else if (message.type === 'prompt') report(message.numComputed);
    },
    onError: (error) => tokens.fail(error),
  });
  const abort = (): void => {
    host.cancel(requestId);
    tokens.fail(signal!.reason as Error);
  };
  signal?.addEventListener('abort', abort);
  try {
    let unfinished = choices.length;
    while (unfinished > 0) {
      const message = await tokens.next();
      const choice = choices[message.choiceIndex]!;
      // Tokens that were on their way when a stop string ended the choice.
      if (choice.finished) continue;
      if (!firstTokenAt.has(message.choiceIndex)) firstTokenAt.set(message.choiceIndex, performance.now() - startedAt);
      const chunk = choice.push(message);
      if (chunk.finishReason) {
        unfinished--;
        if (!message.finishReason) host.cancel(requestId, message.choiceIndex);
      }
      const ttftMs = firstTokenAt.get(message.choiceIndex)!;
      yield chunk.finishReason ? { ...chunk, timings: publicTimings(message.timings, ttftMs) } : chunk;
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    host.cancel(requestId);
    host.forget(requestId);
  }
}

function publicTimings(timings: StepTimings, ttftMs: number): GenerateTimings {
  const perSecond = (tokens: number, ms: number): number => (ms > 0 ? (1000 * tokens) / ms : 0);
  return {
    promptTokens: timings.prefillTokens,
    cachedTokens: timings.cachedTokens,
    newTokens: timings.decodeTokens + 1,
    ttftMs,
    prefillTokensPerSecond: perSecond(timings.prefillTokens - timings.cachedTokens, timings.prefillMs),
    decodeTokensPerSecond: perSecond(timings.decodeTokens, timings.decodeMs),
    draftTokens: timings.draftTokens,
    acceptedDraftTokens: timings.acceptedDraftTokens,
    droppedTokens: timings.droppedTokens,
  };
}
