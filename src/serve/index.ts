// The subpath `./serve`: OpenAI-compatible endpoints over loaded models.
export { createHandler } from './handler.ts';
export type { Handler, HandlerOptions, ServedRequest } from './handler.ts';
export { ModelPool } from './model-pool.ts';
export type { ServedModel, ServeEngine } from './model-pool.ts';
