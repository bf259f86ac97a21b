// The places among a server's requests: how many there are, for all and for one client, and none once it shuts down.
import { ApiError } from '../api-error.ts';

export interface PlaceLimits {
  /** Requests that run or wait; one more is answered with 429. */
  readonly maxRequests: number;
  /** Those of one client, likewise. */
  readonly maxPerClient: number;
}

export class Places {
  readonly #limits: PlaceLimits;
  /** How many each client has. */
  readonly #held = new Map<string | undefined, number>();
  #numTaken = 0;
  #isDraining = false;
  #whenEmpty: (() => void) | undefined;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  get numTaken(): number {
    return this.#numTaken;
  }

  /** Throws ApiError 503 once `drain` was called. */
  refuseWhileDraining(): void {
    if (this.#isDraining) throw shuttingDown();
  }

  /** Gives out no more places, and resolves once all are left. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#numTaken > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  /** Takes one; returns what leaves it, to be called once. Throws ApiError 503 or 429. */
  take(client: string | undefined): () => void {
    this.refuseWhileDraining();
    const { maxRequests, maxPerClient } = this.#limits;
    const held = this.#held.get(client) ?? 0;
    if (this.#numTaken >= maxRequests) throw full(`${this.#numTaken} requests`);
    if (held >= maxPerClient) throw full(`${held} requests of this client`);
    this.#held.set(client, held + 1);
    this.#numTaken++;
    return () => this.#leave(client);
  }

  #leave(client: string | undefined): void {
    const left = this.#held.get(client)! - 1;
    if (left > 0) this.#held.set(client, left);
    else this.#held.delete(client);
    this.#numTaken--;
    if (this.#numTaken === 0) this.#whenEmpty?.();
  }
}

export const shuttingDown = (): ApiError => new ApiError(503, 'This server is shutting down.', { type: 'server_error', code: 'shutting_down' });

function full(what: string): ApiError {
  return new ApiError(429, `${what} run or wait here, which is the limit. Try again shortly.`, {
    type: 'rate_limit_error', code: 'queue_full', headers: { 'retry-after': '1' },
  });
}
