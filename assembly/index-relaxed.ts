// What only the builds with relaxed SIMD have, beside index.ts.
export {
  halve_q8_0, matmul_q8_0_q8_halves_panels, matmul_q8_0_q8_halves_single, pack_q8_halves, packed_bytes_q8_halves,
} from './halves';
export { distance_f32, know_q8_0, likeliest_q8_0, unpack_q8_halves } from './likeliest';
