// Interleaved layouts of the formats with blocks of 32: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4.
//
//   quants  4-bit: vectors j = 0 … 3, byte e of a quad has columns 4j + e (low nibble) and 16 + 4j + e (high nibble)
//           5-bit: the same with 5 bits from bit 0 and from bit 4 on; then one vector of spare bits, since a byte holds only 8. Of words of
//                  2 bytes, q & 0x1f1f are the low columns and ((q >> 4) ^ (spare >> j)) & 0x1f1f the high ones, so that kernels get
//                  them in one operation more than nibbles, and a shift
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

/** The fifth bits of two 5-bit quants in the bytes of a word, and back. */
const spreadFifths = (bits: number): number => ((bits & 1) << 4) | ((bits & 2) << 11);
const joinFifths = (word: number): number => ((word >>> 4) & 1) | ((word >>> 11) & 2);

/** One row's 4-byte words of quants between file order and vectors. */
function moveWords(from: DataView, at: number, step: number, to: DataView, place: number, placeStep: number, words: number): void {
  for (let j = 0; j < words; j++) to.setUint32(place + placeStep * j, from.getUint32(at + step * j, true), true);
}

/** One row's quants of 5 bits: bits 1 … 3 of a high column are set beside its low column, bits 0 and 4 by way of the spare bits. */
function interleaveFiveBits(row: DataView, qs: number, qh: number, group: DataView, place: number): void {
  const fifths = row.getUint32(qh, true);
  for (const e of [0, 2]) {
    const lows: number[] = [], rests: number[] = [];
    let spare = 0;
    for (let j = 0; j < 4; j++) {
      const q = row.getUint16(qs + 4 * j + e, true), column = 4 * j + e;
      const low = (q & 0x0f0f) | spreadFifths(fifths >>> column);
      const high = ((q >>> 4) & 0x0f0f) | spreadFifths(fifths >>> (16 + column));
      const rest = (high ^ (low >>> 4)) & 0x1f1f;
      spare |= (rest & 0x1111) << j;
      lows.push(low);
      rests.push(rest);
    }
    lows.forEach((low, j) => group.setUint16(place + 16 * j + e, low | (((rests[j]! ^ (spare >>> j)) & 0x0e0e) << 4), true));
    group.setUint16(place + 64 + e, spare, true);
  }
}

function extractFiveBits(group: DataView, place: number, row: DataView, qs: number, qh: number): void {
  let fifths = 0;
  for (const e of [0, 2]) {
    const spare = group.getUint16(place + 64 + e, true);
    for (let j = 0; j < 4; j++) {
      const q = group.getUint16(place + 16 * j + e, true), column = 4 * j + e;
      const low = q & 0x1f1f, high = ((q >>> 4) ^ (spare >>> j)) & 0x1f1f;
      row.setUint16(qs + column, (low & 0x0f0f) | ((high & 0x0f0f) << 4), true);
      fifths |= (joinFifths(low) << column) | (joinFifths(high) << (16 + column));
    }
  }
  row.setUint32(qh, fifths >>> 0, true);
}

function layout({ scales, qs, words, qh }: Fields): BlockLayout {
  const interleave: MoveBlock = (row, at, group, quantsAt, scalesAt, lane) => {
    const place = quantsAt + 4 * lane;
    if (qh === undefined) moveWords(row, at + qs, 4, group, place, 16, words);
    else interleaveFiveBits(row, at + qs, at + qh, group, place);
    let field = scalesAt;
    for (const [offset, bytes] of scales) {
      if (bytes === 2) group.setUint16(field + 2 * lane, row.getUint16(at + offset, true), true);
      else group.setUint8(field + lane, row.getUint8(at + offset));
      field += 4 * bytes;
    }
  };
  const extract: MoveBlock = (row, at, group, quantsAt, scalesAt, lane) => {
    const place = quantsAt + 4 * lane;
    if (qh === undefined) moveWords(group, place, 16, row, at + qs, 4, words);
    else extractFiveBits(group, place, row, at + qs, at + qh);
    let field = scalesAt;
    for (const [offset, bytes] of scales) {
      if (bytes === 2) row.setUint16(at + offset, group.getUint16(field + 2 * lane, true), true);
      else row.setUint8(at + offset, group.getUint8(field + lane));
      field += 4 * bytes;
    }
  };
  const scaleBytes = scales.reduce((sum, [, bytes]) => sum + 4 * bytes, 0);
  return { quantBytes: 16 * words + (qh === undefined ? 0 : 16), scaleBytes, scalesFirst: false, interleave, extract };
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
