// Entry of `@clawdbot/runtime/langchain`: models that run here, as a chat model and embeddings for LangChain.js.
export { ChatClawdbot } from './chat-model.ts';
export type { ChatClawdbotCallOptions, ChatClawdbotFields } from './chat-model.ts';
export { ClawdbotEmbeddings } from './embeddings.ts';
export type { ClawdbotEmbeddingsFields } from './embeddings.ts';
