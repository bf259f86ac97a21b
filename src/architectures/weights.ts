// Gives every tensor a model asks for an address and notes what the loader has to read; touches no memory itself.
import type { Arena } from '../backends/arena.ts';
import type { Backend } from '../backends/backend.ts';
import type { Vector, Weight } from '../backends/tensors.ts';
import { GgufError, UnsupportedModelError } from '../errors.ts';
import { GGML_TYPES } from '../gguf/ggml-types.ts';
import type { TensorDeclaration, WeightSource } from './architecture.ts';

/** What the loader reads: file bytes as they are for a matrix, widened to float32 for a vector. */
export type LoadedTensor = LoadedTensorFacts & (
  | { readonly kind: 'matrix'; readonly weight: Weight }
  | { readonly kind: 'vector'; readonly vector: Vector }
);

interface LoadedTensorFacts {
  readonly name: string;
  readonly declaration: TensorDeclaration;
  /** Bytes it takes in linear memory. */
  readonly byteLength: number;
}

export interface RecordingWeightSource extends WeightSource {
  /** In the order first asked for, each tensor once. */
  readonly requests: readonly LoadedTensor[];
}

type Backing = Pick<Backend, 'layoutFor' | 'headLayoutFor'>;

export function createWeightSource(
  tensors: ReadonlyMap<string, TensorDeclaration>, arena: Arena, backend: Backing,
): RecordingWeightSource {
  const requests: LoadedTensor[] = [];
  const matrices = new Map<string, Weight>();
  const vectors = new Map<string, Vector>();

  function matrix(name: string, cols: number, rows: number, depth = 1, isHead = false): Weight {
    const declaration = declared(tensors, name);
    checkMatrix(declaration, cols, rows, depth);
    const known = matrices.get(name);
    if (known) return known;
    const { type } = declaration;
    const { blockSize, blockBytes } = GGML_TYPES[type];
    if (cols % blockSize !== 0) {
      throw new GgufError(
        `Tensor "${name}" has rows of ${cols} elements, which ${type} blocks of ${blockSize} do not divide. ` +
          'The file is malformed; fetch or convert it again.',
      );
    }
    const rowBytes = (cols / blockSize) * blockBytes;
    const layout = isHead ? backend.headLayoutFor(type, rows, cols) : backend.layoutFor(type, rows, cols, depth);
    const byteLength = rowBytes * rows * depth;
    const ptr = arena.allocate(byteLength, `Tensor "${name}"`);
    const weight = { name, type, layout, cols, rows, depth, ptr, rowBytes };
    matrices.set(name, weight);
    requests.push({ kind: 'matrix', name, declaration, byteLength, weight });
    return weight;
  }

  function vector(name: string, length: number): Vector {
    const declaration = declared(tensors, name);
    if (declaration.shape.reduce((product, dim) => product * dim, 1) !== length) {
      throw wrongShape(declaration, [length]);
    }
    const known = vectors.get(name);
    if (known) return known;
    const byteLength = 4 * length;
    const added = { name, ptr: arena.allocate(byteLength, `Tensor "${name}"`), length };
    vectors.set(name, added);
    requests.push({ kind: 'vector', name, declaration, byteLength, vector: added });
    return added;
  }

  return {
    requests,
    has: (name) => tensors.has(name),
    shape: (name) => tensors.get(name)?.shape,
    matrix: (name, cols, rows, depth) => matrix(name, cols, rows, depth),
    head: (name, cols, rows) => matrix(name, cols, rows, 1, true),
    optionalMatrix: (name, ...size) => (tensors.has(name) ? matrix(name, ...size) : undefined),
    vector,
    optionalVector: (name, length) => (tensors.has(name) ? vector(name, length) : undefined),
  };
}

/** Types that are not numbers a model computes with, or only exist while computing. */
const NOT_WEIGHTS: readonly string[] = ['I8', 'I16', 'I32', 'I64', 'F64', 'Q8_1', 'Q8_K'];

function declared(tensors: ReadonlyMap<string, TensorDeclaration>, name: string): TensorDeclaration {
  const declaration = tensors.get(name);
  if (!declaration) {
    throw new GgufError(`The model has no tensor "${name}". The file is incomplete; fetch or convert it again.`);
  }
  if (NOT_WEIGHTS.includes(declaration.type)) {
    throw new UnsupportedModelError(
      `Tensor "${name}" has type ${declaration.type}, which is not a type of weights. ` +
        'Use another conversion of the model.',
    );
  }
  return declaration;
}

function checkMatrix(declaration: TensorDeclaration, cols: number, rows: number, depth: number): void {
  const { shape } = declaration;
  const expected = [cols, rows, depth];
  const length = Math.max(shape.length, expected.length);
  for (let i = 0; i < length; i++) {
    if ((shape[i] ?? 1) !== (expected[i] ?? 1)) throw wrongShape(declaration, depth === 1 ? [cols, rows] : expected);
  }
}

function wrongShape(declaration: TensorDeclaration, expected: readonly number[]): GgufError {
  return new GgufError(
    `Tensor "${declaration.name}" has shape [${declaration.shape.join(', ')}] where the metadata asks for ` +
      `[${expected.join(', ')}]. The file is malformed; fetch or convert it again.`,
  );
}
