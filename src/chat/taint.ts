// Keeps track of which characters came with the input, by letting them travel through the template in disguise.
//
// Each UTF-16 unit of an input text is replaced by a private-use character that stands for it, one to one. Decisions
// (comparisons, searches, lengths) are made on the plain text, which has the same offsets; slices of the disguised
// text keep their origin. In the output, runs of disguised characters are what users wrote.
import { ChatTemplateError } from '../errors.ts';

const FIRST = 0xe000;
const LAST = 0xf8ff;
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
  readonly #disguises = new Map<number, string>();
  readonly #originals = new Map<number, string>();
  readonly #free: number[] = [];

  /** `foreign`: every text that may meet disguised text, whose own private-use characters are left alone. */
  constructor(guarded: ReadonlySet<number>, foreign: readonly string[]) {
    const used = new Set<number>();
    for (const text of foreign) if (PRIVATE_USE.test(text)) addUnits(used, text);
    for (let unit = LAST; unit >= FIRST; unit--) if (!used.has(unit)) this.#free.push(unit);
    for (const unit of guarded) {
      if (!this.#assign(unit)) {
        throw new ChatTemplateError('The conversation uses too many private-use characters (U+E000 to U+F8FF) ' +
          'to be kept apart from the markup of the chat template. Remove them.');
      }
    }
  }

  /** Text from the input, disguised. Units outside the guarded set stay as they are once disguises run out. */
  disguise(text: string): string {
    return mapUnits(text, (unit) => this.#disguises.get(unit) ?? (this.#assign(unit) ? this.#disguises.get(unit) : undefined));
  }

  /** The text itself; offsets are the same. */
  plain(text: string): string {
    if (!PRIVATE_USE.test(text)) return text;
    return mapUnits(text, (unit) => this.#originals.get(unit));
  }

  /** `result`, computed from the plain form of `source`, disguised if `source` is. */
  like(source: string, result: string): string {
    return this.isTainted(source) ? this.disguise(result) : result;
  }

  isTainted(text: string): boolean {
    if (!PRIVATE_USE.test(text)) return false;
    for (let i = 0; i < text.length; i++) if (this.#originals.has(text.charCodeAt(i))) return true;
    return false;
  }

  segments(output: string): TemplateSegment[] {
    const segments: TemplateSegment[] = [];
    let start = 0;
    for (let i = 1; i <= output.length; i++) {
      const tainted = this.#originals.has(output.charCodeAt(start));
      if (i < output.length && this.#originals.has(output.charCodeAt(i)) === tainted) continue;
      segments.push({ text: this.plain(output.slice(start, i)), parseSpecial: !tainted });
      start = i;
    }
    return segments;
  }

  #assign(unit: number): boolean {
    const disguise = this.#free.pop();
    if (disguise === undefined) return false;
    this.#disguises.set(unit, String.fromCharCode(disguise));
    this.#originals.set(disguise, String.fromCharCode(unit));
    return true;
  }
}

function addUnits(units: Set<number>, text: string): void {
  for (let i = 0; i < text.length; i++) units.add(text.charCodeAt(i));
}

function mapUnits(text: string, map: (unit: number) => string | undefined): string {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += 4096) {
    let piece = '';
    const end = Math.min(start + 4096, text.length);
    for (let i = start; i < end; i++) piece += map(text.charCodeAt(i)) ?? text[i];
    pieces.push(piece);
  }
  return pieces.join('');
}
