// The engine's generate as the endpoints call it: a grammar that cannot be enforced is an error of the field that brought it.
import type { GrammarError } from '../../errors.ts';
import type { GenerateChunk, GenerateOptions, Prompt } from '../../engine/types.ts';
import { ApiError, isTyped } from '../api-error.ts';
import type { Served } from '../requests/exchange.ts';

/** `field` is what `options` has its grammar from, tools aside. The request's visit hears what it cost. */
export async function* generate(
  { engine, visit }: Served, prompt: Prompt, options: GenerateOptions, field?: string,
): AsyncGenerator<GenerateChunk, void, void> {
  try {
    for await (const chunk of engine.generate(prompt, options)) {
      if (chunk.timings) visit.answered(chunk.index, chunk.timings);
      yield chunk;
    }
  } catch (error) {
    throw isTyped<GrammarError>(error, 'ERR_GRAMMAR') ? unenforceable(error, field) : error;
  }
}

function unenforceable({ message, keyword, pointer, tool }: GrammarError, field: string | undefined): ApiError {
  return new ApiError(400, message, {
    type: 'invalid_request_error', code: keyword === undefined ? 'invalid_grammar' : 'unenforceable_schema',
    param: tool === undefined ? field : 'tools',
    more: { ...(tool !== undefined && { tool }), ...(keyword !== undefined && { keyword }), ...(pointer !== undefined && { pointer }) },
  });
}
