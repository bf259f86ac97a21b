// Builds GGUF files byte by byte, right or wrong, without the writer under test; remembers where each field lies.
import type { ByteSource } from '../../src/gguf/byte-source.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { GGUF_VALUE_TYPES } from '../../src/gguf/value-types.ts';
import type { GgufValueType } from '../../src/gguf/value-types.ts';

export interface Field {
  readonly kind: 'u32' | 'u64' | 'bytes';
  readonly at: number;
  readonly length: number;
}

export interface HeaderCounts {
  readonly magic?: string;
  readonly version?: number;
  readonly tensors?: number | bigint;
  readonly entries?: number | bigint;
}

export interface TensorInfo {
  readonly name?: string | Uint8Array;
  readonly numDimensions?: number;
  readonly shape?: readonly (number | bigint)[];
  readonly type?: GgmlType;
  readonly typeId?: number;
  readonly offset?: number | bigint;
}

export class FileBuilder {
  readonly fields: Field[] = [];
  #bytes: number[] = [];

  static file({ magic = 'GGUF', version = 3, tensors = 0, entries = 0 }: HeaderCounts = {}): FileBuilder {
    return new FileBuilder().raw(new TextEncoder().encode(magic)).u32(version).u64(tensors).u64(entries);
  }

  raw(bytes: Iterable<number>): this {
    const at = this.#bytes.length;
    for (const byte of bytes) this.#bytes.push(byte);
    this.fields.push({ kind: 'bytes', at, length: this.#bytes.length - at });
    return this;
  }

  u32(value: number): this {
    this.fields.push({ kind: 'u32', at: this.#bytes.length, length: 4 });
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 255);
    return this;
  }

  u64(value: number | bigint): this {
    this.fields.push({ kind: 'u64', at: this.#bytes.length, length: 8 });
    for (let shift = 0n; shift < 64n; shift += 8n) this.#bytes.push(Number((BigInt(value) >> shift) & 255n));
    return this;
  }

  string(value: string | Uint8Array): this {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    return this.u64(bytes.length).raw(bytes);
  }

  /** A key and a value type; the value follows by `raw`, `u32` … */
  key(key: string | Uint8Array, type: GgufValueType | number): this {
    return this.string(key).u32(typeof type === 'number' ? type : GGUF_VALUE_TYPES[type].id);
  }

  /** The head of an array value, after `key(…, 'array')` or inside another array. */
  array(of: GgufValueType | number, length: number | bigint): this {
    return this.u32(typeof of === 'number' ? of : GGUF_VALUE_TYPES[of].id).u64(length);
  }

  tensor(info: TensorInfo = {}): this {
    const { name = 't', shape = [32], numDimensions = shape.length, type = 'F32', typeId, offset = 0 } = info;
    this.string(name).u32(numDimensions);
    for (const length of shape) this.u64(length);
    return this.u32(typeId ?? GGML_TYPES[type].id).u64(offset);
  }

  /** Pads to the alignment and appends `length` bytes of tensor data. */
  tensorBytes(length: number, alignment = 32): this {
    const padding = (alignment - (this.#bytes.length % alignment)) % alignment;
    return this.raw(new Uint8Array(padding + length));
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** A source that claims `size` bytes: `head`, then `pattern` over and over, made as they are asked for. */
export function endlessSource(head: Uint8Array, pattern: Uint8Array = Uint8Array.of(0), size = 2 ** 40): ByteSource {
  return {
    name: 'endless',
    size,
    async read(offset, target) {
      const repeated = new Uint8Array(pattern.length * Math.ceil(Math.min(target.length, 65536) / pattern.length));
      for (let i = 0; i < repeated.length; i++) repeated[i] = pattern[i % pattern.length];
      let done = Math.min(target.length, Math.max(0, head.length - offset));
      if (done > 0) target.set(head.subarray(offset, offset + done));
      while (done < target.length) {
        const phase = (offset + done - head.length) % pattern.length;
        const piece = repeated.subarray(phase, phase + Math.min(target.length - done, repeated.length - phase));
        target.set(piece, done);
        done += piece.length;
      }
    },
    async close() {},
  };
}
