// Declares options of commands: how a flag is written, what its value is, and how that value is checked.
import { InvalidArgumentError } from '../errors.ts';

export interface Option<T> {
  /** The long flag where it is not the option's name in kebab-case. */
  readonly flag?: string;
  readonly aliases?: readonly string[];
  readonly short?: string;
  /** What the help calls the value; absent for a flag that takes none. */
  readonly value?: string;
  readonly help: string;
  /** May be given several times; `parse` then sees every value. */
  readonly repeated?: boolean;
  /** Throws InvalidArgumentError with the end of a sentence that begins with the flag: "must be …". */
  parse(given: readonly string[]): T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type Values<O extends Options> = { readonly [K in keyof O]?: O[K] extends Option<infer T> ? T : never };

type Looks = Omit<Option<unknown>, 'parse' | 'repeated'>;

/** The flag of an option: maxTokens is --max-tokens. */
export function flagOf(name: string, option: Option<unknown>): string {
  return option.flag ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function flag(looks: Omit<Looks, 'value'>): Option<boolean> {
  return { ...looks, parse: () => true };
}

export function text(looks: Looks): Option<string> {
  return { value: 'TEXT', ...looks, parse: (given) => given.at(-1)! };
}

export function texts(looks: Looks): Option<readonly string[]> {
  return { value: 'TEXT', ...looks, repeated: true, parse: (given) => given };
}

export function choice<const T extends string>(allowed: readonly T[], looks: Looks): Option<T> {
  return {
    value: allowed.join('|'),
    ...looks,
    parse(given) {
      const found = allowed.find((name) => name === given.at(-1));
      if (found === undefined)
        throw new InvalidArgumentError(`must be ${allowed.join(' or ')}, not ${shown(given.at(-1)!)}`);
      return found;
    },
  };
}

interface Range {
  readonly min?: number;
  readonly max?: number;
  /** The minimum itself is not allowed. */
  readonly above?: boolean;
}

export function decimal(range: Range, looks: Looks): Option<number> {
  return { value: 'X', ...looks, parse: (given) => parseNumber(given.at(-1)!, range, false) };
}

export function integer(range: Range, looks: Looks): Option<number> {
  return { value: 'N', ...looks, parse: (given) => parseNumber(given.at(-1)!, range, true) };
}

/** Whole numbers, separated by commas or given by repeating the flag. */
export function integers(range: Range, looks: Looks): Option<number[]> {
  return {
    value: 'N,…',
    ...looks,
    repeated: true,
    parse: (given) => given.flatMap((list) => parseIntegers(list, range)),
  };
}

/** Whole numbers in text: separated by commas or white space, brackets as in JSON allowed. */
export function parseIntegers(list: string, range: Range): number[] {
  const bare = list
    .trim()
    .replace(/^\[([^[\]]*)\]$/s, '$1')
    .trim();
  if (bare === '') throw new InvalidArgumentError('must list at least one whole number');
  return bare.split(/\s*,\s*|\s+/).map((item) => parseNumber(item, range, true));
}

function parseNumber(given: string, { min = -Infinity, max = Infinity, above }: Range, whole: boolean): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given.trim()) ? Number(given) : NaN;
  const fits = number >= min && number <= max && !(above && number === min);
  if (fits && Number.isFinite(number) && (!whole || Number.isSafeInteger(number))) return number;
  throw new InvalidArgumentError(
    `must be ${whole ? 'a whole number' : 'a number'}${bounds(min, max, above)}, not ${shown(given)}`,
  );
}

function bounds(min: number, max: number, above = false): string {
  const lower = min === -Infinity ? '' : above ? ` above ${min}` : ` of at least ${min}`;
  const upper = max === Infinity ? '' : ` of at most ${max}`;
  return lower && upper ? `${lower} and${upper.replace(' of', '')}` : lower + upper;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
};

/** A number of bytes: 2GiB, 500MB, 1.5G. */
export function byteSize(looks: Looks): Option<number> {
  return {
    value: 'SIZE',
    ...looks,
    parse(given) {
      const match = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b?)$/i.exec(given.at(-1)!.trim());
      const unit = UNITS[match?.[2].toLowerCase() ?? '?'];
      const size = Math.floor(Number(match?.[1]) * (unit ?? NaN));
      if (size > 0) return size;
      throw new InvalidArgumentError(`must be a size such as 2GiB or 500MB, not ${shown(given.at(-1)!)}`);
    },
  };
}

/** ID=BIAS, several times or separated by commas; -inf rules the token out. */
export function biases(looks: Looks): Option<Readonly<Record<number, number>>> {
  return {
    value: 'ID=BIAS',
    ...looks,
    repeated: true,
    parse(given) {
      return Object.fromEntries(
        given
          .flatMap((list) => list.split(','))
          .map((pair) => {
            const [id, bias, ...rest] = pair.split('=');
            if (bias === undefined || rest.length > 0)
              throw new InvalidArgumentError(`must look like 42=-1.5, not ${shown(pair)}`);
            const value = /^-inf(inity)?$/i.test(bias.trim()) ? -Infinity : parseNumber(bias, {}, false);
            return [parseNumber(id, { min: 0 }, true), value];
          }),
      );
    },
  };
}

/** Short, on one line, in quotes. */
export function shown(given: string): string {
  const cut = given.length > 60 ? `${given.slice(0, 59)}…` : given;
  return JSON.stringify(cut);
}
