// What a template may take: it comes with a model file and is as hostile as any other input.
import { ChatTemplateError } from '../../errors.ts';
import { atOnce } from '../../steps.ts';
import type { Steps } from '../../steps.ts';

export const LIMITS = {
  /** Characters of template source; the longest known templates have some 30,000. */
  sourceChars: 256 * 1024,
  /** Longest run of whitespace in the source: the parser's patterns take quadratic time over it. */
  sourceBlankRun: 512,
  /** Evaluated nodes, loop rounds, list items made, counted together; more for conversations of many messages. */
  steps: 2_000_000,
  stepsPerMessage: 5000,
  maxSteps: 8_000_000,
  /** Characters of one string, the output among them; more for longer input, which is the caller's and not the template's. */
  stringChars: 4 * 1024 * 1024,
  stringCharsPerInputChar: 2,
  /** Characters of all strings made on the way; more for long input, to which templates append time and again. */
  totalChars: 64 * 1024 * 1024,
  totalCharsPerInputChar: 512,
  maxTotalChars: 256 * 1024 * 1024,
  /** Nested evaluations, macro calls among them. */
  depth: 600,
  /** Likewise more for longer input. */
  milliseconds: 700,
  inputCharsPerMillisecond: 10_000,
} as const;

const CLOCK_EVERY = 1024;
const PAUSE_EVERY = 1024;

/** Counts what one rendering takes; every excess throws ChatTemplateError. */
export class Budget {
  #steps = 0;
  #chars = 0;
  #depth = 0;
  #nextClock = CLOCK_EVERY;
  #nextPause = PAUSE_EVERY;
  #deadline: number;
  #mayPause = true;
  readonly #maxSteps: number;
  readonly #maxChars: number;
  readonly #maxStringChars: number;
  readonly #milliseconds: number;

  constructor(input: { readonly messages: number; readonly chars: number }) {
    this.#maxSteps = Math.min(LIMITS.maxSteps, LIMITS.steps + input.messages * LIMITS.stepsPerMessage);
    this.#maxChars = Math.min(LIMITS.maxTotalChars, LIMITS.totalChars + input.chars * LIMITS.totalCharsPerInputChar);
    this.#maxStringChars = Math.max(LIMITS.stringChars, input.chars * LIMITS.stringCharsPerInputChar);
    this.#milliseconds = LIMITS.milliseconds + Math.ceil(input.chars / LIMITS.inputCharsPerMillisecond);
    this.#deadline = Date.now() + this.#milliseconds;
  }

  /** Charge before the work is done or the memory taken. */
  charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps) throw excess(`more than ${this.#maxSteps} steps`);
    if (this.#steps < this.#nextClock) return;
    this.#nextClock = this.#steps + CLOCK_EVERY;
    if (Date.now() > this.#deadline) throw excess(`more than ${this.#milliseconds} ms`);
  }

  /** Charge a string of this length before it is made. */
  chargeChars(length: number): void {
    if (length > this.#maxStringChars) throw excess(`a text of more than ${this.#maxStringChars} characters`);
    this.#chars += length;
    if (this.#chars > this.#maxChars) throw excess(`more than ${this.#maxChars} characters in all`);
    this.charge(1 + length / 256);
  }

  get isPauseDue(): boolean {
    return this.#steps >= this.#nextPause && this.#mayPause;
  }

  /** Lets others have their turn, which takes none of the template's time. */
  *pause(): Steps<void> {
    this.#nextPause = this.#steps + PAUSE_EVERY;
    const at = Date.now();
    yield;
    this.#deadline += Date.now() - at;
  }

  /** Work whose own pauses take none of the template's time either. */
  *around<T>(steps: Steps<T>): Steps<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      yield* this.pause();
    }
  }

  /** Work in the middle of an expression, where there is no pause. */
  withoutPause<T>(work: Steps<T>): T {
    const mayPause = this.#mayPause;
    this.#mayPause = false;
    const result = atOnce(work);
    this.#mayPause = mayPause;
    return result;
  }

  enter(): void {
    if (++this.#depth > LIMITS.depth) throw excess(`more than ${LIMITS.depth} nested evaluations`);
  }

  leave(): void {
    this.#depth--;
  }
}

function excess(what: string): ChatTemplateError {
  return new ChatTemplateError(
    `The chat template takes ${what}. It is broken or hostile; load the model with another template.`,
  );
}
