// Counts and times a reply while it comes: for the speed shown meanwhile, and for replies that never say their own figures because
// they were stopped or broke off.
import type { PromptProgress, ReplyPart, ReplyStats } from './backend.ts';
import { promptFor, shownMessages } from './conversation.ts';
import type { Conversation, Message } from './conversation.ts';

/** Of English text, about. */
const CHARACTERS_PER_TOKEN = 4;
/** A speed over less jumps about. */
const SHORTEST_MS = 250;

export class ReplyMeter {
  readonly #startedAt = performance.now();
  #firstAt = 0;
  #lastAt = 0;
  #numFirst = 0;
  #numTokens = 0;
  #isExact = true;
  #promptTokens: number | undefined;

  addPrompt({ totalTokens }: PromptProgress): void {
    this.#promptTokens = totalTokens;
  }

  /** Servers send about a token in each part; the engine in the page says how many. */
  add(part: Exclude<ReplyPart, { type: 'end' }>): void {
    this.#lastAt = performance.now();
    this.#numTokens += part.numTokens ?? 1;
    this.#isExact &&= part.numTokens !== undefined;
    if (this.#firstAt !== 0) return;
    this.#firstAt = this.#lastAt;
    this.#numFirst = this.#numTokens;
  }

  /** Tokens per second since the first, to be shown meanwhile. */
  get speed(): number | undefined {
    return this.#lastAt - this.#firstAt > SHORTEST_MS ? this.#tokensPerSecond : undefined;
  }

  get #tokensPerSecond(): number | undefined {
    const elapsedMs = this.#lastAt - this.#firstAt;
    return elapsedMs > 0 ? (this.#numTokens - this.#numFirst) / (elapsedMs / 1000) : undefined;
  }

  /** Of what came so far; undefined where nothing did. */
  stats(estimatedPromptTokens: number): ReplyStats | undefined {
    if (this.#numTokens === 0) return undefined;
    const tokensPerSecond = this.#tokensPerSecond;
    return {
      promptTokens: this.#promptTokens ?? estimatedPromptTokens, newTokens: this.#numTokens, ttftMs: this.#firstAt - this.#startedAt,
      ...(tokensPerSecond !== undefined && { tokensPerSecond }),
      ...((!this.#isExact || this.#promptTokens === undefined) && { isEstimate: true }),
    };
  }
}

/** What an earlier reply of the branch counted, and the characters since. */
export function estimatePromptTokens(conversation: Conversation, question: Message): number {
  const branch = shownMessages({ ...conversation, leafId: question.id });
  const index = branch.findLastIndex(({ stats }) => stats?.promptTokens !== undefined);
  const { promptTokens = 0, newTokens = 0 } = branch[index]?.stats ?? {};
  const since = index < 0 ? promptFor(conversation, question) : branch.slice(index + 1);
  return promptTokens + newTokens + Math.ceil(since.reduce((sum, { content }) => sum + content.length, 0) / CHARACTERS_PER_TOKEN);
}
