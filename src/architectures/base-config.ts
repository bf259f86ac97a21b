// The part of a configuration that nearly every architecture states under the same metadata keys.
import { GgufError, UnsupportedModelError } from '../errors.ts';
import type { Metadata } from '../gguf/metadata.ts';
import type { TensorDeclaration } from './architecture.ts';
import type { ModelConfig } from './config.ts';
import { CONFIG_LIMITS, ConfigReader } from './config-reader.ts';
import type { ExpertsDefaults } from './experts-config.ts';
import { readExperts } from './experts-config.ts';
import { readRope } from './rope-config.ts';

export interface BaseConfigOptions {
  readonly kind?: ModelConfig['kind'];
  /** Which epsilon key the architecture's norms read. */
  readonly norm: 'rms' | 'layer';
  /** Rotation style; absent where the architecture has none. */
  readonly rope?: 'norm' | 'neox';
  /** Whether layers with 0 key/value heads make sense: layers of another kind. */
  readonly mayLackAttention?: boolean;
  /** Read experts, with these answers where the file has none; absent where the architecture has no experts. */
  readonly experts?: ExpertsDefaults;
  /** Facts for the architecture's own file. */
  readonly extra?: ModelConfig['extra'];
}

const POOLINGS = ['none', 'mean', 'cls', 'last'] as const;

/** Reads and checks the usual keys; GgufError names the one that is missing or senseless. */
function readBaseConfig(reader: ConfigReader, options: BaseConfigOptions): ModelConfig {
  const numLayers = reader.count('block_count', { max: CONFIG_LIMITS.layers });
  const hiddenSize = reader.count('embedding_length', { max: CONFIG_LIMITS.hiddenSize });
  const numHeads = reader.count('attention.head_count', { max: CONFIG_LIMITS.heads });
  const numKvHeads = reader.counts('attention.head_count_kv', numLayers, {
    min: options.mayLackAttention ? 0 : 1, max: CONFIG_LIMITS.heads, otherwise: numHeads,
  });
  const uneven = numKvHeads.find((kvHeads) => kvHeads > 0 && numHeads % kvHeads !== 0);
  if (uneven !== undefined) throw reader.senseless('attention.head_count_kv', uneven, `a divisor of ${numHeads}`);
  const headDim = readHeadDim(reader, 'attention.key_length', hiddenSize, numHeads);
  const contextLength = reader.count('context_length', { max: CONFIG_LIMITS.contextLength });
  const slidingWindow = reader.count('attention.sliding_window', {
    min: 0, max: CONFIG_LIMITS.contextLength, otherwise: 0,
  });
  return {
    architecture: reader.architecture,
    kind: options.kind ?? 'decoder',
    vocabSize: readVocabSize(reader),
    hiddenSize,
    numLayers,
    numHeads,
    numKvHeads,
    headDim,
    valueDim: readHeadDim(reader, 'attention.value_length', hiddenSize, numHeads),
    intermediateSize: reader.counts('feed_forward_length', numLayers, { max: CONFIG_LIMITS.intermediateSize }),
    contextLength,
    normEpsilon: readEpsilon(reader, options.norm),
    rope: options.rope && readRope(reader, options.rope, headDim, contextLength),
    experts: options.experts && readExperts(reader, options.experts),
    slidingWindow: slidingWindow || undefined,
    pooling: readPooling(reader),
    extra: options.extra ?? {},
  };
}

/** An `Architecture.config` for the usual keys, and those that `extra` reads. */
export function baseConfig(
  architecture: string, options: Omit<BaseConfigOptions, 'extra'>,
  extra?: (reader: ConfigReader) => ModelConfig['extra'],
): (metadata: Metadata, tensors: ReadonlyMap<string, TensorDeclaration>) => ModelConfig {
  return (metadata, tensors) => {
    const reader = new ConfigReader(metadata, tensors, architecture);
    return readBaseConfig(reader, { ...options, extra: extra?.(reader) });
  };
}

/** A number that the architecture's own `config` put into `extra`. */
export function extraNumber(config: ModelConfig, key: string): number {
  return config.extra[key] as number;
}

function readHeadDim(reader: ConfigReader, key: string, hiddenSize: number, numHeads: number): number {
  if (reader.has(key)) return reader.count(key, { max: CONFIG_LIMITS.headDim });
  if (hiddenSize % numHeads !== 0) {
    throw reader.senseless('attention.head_count', numHeads, `a divisor of embedding_length (${hiddenSize})`);
  }
  const headDim = hiddenSize / numHeads;
  if (headDim > CONFIG_LIMITS.headDim) {
    throw reader.senseless('attention.head_count', numHeads, `at least ${hiddenSize / CONFIG_LIMITS.headDim}`);
  }
  return headDim;
}

/** Rows of the embedding table; the vocabulary's metadata may count fewer. */
export function readVocabSize(reader: ConfigReader): number {
  const rows = reader.tensors.get('token_embd.weight')?.shape[1];
  if (rows === undefined || rows < 1 || rows > CONFIG_LIMITS.vocabSize) {
    throw new GgufError(
      rows === undefined
        ? 'The model has no tensor "token_embd.weight" of two dimensions. The file holds no weights or is incomplete.'
        : `Tensor "token_embd.weight" has ${rows} rows; 1 to ${CONFIG_LIMITS.vocabSize} make sense. ` +
          'The file is malformed; fetch or convert it again.',
    );
  }
  return rows;
}

function readEpsilon(reader: ConfigReader, norm: 'rms' | 'layer'): number {
  return reader.positive(norm === 'rms' ? 'attention.layer_norm_rms_epsilon' : 'attention.layer_norm_epsilon', 1e-5);
}

function readPooling(reader: ConfigReader): ModelConfig['pooling'] {
  if (!reader.has('pooling_type')) return undefined;
  const pooling = POOLINGS[reader.count('pooling_type', { min: 0, max: 4 })];
  if (pooling) return pooling;
  throw new UnsupportedModelError('The model ranks texts (pooling type 4), which is not supported: it makes no embeddings.');
}
