// Reads the header of one GGUF file: metadata and where each tensor lies. Tensor bytes stay in the source.
// Split files are joined in split.ts.
//
//   "GGUF" | u32 version | u64 numTensors | u64 numEntries | entries | tensor infos | padding | tensor bytes
import { GgufError, InvalidArgumentError, UnsupportedModelError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { GGML_TYPES, GGML_TYPE_BY_ID } from './ggml-types.ts';
import type { GgmlType } from './ggml-types.ts';
import { HeaderCursor } from './header-cursor.ts';
import { GGUF_LIMITS } from './limits.ts';
import { Metadata } from './metadata.ts';
import { quoted, readMetadata } from './metadata-reader.ts';

export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlType;
  /** ne order: the first dimension is the fastest. Dimensions are as many as the file states. */
  readonly shape: readonly number[];
  readonly numElements: number;
  readonly byteLength: number;
  /** First byte, counted from the start of its file. */
  readonly offset: number;
  /** Which of the split files holds it; 0 for a single file. */
  readonly partIndex: number;
}

export interface GgufFile {
  readonly version: 2 | 3;
  readonly alignment: number;
  readonly metadata: Metadata;
  readonly tensors: readonly GgufTensor[];
  tensor(name: string): GgufTensor | undefined;
  /** Where tensor bytes begin (in the first file of a split model). */
  readonly dataOffset: number;
  /** Bytes of the file, or of all files of a split model. */
  readonly size: number;
}

export interface ReadGgufOptions {
  readonly signal?: AbortSignal;
}

const DEFAULT_ALIGNMENT = 32;
const MAGIC = 0x46554747;
/** A key's length, one byte of key, its type and one byte of value. */
const MIN_ENTRY_BYTES = 8 + 1 + 4 + 1;
/** A name's length, one byte of name, the number of dimensions, the type and the offset. */
const MIN_TENSOR_BYTES = 8 + 1 + 4 + 4 + 8;

/**
 * Reads and checks the header of a GGUF file (version 2 or 3, little-endian), never its tensor bytes. `source` stays open.
 * Rejects with GgufError when the file is malformed, UnsupportedModelError when a tensor type is unknown.
 */
export async function readGguf(source: ByteSource, options: ReadGgufOptions = {}): Promise<GgufFile> {
  if (typeof (source as Partial<ByteSource> | null | undefined)?.read !== 'function') {
    throw new InvalidArgumentError(`readGguf takes an open file, not ${typeof source === 'string' ? JSON.stringify(source) : typeof source}. ` +
      'Make one with openFile(path) and close() it afterwards, or with bytesSource(bytes) or blobSource(blob).');
  }
  options.signal?.throwIfAborted();
  const cursor = new HeaderCursor(source, options.signal);
  const version = await readVersion(cursor, source.name);
  const numTensors = await readCount(cursor, 'tensors', GGUF_LIMITS.tensors, MIN_TENSOR_BYTES);
  const numEntries = await readCount(cursor, 'metadata entries', GGUF_LIMITS.metadataEntries, MIN_ENTRY_BYTES);
  const metadata = new Metadata(await readMetadata(cursor, numEntries));
  const alignment = readAlignment(cursor, metadata);
  const unplaced: UnplacedTensor[] = [];
  for (let i = 0; i < numTensors; i++) unplaced.push(await readTensor(cursor, i, alignment));
  const dataOffset = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = unplaced.map((tensor) => place(cursor, tensor, dataOffset, source.size));
  checkOverlaps(cursor, tensors);
  return ggufFile({ version, alignment, metadata, tensors, dataOffset, size: source.size },
    (name) => cursor.fail(`the tensor name ${quoted(name)} occurs twice`));
}

/** Adds look-up by name to the fields of a file; a name that occurs twice is thrown as the given error. */
export function ggufFile(fields: Omit<GgufFile, 'tensor'>, duplicate: (name: string) => Error): GgufFile {
  const byName = new Map<string, GgufTensor>();
  for (const tensor of fields.tensors) {
    if (byName.has(tensor.name)) throw duplicate(tensor.name);
    byName.set(tensor.name, tensor);
  }
  return Object.freeze({ ...fields, tensor: (name: string) => byName.get(name) });
}

async function readVersion(cursor: HeaderCursor, name: string): Promise<2 | 3> {
  const magic = await cursor.u32('the magic bytes');
  if (magic !== MAGIC) {
    throw new GgufError(`"${name}" is not a GGUF file: it does not begin with the bytes "GGUF". Use a .gguf file.`);
  }
  const version = await cursor.u32('the version');
  if (version === 2 || version === 3) return version;
  if (version !== 0 && (version & 0xffff) === 0) {
    throw cursor.fail('the file is big-endian; only little-endian GGUF is supported, convert it without --bigendian');
  }
  throw cursor.fail(`GGUF version ${version} is not supported, only 2 and 3 are`);
}

async function readCount(cursor: HeaderCursor, of: string, limit: number, minBytes: number): Promise<number> {
  const what = `the number of ${of}`;
  const count = await cursor.u64(what);
  if (count > limit) throw cursor.fail(`${what} is ${count} and the limit is ${limit}`);
  cursor.checkCount(count, minBytes, what);
  return count;
}

function readAlignment(cursor: HeaderCursor, metadata: Metadata): number {
  const alignment = metadata.number('general.alignment') ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo = Number.isInteger(Math.log2(alignment)) && alignment >= 1;
  if (!isPowerOfTwo || alignment > GGUF_LIMITS.alignment) {
    throw cursor.fail(`general.alignment is ${alignment}; it must be a power of two up to ${GGUF_LIMITS.alignment}`);
  }
  return alignment;
}

/** A tensor whose offset still counts from the start of the tensor bytes. */
type UnplacedTensor = Omit<GgufTensor, 'partIndex'>;

async function readTensor(cursor: HeaderCursor, index: number, alignment: number): Promise<UnplacedTensor> {
  const name = await cursor.string(GGUF_LIMITS.tensorNameBytes, `the name of tensor ${index}`);
  if (name === '') throw cursor.fail(`tensor ${index} has an empty name`);
  const what = `tensor ${quoted(name)}`;
  const shape = await readShape(cursor, what);
  const typeId = await cursor.u32(`the type of ${what}`);
  const type = GGML_TYPE_BY_ID.get(typeId);
  if (type === undefined) {
    throw new UnsupportedModelError(
      `${what} has the tensor type ${typeId}, which this version does not know. Use a model quantized to another type.`,
    );
  }
  const offset = await cursor.u64(`the offset of ${what}`);
  if (offset % alignment !== 0) throw cursor.fail(`the offset ${offset} of ${what} is not a multiple of ${alignment}`);
  const { blockSize, blockBytes } = GGML_TYPES[type];
  const rowLength = shape[0];
  if (rowLength % blockSize !== 0) {
    throw cursor.fail(`${what} has rows of ${rowLength} elements; ${type} needs a multiple of ${blockSize}`);
  }
  const numElements = shape.reduce((product, length) => product * length, 1);
  return { name, type, shape, numElements, byteLength: (numElements / blockSize) * blockBytes, offset };
}

async function readShape(cursor: HeaderCursor, what: string): Promise<number[]> {
  const numDimensions = await cursor.u32(`the number of dimensions of ${what}`);
  if (numDimensions < 1 || numDimensions > GGUF_LIMITS.dimensions) {
    throw cursor.fail(`${what} has ${numDimensions} dimensions; 1 to ${GGUF_LIMITS.dimensions} are possible`);
  }
  const shape: number[] = [];
  let numElements = 1;
  for (let i = 0; i < numDimensions; i++) {
    const length = await cursor.u64(`dimension ${i} of ${what}`);
    if (length === 0) throw cursor.fail(`dimension ${i} of ${what} is 0`);
    // Safe integers multiply exactly or land above the limit, so this also catches products that overflow.
    numElements *= length;
    if (numElements > Number.MAX_SAFE_INTEGER) {
      throw cursor.fail(`${what} has more elements than any file can hold (${[...shape, length].join(' × ')})`);
    }
    shape.push(length);
  }
  return shape;
}

function place(cursor: HeaderCursor, tensor: UnplacedTensor, dataOffset: number, size: number): GgufTensor {
  const offset = dataOffset + tensor.offset;
  const end = offset + tensor.byteLength;
  if (end > size) {
    throw cursor.fail(`tensor ${quoted(tensor.name)} ends at byte ${end} and the file at ${size}; the file is cut off`);
  }
  return Object.freeze({ ...tensor, shape: Object.freeze(tensor.shape), offset, partIndex: 0 });
}

function checkOverlaps(cursor: HeaderCursor, tensors: readonly GgufTensor[]): void {
  const ordered = [...tensors].sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < ordered.length; i++) {
    const before = ordered[i - 1];
    if (before.offset + before.byteLength > ordered[i].offset) {
      throw cursor.fail(`the tensors ${quoted(before.name)} and ${quoted(ordered[i].name)} overlap`);
    }
  }
}
