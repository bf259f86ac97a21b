// Reads JSON bodies within their limits and checks them against a schema, naming the field that is wrong.
import type { z } from 'zod';
import { ApiError, invalidRequest } from '../api-error.ts';

/** Objects and lists within each other, and members of all of them: what is more takes long to check, or more stack than there is. */
const MAX_DEPTH = 200;
const MAX_VALUES = 2 ** 18;
/** Bodies of the greatest size that may be in memory before they are requests. */
const MAX_BODIES = 32;
/** Of unknown fields that an error names. */
const MAX_NAMES = 20;

export interface BodyLimits {
  readonly maxBytes: number;
  /** Milliseconds that a body may wait for more of itself. */
  readonly stallMs: number;
}

export class BodyReader {
  readonly #limits: BodyLimits;
  /** Bytes of all bodies that are being read. */
  #numBytes = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Throws ApiError. */
  async read<T extends z.ZodType>(request: Request, schema: T): Promise<z.infer<T>> {
    // Browsers send other types to foreign servers without asking these first.
    if (!/^application\/json\b/i.test(request.headers.get('content-type') ?? '')) {
      throw new ApiError(415, 'Send the request as content-type: application/json.', { type: 'invalid_request_error' });
    }
    return checked(parse(await this.#text(request)), schema);
  }

  async #text(request: Request): Promise<string> {
    const { maxBytes } = this.#limits;
    if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const reader = request.body?.getReader();
    let text = '';
    let size = 0;
    try {
      for (;;) {
        const { done, value } = reader ? await this.#next(reader) : { done: true, value: undefined };
        if (done || !value) break;
        size += value.length;
        this.#numBytes += value.length;
        if (size > maxBytes) throw tooLarge(maxBytes);
        if (this.#numBytes > MAX_BODIES * maxBytes) throw new ApiError(429, 'Too many bodies are being sent at once. Try again shortly.', {
          type: 'rate_limit_error', code: 'queue_full', headers: { 'retry-after': '1' },
        });
        text += decoder.decode(value, { stream: true });
      }
      return text + decoder.decode();
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw invalidRequest(error instanceof TypeError ? 'The body is not valid UTF-8.' : 'The body broke off.');
    } finally {
      this.#numBytes -= size;
      reader?.cancel().catch(() => undefined);
    }
  }

  async #next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new ApiError(408, 'The body stopped before its end.', { type: 'timeout_error', code: 'body_stalled' })), this.#limits.stallMs);
    });
    try {
      return await Promise.race([reader.read(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(413, `The body is larger than ${maxBytes} bytes, this server's limit.`, { type: 'invalid_request_error', code: 'request_too_large' });
}

function parse(text: string): unknown {
  const { depth, numValues } = extentOf(text);
  if (depth > MAX_DEPTH) throw invalidRequest(`The body nests deeper than ${MAX_DEPTH} levels, the limit here.`, undefined, 'body_too_deep');
  if (numValues > MAX_VALUES) throw invalidRequest(`The body has more than ${MAX_VALUES} values, the limit here.`, undefined, 'body_too_long');
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest('The body is not valid JSON.');
  }
}

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPENING, CLOSING] = [new Set([0x5b, 0x7b]), new Set([0x5d, 0x7d])];

/** How deep a JSON text nests, and about how many values it has, before any of them is made. */
function extentOf(text: string): { readonly depth: number; readonly numValues: number } {
  let [depth, level, numValues] = [0, 0, 1];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = stringEnd(text, at);
    else if (unit === COMMA) numValues++;
    else if (OPENING.has(unit)) depth = Math.max(depth, ++level);
    else if (CLOSING.has(unit)) level--;
  }
  return { depth, numValues };
}

/** Where the string that begins at `start` ends; the end of the text where it does not. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === BACKSLASH) at++;
    else if (unit === QUOTE) return at;
  }
  return text.length;
}

function checked<T extends z.ZodType>(body: unknown, schema: T): z.infer<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = innermost(result.error.issues[0]!);
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => fieldAt([...issue.path, key]).slice(0, 80));
    const shown = names.slice(0, MAX_NAMES).join(', ') + (names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '');
    throw invalidRequest(`Unrecognized request argument${names.length > 1 ? 's' : ''} supplied: ${shown}`, names[0], 'unknown_parameter');
  }
  const param = fieldAt(issue.path).slice(0, 120);
  const isMissing = issue.code === 'invalid_type' && /received undefined$/.test(issue.message);
  throw invalidRequest(`${param || 'The body'}: ${issue.message}`, param || undefined, isMissing ? 'missing_required_parameter' : 'invalid_value');
}

type Issue = z.core.$ZodIssue;

/** Of what fits none of several forms, what is wrong with it in the form that it fits furthest, unless the schema says it in its own words. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue;
  const inner = issue.errors.flatMap(([first]) => (first ? [innermost({ ...first, path: [...issue.path, ...first.path] })] : []));
  const furthest = inner.filter(({ path }) => inner.every((other) => !isFurther(other.path, path)));
  return furthest.find(({ code }) => code !== 'invalid_type') ?? ofAnyType(furthest) ?? issue;
}

/** One for a place at which several types would do. */
function ofAnyType([first, ...others]: readonly Issue[]): Issue | undefined {
  if (first?.code !== 'invalid_type') return first;
  const expected = new Set([first, ...others].flatMap((issue) => (issue.code === 'invalid_type' ? [issue.expected] : [])));
  return { ...first, message: first.message.replace(/expected \w+/, `expected ${[...expected].join(' or ')}`) };
}

/** Deeper within what was sent, or later in the same list. */
function isFurther(path: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  if (path.length !== other.length) return path.length > other.length;
  const [last, otherLast] = [path.at(-1), other.at(-1)];
  return typeof last === 'number' && typeof otherLast === 'number' && last > otherLast;
}

/** A place in a body as OpenAI's errors write it: `messages[0].content`. */
function fieldAt(path: readonly PropertyKey[]): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`)).join('');
}
