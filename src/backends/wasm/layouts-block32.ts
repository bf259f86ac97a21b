// Interleaved layouts of the formats with blocks of 32: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4.
//
//   quants  4-bit: vectors j = 0 … 3, byte e of a quad has columns 4j + e (low nibble) and 16 + 4j + e (high nibble)
//           5-bit: the same, then one vector of fifth bits: bit t of byte e belongs to column 4t + e
//           8-bit: vectors j = 0 … 7, byte e of a quad is column 4j + e
//   scales  each scale field for rows 0 … 3; after the quants, since a kernel needs them once these are multiplied
import type { BlockLayout, MoveBlock } from './layouts.ts';

interface Fields {
  /** [offset in the file's block, bytes] of each scale. */
  readonly scales: readonly (readonly [offset: number, bytes: 1 | 2])[];
  /** Where the quants begin, and how many 4-byte words they are. */
  readonly qs: number;
  readonly words: 4 | 8;
  /** Where the 32 fifth bits are. */
  readonly qh?: number;
}

/** Bits 0, 4, 8 … 28 gathered into one byte. */
function gatherEveryFourth(bits: number): number {
  let x = bits & 0x11111111;
  x = (x | (x >>> 3)) & 0x03030303;
  x = (x | (x >>> 6)) & 0x000f000f;
  return (x | (x >>> 12)) & 0xff;
}

/** The 8 bits of a byte spread to bits 0, 4, 8 … 28. */
function spreadToEveryFourth(byte: number): number {
  let x = (byte | (byte << 12)) & 0x000f000f;
  x = (x | (x << 6)) & 0x03030303;
  return (x | (x << 3)) & 0x11111111;
}

function layout({ scales, qs, words, qh }: Fields): BlockLayout {
  const fifthBits = 16 * words;
  const interleave: MoveBlock = (row, at, group, quantsAt, scalesAt, lane) => {
    for (let j = 0; j < words; j++) {
      group.setUint32(quantsAt + 16 * j + 4 * lane, row.getUint32(at + qs + 4 * j, true), true);
    }
    if (qh !== undefined) {
      const bits = row.getUint32(at + qh, true);
      for (let e = 0; e < 4; e++) group.setUint8(quantsAt + fifthBits + 4 * lane + e, gatherEveryFourth(bits >>> e));
    }
    let field = scalesAt;
    for (const [offset, bytes] of scales) {
      if (bytes === 2) group.setUint16(field + 2 * lane, row.getUint16(at + offset, true), true);
      else group.setUint8(field + lane, row.getUint8(at + offset));
      field += 4 * bytes;
    }
  };
  const extract: MoveBlock = (row, at, group, quantsAt, scalesAt, lane) => {
    for (let j = 0; j < words; j++) {
      row.setUint32(at + qs + 4 * j, group.getUint32(quantsAt + 16 * j + 4 * lane, true), true);
    }
    if (qh !== undefined) {
      let bits = 0;
      for (let e = 0; e < 4; e++) bits |= spreadToEveryFourth(group.getUint8(quantsAt + fifthBits + 4 * lane + e)) << e;
      row.setUint32(at + qh, bits >>> 0, true);
    }
    let field = scalesAt;
    for (const [offset, bytes] of scales) {
      if (bytes === 2) row.setUint16(at + offset, group.getUint16(field + 2 * lane, true), true);
      else row.setUint8(at + offset, group.getUint8(field + lane));
      field += 4 * bytes;
    }
  };
  const scaleBytes = scales.reduce((sum, [, bytes]) => sum + 4 * bytes, 0);
  return { quantBytes: fifthBits + (qh === undefined ? 0 : 16), scaleBytes, scalesFirst: false, interleave, extract };
}

export const BLOCK32_LAYOUTS = {
  Q4_0: layout({ scales: [[0, 2]], qs: 2, words: 4 }),
  Q4_1: layout({ scales: [[0, 2], [2, 2]], qs: 4, words: 4 }),
  Q5_0: layout({ scales: [[0, 2]], qh: 2, qs: 6, words: 4 }),
  Q5_1: layout({ scales: [[0, 2], [2, 2]], qh: 4, qs: 8, words: 4 }),
  Q8_0: layout({ scales: [[0, 2]], qs: 2, words: 8 }),
  IQ4_NL: layout({ scales: [[0, 2]], qs: 2, words: 4 }),
  MXFP4: layout({ scales: [[0, 1]], qs: 1, words: 4 }),
} as const;
