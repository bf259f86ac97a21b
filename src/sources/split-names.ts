// Names of split GGUF files: `name-00002-of-00005.gguf` is the second of five.
import { ModelSourceError } from '../errors.ts';

const SPLIT = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;
const MOST_PARTS = 4096;

export interface SplitName {
  readonly prefix: string;
  readonly index: number;
  readonly count: number;
}

/** What a file name says about its place in a split, or undefined where it is not a part of one. */
export function splitName(fileName: string): SplitName | undefined {
  const match = SPLIT.exec(fileName);
  if (!match) return undefined;
  const [index, count] = [Number(match[2]), Number(match[3])];
  if (count < 1 || count > MOST_PARTS || index < 1 || index > count) {
    throw new ModelSourceError(`"${fileName}" calls itself part ${index} of ${count}; rename it or get it again.`);
  }
  return { prefix: match[1], index, count };
}

/** Every part's name, in order; a file that is no part of a split stands alone. */
export function allParts(fileName: string): string[] {
  const split = splitName(fileName);
  if (!split) return [fileName];
  const digits = (value: number): string => String(value).padStart(5, '0');
  return Array.from({ length: split.count }, (_, i) =>
    `${split.prefix}-${digits(i + 1)}-of-${digits(split.count)}${fileName.slice(-5)}`);
}
