// The table of endpoints that take a body: path, schema and what answers.
import type { z } from 'zod';
import { chatCompletions } from './openai/chat-completions.ts';
import { completions } from './openai/completions.ts';
import { embeddings, rerank } from './openai/embeddings.ts';
import type { Exchange } from './exchange.ts';
import { ResponsesRequest } from './responses/request.ts';
import { responses } from './responses/responses.ts';
import {
  ChatRequest, CompletionRequest, DetokenizeRequest, EmbeddingsRequest, RerankRequest, TokenizeRequest,
} from './openai/schemas.ts';
import { detokenize, tokenize } from './openai/tokens.ts';

export interface Endpoint {
  readonly path: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly streams?: boolean;
  answer(exchange: Exchange, request: Request, body: unknown): Promise<Response>;
}

function endpoint<T extends z.ZodType>(
  path: string, summary: string, schema: T,
  answer: (exchange: Exchange, request: Request, body: z.infer<T>) => Promise<Response>, streams = false,
): Endpoint {
  return { path, summary, schema, streams, answer: (exchange, request, body) => answer(exchange, request, body as z.infer<T>) };
}

export const ENDPOINTS: readonly Endpoint[] = [
  endpoint('/v1/chat/completions', 'The next turn of a conversation', ChatRequest, chatCompletions, true),
  endpoint('/v1/completions', 'Texts or token ids continued', CompletionRequest, completions, true),
  endpoint('/v1/responses', 'An answer to items of a conversation', ResponsesRequest, responses, true),
  endpoint('/v1/embeddings', 'Texts as vectors', EmbeddingsRequest, embeddings),
  endpoint('/v1/rerank', 'Documents by their likeness to a query', RerankRequest, rerank),
  endpoint('/tokenize', 'Token ids of a text', TokenizeRequest, tokenize),
  endpoint('/detokenize', 'The text of token ids', DetokenizeRequest, detokenize),
];
