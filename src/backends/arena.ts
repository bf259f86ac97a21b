// A bump allocator over linear memory addresses. Every compute thread replays the same allocations and so gets the same
// addresses; a dry run with no memory behind it is how the size of a model's memory is known before it is created.
import { OutOfMemoryError } from '../errors.ts';

/** Cache line and v128 multiple: no two allocations share a line, so threads never write to one another's lines by accident. */
export const ARENA_ALIGNMENT = 64;

export class Arena {
  readonly base: number;
  readonly limit: number;
  #next: number;

  /** Hands out addresses from `base` up to `limit` (exclusive, at most 2^32). */
  constructor(base: number, limit: number = 2 ** 32) {
    this.base = Math.ceil(base / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
    this.limit = limit;
    this.#next = this.base;
  }

  /** First free address. */
  get end(): number {
    return this.#next;
  }

  /** An address for `bytes` bytes, 64-byte aligned. */
  allocate(bytes: number, purpose: string): number {
    const ptr = this.#next;
    const end = ptr + Math.ceil(bytes / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
    if (!(end <= this.limit)) {
      throw new OutOfMemoryError(
        end - this.base,
        this.limit - this.base,
        `${purpose} needs ${bytes} bytes, but only ${this.limit - ptr} of ${this.limit - this.base} are left. ` +
          'Use a smaller model, a stronger quantization or a smaller contextLength.',
      );
    }
    this.#next = end;
    return ptr;
  }
}
