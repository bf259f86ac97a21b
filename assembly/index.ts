// Entry of the kernel modules: every export of every kernel file, nothing else.
export * from './matmul-float';
export * from './dequantize-simple';
export * from './dequantize-k';
export * from './dequantize-iq';
export {
  pack_q16, pack_q8, pack_q8_k, packed_bytes_q16, packed_bytes_q8, packed_bytes_q8_k,
} from './quantize-activations';
export * from './matmul-block32';
export * from './read';
export * from './elementwise';
export * from './norm';
export * from './rope';
export * from './attention';
export { attention_i16, attention_q4_0, attention_q8_0 } from './attention-integer';
export { store_kv_i16, store_kv_q4_0, store_kv_q8_0 } from './integer-kv';
export * from './moe';
export * from './recurrent';
export * from './barrier';
export * from './matmul-super-block';
export * from './repack';
