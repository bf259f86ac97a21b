// Ceilings on what a GGUF header may hold, far above real models, so that hostile files stay cheap.
// The largest real headers (262,144 tokens with merges and scores) are below 20 MiB and one million array elements.

export const GGUF_LIMITS = Object.freeze({
  /** Header bytes in all: metadata and tensor list. */
  headerBytes: 64 * 2 ** 20,
  /** The format's own limit on keys. */
  keyBytes: 65_535,
  stringBytes: 16 * 2 ** 20,
  tensorNameBytes: 255,
  metadataEntries: 65_536,
  tensors: 65_536,
  /** Strings and booleans in arrays, over the whole file; a nested array counts as 64 of them. */
  arrayElements: 2 * 2 ** 20,
  arrayDepth: 4,
  dimensions: 4,
  alignment: 2 ** 20,
});
