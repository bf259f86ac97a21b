// Reads an architecture's metadata keys with limits, so that no hostile number reaches an allocation or a loop.
import { GgufError } from '../errors.ts';
import type { Metadata } from '../gguf/metadata.ts';
import type { TensorDeclaration } from './architecture.ts';

/** Largest believable sizes; every count of a model is held against one of them. */
export const CONFIG_LIMITS = {
  layers: 1024,
  hiddenSize: 2 ** 17,
  heads: 2 ** 12,
  headDim: 2 ** 12,
  intermediateSize: 2 ** 20,
  contextLength: 2 ** 24,
  vocabSize: 2 ** 22,
  experts: 2 ** 12,
} as const;

interface Range {
  readonly min?: number;
  readonly max: number;
  /** Value where the key is missing; without it the key is required. */
  readonly otherwise?: number;
}

export class ConfigReader {
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, TensorDeclaration>;
  readonly architecture: string;

  constructor(metadata: Metadata, tensors: ReadonlyMap<string, TensorDeclaration>, architecture: string) {
    this.metadata = metadata;
    this.tensors = tensors;
    this.architecture = architecture;
  }

  has(key: string): boolean {
    return this.metadata.has(this.#full(key));
  }

  /** A whole number in min (1 by default) … max. */
  count(key: string, range: Range): number {
    const full = this.#full(key);
    const value = this.metadata.number(full) ?? range.otherwise;
    return checkedCount(full, this.metadata.required(full, value), range);
  }

  /** One count per layer, from an array or a single number for all. */
  counts(key: string, numLayers: number, range: Range): readonly number[] {
    const full = this.#full(key);
    const value = this.metadata.entries.get(full);
    if (value === undefined || typeof value === 'number') return Array(numLayers).fill(this.count(key, range));
    const values = this.metadata.required(full, this.metadata.numbers(full));
    if (values.length !== numLayers) throw wrongNumber(full, values.length, numLayers);
    return Array.from(values, (item) => checkedCount(full, item, range));
  }

  /** A finite number above zero. */
  positive(key: string, otherwise?: number): number {
    const full = this.#full(key);
    const value = this.metadata.required(full, this.metadata.number(full) ?? otherwise);
    if (!(value > 0 && value < Infinity)) throw senseless(full, value, 'a number above 0');
    return value;
  }

  /** A finite number, or `otherwise`. */
  real(key: string, otherwise: number): number {
    const full = this.#full(key);
    const value = this.metadata.number(full) ?? otherwise;
    if (!Number.isFinite(value)) throw senseless(full, value, 'a finite number');
    return value;
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.metadata.boolean(this.#full(key)) ?? otherwise;
  }

  /** One flag per layer. */
  flags(key: string, numLayers: number): readonly boolean[] {
    const full = this.#full(key);
    const values = this.metadata.required(full, this.metadata.booleans(full));
    if (values.length !== numLayers) throw wrongNumber(full, values.length, numLayers);
    return values;
  }

  /** Whether the key holds an array rather than one value. */
  isArray(key: string): boolean {
    return typeof this.metadata.entries.get(this.#full(key)) === 'object';
  }

  string(key: string): string | undefined {
    return this.metadata.string(this.#full(key));
  }

  /** A GgufError that says what `key` should be. */
  senseless(key: string, found: number | string, expected: string): GgufError {
    return senseless(this.#full(key), found, expected);
  }

  #full(key: string): string {
    return `${this.architecture}.${key}`;
  }
}

function checkedCount(key: string, value: number, { min = 1, max }: Range): number {
  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    throw senseless(key, value, `a whole number from ${min} to ${max}`);
  }
  return value;
}

function wrongNumber(key: string, found: number, numLayers: number): GgufError {
  return senseless(key, `an array of ${found}`, `one of ${numLayers}, a value per layer`);
}

function senseless(key: string, found: number | string, expected: string): GgufError {
  return new GgufError(
    `Metadata key "${key}" is ${found} but should be ${expected}. The file is malformed; fetch or convert it again.`,
  );
}
