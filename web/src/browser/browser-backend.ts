// The backend in the page itself: the engine in workers, models from the host's list, addresses of the reader's, and files.
import { Engine } from '@clawdbot/runtime';
import type { Engine as LoadedEngine, LoadProgress } from '@clawdbot/runtime';
import workerUrl from '../../../dist/browser-worker.js?url';
import { ChatError } from '../chat/backend.ts';
import type { ChatBackend, ChatModel, OpenModel, OpenProgress, ReplyPart, ReplyRequest } from '../chat/backend.ts';
import type { HostModel } from './host-models.ts';

const PHASES: Readonly<Record<LoadProgress['phase'], string>> = {
  resolve: 'Looking for it', download: 'Downloading', verify: 'Checking', extract: 'Unpacking', load: 'Loading', warmup: 'Warming up',
};

/** `offered` is what the page's host lists. */
export function browserBackend(offered: readonly HostModel[]): ChatBackend {
  /** Chosen by the reader for as long as the page lives; addresses come back from the cache. */
  const added = new Map<string, ChatModel & { readonly source: File | string }>();
  let listed: readonly ChatModel[] = [];
  let current: { readonly id: string; readonly engine: LoadedEngine } | undefined;

  async function listModels(): Promise<readonly ChatModel[]> {
    // A browser that keeps nothing (private windows) has none to list; opening one says so.
    const kept = await Engine.cachedModels().catch(() => []);
    const isKept = (reference: string): boolean => kept.some((model) => model.reference === resolved(reference));
    const ofHost = offered.map(({ reference, ...model }) => ({ ...model, id: reference, isStored: isKept(reference), canRemove: isKept(reference) }));
    const others = kept.filter(({ reference }) => !offered.some((model) => resolved(model.reference) === reference))
      .map(({ name, reference, bytes }) => ({ id: reference, name, sizeBytes: bytes, isStored: true, canRemove: true }));
    const mine = [...added.values()].filter(({ id }) => !others.some((other) => other.id === id));
    listed = [...ofHost, ...others, ...mine.map(({ source: _, ...model }) => model)];
    return listed;
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
      const { name, contextLength, memory, threads, kernels, warnings, hasChatTemplate } = engine.model;
      return {
        // As the list has it; what a file calls itself may be another name.
        id, name: listed.find((model) => model.id === id)?.name ?? name, contextLength, threads, kernels, onlyContinues: !hasChatTemplate,
        memoryBytes: memory.reservedBytes,
        warnings,
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
  current: { readonly id: string; readonly engine: LoadedEngine } | undefined, { modelId, messages, sampling, signal, onPromptProgress }: ReplyRequest,
): AsyncGenerator<ReplyPart> {
  if (current?.id !== modelId) throw new ChatError('no-model', 'The model is not open any more. Choose it again.');
  const { maxTokens, seed, ...others } = sampling;
  const chunks = current.engine.generate(messages.map(({ role, content }) => ({ role, content })), {
    ...others, ...(maxTokens !== undefined && { maxTokens }), ...(seed !== undefined && { seed }),
    signal, contextPolicy: 'slide', onPromptProgress,
  });
  for await (const { text, ids, finishReason, timings } of chunks) {
    // Tokens without text of their own are part of a character, or of what may be a stop string.
    if (text || ids.length > 0) yield { type: 'text', text, numTokens: ids.length };
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
