// Entry of the kernel modules: every export of every kernel file, nothing else.
export * from './matmul-float';
