// POST /v1/completions: texts or ids continued, whole or as a stream.
import type { GenerateChunk, GenerateTimings, Prompt } from '../../engine/types.ts';
import { invalidRequest } from '../api-error.ts';
import { collect } from './collect.ts';
import type { Exchange, Served } from '../requests/exchange.ts';
import { signalForOne } from '../requests/patience.ts';
import { generate } from './generate.ts';
import { generateOptions, tokenLimit } from './options/generate-options.ts';
import { completionLogprobs, refuseTooMany } from './logprobs.ts';
import { inputsOf } from './schemas.ts';
import type { CompletionRequest } from './schemas.ts';
import { answerForm } from './options/structure.ts';
import { timingsOf, usageOf } from './usage.ts';

/** Choices of all prompts: they are gathered in memory, and one request may not take all places for hours. */
const MAX_CHOICES = 64;

const numChoicesOf = ({ prompt, n }: CompletionRequest): number => inputsOf(prompt).length * (n ?? 1);
const maxTokensOf = ({ max_tokens, n_predict }: CompletionRequest): number | undefined => tokenLimit({ max_tokens, n_predict });

export async function completions(exchange: Exchange, request: Request, body: CompletionRequest): Promise<Response> {
  const numChoices = numChoicesOf(body);
  if (numChoices > MAX_CHOICES) throw invalidRequest(`${numChoices} choices are asked for, n for each prompt; the limit here is ${MAX_CHOICES}.`, 'n');
  answerForm(body);
  if (body.stream) return exchange.stream(request, body.model, true, (served) => stream(served, body));
  return exchange.answer(request, body.model, (served) => whole(served, body));
}

/** What continues a prompt as the request says. */
function continuation(served: Served, body: CompletionRequest): (prompt: Prompt) => AsyncGenerator<GenerateChunk, void, void> {
  const form = answerForm(body);
  const options = { ...generateOptions(body, served), ...form?.options, maxTokens: maxTokensOf(body), logprobs: body.logprobs ?? undefined };
  return (prompt) => generate(served, prompt, { ...options, signal: signalForOne(served.signal) }, form?.field);
}

const head = (model: string): { id: string; object: string; created: number; model: string } =>
  ({ id: `cmpl-${crypto.randomUUID()}`, object: 'text_completion', created: Math.floor(Date.now() / 1000), model });

async function whole(served: Served, body: CompletionRequest): Promise<object> {
  refuseTooMany(served, {
    numChoices: numChoicesOf(body), maxTokens: maxTokensOf(body), others: body.logprobs ?? undefined, field: 'max_tokens',
  });
  const continued = continuation(served, body);
  const results = await Promise.all(inputsOf(body.prompt).map((prompt) => collect(continued(prompt))));
  return {
    ...head(served.model),
    choices: results.flat().map(({ text, logprobs, finishReason }, index) => ({
      index, text,
      logprobs: typeof body.logprobs === 'number' ? completionLogprobs(logprobs, 0) : null,
      finish_reason: finishReason,
    })),
    usage: usageOf(results.map((choices) => choices.map(({ timings }) => timings))),
    timings: timingsOf(results[0]![0]!.timings),
  };
}

/** Prompt after prompt: a client reads one stream, and the first prompt's text is not held up by the others'. */
async function* stream(served: Served, body: CompletionRequest): AsyncGenerator<object, void, void> {
  const frame = head(served.model);
  const continued = continuation(served, body);
  const perPrompt = body.n ?? 1;
  const wantsUsage = body.stream_options?.include_usage ?? false;
  const timings: GenerateTimings[][] = [];
  const lengths: number[] = [];
  for (const [at, prompt] of inputsOf(body.prompt).entries()) {
    timings[at] = [];
    for await (const chunk of continued(prompt)) {
      const index = at * perPrompt + chunk.index;
      if (chunk.timings) timings[at][chunk.index] = chunk.timings;
      const offset = lengths[index] ?? 0;
      lengths[index] = offset + chunk.text.length;
      if (!chunk.text && !chunk.finishReason && !chunk.logprobs?.length) continue;
      yield {
        ...frame,
        choices: [{
          index, text: chunk.text, finish_reason: chunk.finishReason ?? null,
          logprobs: typeof body.logprobs === 'number' ? completionLogprobs(chunk.logprobs ?? [], offset) : null,
        }],
        ...(wantsUsage && { usage: null }),
        ...(chunk.timings && { timings: timingsOf(chunk.timings) }),
      };
    }
  }
  if (wantsUsage) yield { ...frame, choices: [], usage: usageOf(timings) };
}
