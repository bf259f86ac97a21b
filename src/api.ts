// The public API that is the same everywhere: an engine for a platform, the typed errors, and the parts that are useful alone.
// The entries (entry/) add what a runtime brings.
import { Engine as CoreEngine } from './engine/engine.ts';
import { ModelSourceError } from './errors.ts';
import type { LoadOptions, LoadPlan, ModelSource } from './engine/load/load-types.ts';
import type { CachedModel, Platform } from './platform/platform.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = CoreEngine;

/** What entries export as `Engine`. */
export interface EngineApi {
  /**
   * Loads a GGUF model: a catalog name ("smollm2"), path, URL, `hf:user/repo`, `pip:` reference, Blob or bytes.
   * Rejects with ModelSourceError, IntegrityError, GgufError, UnsupportedModelError or OutOfMemoryError, or with the
   * signal's reason; nothing stays allocated then.
   */
  load(source: ModelSource, options?: LoadOptions): Promise<CoreEngine>;
  /**
   * What `load` would do with the same arguments and what memory it would take, from the model's header alone. Rejects as load
   * would: with OutOfMemoryError where it does not fit `maxMemory`.
   */
  plan(source: ModelSource, options?: LoadOptions): Promise<LoadPlan>;
  /** Models that were downloaded and are kept, by name; none where this runtime keeps none. */
  cachedModels(options?: { readonly cacheDir?: string }): Promise<readonly CachedModel[]>;
  /** Deletes a kept model by its name or reference. Rejects with ModelSourceError where there is none. */
  removeModel(name: string, options?: { readonly cacheDir?: string }): Promise<CachedModel>;
  [Symbol.hasInstance](value: unknown): value is CoreEngine;
}

/** The engine on a platform: of an entry, or made for a host that has none. */
export function createEngine(platform: Platform): EngineApi {
  return {
    load: (source, options = {}) => CoreEngine.loadOn(platform, source, options),
    plan: (source, options = {}) => CoreEngine.planOn(platform, source, options),
    cachedModels: async ({ cacheDir } = {}) => (await platform.models?.list(cacheDir)) ?? [],
    async removeModel(name, { cacheDir } = {}) {
      if (!platform.models) throw new ModelSourceError(`This runtime (${platform.name}) keeps no models.`);
      return platform.models.remove(name, cacheDir);
    },
    // The object is no class, and cannot be mistaken for one with a constructor.
    [Symbol.hasInstance]: (value): value is CoreEngine => value instanceof CoreEngine,
  };
}

export * from './errors.ts';
export type * from './engine/load/load-types.ts';
export type * from './engine/types.ts';
export type { EngineStats } from './engine/engine-stats.ts';
export type { ChatMessage } from './chat/messages.ts';
export type { SamplingOptions } from './engine/sampler/options.ts';
export type { ByteSource } from './gguf/byte-source.ts';
export type { CachedModel, ComputeWorker, KernelBuild, ModelFiles, ModelStore, OpenModelOptions, Platform, PlatformFiles, SpawnOptions } from './platform/platform.ts';
export type { Tokenizer } from './tokenizer/tokenizer.ts';
export type { ToolCallDelta } from './chat/tool-call-reader.ts';
export { ToolCallParser, toolDialect } from './chat/tool-calls.ts';
export type { ParsedToolCall, ToolCallChunk, ToolDialect } from './chat/tool-calls.ts';
export { toolCallSchema } from './chat/tool-schema.ts';
export type { ToolDefinition } from './chat/tool-schema.ts';
export { createTokenizer } from './tokenizer/tokenizer.ts';
export { readGguf } from './gguf/reader.ts';
export { writeGguf, writeGgufTo } from './gguf/writer.ts';
export { dequantize, quantize } from './quant/quant.ts';
export { blobSource, bytesSource } from './gguf/memory-source.ts';
