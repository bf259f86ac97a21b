// Public API for Node: the engine bound to Node's platform, the typed errors, and the parts that are useful alone.
import { Engine as CoreEngine } from './engine/engine.ts';
import type { LoadOptions, ModelSource } from './engine/types.ts';
import { nodePlatform } from './platform/node.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = CoreEngine;

export const Engine = {
  /**
   * Loads a GGUF model: a catalog name ("smollm2"), path, URL, `hf:user/repo`, `pip:` reference, Blob or bytes.
   * Rejects with ModelSourceError, IntegrityError, GgufError, UnsupportedModelError or OutOfMemoryError, or with the
   * signal's reason; nothing stays allocated then.
   */
  load(source: ModelSource, options: LoadOptions = {}): Promise<CoreEngine> {
    return CoreEngine.loadOn(nodePlatform, source, options);
  },

  /** `value instanceof Engine`: the object above is no class, and cannot be mistaken for one with a constructor. */
  [Symbol.hasInstance](value: unknown): value is CoreEngine {
    return value instanceof CoreEngine;
  },
};

export * from './errors.ts';
export type * from './engine/types.ts';
export type { ChatMessage } from './chat/messages.ts';
export type { SamplingOptions } from './engine/sampler/options.ts';
export type { Tokenizer } from './tokenizer/tokenizer.ts';
export { createTokenizer } from './tokenizer/tokenizer.ts';
export { readGguf } from './gguf/reader.ts';
export { writeGguf, writeGgufTo } from './gguf/writer.ts';
export { dequantize, quantize } from './quant/quant.ts';
export { openFile } from './platform/node-file.ts';
export { blobSource, bytesSource } from './gguf/memory-source.ts';
