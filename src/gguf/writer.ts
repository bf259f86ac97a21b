// Writes GGUF version 3, little-endian: to bytes in memory, or piece by piece to a sink. reader.ts draws the layout.
import { InvalidArgumentError } from '../errors.ts';
import { GGML_TYPES } from './ggml-types.ts';
import type { GgmlType } from './ggml-types.ts';
import { HeaderWriter } from './header-writer.ts';
import type { MetadataInput } from './header-writer.ts';
import { GGUF_LIMITS } from './limits.ts';

export interface TensorInput {
  readonly name: string;
  readonly type: GgmlType;
  /** ne order: the first dimension is the fastest. */
  readonly shape: readonly number[];
  /** All bytes, or a function that yields them in pieces when their turn comes (only for `writeGgufTo`). */
  readonly bytes: Uint8Array | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>);
}

export interface GgufContents {
  readonly metadata: Iterable<readonly [key: string, value: MetadataInput]>;
  readonly tensors: readonly TensorInput[];
  /** Power of two, 32 by default; any other is recorded as general.alignment. */
  readonly alignment?: number;
}

/** Takes the bytes of a file in order. */
export type GgufSink = (bytes: Uint8Array) => void | Promise<void>;

const VERSION = 3;
const DEFAULT_ALIGNMENT = 32;
const ALIGNMENT_KEY = 'general.alignment';
const MAGIC = 0x46554747;

/** Bytes that a tensor of this type and shape takes. Throws InvalidArgumentError for shapes the type cannot have. */
export function tensorBytes(type: GgmlType, shape: readonly number[]): number {
  const { blockSize, blockBytes } = GGML_TYPES[type];
  const numElements = shape.reduce((product, length) => product * length, 1);
  const isValid = shape.length >= 1 && shape.length <= GGUF_LIMITS.dimensions && Number.isSafeInteger(numElements) &&
    shape.every((length) => Number.isSafeInteger(length) && length > 0) && shape[0] % blockSize === 0;
  if (!isValid) {
    throw new InvalidArgumentError(
      `A ${type} tensor cannot have the shape [${shape.join(', ')}]: it needs 1 to ${GGUF_LIMITS.dimensions} ` +
        `positive dimensions, the first of them a multiple of ${blockSize}.`,
    );
  }
  return (numElements / blockSize) * blockBytes;
}

/** A whole GGUF file in memory. Throws InvalidArgumentError for contents that no GGUF file can hold. */
export function writeGguf(contents: GgufContents): Uint8Array {
  const { header, alignment } = writeHeader(contents);
  const sizes = contents.tensors.map((tensor) => tensorBytes(tensor.type, tensor.shape));
  const file = new Uint8Array(header.length + sizes.reduce((sum, size) => sum + aligned(size, alignment), 0));
  file.set(header);
  let at = header.length;
  for (const [i, { name, bytes }] of contents.tensors.entries()) {
    if (typeof bytes === 'function') {
      throw new InvalidArgumentError(`The bytes of tensor "${name}" come in pieces; write them with writeGgufTo.`);
    }
    checkLength(name, bytes.length, sizes[i]);
    file.set(bytes, at);
    at += aligned(sizes[i], alignment);
  }
  return file;
}

/** Writes a file in order to `sink`, which is awaited; no more than one piece of one tensor is held. */
export async function writeGgufTo(sink: GgufSink, contents: GgufContents): Promise<void> {
  const { header, alignment } = writeHeader(contents);
  await sink(header);
  for (const { name, type, shape, bytes } of contents.tensors) {
    const size = tensorBytes(type, shape);
    let written = 0;
    for await (const piece of typeof bytes === 'function' ? bytes() : [bytes]) {
      written += piece.length;
      if (written > size) checkLength(name, written, size);
      await sink(piece);
    }
    checkLength(name, written, size);
    const padding = aligned(size, alignment) - size;
    if (padding > 0) await sink(new Uint8Array(padding));
  }
}

function writeHeader(contents: GgufContents): { header: Uint8Array; alignment: number } {
  const entries = new Map<string, MetadataInput>();
  for (const [key, value] of contents.metadata) {
    if (entries.has(key)) throw new InvalidArgumentError(`The metadata key "${key}" is given twice.`);
    entries.set(key, value);
  }
  const alignment = settleAlignment(entries, contents.alignment);
  const writer = new HeaderWriter();
  writer.u32(MAGIC);
  writer.u32(VERSION);
  writer.u64(contents.tensors.length);
  writer.u64(entries.size);
  for (const [key, value] of entries) {
    checkName(key, 'metadata key', GGUF_LIMITS.keyBytes);
    writer.string(key);
    writer.typedValue(key, value);
  }
  writeTensorInfos(writer, contents.tensors, alignment);
  const header = new Uint8Array(aligned(writer.length, alignment));
  header.set(writer.bytes());
  return { header, alignment };
}

/** The alignment asked for, or what the metadata says; both must agree, and the metadata must end up saying it. */
function settleAlignment(entries: Map<string, MetadataInput>, asked: number | undefined): number {
  const entry = entries.get(ALIGNMENT_KEY);
  const stated = typeof entry === 'object' && 'value' in entry ? entry.value : entry;
  const alignment = asked ?? stated ?? DEFAULT_ALIGNMENT;
  if (typeof alignment !== 'number' || !(alignment >= 1) || !Number.isInteger(Math.log2(alignment)) ||
    alignment > GGUF_LIMITS.alignment || (stated !== undefined && stated !== alignment)) {
    throw new InvalidArgumentError(
      `The alignment ${String(alignment)} must be a power of two up to ${GGUF_LIMITS.alignment} ` +
        `and agree with ${ALIGNMENT_KEY}.`,
    );
  }
  if (alignment !== DEFAULT_ALIGNMENT) entries.set(ALIGNMENT_KEY, { type: 'u32', value: alignment });
  return alignment;
}

function writeTensorInfos(writer: HeaderWriter, tensors: readonly TensorInput[], alignment: number): void {
  const names = new Set<string>();
  let offset = 0;
  for (const { name, type, shape } of tensors) {
    checkName(name, 'tensor name', GGUF_LIMITS.tensorNameBytes);
    if (names.has(name)) throw new InvalidArgumentError(`The tensor name "${name}" is given twice.`);
    names.add(name);
    const size = tensorBytes(type, shape);
    writer.string(name);
    writer.u32(shape.length);
    for (const length of shape) writer.u64(length);
    writer.u32(GGML_TYPES[type].id);
    writer.u64(offset);
    offset += aligned(size, alignment);
  }
}

function checkName(name: string, what: string, limit: number): void {
  const length = new TextEncoder().encode(name).length;
  if (length === 0 || length > limit) {
    const shown = name.slice(0, 80);
    throw new InvalidArgumentError(`The ${what} "${shown}" has ${length} bytes; 1 to ${limit} are possible.`);
  }
}

function checkLength(name: string, length: number, expected: number): void {
  if (length !== expected) {
    throw new InvalidArgumentError(`Tensor "${name}" needs ${expected} bytes for its type and shape, not ${length}.`);
  }
}

function aligned(length: number, alignment: number): number {
  return Math.ceil(length / alignment) * alignment;
}
