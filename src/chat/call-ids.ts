// The ids of one answer's tool calls: those that the model gives, as long as each is of one call only, else new ones.

export class CallIds {
  readonly #newId: () => string;
  readonly #taken = new Set<string>();

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** The next call's; `given` is the model's own. */
  next(given?: string): string {
    const id = given === undefined || this.#taken.has(given) ? this.#newId() : given;
    this.#taken.add(id);
    return id;
  }
}
