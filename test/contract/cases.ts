// The reference cases of test/data/arch, read without a file system.
import type { Surroundings } from './contract.ts';

export interface Case {
  readonly name: string;
  readonly file: string;
  readonly f64: string;
  readonly n_ctx: number;
  readonly ids: readonly number[];
  readonly tol: { readonly rms_pass: number };
}

export async function referenceCase({ fixture }: Surroundings, name: string): Promise<Case> {
  const { cases } = JSON.parse(new TextDecoder().decode(await fixture('manifest.json'))) as { cases: readonly Case[] };
  const found = cases.find((entry) => entry.name === name);
  if (!found) throw new Error(`There is no reference case "${name}".`);
  return found;
}

/** The values of a .npy file of little-endian float32. */
export async function readNpy({ fixture }: Surroundings, file: string): Promise<Float32Array> {
  const bytes = await fixture(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes[6] === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (!new TextDecoder().decode(bytes.subarray(0, start)).includes("'<f4'")) throw new Error(`${file} does not hold float32.`);
  return new Float32Array(bytes.slice(start).buffer);
}
