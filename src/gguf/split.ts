// Models split over several GGUF files (`name-00001-of-0000N.gguf`): their names, and reading them as one.
import { GgufError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { ggufFile, readGguf } from './reader.ts';
import type { GgufFile, GgufTensor, ReadGgufOptions } from './reader.ts';

const SPLIT_NAME = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/is;
const MOST_PARTS = 4096;

export interface SplitName {
  readonly stem: string;
  /** From 1. */
  readonly index: number;
  readonly count: number;
  /** ".gguf" as it is written. */
  readonly extension: string;
  /** The place is one that a part can have. */
  readonly isPossible: boolean;
}

/** What a file name says about its place in a split; undefined where it says nothing. */
export function splitName(name: string): SplitName | undefined {
  const match = SPLIT_NAME.exec(name);
  if (!match) return undefined;
  const [index, count] = [Number(match[2]), Number(match[3])];
  const isPossible = count <= MOST_PARTS && index >= 1 && index <= count;
  return { stem: match[1], index, count, extension: match[4], isPossible };
}

/** The names of all parts, in order, when `name` is that of one part; undefined for an ordinary name. */
export function splitPartNames(name: string): string[] | undefined {
  const split = splitName(name);
  if (!split?.isPossible) return undefined;
  const digits = (place: number): string => String(place).padStart(5, '0');
  return Array.from({ length: split.count }, (_, i) =>
    `${split.stem}-${digits(i + 1)}-of-${digits(split.count)}${split.extension}`);
}

/**
 * Reads the headers of all parts of a split model, given in order, as one file whose tensors say which part holds them.
 * One source reads as an ordinary file. Rejects with GgufError when the parts do not belong together.
 */
export async function readGgufParts(sources: readonly ByteSource[], options: ReadGgufOptions = {}): Promise<GgufFile> {
  if (sources.length === 0) throw new GgufError('A model needs at least one GGUF file, and none was given.');
  const files: GgufFile[] = [];
  for (const [index, source] of sources.entries()) {
    const file = await readGguf(source, options);
    checkPart(file, source.name, index, sources.length);
    files.push(file);
  }
  if (files.length === 1) return files[0];
  const tensors = files.flatMap((file, partIndex) =>
    file.tensors.map((tensor): GgufTensor => Object.freeze({ ...tensor, partIndex })));
  const [first] = files;
  const expected = first.metadata.number('split.tensors.count') ?? tensors.length;
  if (expected !== tensors.length) {
    throw new GgufError(`The parts hold ${tensors.length} tensors and "${sources[0].name}" promises ${expected}. ` +
      'Fetch all parts of the same model again.');
  }
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const { version, alignment, metadata, dataOffset } = first;
  return ggufFile({ version, alignment, metadata, tensors, dataOffset, size }, (name) =>
    new GgufError(`The tensor "${name}" is in two of the parts. Fetch all parts of the same model again.`));
}

function checkPart(file: GgufFile, name: string, index: number, numSources: number): void {
  const count = file.metadata.number('split.count') ?? 1;
  if (count > 1 || numSources > 1) {
    if (count !== numSources) {
      throw new GgufError(`"${name}" belongs to a model of ${count} parts and ${numSources} were given. ` +
        'Keep all parts together and name the first one.');
    }
    const partIndex = file.metadata.number('split.no');
    if (partIndex !== index) {
      throw new GgufError(`"${name}" is given as part ${index + 1} and calls itself part ${(partIndex ?? -1) + 1}. ` +
        'The parts are mixed up; fetch them again.');
    }
  }
}
