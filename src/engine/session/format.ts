// The header of a session file: which model's keys and values follow, of which ids, in which form. Little-endian throughout.
//
//    0  "CLAWSESS"
//    8  u32 version | u32 headerBytes: all before the payload
//   16  u32 checksum: XXH32 of the bytes 20 … headerBytes | u32 0
//   24  u64 payloadBytes
//   32  u64 fingerprint of the model (fingerprint.ts)
//   40  u32 blockSize: positions per block | u32 arrangement of elements within a block (KV_ARRANGEMENT)
//   48  u32 numLayers | u32 numIds | u32 noteBytes | u32 0
//   64  numLayers × { 8 bytes kvType, zero-padded | u32 numKvHeads | u32 keyDim | u32 valueDim | u32 firstBlock | u32 numBlocks | u32 0 }
//       numIds × u32 id
//       note, UTF-8
//       zeros up to a multiple of 64
//
// Payload: for each layer the keys, then the values; of these for each head blocks firstBlock … firstBlock + numBlocks − 1 of
// the sequence. Block i holds positions i · blockSize …; what lies beyond the last id is zero. After the payload: its XXH32, u32.
import { kvBlockBytes, KV_TYPES } from '../../backends/tensors.ts';
import type { KvShape, KvType } from '../../backends/tensors.ts';
import { SessionError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { xxh32 } from './xxh32.ts';

const MAGIC = 'CLAWSESS';
const VERSION = 1;
const FIXED_BYTES = 64;
const LAYER_BYTES = 32;
const HEADER_ALIGNMENT = 64;
/** Before the header's own checksum ends. */
const UNCHECKED_BYTES = 20;
/** Enough for 16 million ids and their note; nothing larger is read. */
const LARGEST_HEADER_BYTES = 96 * 2 ** 20;
/** More than any model has. */
const MOST_LAYERS = 2 ** 16;
export const LARGEST_NOTE_BYTES = 16 * 2 ** 20;

/** What is kept of one layer's paged keys and values. */
export interface SessionLayer extends Pick<KvShape, 'numKvHeads' | 'keyDim' | 'valueDim'> {
  readonly type: KvType;
  readonly firstBlock: number;
  readonly numBlocks: number;
}

export interface SessionHeader {
  readonly fingerprint: bigint;
  readonly blockSize: number;
  readonly arrangement: number;
  readonly layers: readonly SessionLayer[];
  readonly ids: readonly number[];
  /** What the application keeps along. */
  readonly note: string;
}

/** Bytes after the payload: its checksum. */
export const TRAILER_BYTES = 4;

export function payloadBytes(layers: readonly SessionLayer[]): number {
  return layers.reduce((sum, layer) => {
    const { numKvHeads, numBlocks, keyDim, valueDim } = layer;
    return sum + numKvHeads * numBlocks * (kvBlockBytes(layer, keyDim) + kvBlockBytes(layer, valueDim));
  }, 0);
}

export function encodeHeader(header: SessionHeader): Uint8Array {
  const { layers, ids } = header;
  const note = new TextEncoder().encode(header.note);
  const bytes = new Uint8Array(headerBytesFor(layers.length, ids.length, note.length));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, VERSION, true);
  view.setUint32(12, bytes.length, true);
  view.setBigUint64(24, BigInt(payloadBytes(layers)), true);
  view.setBigUint64(32, header.fingerprint, true);
  [header.blockSize, header.arrangement, layers.length, ids.length, note.length]
    .forEach((value, i) => view.setUint32(40 + 4 * i, value, true));
  layers.forEach(({ type, numKvHeads, keyDim, valueDim, firstBlock, numBlocks }, i) => {
    const at = FIXED_BYTES + LAYER_BYTES * i;
    bytes.set(new TextEncoder().encode(type), at);
    [numKvHeads, keyDim, valueDim, firstBlock, numBlocks].forEach((value, j) => view.setUint32(at + 8 + 4 * j, value, true));
  });
  const idsAt = FIXED_BYTES + LAYER_BYTES * layers.length;
  ids.forEach((id, i) => view.setUint32(idsAt + 4 * i, id, true));
  bytes.set(note, idsAt + 4 * ids.length);
  view.setUint32(16, xxh32(bytes.subarray(UNCHECKED_BYTES)), true);
  return bytes;
}

/** Whether the file begins as sessions do. */
export async function isSession(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  const start = new Uint8Array(Math.min(MAGIC.length, source.size));
  await source.read(0, start, signal);
  return new TextDecoder('latin1').decode(start) === MAGIC;
}

/** Reads and checks a header against the length of its file; returns it and where the payload begins. */
export async function readHeader(
  source: ByteSource, signal?: AbortSignal,
): Promise<{ readonly header: SessionHeader; readonly payloadOffset: number }> {
  const fail = (what: string): SessionError => new SessionError(`"${source.name}" ${what}`);
  if (!(await isSession(source, signal))) throw fail('is not a session: saveSession writes them. Check which file it is.');
  const start = new Uint8Array(Math.min(FIXED_BYTES, source.size));
  await source.read(0, start, signal);
  const damaged = 'Save the session again, or compute the prompt anew.';
  if (start.length < FIXED_BYTES) throw fail(`is cut off within its header. ${damaged}`);
  const fixed = new DataView(start.buffer);
  const version = fixed.getUint32(8, true);
  if (version !== VERSION) {
    throw fail(`is a session of version ${version}; this package reads version ${VERSION}. Update it, or save the session again.`);
  }
  const headerBytes = fixed.getUint32(12, true);
  const [numLayers, numIds, noteBytes] = [48, 52, 56].map((at) => fixed.getUint32(at, true)) as [number, number, number];
  const isPossible = numLayers <= MOST_LAYERS && headerBytes === headerBytesFor(numLayers, numIds, noteBytes) && headerBytes <= LARGEST_HEADER_BYTES;
  if (!isPossible) throw fail(`has a header whose lengths contradict each other. ${damaged}`);
  if (source.size < headerBytes) throw fail(`is cut off within its header: it has ${source.size} of ${headerBytes} bytes. ${damaged}`);
  const bytes = new Uint8Array(headerBytes);
  await source.read(0, bytes, signal);
  const view = new DataView(bytes.buffer);
  if (xxh32(bytes.subarray(UNCHECKED_BYTES)) !== view.getUint32(16, true)) throw fail(`has a damaged header. ${damaged}`);
  const layers = Array.from({ length: numLayers }, (_, i) => readLayer(bytes, FIXED_BYTES + LAYER_BYTES * i, fail));
  const stated = view.getBigUint64(24, true);
  if (stated !== BigInt(payloadBytes(layers))) throw fail(`has a header whose lengths contradict each other. ${damaged}`);
  const whole = headerBytes + Number(stated) + TRAILER_BYTES;
  if (source.size !== whole) {
    throw fail(`${source.size < whole ? 'is cut off' : 'goes on after its end'}: it has ${source.size} bytes, not ${whole}. ${damaged}`);
  }
  const idsAt = FIXED_BYTES + LAYER_BYTES * numLayers;
  const noteAt = idsAt + 4 * numIds;
  return {
    payloadOffset: headerBytes,
    header: {
      fingerprint: view.getBigUint64(32, true),
      blockSize: view.getUint32(40, true),
      arrangement: view.getUint32(44, true),
      layers,
      ids: Array.from({ length: numIds }, (_, i) => view.getUint32(idsAt + 4 * i, true)),
      note: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(noteAt, noteAt + noteBytes)),
    },
  };
}

function readLayer(bytes: Uint8Array, at: number, fail: (what: string) => SessionError): SessionLayer {
  const type = new TextDecoder('latin1').decode(bytes.subarray(at, at + 8)).replace(/\0+$/, '');
  const [numKvHeads, keyDim, valueDim, firstBlock, numBlocks] = Array.from(
    { length: 5 }, (_, i) => new DataView(bytes.buffer).getUint32(at + 8 + 4 * i, true),
  ) as [number, number, number, number, number];
  if (!KV_TYPES.includes(type as KvType)) {
    throw fail(`has keys and values of type ${JSON.stringify(type)}, which this version does not know. Update the package.`);
  }
  return { type: type as KvType, numKvHeads, keyDim, valueDim, firstBlock, numBlocks };
}

function headerBytesFor(numLayers: number, numIds: number, noteBytes: number): number {
  const bytes = FIXED_BYTES + LAYER_BYTES * numLayers + 4 * numIds + noteBytes;
  return Math.ceil(bytes / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
}
