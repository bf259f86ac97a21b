// Finds where the head of an order ends without making the order: a histogram says in which bucket the wanted mass is
// reached, and the search goes on inside that bucket only.

const NUM_BUCKETS = 1024;
/** The first histogram covers this much from the smallest key on; the last bucket takes what lies beyond. */
const FIRST_SPAN = 32;
/** So many are sorted. */
const FEW = 64;

export class Head {
  /** Smallest first; Infinity is allowed. To be filled by the caller. */
  readonly keys: Float64Array;
  /** What each element adds to the mass, at least 0. To be filled by the caller. */
  readonly weights: Float64Array;
  readonly #members: Int32Array;
  readonly #mass = new Float64Array(NUM_BUCKETS);

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity);
    this.weights = new Float64Array(capacity);
    this.#members = new Int32Array(capacity);
  }

  /**
   * Index of the element with which the first `size` elements, in order of key and then index, reach `target` (exceed
   * it, when `strict`); −1 when all together do not. No key may be below `low`, and near it the search is finest.
   */
  end(size: number, low: number, target: number, strict: boolean): number {
    const { keys, weights } = this;
    let high = low + FIRST_SPAN;
    let members: Int32Array | undefined;
    let before = 0;
    for (;;) {
      const scale = NUM_BUCKETS / (high - low);
      this.#weighBuckets(members, size, low, scale);
      const mass = this.#mass;
      let reached = 0;
      while (reached < NUM_BUCKETS && !isReached(before + mass[reached], target, strict)) before += mass[reached++];
      if (reached === NUM_BUCKETS) return -1;
      members = this.#inBucket(members, size, reached, low, scale);
      low = Infinity;
      high = -Infinity;
      for (const i of members) {
        if (keys[i] < low) low = keys[i];
        if (keys[i] > high) high = keys[i];
      }
      const isSplittable = NUM_BUCKETS / (high - low) < Infinity;
      if (members.length > FEW && isSplittable) continue;
      if (high > low) members.sort((a, b) => keys[a] - keys[b] || a - b);
      for (const i of members) if (isReached((before += weights[i]), target, strict)) return i;
      return members.at(-1)!;
    }
  }

  #weighBuckets(members: Int32Array | undefined, size: number, low: number, scale: number): void {
    const { keys, weights } = this;
    const mass = this.#mass.fill(0);
    if (members) for (const i of members) mass[bucket(keys[i], low, scale)] += weights[i];
    else for (let i = 0; i < size; i++) mass[bucket(keys[i], low, scale)] += weights[i];
  }

  #inBucket(members: Int32Array | undefined, size: number, wanted: number, low: number, scale: number): Int32Array {
    const { keys } = this;
    const found = this.#members;
    let count = 0;
    // Reading is ahead of writing, so that the members can be narrowed in place.
    if (members) {
      for (const i of members) if (bucket(keys[i], low, scale) === wanted) found[count++] = i;
    } else {
      for (let i = 0; i < size; i++) if (bucket(keys[i], low, scale) === wanted) found[count++] = i;
    }
    return found.subarray(0, count);
  }
}

/** Numbers in place of NUM_BUCKETS: a bundler makes a variable of it, which is slower to read. */
function bucket(key: number, low: number, scale: number): number {
  const at = (key - low) * scale;
  // An infinite key makes NaN of a scale of 0: it too belongs to the end.
  return at < 1024 ? at | 0 : 1023;
}

function isReached(mass: number, target: number, strict: boolean): boolean {
  return strict ? mass > target : mass >= target;
}
