// Where the fixed tables lie in linear memory. Twin: src/backends/wasm/memory-map.ts, which also writes them; a test
// compares the two. Vector constants live in memory because V8 rebuilds v128.const in every loop iteration, while a
// v128.load before the loop pins a register (measured: 11 against 9 GB/s on Q4_0).
//
//   0      …  1023   never used: a null pointer must not hit anything
//   1024   …  2047   vector constants, 16 bytes each
//   2048   …  4095   small tables (non-linear 4-bit values, sign patterns)
//   4096   … 37887   codebooks of the IQ formats
//   65536  …         what an engine allocates: thread control, batch, weights, activations, keys and values

// @ts-ignore: decorator
@inline export const NIBBLE_MASK: usize = 1024; // u8x16 0x0f
// @ts-ignore: decorator
@inline export const ONES_I16: usize = 1040; // i16x8 1
// @ts-ignore: decorator
@inline export const F16_MASK: usize = 1056; // i32x4 0x8fffe000
// @ts-ignore: decorator
@inline export const F16_SCALE: usize = 1072; // f32x4 2^112
// @ts-ignore: decorator
@inline export const BIT4_MASK: usize = 1088; // u8x16 0x10
// @ts-ignore: decorator
@inline export const BITS45_MASK: usize = 1104; // u8x16 0x30
// @ts-ignore: decorator
@inline export const BITS01_MASK: usize = 1120; // u8x16 0x03
// @ts-ignore: decorator
@inline export const BIT2_MASK: usize = 1136; // u8x16 0x04
// @ts-ignore: decorator
@inline export const SCALE_PAIRS: usize = 1152; // 4 × u8x16: byte p of each 32-bit lane as two 16-bit numbers
// @ts-ignore: decorator
@inline export const HIGH_BYTES: usize = 1216; // i16x8 0xff00

// @ts-ignore: decorator
@inline export const IQ4_VALUES: usize = 2048; // i8[16]
// @ts-ignore: decorator
@inline export const MXFP4_VALUES: usize = 2064; // i8[16], twice the number
// @ts-ignore: decorator
@inline export const IQ_SIGNS: usize = 2080; // u8[128]

// @ts-ignore: decorator
@inline export const IQ2_XXS_GRID: usize = 4096; // u64[256]
// @ts-ignore: decorator
@inline export const IQ2_XS_GRID: usize = 6144; // u64[512]
// @ts-ignore: decorator
@inline export const IQ2_S_GRID: usize = 10240; // u64[1024]
// @ts-ignore: decorator
@inline export const IQ3_XXS_GRID: usize = 18432; // u32[256]
// @ts-ignore: decorator
@inline export const IQ3_S_GRID: usize = 19456; // u32[512]
// @ts-ignore: decorator
@inline export const IQ1_S_GRID: usize = 21504; // i64[2048] of i8
