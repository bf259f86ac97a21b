// What the contract tests are given and what they say: plain functions over the public API that know no test runner and no
// runtime, so that the same ones are launched in each (test/runtimes/).
import type * as api from '../../src/index.ts';
import type { Engine, LoadOptions, ModelSource } from '../../src/index.ts';

/** Rows of the README's table. */
export const FEATURES = [
  'bytes and Blobs', 'files by path', 'URLs', 'threads over shared memory', 'bit-identical logits',
  'streaming generation', 'chat templates', 'embeddings and scores', 'speculation', 'prefix cache and sessions', 'session files',
  'typed errors', "the caller's thread stays free", 'reading and writing GGUF',
] as const;
export type Feature = (typeof FEATURES)[number];

export interface Surroundings {
  readonly api: typeof api;
  /** Why features are not there. In place of their tests it is tested that they are not. */
  readonly lacks: Readonly<Partial<Record<Feature, string>>>;
  /** Bytes of a file in test/data/arch. */
  fixture(name: string): Promise<Uint8Array>;
  /** Where there are files: a fixture's path, and one that can be written to. */
  readonly paths?: { fixture(name: string): string; temporary(name: string): string };
  /** Where something serves them: a fixture's URL. */
  url?(name: string): string;
  /** What every load needs here, such as compiled kernels. */
  readonly loadOptions?: LoadOptions;
  /** SHA-256 by model, as the README has them. */
  readonly logitsHashes: Readonly<Record<string, string>>;
}

/** What a test works with: the surroundings, and engines that are disposed of after it. */
export interface Scene extends Surroundings {
  load(source: ModelSource, options?: LoadOptions): Promise<Engine>;
}

export interface ContractTest {
  readonly feature: Feature;
  readonly name: string;
  run(scene: Scene): Promise<void>;
  /** Where the feature is not there: shows that it is not, and that this is said. Without it, a feature may be lacking nowhere. */
  lacking?(scene: Scene): Promise<void>;
}

export interface Outcome {
  readonly feature: Feature;
  readonly name: string;
  /** `lacking`: the feature is not there, which was tested. */
  readonly status: 'passed' | 'failed' | 'lacking';
  /** Why it is lacking or how it failed. */
  readonly reason?: string;
  readonly ms: number;
}
