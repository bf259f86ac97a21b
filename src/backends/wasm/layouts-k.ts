// Interleaved layouts of the formats with super-blocks of 256: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS.
//
// A super-block is 8 pairs of 32 columns, a pair two halves of 16, a half four quads j of 4 columns; vectors hold one
// quad of each of the 4 rows. Each pair is packed by itself:
//   Q4_K  4 vectors j: first half in the low nibbles, second half in the high nibbles
//   Q5_K  the same, then 1 vector: bit 4 · half + j is the fifth bit
//   Q6_K  the same, then 1 vector per half: bits 2j, 2j + 1 are the upper two
//   Q2_K  1 vector per half: bits 2j, 2j + 1
//   Q3_K  the same, then 1 vector: bit 4 · half + j is the third bit
//   IQ4_XS  as Q4_K
// Scales are the file's own bytes, each field for rows 0 … 3.
import type { BlockLayout } from './layouts.ts';

/** Where a column's bits are: 4-byte words that hold one quad, and the shift within each byte. */
interface Bits {
  /** Bits per column. */
  readonly width: number;
  /** Byte offset of the word and shift, in the file's block. */
  readonly file: (pair: number, half: number, j: number) => readonly [at: number, shift: number];
  /** The same in a row's part of a pair's vectors, counted in vectors. */
  readonly group: (half: number, j: number) => readonly [vector: number, shift: number];
}

interface Fields {
  readonly bits: readonly Bits[];
  readonly vectorsPerPair: number;
  /** [offset in the file's block, bytes, 1, 2 or 4 at a time] of each scale field. */
  readonly scales: readonly (readonly [offset: number, unit: 1 | 2 | 4])[];
}

/** One quad's bits move: word and shift in the file, vector and shift in the group. */
interface Move {
  readonly at: number;
  readonly from: number;
  readonly vector: number;
  readonly to: number;
  readonly mask: number;
}

function layout({ bits, vectorsPerPair, scales }: Fields): BlockLayout {
  const moves: Move[] = [];
  for (const { width, file, group } of bits) {
    const mask = ((1 << width) - 1) * 0x01010101;
    for (let pair = 0; pair < 8; pair++) {
      for (let half = 0; half < 2; half++) {
        for (let j = 0; j < 4; j++) {
          const [at, from] = file(pair, half, j);
          const [vector, to] = group(half, j);
          moves.push({ at, from, vector: pair * vectorsPerPair + vector, to, mask });
        }
      }
    }
  }
  const scaleBytes = scales.reduce((sum, [, unit]) => sum + 4 * unit, 0);
  type Place = (offset: number, field: number, unit: number) => [source: number, target: number];
  const moveScales = (from: DataView, to: DataView, place: Place): void => {
    let field = 0;
    for (const [offset, unit] of scales) {
      const [source, target] = place(offset, field, unit);
      for (let i = 0; i < unit; i++) to.setUint8(target + i, from.getUint8(source + i));
      field += 4 * unit;
    }
  };
  return {
    quantBytes: 8 * 16 * vectorsPerPair,
    scaleBytes,
    scalesFirst: true,
    interleave(row, at, group, quants, scalesAt, lane) {
      for (const move of moves) {
        const word = (row.getUint32(at + move.at, true) >>> move.from) & move.mask;
        const target = quants + 16 * move.vector + 4 * lane;
        group.setUint32(target, (group.getUint32(target, true) | (word << move.to)) >>> 0, true);
      }
      moveScales(row, group, (offset, field, unit) => [at + offset, scalesAt + field + unit * lane]);
    },
    extract(row, at, group, quants, scalesAt, lane) {
      for (const move of moves) {
        const word = (group.getUint32(quants + 16 * move.vector + 4 * lane, true) >>> move.to) & move.mask;
        row.setUint32(at + move.at, (row.getUint32(at + move.at, true) | (word << move.from)) >>> 0, true);
      }
      moveScales(group, row, (offset, field, unit) => [scalesAt + field + unit * lane, at + offset]);
    },
  };
}

/** Nibbles of Q4_K and Q5_K: 32 bytes per 64 columns, one pair in the low nibbles and the next in the high ones. */
const nibblesOf64 = (qs: number): Bits => ({
  width: 4,
  file: (pair, half, j) => [qs + 32 * (pair >> 1) + 16 * half + 4 * j, 4 * (pair & 1)],
  group: (half, j) => [j, 4 * half],
});

/** Two bits of Q2_K and Q3_K: 32 bytes per 128 columns, four pairs in two bits each. */
const twoBits = (qs: number): Bits => ({
  width: 2,
  file: (pair, half, j) => [qs + 32 * (pair >> 2) + 16 * half + 4 * j, 2 * (pair & 3)],
  group: (half, j) => [half, 2 * j],
});

/** One bit per column: byte i of 32 has column i of pair p in bit p. */
const oneBit = (qh: number, vector: number): Bits => ({
  width: 1,
  file: (pair, half, j) => [qh + 16 * half + 4 * j, pair],
  group: (half, j) => [vector, 4 * half + j],
});

const SIX_BIT_SCALES = [[4, 4], [8, 4], [12, 4]] as const;

export const K_LAYOUTS = {
  Q2_K: layout({
    bits: [twoBits(16)],
    vectorsPerPair: 2,
    scales: [[80, 2], [82, 2], [0, 4], [4, 4], [8, 4], [12, 4]],
  }),
  Q3_K: layout({
    bits: [twoBits(32), oneBit(0, 2)],
    vectorsPerPair: 3,
    scales: [[108, 2], [96, 4], [100, 4], [104, 4]],
  }),
  Q4_K: layout({ bits: [nibblesOf64(16)], vectorsPerPair: 4, scales: [[0, 2], [2, 2], ...SIX_BIT_SCALES] }),
  Q5_K: layout({
    bits: [nibblesOf64(48), oneBit(16, 4)],
    vectorsPerPair: 5,
    scales: [[0, 2], [2, 2], ...SIX_BIT_SCALES],
  }),
  Q6_K: layout({
    bits: [
      {
        // 64 bytes per 128 columns: pairs 0, 1 in the low nibbles of the first and second 32, pairs 2, 3 in the high.
        width: 4,
        file: (pair, half, j) => [64 * (pair >> 2) + 32 * (pair & 1) + 16 * half + 4 * j, 2 * (pair & 2)],
        group: (half, j) => [j, 4 * half],
      },
      {
        width: 2,
        file: (pair, half, j) => [128 + 32 * (pair >> 2) + 16 * half + 4 * j, 2 * (pair & 3)],
        group: (half, j) => [4 + half, 2 * j],
      },
    ],
    vectorsPerPair: 6,
    scales: [[208, 2], ...Array.from({ length: 16 }, (_, i) => [192 + i, 1] as const)],
  }),
  IQ4_XS: layout({
    bits: [{
      width: 4,
      file: (pair, half, j) => [8 + 16 * pair + 4 * j, 4 * half],
      group: (half, j) => [j, 4 * half],
    }],
    vectorsPerPair: 4,
    scales: [[0, 2], [2, 2], [4, 4]],
  }),
} as const satisfies Record<string, BlockLayout>;
