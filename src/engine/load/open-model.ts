// From a model source to what can be loaded: its files opened, its header read, its memory planned.
import { InvalidArgumentError, UnsupportedModelError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { blobSource, bytesSource } from '../../gguf/memory-source.ts';
import type { GgufFile } from '../../gguf/reader.ts';
import { readGguf } from '../../gguf/reader.ts';
import { readGgufParts } from '../../gguf/split.ts';
import { StringList } from '../../gguf/string-list.ts';
import type { ModelFiles, Platform } from '../../platform/platform.ts';
import { planFitting } from './fitting-plan.ts';
import type { Room } from './fitting-plan.ts';
import type { ModelPlan } from './model-plan.ts';
import { refuseRecurrent } from '../speculation/options.ts';
import type { LoadOptions, ModelSource } from './load-types.ts';

export interface OpenedFile {
  readonly name: string;
  /** To be closed by who opened it. */
  readonly sources: readonly ByteSource[];
  readonly warnings: readonly string[];
  readonly file: GgufFile;
}

export interface OpenedModel extends OpenedFile {
  readonly modelPlan: ModelPlan;
}

/** Tokens by which two vocabularies that belong together may differ in length: some files have unused ones at the end. */
const MOST_PADDING = 1024;

/**
 * Opens and plans a model and the draft model that the options name; closes what it opened when that fails. Throws
 * UnsupportedModelError where one of the two cannot be drafted for, or their vocabularies differ.
 */
export async function openModels(
  platform: Platform, source: ModelSource, options: LoadOptions, numThreads: number,
): Promise<readonly OpenedModel[]> {
  const room: Room = { options, numThreads, memoryLimit: platform.memoryLimit };
  const opened: OpenedFile[] = [];
  try {
    const main = await openFile(platform, source, options);
    opened.push(main);
    const alone: OpenedModel = { ...main, modelPlan: planFitting([main.file], room)[0]! };
    if (options.draftModel === undefined) return [alone];
    requireDecoder(alone);
    const draft = await openFile(platform, options.draftModel, options);
    opened.push(draft);
    const [plan, draftPlan] = planFitting([main.file, draft.file], room);
    const drafting: OpenedModel = { ...draft, modelPlan: draftPlan! };
    requireDecoder(drafting);
    requireSameTokens(main, draft);
    return [{ ...main, modelPlan: plan! }, drafting];
  } catch (error) {
    await Promise.all(opened.map(({ sources }) => closeAll(sources)));
    throw error;
  }
}

/** Closes what it opened when that fails. */
async function openFile(platform: Platform, source: ModelSource, options: LoadOptions): Promise<OpenedFile> {
  const { signal } = options;
  const { name, sources, warnings = [] } = await openSource(platform, source, options);
  try {
    return { name, sources, warnings, file: sources.length > 1 ? await readGgufParts(sources, { signal }) : await readGguf(sources[0]!, { signal }) };
  } catch (error) {
    await closeAll(sources);
    throw error;
  }
}

export async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  await Promise.all(sources.map((source) => source.close()));
}

function requireDecoder({ name, modelPlan: { plan, layouts } }: OpenedModel): void {
  if (plan.config.kind !== 'decoder') {
    throw new UnsupportedModelError(`${name} is an encoder (${plan.config.architecture}): draftModel is for models that generate.`);
  }
  refuseRecurrent({ name, recurrent: layouts.some(({ backend }) => backend.recurrentStates.length > 0) });
}

function requireSameTokens(main: OpenedFile, draft: OpenedFile): void {
  const [tokens, others] = [tokensOf(main), tokensOf(draft)];
  const shared = Math.min(tokens.length, others.length);
  const same = tokens.numShared(others);
  if (same === shared && Math.abs(tokens.length - others.length) <= MOST_PADDING) return;
  const where = same < shared ? `they part at token ${same}` : `they have ${tokens.length} and ${others.length} tokens`;
  throw new UnsupportedModelError(
    `${draft.name} cannot draft for ${main.name}: their vocabularies differ (${where}). Use a smaller model of the same family.`,
  );
}

function tokensOf({ file }: OpenedFile): StringList {
  return file.metadata.stringList('tokenizer.ggml.tokens') ?? StringList.from([]);
}

async function openSource(
  platform: Platform, source: ModelSource, options: LoadOptions,
): Promise<ModelFiles> {
  if (typeof source === 'string' || source instanceof URL) {
    const { cacheDir, cache, offline, allowHttp, signal, onProgress, workerUrl } = options;
    return platform.openModel(source, { cacheDir, cache, offline, allowHttp, signal, onProgress, workerUrl });
  }
  if (source instanceof ArrayBuffer) return { name: 'bytes', sources: [bytesSource(new Uint8Array(source))] };
  if (source instanceof Uint8Array) return { name: 'bytes', sources: [bytesSource(source)] };
  if (source instanceof Blob) return { name: 'blob', sources: [blobSource(source)] };
  throw new InvalidArgumentError('The model source must be a name, path, URL, Blob or bytes.');
}
