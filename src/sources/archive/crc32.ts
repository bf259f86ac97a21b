// CRC-32 as zip uses it (polynomial 0xEDB88320); Node's own where it has one (20.15 and later).
import zlib from 'node:zlib';

const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function tableCrc32(bytes: Uint8Array, start = 0): number {
  let crc = ~start;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Continues from `start`, the checksum of what came before. */
export const crc32: (bytes: Uint8Array, start?: number) => number =
  (zlib as { crc32?: (bytes: Uint8Array, start?: number) => number }).crc32 ?? tableCrc32;
