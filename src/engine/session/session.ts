// Sessions on the caller's side: the keys and values of a prompt, from memory into bytes or a file, and back.
import { KV_ARRANGEMENT, KV_BLOCK_SIZE } from '../../backends/tensors.ts';
import { ContextLengthError, InvalidArgumentError, OutOfMemoryError, SessionError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { blobSource, bytesSource } from '../../gguf/memory-source.ts';
import type { PlatformFiles } from '../../platform/platform.ts';
import { AsyncQueue } from '../async-queue.ts';
import { blocksFor } from '../memory/block-pool.ts';
import { firstSeen } from '../memory/window-blocks.ts';
import type { ComputeHost } from '../compute/host.ts';
import type { HoldMessage } from '../compute/protocol.ts';
import type { ModelInfo } from '../load/load-types.ts';
import type { LoadSessionOptions, RestoredSession, SaveSessionOptions, SavedSession, SessionSource } from '../types.ts';
import { encodeHeader, payloadBytes, readHeader, TRAILER_BYTES } from './format.ts';
import type { SessionHeader, SessionLayer } from './format.ts';
import { MemoryCursor } from './memory-cursor.ts';
import type { BlocksByGroup, KvMemory } from './memory-cursor.ts';
import { Xxh32 } from './xxh32.ts';

/** Bytes that are copied, hashed and read or written at a time; a multiple of 16. */
const CHUNK_BYTES = 2 ** 20;

/** What a loaded model lets sessions do with it. */
export interface SessionAccess {
  readonly host: ComputeHost;
  readonly kv: KvMemory;
  /** Blocks that are remembered at most. */
  readonly cachedBlocks: number;
  readonly model: Pick<ModelInfo, 'name' | 'contextLength' | 'vocabSize'>;
  /** Absent where the runtime has no files. */
  readonly files: PlatformFiles | undefined;
  fingerprint(): bigint;
}

/** The keys and values of `ids`, computed where they are not there yet. */
export async function saveSession(
  access: SessionAccess, ids: readonly number[], { file, note = '', signal }: SaveSessionOptions,
): Promise<SavedSession> {
  const { model, kv } = access;
  if (ids.length > model.contextLength) throw new ContextLengthError(ids.length, model.contextLength);
  const files = file === undefined ? undefined : filesOf(access);
  return withBlocks(access, { ids, toFill: false }, signal, async (blocks) => {
    const layers = layersOf(kv, ids.length);
    const header = encodeHeader({
      fingerprint: access.fingerprint(), blockSize: KV_BLOCK_SIZE, arrangement: KV_ARRANGEMENT, layers, ids, note,
    });
    const byteLength = header.length + payloadBytes(layers) + TRAILER_BYTES;
    const parts = partsOf(header, await MemoryCursor.toRead(kv, blocks));
    if (files) {
      await files.write(file!, parts, signal).catch((cause: unknown) => {
        if (signal?.aborted) throw signal.reason;
        throw new SessionError(`The session could not be written to "${file}": ${reason(cause)}.`, { cause });
      });
      return { numTokens: ids.length, byteLength };
    }
    const bytes = new Uint8Array(byteLength);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
      signal?.throwIfAborted();
    }
    return { numTokens: ids.length, byteLength, bytes };
  });
}

/** The file's bytes in parts; each is overwritten by the next. */
function* partsOf(header: Uint8Array, cursor: MemoryCursor): Generator<Uint8Array> {
  yield header;
  const sum = new Xxh32();
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let filled = 0; ; filled = 0) {
    for (let view; filled < chunk.length && (view = cursor.next(chunk.length - filled)); filled += view.length) {
      chunk.set(view, filled);
    }
    if (filled === 0) break;
    sum.update(chunk.subarray(0, filled));
    yield chunk.subarray(0, filled);
  }
  const trailer = new Uint8Array(TRAILER_BYTES);
  new DataView(trailer.buffer).setUint32(0, sum.digest(), true);
  yield trailer;
}

/** Puts a session where prompts that begin with its ids find it. */
export async function loadSession(
  access: SessionAccess, source: SessionSource, { signal }: LoadSessionOptions,
): Promise<RestoredSession> {
  const bytes = await openSession(access, source);
  try {
    const { header, payloadOffset } = await readHeader(bytes, signal);
    const { ids, note } = header;
    check(access, header, bytes.name);
    await withBlocks(access, { ids, toFill: true }, signal, async (blocks, commit) => {
      const cursor = MemoryCursor.toFill(access.kv, blocks);
      await fill(cursor, bytes, payloadOffset, signal);
      cursor.store();
      await commit();
    });
    return { ids, note };
  } finally {
    await bytes.close();
  }
}

/** Copies the payload to its place. Throws SessionError where it is not what was saved; nobody uses the blocks then. */
async function fill(cursor: MemoryCursor, source: ByteSource, offset: number, signal: AbortSignal | undefined): Promise<void> {
  const sum = new Xxh32();
  const chunk = new Uint8Array(CHUNK_BYTES);
  const end = source.size - TRAILER_BYTES;
  for (let at = offset; at < end; at += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, end - at));
    await source.read(at, part, signal);
    sum.update(part);
    for (let done = 0, view; done < part.length && (view = cursor.next(part.length - done)); done += view.length) {
      view.set(part.subarray(done, done + view.length));
    }
  }
  const trailer = new Uint8Array(TRAILER_BYTES);
  await source.read(end, trailer, signal);
  if (new DataView(trailer.buffer).getUint32(0, true) === sum.digest()) return;
  throw new SessionError(`"${source.name}" is damaged: its checksum is wrong. Save the session again, or compute the prompt anew.`);
}

function check(access: SessionAccess, { fingerprint, blockSize, arrangement, layers, ids }: SessionHeader, name: string): void {
  const { model, kv, cachedBlocks } = access;
  const anew = 'or compute the prompt anew';
  if (fingerprint !== access.fingerprint()) {
    throw new SessionError(`"${name}" was saved with another model than ${model.name}. Load that model, ${anew}.`);
  }
  if (blockSize !== KV_BLOCK_SIZE || arrangement !== KV_ARRANGEMENT) {
    throw new SessionError(`"${name}" arranges keys and values as another version of this package does. Save it again, ${anew}.`);
  }
  const numBlocks = blocksFor(ids.length);
  const expected = layersOf(kv, ids.length);
  const differing = expected.find(({ type }, i) => layers[i]?.type !== type);
  if (layers.length === expected.length && differing) {
    const found = layers[expected.indexOf(differing)]!.type;
    throw new SessionError(
      `"${name}" holds ${found} keys and values, ${model.name} was loaded with ${differing.type}. ` +
        `Load the model with kvType "${found}", ${anew}.`,
    );
  }
  const isWhole = ids.length > 0 && ids.every((id) => id < model.vocabSize) &&
    JSON.stringify(layers) === JSON.stringify(expected);
  if (!isWhole) throw new SessionError(`"${name}" does not hold what its ids and ${model.name} need. Save the session again.`);
  if (ids.length > model.contextLength) {
    throw new ContextLengthError(
      ids.length, model.contextLength,
      `The session has ${ids.length} tokens but the context holds ${model.contextLength}. Load the model with a larger contextLength.`,
    );
  }
  if (numBlocks <= cachedBlocks) return;
  const [needed, allowed] = [ids.length, cachedBlocks * KV_BLOCK_SIZE].map((count) => payloadBytes(layersOf(kv, count))) as [number, number];
  throw new OutOfMemoryError(
    needed, allowed,
    `The session takes ${needed} bytes of key/value cache, and ${allowed} may be kept between requests. ` +
      'Load the model with a larger prefixCacheBytes.',
  );
}

/** What is kept of `numIds` ids: in layers with a window, what the last of them sees. */
function layersOf(kv: KvMemory, numIds: number): SessionLayer[] {
  return kv.flatMap(({ layers }) => layers).map(({ type, numKvHeads, keyDim, valueDim, window }) => {
    const firstBlock = window === undefined ? 0 : firstSeen(window, numIds - 1);
    return { type, numKvHeads, keyDim, valueDim, firstBlock, numBlocks: blocksFor(numIds) - firstBlock };
  });
}

async function openSession(access: SessionAccess, source: SessionSource): Promise<ByteSource> {
  if (typeof source === 'string') {
    return filesOf(access).open(source).catch((cause: unknown) => {
      throw new SessionError(`The session "${source}" cannot be read: ${reason(cause)}`, { cause });
    });
  }
  if (source instanceof ArrayBuffer) return bytesSource(new Uint8Array(source), 'session');
  if (source instanceof Uint8Array) return bytesSource(source, 'session');
  if (source instanceof Blob) return blobSource(source);
  throw new InvalidArgumentError('A session is loaded from a path, a Blob or bytes.');
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

function filesOf({ files }: SessionAccess): PlatformFiles {
  if (files) return files;
  throw new InvalidArgumentError('This runtime has no files: save the session as bytes and load it from bytes or a Blob.');
}

/** Has blocks for `ids` held while `use` works with them; `commit` makes them part of the prefix cache. */
async function withBlocks<T>(
  { host }: SessionAccess, wanted: Pick<HoldMessage, 'ids' | 'toFill'>, signal: AbortSignal | undefined,
  use: (blocks: BlocksByGroup, commit: () => Promise<void>) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const replies = new AsyncQueue<BlocksByGroup>();
  const requestId = host.request((id) => ({ type: 'hold', requestId: id, ...wanted }), {
    onReply: (reply) => {
      if (reply.type === 'held') replies.push(reply.blocks);
      else if (reply.type === 'committed') replies.push([]);
    },
    onError: (error) => replies.fail(error),
  });
  const abort = (): void => replies.fail(signal!.reason as Error);
  signal?.addEventListener('abort', abort);
  try {
    return await use(await replies.next(), async () => {
      host.commit(requestId);
      await replies.next();
    });
  } finally {
    signal?.removeEventListener('abort', abort);
    host.cancel(requestId);
    host.forget(requestId);
  }
}
