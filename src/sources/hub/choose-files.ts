// Chooses a model among a repository's files: by quantization, the parts of a split together.
import { ModelSourceError } from '../../errors.ts';
import { NOT_A_MODEL, allParts } from '../split-names.ts';

/** What is taken when nobody says: a good size for its quality first. */
const PREFERRED = [
  'Q4_K_M', 'Q4_K_S', 'Q4_0', 'Q4_1', 'Q5_K_M', 'Q5_K_S', 'Q5_0', 'Q5_1', 'Q6_K', 'Q8_0', 'IQ4_NL', 'IQ4_XS', 'MXFP4',
  'Q3_K_M', 'Q3_K_L', 'BF16', 'F16', 'F32',
];

/** Paths of the chosen model's parts, in order. Throws ModelSourceError that names what there is. */
export function chooseFiles(repo: string, files: readonly string[], quant: string | undefined): string[] {
  const present = new Set(files);
  const models = files.filter((file) => /\.gguf$/i.test(file) && !NOT_A_MODEL.test(baseName(file)));
  const firsts = [...new Set(models.map((file) => partPaths(file)[0]))].sort(byDepthAndLength);
  if (firsts.length === 0) {
    throw new ModelSourceError(`The repository ${repo} has no .gguf files. Look for one whose name ends in -GGUF.`);
  }
  const chosen = quant !== undefined
    ? firsts.find((file) => hasQuant(file, quant))
    : firsts.length === 1 ? firsts[0] : preferred(firsts) ?? firsts[0];
  if (!chosen) {
    const known = firsts.slice(0, 30).join(', ');
    throw new ModelSourceError(`The repository ${repo} has no ${quant} model. It has ${known}.`);
  }
  const parts = partPaths(chosen);
  const missing = parts.filter((part) => !present.has(part));
  if (missing.length > 0) {
    throw new ModelSourceError(`${repo}: ${missing[0]} is missing; the model has ${parts.length} parts.`);
  }
  return parts;
}

/** A file with its siblings, where it is a part of a split. */
export function partPaths(file: string): string[] {
  const folder = file.slice(0, file.length - baseName(file).length);
  return allParts(baseName(file)).map((name) => folder + name);
}

function preferred(files: readonly string[]): string | undefined {
  for (const quant of PREFERRED) {
    const found = files.find((file) => hasQuant(file, quant));
    if (found) return found;
  }
  return undefined;
}

function hasQuant(file: string, quant: string): boolean {
  const escaped = quant.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(^|[-._/])${escaped}([-._/]|$)`, 'i').test(file);
}

const baseName = (file: string): string => file.slice(file.lastIndexOf('/') + 1);

/** Plain variants have shorter names than special ones (UD-Q4_K_XL, …-it-qat). */
function byDepthAndLength(a: string, b: string): number {
  return a.split('/').length - b.split('/').length || a.length - b.length || a.localeCompare(b);
}
