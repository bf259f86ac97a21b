// Types without blocks: floats and integers, one element at a time. 64-bit integers round to float32 like all others.
import type { BlockFormat } from './block-format.ts';
import { bf16ToFloat, floatToBf16, readHalf, writeHalf } from './half.ts';
import { readU16, signed } from './block-format.ts';

/** One scratch element of each width; formats copy through it, because rows may start at any byte. */
const scratch = new DataView(new ArrayBuffer(8));

function loadScratch(bytes: Uint8Array, at: number, length: number): DataView {
  for (let i = 0; i < length; i++) scratch.setUint8(i, bytes[at + i]);
  return scratch;
}

export const F32: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = loadScratch(bytes, at, 4).getFloat32(0, true);
  },
  quantizeBlock(values, bytes, at) {
    scratch.setFloat32(0, values[0], true);
    for (let i = 0; i < 4; i++) bytes[at + i] = scratch.getUint8(i);
  },
};

export const F16: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = readHalf(bytes, at);
  },
  quantizeBlock(values, bytes, at) {
    writeHalf(bytes, at, values[0]);
  },
};

export const BF16: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = bf16ToFloat(readU16(bytes, at));
  },
  quantizeBlock(values, bytes, at) {
    const bits = floatToBf16(values[0]);
    bytes[at] = bits & 255;
    bytes[at + 1] = bits >> 8;
  },
};

export const F64: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = loadScratch(bytes, at, 8).getFloat64(0, true);
  },
};

export const I8: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = signed(bytes[at]);
  },
};

export const I16: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = loadScratch(bytes, at, 2).getInt16(0, true);
  },
};

export const I32: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = loadScratch(bytes, at, 4).getInt32(0, true);
  },
};

export const I64: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    out[to] = Number(loadScratch(bytes, at, 8).getBigInt64(0, true));
  },
};
