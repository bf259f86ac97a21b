// Reads a JSON body within its limit and checks it against a schema, naming the field that is wrong.
import type { z } from 'zod';
import { ApiError, invalidRequest } from './api-error.ts';

export async function readBody<T extends z.ZodType>(request: Request, schema: T, maxBytes: number): Promise<z.infer<T>> {
  // Browsers send other types to foreign servers without asking these first.
  if (!/^application\/json\b/i.test(request.headers.get('content-type') ?? '')) {
    throw new ApiError(415, 'Send the request as content-type: application/json.', { type: 'invalid_request_error' });
  }
  const body = parse(await readText(request, maxBytes));
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  if (issue!.code === 'unrecognized_keys') {
    const name = [...issue!.path, issue!.keys[0]].join('.');
    throw invalidRequest(`Unrecognized request argument supplied: ${name.slice(0, 80)}`, name.slice(0, 80), 'unknown_parameter');
  }
  const param = issue!.path.join('.').slice(0, 120);
  throw invalidRequest(`${param || 'The body'}: ${issue!.message}`, param || undefined, 'invalid_value');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest('The body is not valid JSON.');
  }
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = (): ApiError => new ApiError(413, `The body is larger than ${maxBytes} bytes, this server's limit.`, {
    type: 'invalid_request_error', code: 'request_too_large',
  });
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let size = 0;
  const reader = request.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || !value) break;
      size += value.length;
      if (size > maxBytes) throw tooLarge();
      text += decoder.decode(value, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw invalidRequest(error instanceof TypeError ? 'The body is not valid UTF-8.' : 'The body broke off.');
  } finally {
    reader?.cancel().catch(() => undefined);
  }
}
