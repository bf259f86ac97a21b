// Keeps track of which characters came with the input, by letting them travel through the template in disguise.
//
// Each UTF-16 unit of an input text is replaced by a private-use character that stands for it, one to one. Decisions
// (comparisons, searches, lengths) are made on the plain text, which has the same offsets; slices of the disguised
// text keep their origin. In the output, runs of disguised characters are what users wrote.
import { ChatTemplateError } from '../errors.ts';
import type { Steps } from '../steps.ts';

const FIRST = 0xe000;
const LAST = 0xf8ff;
const UNITS_A_STEP = 16384;
const PRIVATE_USE = /[\ue000-\uf8ff]/;

export interface TemplateSegment {
  readonly text: string;
  /** False for text that came with the input: it must never become special tokens. */
  readonly parseSpecial: boolean;
}

/** UTF-16 units that must always be disguised: those of special tokens, and ASCII, which keeps runs in one piece. */
export function guardedUnits(specialTokens: readonly string[]): ReadonlySet<number> {
  const units = new Set<number>([9, 10, 13]);
  for (let unit = 0x20; unit < 0x7f; unit++) units.add(unit);
  for (const token of specialTokens) addUnits(units, token);
  return units;
}

export class Taint {
  /** From unit to disguise, 0 for none. */
  readonly #disguises = new Uint16Array(0x10000);
  /** From disguise (less FIRST) to unit, -1 for none. */
  readonly #originals = new Int32Array(LAST - FIRST + 1).fill(-1);
  readonly #free: number[] = [];

  /** `foreign`: every text that may meet disguised text, whose own private-use characters are left alone. */
  constructor(guarded: ReadonlySet<number>, foreign: readonly string[]) {
    // Writes outside of an array of numbers come to nothing.
    const used = new Uint8Array(LAST - FIRST + 1);
    for (const text of foreign) {
      if (!PRIVATE_USE.test(text)) continue;
      for (let i = 0; i < text.length; i++) used[text.charCodeAt(i) - FIRST] = 1;
    }
    for (let unit = LAST; unit >= FIRST; unit--) if (used[unit - FIRST] === 0) this.#free.push(unit);
    for (const unit of guarded) {
      if (!this.#assign(unit)) {
        throw new ChatTemplateError('The conversation uses too many private-use characters (U+E000 to U+F8FF) ' +
          'to be kept apart from the markup of the chat template. Remove them.');
      }
    }
  }

  /** Text from the input, disguised. Units outside the guarded set stay as they are once disguises run out. */
  disguise(text: string): string {
    return mapUnits(text, (unit) => {
      if (this.#disguises[unit] === 0) this.#assign(unit);
      return this.#disguises[unit] || unit;
    });
  }

  disguiseSteps(text: string): Steps<string> {
    return inPieces(text, (piece) => this.disguise(piece));
  }

  /** The text itself; offsets are the same. */
  plain(text: string): string {
    if (!PRIVATE_USE.test(text)) return text;
    return mapUnits(text, (unit) => {
      const original = this.#original(unit);
      return original < 0 ? unit : original;
    });
  }

  /** `result`, computed from the plain form of `source`, disguised if `source` is. */
  like(source: string, result: string): string {
    return this.isTainted(source) ? this.disguise(result) : result;
  }

  isTainted(text: string): boolean {
    if (!PRIVATE_USE.test(text)) return false;
    for (let i = 0; i < text.length; i++) if (this.#original(text.charCodeAt(i)) >= 0) return true;
    return false;
  }

  *segments(output: string): Steps<TemplateSegment[]> {
    const segments: TemplateSegment[] = [];
    let start = 0;
    for (let i = 1; i <= output.length; i++) {
      if (i % UNITS_A_STEP === 0) yield;
      const tainted = this.#original(output.charCodeAt(start)) >= 0;
      if (i < output.length && this.#original(output.charCodeAt(i)) >= 0 === tainted) continue;
      const text = yield* inPieces(output.slice(start, i), (piece) => this.plain(piece));
      segments.push({ text, parseSpecial: !tainted });
      start = i;
    }
    return segments;
  }

  #assign(unit: number): boolean {
    const disguise = this.#free.pop();
    if (disguise === undefined) return false;
    this.#disguises[unit] = disguise;
    this.#originals[disguise - FIRST] = unit;
    return true;
  }

  #original(unit: number): number {
    return unit < FIRST || unit > LAST ? -1 : this.#originals[unit - FIRST] as number;
  }
}

function addUnits(units: Set<number>, text: string): void {
  for (let i = 0; i < text.length; i++) units.add(text.charCodeAt(i));
}

/** `map`, which maps each unit by itself, of a text that may be long. */
function* inPieces(text: string, map: (piece: string) => string): Steps<string> {
  if (text.length <= UNITS_A_STEP) return map(text);
  const pieces: string[] = [];
  for (let from = 0; from < text.length; from += UNITS_A_STEP) {
    pieces.push(map(text.slice(from, from + UNITS_A_STEP)));
    yield;
  }
  return pieces.join('');
}

const PIECE = 4096;

function mapUnits(text: string, map: (unit: number) => number): string {
  const pieces: string[] = [];
  const units = new Uint16Array(Math.min(PIECE, text.length));
  for (let start = 0; start < text.length; start += PIECE) {
    const count = Math.min(PIECE, text.length - start);
    for (let i = 0; i < count; i++) units[i] = map(text.charCodeAt(start + i));
    pieces.push(String.fromCharCode(...units.subarray(0, count)));
  }
  return pieces.join('');
}
