// POST /v1/embeddings and /v1/rerank: texts as vectors, and documents in the order of their likeness to a query.
import { invalidRequest } from '../api-error.ts';
import type { Exchange, Served } from '../requests/exchange.ts';
import { signalForOne } from '../requests/patience.ts';
import type { ServeEngine } from '../model-pool.ts';
import { inputsOf } from './schemas.ts';
import type { EmbeddingsRequest, RerankRequest } from './schemas.ts';
import type { z } from 'zod';

type EmbeddingsBody = z.infer<typeof EmbeddingsRequest>;
type RerankBody = z.infer<typeof RerankRequest>;

export function embeddings(exchange: Exchange, request: Request, body: EmbeddingsBody): Promise<Response> {
  return exchange.answer(request, body.model, async ({ engine, model, signal, visit }) => {
    const { hiddenSize } = engine.model;
    if (body.dimensions && body.dimensions !== hiddenSize) {
      throw invalidRequest(`${model} makes vectors of ${hiddenSize} dimensions and no others.`, 'dimensions');
    }
    const { vectors, usage } = await embedAll(engine, inputsOf(body.input), signal);
    visit.read(usage.total_tokens);
    const data = vectors.map((vector, index) => (
      { object: 'embedding', index, embedding: body.encoding_format === 'base64' ? base64(vector) : Array.from(vector) }));
    return { object: 'list', data, model, usage };
  });
}

/** Scores are cosines of embeddings, between −1 and 1. */
export function rerank(exchange: Exchange, request: Request, body: RerankBody): Promise<Response> {
  return exchange.answer(request, body.model, async ({ engine, model, signal, visit }: Served) => {
    const texts = body.documents.map((document) => (typeof document === 'string' ? document : document.text));
    const { vectors: [query, ...vectors], usage } = await embedAll(engine, [body.query, ...texts], signal);
    visit.read(usage.total_tokens);
    const scored = vectors.map((vector, index) => ({ index, relevance_score: dot(query!, vector) }));
    scored.sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index);
    const results = scored.slice(0, body.top_n ?? undefined)
      .map((result) => ({ ...result, ...(body.return_documents && { document: { text: texts[result.index]! } }) }));
    return { model, results, usage };
  });
}

/** The inputs' vectors, and how many tokens they are. */
async function embedAll(
  engine: ServeEngine, inputs: readonly (string | readonly number[])[], signal: AbortSignal,
): Promise<{ vectors: Float32Array[]; usage: { prompt_tokens: number; total_tokens: number } }> {
  const ids: (readonly number[])[] = [];
  for (const input of inputs) ids.push(typeof input === 'string' ? await engine.tokenizeAsync(input, { signal }) : input);
  const vectors = await Promise.all(ids.map((input) => engine.embed(input, { signal: signalForOne(signal) })));
  const tokens = ids.reduce((sum, input) => sum + input.length, 0);
  return { vectors, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** Little-endian float32, as OpenAI's clients ask for by default. */
function base64(vector: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(4 * vector.length));
  vector.forEach((value, i) => bytes.setFloat32(4 * i, value, true));
  let binary = '';
  for (let i = 0; i < bytes.byteLength; i++) binary += String.fromCharCode(bytes.getUint8(i));
  return btoa(binary);
}
