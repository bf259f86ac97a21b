// The table of endpoints that take a body: path, schema and what answers.
import type { z } from 'zod';
import { chatCompletions } from './openai/chat-completions.ts';
import { completions } from './openai/completions.ts';
import { embeddings, rerank } from './openai/embeddings.ts';
import type { Exchange } from './requests/exchange.ts';
import { ResponsesRequest } from './responses/request.ts';
import { responses } from './responses/responses.ts';
import {
  ChatRequest, CompletionRequest, DetokenizeRequest, EmbeddingsRequest, RerankRequest, TokenizeRequest,
} from './openai/schemas.ts';
import { detokenize, tokenize } from './openai/tokens.ts';

export interface Endpoint {
  readonly path: string;
  /** Where else it is, for clients of llama.cpp's server. */
  readonly aliases: readonly string[];
  /** The field of the body that is computed with. */
  readonly subject: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly streams?: boolean;
  answer(exchange: Exchange, request: Request, body: unknown): Promise<Response>;
}

interface Place {
  readonly path: string;
  readonly aliases?: readonly string[];
  readonly subject: string;
  readonly streams?: boolean;
}

function endpoint<T extends z.ZodType>(
  { aliases = [], ...place }: Place, summary: string, schema: T,
  answer: (exchange: Exchange, request: Request, body: z.infer<T>) => Promise<Response>,
): Endpoint {
  return { ...place, aliases, summary, schema, answer: (exchange, request, body) => answer(exchange, request, body as z.infer<T>) };
}

export const ENDPOINTS: readonly Endpoint[] = [
  endpoint({ path: '/v1/chat/completions', aliases: ['/chat/completions'], subject: 'messages', streams: true },
    'The next turn of a conversation', ChatRequest, chatCompletions),
  endpoint({ path: '/v1/completions', subject: 'prompt', streams: true }, 'Texts or token ids continued', CompletionRequest, completions),
  endpoint({ path: '/v1/responses', aliases: ['/responses'], subject: 'input', streams: true },
    'An answer to items of a conversation', ResponsesRequest, responses),
  endpoint({ path: '/v1/embeddings', subject: 'input' }, 'Texts as vectors', EmbeddingsRequest, embeddings),
  endpoint({ path: '/v1/rerank', aliases: ['/rerank', '/v1/reranking', '/reranking'], subject: 'documents' },
    'Documents by their likeness to a query', RerankRequest, rerank),
  endpoint({ path: '/tokenize', subject: 'content' }, 'Token ids of a text', TokenizeRequest, tokenize),
  endpoint({ path: '/detokenize', subject: 'tokens' }, 'The text of token ids', DetokenizeRequest, detokenize),
];
