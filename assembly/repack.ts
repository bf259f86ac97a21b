// Packs 4 rows of a weight together, in place: file order to the interleaved layouts that the integer kernels read.
// Specification: src/backends/wasm/layouts*.ts, which draw them. `group` is the first of 4 contiguous rows, `copy` room
// for as many bytes, `blocks` the blocks per row.

/** One row's 4-byte words `j` of a block to vectors `j` of a group. */
// @ts-ignore: decorator
@inline function move_words(to: usize, from: usize, words: usize): void {
  for (let j: usize = 0; j < words; j++) store<u32>(to + (j << 4), load<u32>(from + (j << 2)));
}

/** One row's 32 quants of 5 bits, nibbles at `qs` and fifth bits at `qh`, to 4 vectors and a vector of spare bits. Lane j goes to vector j. */
// @ts-ignore: decorator
@inline function move_five_bits(to: usize, qs: usize, qh: usize): void {
  const q = v128.load(qs), fifths = v128.load32_splat(qh), nibble = i8x16.splat(15), bit4 = i8x16.splat(16);
  const bit = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  const low5 = i8x16.eq(v128.and(i8x16.shuffle(fifths, fifths, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), bit), bit);
  const high5 = i8x16.eq(v128.and(i8x16.shuffle(fifths, fifths, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3), bit), bit);
  const low = v128.or(v128.and(q, nibble), v128.and(low5, bit4));
  const high = v128.or(v128.and(i16x8.shr_u(q, 4), nibble), v128.and(high5, bit4));
  const rest = v128.and(v128.xor(high, i16x8.shr_u(low, 4)), i8x16.splat(31));
  // Multiplication shifts each lane by its own number of bits.
  let spare = i32x4.mul(v128.and(rest, i8x16.splat(17)), i32x4(1, 2, 4, 8));
  spare = v128.or(spare, i32x4.shuffle(spare, spare, 2, 3, 0, 1));
  spare = v128.or(spare, i32x4.shuffle(spare, spare, 1, 0, 3, 2));
  const upper = v128.xor(i16x8.shl(rest, 4), i32x4.mul(spare, i32x4(16, 8, 4, 2)));
  const packed = v128.or(low, v128.and(upper, i8x16.splat(-32)));
  v128.store32_lane(to, packed, 0); v128.store32_lane(to, packed, 1, 16);
  v128.store32_lane(to, packed, 2, 32); v128.store32_lane(to, packed, 3, 48);
  v128.store32_lane(to, spare, 0, 64);
}

/** Blocks of 32: `qs` words of quants, fifth bits at `qh` if not 0, `halves` f16 scales from offset 0, or one byte. */
// @ts-ignore: decorator
@inline function interleave32(
  group: usize, copy: usize, blocks: usize, blockBytes: usize, qs: usize, words: usize, qh: usize, halves: usize,
): void {
  const rowBytes = blocks * blockBytes, quantBytes = (words << 4) + (qh ? 16 : 0);
  memory.copy(copy, group, rowBytes << 2);
  const step = quantBytes + (halves ? halves << 3 : 4);
  for (let lane: usize = 0; lane < 4; lane++) {
    let to = group + (lane << 2);
    for (let b: usize = 0; b < blocks; b++) {
      if (qh) move_five_bits(to, copy + qs, copy + qh);
      else move_words(to, copy + qs, words);
      const scale = group + b * step + quantBytes + (halves ? lane << 1 : lane);
      if (halves == 0) store<u8>(scale, load<u8>(copy));
      for (let i: usize = 0; i < halves; i++) store<u16>(scale + (i << 3), load<u16>(copy + (i << 1)));
      to += step; copy += blockBytes;
    }
  }
}

export function interleave_q4_0(group: usize, copy: usize, blocks: u32): void {
  interleave32(group, copy, blocks, 18, 2, 4, 0, 1);
}

export function interleave_q4_1(group: usize, copy: usize, blocks: u32): void {
  interleave32(group, copy, blocks, 20, 4, 4, 0, 2);
}

export function interleave_q5_0(group: usize, copy: usize, blocks: u32): void {
  interleave32(group, copy, blocks, 22, 6, 4, 2, 1);
}

export function interleave_q5_1(group: usize, copy: usize, blocks: u32): void {
  interleave32(group, copy, blocks, 24, 8, 4, 4, 2);
}

export function interleave_q8_0(group: usize, copy: usize, blocks: u32): void {
  interleave32(group, copy, blocks, 34, 2, 8, 0, 1);
}

export function interleave_iq4_nl(group: usize, copy: usize, blocks: u32): void {
  interleave32(group, copy, blocks, 18, 2, 4, 0, 1);
}

export function interleave_mxfp4(group: usize, copy: usize, blocks: u32): void {
  interleave32(group, copy, blocks, 17, 1, 4, 0, 0);
}

/** 4 vectors of nibbles: quads of the first half in the low ones, 16 bytes further on in the file the second half's. */
// @ts-ignore: decorator
@inline function move_nibbles(to: usize, from: usize, shift: u32): void {
  for (let j: usize = 0; j < 16; j += 4) {
    const first = (load<u32>(from + j) >> shift) & 0x0f0f0f0f, second = (load<u32>(from + j, 16) >> shift) & 0x0f0f0f0f;
    store<u32>(to + (j << 2), first | (second << 4));
  }
}

/** A half's 4 quads of 2 bits in one vector. */
// @ts-ignore: decorator
@inline function move_two_bits(to: usize, from: usize, shift: u32): void {
  let bits: u32 = 0;
  for (let j: u32 = 0; j < 4; j++) bits |= ((load<u32>(from + (<usize>j << 2)) >> shift) & 0x03030303) << (2 * j);
  store<u32>(to, bits);
}

/** A pair's 8 quads of 1 bit in one vector. */
// @ts-ignore: decorator
@inline function move_one_bit(to: usize, from: usize, shift: u32): void {
  let bits: u32 = 0;
  for (let t: u32 = 0; t < 8; t++) bits |= ((load<u32>(from + (<usize>t << 2)) >> shift) & 0x01010101) << t;
  store<u32>(to, bits);
}

const Q2_K = 0;
const Q3_K = 1;
const Q4_K = 2;
const Q5_K = 3;
const Q6_K = 4;

// @ts-ignore: decorator
@inline function move_pair(FORMAT: i32, to: usize, block: usize, pair: u32): void {
  const two = 2 * (pair & 3), of128 = <usize>(pair >> 2);
  if (FORMAT == Q2_K || FORMAT == Q3_K) {
    const qs = block + (FORMAT == Q2_K ? 16 : 32) + (of128 << 5);
    move_two_bits(to, qs, two);
    move_two_bits(to + 16, qs + 16, two);
    if (FORMAT == Q3_K) move_one_bit(to + 32, block, pair);
    return;
  }
  if (FORMAT == Q6_K) {
    move_nibbles(to, block + (of128 << 6) + (<usize>(pair & 1) << 5), 2 * (pair & 2));
    move_two_bits(to + 64, block + 128 + (of128 << 5), two);
    move_two_bits(to + 80, block + 144 + (of128 << 5), two);
    return;
  }
  move_nibbles(to, block + (FORMAT == Q4_K ? 16 : 48) + (<usize>(pair >> 1) << 5), 4 * (pair & 1));
  if (FORMAT == Q5_K) move_one_bit(to + 64, block + 16, pair);
}

/** Scales of row `lane`, each field for 4 rows in turn. */
// @ts-ignore: decorator
@inline function move_scales(FORMAT: i32, to: usize, block: usize, lane: usize): void {
  const d: usize = FORMAT == Q2_K ? 80 : FORMAT == Q3_K ? 108 : FORMAT == Q6_K ? 208 : 0;
  store<u16>(to + (lane << 1), load<u16>(block + d));
  if (FORMAT == Q6_K) {
    for (let i: usize = 0; i < 16; i++) store<u8>(to + 8 + (i << 2) + lane, load<u8>(block + 192 + i));
    return;
  }
  const hasMin = FORMAT != Q3_K;
  if (hasMin) store<u16>(to + 8 + (lane << 1), load<u16>(block + d + 2));
  const words = to + (hasMin ? 16 : 8) + (lane << 2), from = block + (FORMAT == Q2_K ? 0 : FORMAT == Q3_K ? 96 : 4);
  move_words(words, from, FORMAT == Q2_K ? 4 : 3);
}

// @ts-ignore: decorator
@inline function interleave256(
  FORMAT: i32, group: usize, copy: usize, blocks: usize, blockBytes: usize, pairBytes: usize, scaleBytes: usize,
): void {
  memory.copy(copy, group, blocks * blockBytes << 2);
  for (let lane: usize = 0; lane < 4; lane++) {
    let scales = group;
    for (let b: usize = 0; b < blocks; b++) {
      let to = scales + scaleBytes + (lane << 2);
      for (let pair: u32 = 0; pair < 8; pair++) {
        move_pair(FORMAT, to, copy, pair);
        to += pairBytes;
      }
      move_scales(FORMAT, scales, copy, lane);
      scales += scaleBytes + 8 * pairBytes; copy += blockBytes;
    }
  }
}

export function interleave_q2_k(group: usize, copy: usize, blocks: u32): void {
  interleave256(Q2_K, group, copy, blocks, 84, 32, 80);
}

export function interleave_q3_k(group: usize, copy: usize, blocks: u32): void {
  interleave256(Q3_K, group, copy, blocks, 110, 48, 56);
}

export function interleave_q4_k(group: usize, copy: usize, blocks: u32): void {
  interleave256(Q4_K, group, copy, blocks, 144, 64, 64);
}

export function interleave_q5_k(group: usize, copy: usize, blocks: u32): void {
  interleave256(Q5_K, group, copy, blocks, 176, 80, 64);
}

export function interleave_q6_k(group: usize, copy: usize, blocks: u32): void {
  interleave256(Q6_K, group, copy, blocks, 210, 96, 72);
}

/** As Q4_K, but each 16 bytes are one pair: low nibbles the first half, high nibbles the second, as in the group. */
export function interleave_iq4_xs(group: usize, copy: usize, blocks: u32): void {
  const count: usize = blocks;
  memory.copy(copy, group, count * 136 << 2);
  for (let lane: usize = 0; lane < 4; lane++) {
    let scales = group;
    for (let b: usize = 0; b < count; b++) {
      move_words(scales + 32 + (lane << 2), copy + 8, 32);
      store<u16>(scales + (lane << 1), load<u16>(copy));
      store<u16>(scales + 8 + (lane << 1), load<u16>(copy, 2));
      store<u32>(scales + 16 + (lane << 2), load<u32>(copy, 4));
      scales += 544; copy += 136;
    }
  }
}
