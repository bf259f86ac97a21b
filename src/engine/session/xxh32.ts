// XXH32, the checksum of session files: finds damage, at memory speed. Not against forgers.
// Specification: Cyan4973/xxHash, doc/xxhash_spec.md.

const PRIME_1 = 0x9e3779b1, PRIME_2 = 0x85ebca77, PRIME_3 = 0xc2b2ae3d, PRIME_4 = 0x27d4eb2f, PRIME_5 = 0x165667b1;
const STRIPE_BYTES = 16;

const rotated = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));
const round = (lane: number, word: number): number => Math.imul(rotated(lane + Math.imul(word, PRIME_2), 13), PRIME_1);

/** The hash of what `update` is given in parts; all but the last must be whole stripes of 16 bytes. */
export class Xxh32 {
  readonly #seed: number;
  readonly #lanes: Int32Array;
  #tail = new Uint8Array(0);
  #numBytes = 0;

  constructor(seed = 0) {
    this.#seed = seed;
    this.#lanes = Int32Array.of(seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1);
  }

  update(bytes: Uint8Array): this {
    if (this.#tail.length > 0) throw new Error('Only the last part may have a length that is not a multiple of 16.');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length - (bytes.length % STRIPE_BYTES);
    let [a, b, c, d] = this.#lanes as unknown as [number, number, number, number];
    for (let at = 0; at < end; at += STRIPE_BYTES) {
      a = round(a, view.getInt32(at, true));
      b = round(b, view.getInt32(at + 4, true));
      c = round(c, view.getInt32(at + 8, true));
      d = round(d, view.getInt32(at + 12, true));
    }
    this.#lanes.set([a, b, c, d]);
    this.#tail = bytes.slice(end);
    this.#numBytes += bytes.length;
    return this;
  }

  /** The hash so far, an unsigned 32-bit number. */
  digest(): number {
    const [a, b, c, d] = this.#lanes as unknown as [number, number, number, number];
    let hash = this.#numBytes >= STRIPE_BYTES
      ? rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18)
      : this.#seed + PRIME_5;
    // The length counts modulo 2^32.
    hash = (hash + (this.#numBytes % 2 ** 32)) | 0;
    const tail = new DataView(this.#tail.buffer, this.#tail.byteOffset, this.#tail.length);
    let at = 0;
    for (; at + 4 <= tail.byteLength; at += 4) {
      hash = Math.imul(rotated(hash + Math.imul(tail.getInt32(at, true), PRIME_3), 17), PRIME_4);
    }
    for (; at < tail.byteLength; at++) hash = Math.imul(rotated(hash + Math.imul(tail.getUint8(at), PRIME_5), 11), PRIME_1);
    hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
    hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}

export function xxh32(bytes: Uint8Array, seed = 0): number {
  return new Xxh32(seed).update(bytes).digest();
}
