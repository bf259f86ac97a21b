// Entry of the kernel modules: every export of every kernel file, nothing else.
export * from './matmul-float';
export * from './dequantize-simple';
export * from './dequantize-k';
export * from './dequantize-iq';
export * from './quantize-activations';
export * from './matmul-block32';
