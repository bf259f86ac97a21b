// The package as tests and Node programs in this repository see it: what entry/node.ts exports.
export * from './entry/node.ts';
