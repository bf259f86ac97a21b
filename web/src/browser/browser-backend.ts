// The backend in the page itself: the engine in workers, models from the host's list, addresses of the reader's, and files.
import { Engine } from '@clawdbot/runtime';
import type { Engine as LoadedEngine, LoadProgress } from '@clawdbot/runtime';
import workerUrl from '../../../dist/browser-worker.js?url';
import { ChatError } from '../chat/backend.ts';
import type { ChatBackend, ChatModel, OpenModel, OpenProgress, ReplyPart, ReplyRequest } from '../chat/backend.ts';
import { hostModels } from './host-models.ts';

const PHASES: Readonly<Record<LoadProgress['phase'], string>> = {
  resolve: 'Looking for it', download: 'Downloading', verify: 'Checking', extract: 'Unpacking', load: 'Loading', warmup: 'Warming up',
};

export function browserBackend(): ChatBackend {
  /** Chosen by the reader for as long as the page lives; addresses come back from the cache. */
  const added = new Map<string, ChatModel & { readonly source: File | string }>();
  let current: { readonly id: string; readonly engine: LoadedEngine } | undefined;

  async function listModels(): Promise<readonly ChatModel[]> {
    // A browser that keeps nothing (private windows) has none to list; opening one says so.
    const [offered, kept] = await Promise.all([hostModels(), Engine.cachedModels().catch(() => [])]);
    const isKept = (reference: string): boolean => kept.some((model) => model.reference === resolved(reference));
    const listed = offered.map(({ reference, ...model }) => ({ ...model, id: reference, isStored: isKept(reference), canRemove: isKept(reference) }));
    const others = kept.filter(({ reference }) => !offered.some((model) => resolved(model.reference) === reference))
      .map(({ name, reference, bytes }) => ({ id: reference, name, sizeBytes: bytes, isStored: true, canRemove: true }));
    const mine = [...added.values()].filter(({ id }) => !others.some((other) => other.id === id));
    return [...listed, ...others, ...mine.map(({ source: _, ...model }) => model)];
  }

  return {
    kind: 'browser',
    listModels,

    async open(id, onProgress, signal): Promise<OpenModel> {
      await current?.engine.dispose();
      current = undefined;
      const engine = await Engine.load(added.get(id)?.source ?? id, {
        workerUrl, signal, maxSequences: { atMost: 2 }, onProgress: (progress) => onProgress(inWords(progress)),
      });
      current = { id, engine };
      const { name, contextLength, memory, threads, kernels, warnings, chatTemplateWarning } = engine.model;
      return {
        id, name: added.get(id)?.name ?? name, contextLength, threads, kernels,
        memoryBytes: memory.weightBytes + memory.kvBytes + memory.scratchBytes,
        warnings: [...warnings, ...(chatTemplateWarning === undefined ? [] : [chatTemplateWarning])],
      };
    },

    reply: (request) => replyWith(current, request),

    async addModel(source) {
      const model = typeof source === 'string'
        ? { id: resolved(source), name: source.slice(source.lastIndexOf('/') + 1), source }
        : { id: `file:${source.name}`, name: source.name.replace(/\.gguf$/i, ''), sizeBytes: source.size, isStored: true, source };
      added.set(model.id, model);
      return model;
    },

    async removeModel(id) {
      if (current?.id === id) {
        await current.engine.dispose();
        current = undefined;
      }
      added.delete(id);
      await Engine.removeModel(resolved(id));
    },
  };
}

/** A reference as the cache knows it: addresses in full, without a query. */
function resolved(reference: string): string {
  if (!/\.gguf(\?|$)/i.test(reference) || /^(hf|pip):/i.test(reference)) return reference;
  const { protocol, host, pathname } = new URL(reference, document.baseURI);
  return `${protocol}//${host}${pathname}`;
}

function inWords({ phase, loadedBytes, totalBytes, waiting }: LoadProgress): OpenProgress {
  return { label: waiting ? 'Waiting for another tab' : PHASES[phase], loadedBytes, ...(totalBytes !== undefined && { totalBytes }) };
}

async function* replyWith(
  current: { readonly id: string; readonly engine: LoadedEngine } | undefined, { modelId, messages, sampling, signal }: ReplyRequest,
): AsyncGenerator<ReplyPart> {
  if (current?.id !== modelId) throw new ChatError('no-model', 'The model is not open any more. Choose it again.');
  const waiting: ReplyPart[] = [];
  const { maxTokens, seed, ...others } = sampling;
  const chunks = current.engine.generate(messages.map(({ role, content }) => ({ role, content })), {
    ...others, ...(maxTokens !== undefined && { maxTokens }), ...(seed !== undefined && { seed }),
    signal, contextPolicy: 'slide',
    onPromptProgress: (progress) => void waiting.push({ type: 'prompt', ...progress }),
  });
  for await (const { text, finishReason, timings } of chunks) {
    yield* waiting.splice(0);
    if (text) yield { type: 'text', text };
    if (!finishReason) continue;
    yield {
      type: 'end', finishReason,
      stats: timings ? {
        promptTokens: timings.promptTokens, newTokens: timings.newTokens, ttftMs: timings.ttftMs, tokensPerSecond: timings.decodeTokensPerSecond,
        ...(timings.droppedTokens > 0 && { droppedTokens: timings.droppedTokens }),
      } : {},
    };
  }
}
