// Decides where a barrier is needed. It remembers what has been read and written since the last one, and by which
// partition; an access that would meet another thread's unfinished work says so. Every thread makes the same calls and
// so comes to the same answer.
import type { Activation } from '../tensors.ts';
import type { Partition } from './shares.ts';
import { WHOLE } from './shares.ts';

interface Access {
  readonly stride: number;
  readonly first: number;
  readonly end: number;
  readonly partition: Partition;
  readonly isWrite: boolean;
}

export class Hazards {
  readonly #accesses = new Map<number, Access[]>();

  /** Whether this access must wait for a barrier first. Reads by WHOLE conflict with any write of another partition. */
  conflicts(x: Activation, partition: Partition, isWrite: boolean): boolean {
    const earlier = this.#accesses.get(x.allocation);
    if (earlier === undefined) return false;
    for (const access of earlier) {
      if (!isWrite && !access.isWrite) continue;
      if (access.partition === partition && partition !== WHOLE && sameShape(access, x)) continue;
      if (overlaps(access, x)) return true;
    }
    return false;
  }

  note(x: Activation, partition: Partition, isWrite: boolean): void {
    const first = firstColumn(x);
    const access = { stride: x.stride, first, end: first + x.cols, partition, isWrite };
    const earlier = this.#accesses.get(x.allocation);
    if (earlier === undefined) this.#accesses.set(x.allocation, [access]);
    else earlier.push(access);
  }

  /** After a barrier all is settled. */
  clear(): void {
    this.#accesses.clear();
  }
}

function firstColumn(x: Activation): number {
  return ((x.ptr - x.allocation) / 4) % x.stride;
}

function sameShape(access: Access, x: Activation): boolean {
  const first = firstColumn(x);
  return access.stride === x.stride && access.first === first && access.end === first + x.cols;
}

function overlaps(access: Access, x: Activation): boolean {
  if (access.stride !== x.stride) return true;
  const first = firstColumn(x);
  return access.first < first + x.cols && first < access.end;
}
