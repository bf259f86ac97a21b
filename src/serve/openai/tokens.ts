// POST /tokenize and /detokenize, as llama.cpp's server has them.
import type { z } from 'zod';
import type { Exchange } from '../requests/exchange.ts';
import type { DetokenizeRequest, TokenizeRequest } from './schemas.ts';

export function tokenize(exchange: Exchange, request: Request, body: z.infer<typeof TokenizeRequest>): Promise<Response> {
  const options = { addSpecial: body.add_special ?? false, parseSpecial: body.parse_special ?? false };
  return exchange.answer(request, body.model, async ({ engine, signal }) =>
    ({ tokens: await engine.tokenizeAsync(body.content, { ...options, signal }) }));
}

export function detokenize(exchange: Exchange, request: Request, body: z.infer<typeof DetokenizeRequest>): Promise<Response> {
  return exchange.answer(request, body.model, async ({ engine }) => ({ content: engine.detokenize(body.tokens) }));
}
