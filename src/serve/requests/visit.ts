// One request as the server sees it: its id, who asks, and what it comes to, for answers and logs. Nothing of its text.
import type { GenerateTimings } from '../../engine/types.ts';

/** How a stream ended. */
export interface StreamEnd {
  readonly error?: unknown;
  /** The client went away before it was over. */
  readonly isGone?: boolean;
}

/** What a client's own id may be: it comes back as a header and into the log. */
const REQUEST_ID = /^[\w.:-]{1,64}$/;

export class Visit {
  /** The client's `x-request-id`, or one of our own. */
  readonly id: string;
  /** Told apart from others by this, where anything is known: a key or an address. */
  readonly client: string | undefined;
  /** Beginning of the SHA-256 of the key, once it was found right. */
  key: string | undefined;
  model: string | undefined;
  /** The field of its body that is computed with: what the engine finds wrong without a name is wrong with it. */
  subject: string | undefined;
  /** Where the answer is a stream: how it ends. */
  stream: Promise<StreamEnd> | undefined;
  #promptTokens: number | undefined;
  #completionTokens: number | undefined;
  readonly #speeds: number[] = [];

  constructor(request: Request, client: string | undefined) {
    const given = request.headers.get('x-request-id') ?? '';
    this.id = REQUEST_ID.test(given) ? given : crypto.randomUUID();
    this.client = client;
  }

  /** One of a prompt's answers is over: the first has the prompt's tokens. */
  answered(index: number, { promptTokens, newTokens, decodeTokensPerSecond }: GenerateTimings): void {
    this.read(index === 0 ? promptTokens : 0);
    this.#completionTokens = (this.#completionTokens ?? 0) + newTokens;
    if (decodeTokensPerSecond > 0) this.#speeds.push(decodeTokensPerSecond);
  }

  read(numTokens: number): void {
    this.#promptTokens = (this.#promptTokens ?? 0) + numTokens;
  }

  /** The log's fields; what is not known is undefined. `tokensPerSecond` is of one answer, the mean of several. */
  figures(): {
    readonly id: string; readonly key?: string; readonly model?: string;
    readonly promptTokens?: number; readonly completionTokens?: number; readonly tokensPerSecond?: number;
  } {
    const { id, key, model } = this;
    const speed = this.#speeds.reduce((sum, one) => sum + one, 0) / this.#speeds.length;
    return {
      id, key, model, promptTokens: this.#promptTokens, completionTokens: this.#completionTokens,
      tokensPerSecond: this.#speeds.length > 0 ? Math.round(10 * speed) / 10 : undefined,
    };
  }
}
