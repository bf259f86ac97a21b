// An answer's text and tool calls as the AI SDK streams them: blocks with a start and an end, one after another.
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { ToolCallDelta } from '@clawdbot/runtime';

type Open = { readonly type: 'text'; readonly id: string } | { readonly type: 'call'; readonly id: string; readonly name: string; input: string };

export class Blocks {
  #open: Open | undefined;
  #numTexts = 0;

  *text(delta: string): Generator<LanguageModelV4StreamPart, void, void> {
    if (delta === '') return;
    if (this.#open?.type !== 'text') {
      yield* this.end();
      this.#open = { type: 'text', id: String(this.#numTexts++) };
      yield { type: 'text-start', id: this.#open.id };
    }
    yield { type: 'text-delta', id: this.#open.id, delta };
  }

  /** A piece of a call; id and name come with its first. */
  *call({ id, name, arguments: delta }: ToolCallDelta): Generator<LanguageModelV4StreamPart, void, void> {
    if (id !== undefined) {
      yield* this.end();
      this.#open = { type: 'call', id, name: name!, input: '' };
      yield { type: 'tool-input-start', id, toolName: name! };
    }
    if (delta === '' || this.#open?.type !== 'call') return;
    this.#open.input += delta;
    yield { type: 'tool-input-delta', id: this.#open.id, delta };
  }

  /** Closes what is open. */
  *end(): Generator<LanguageModelV4StreamPart, void, void> {
    const open = this.#open;
    this.#open = undefined;
    if (open?.type === 'text') yield { type: 'text-end', id: open.id };
    if (open?.type !== 'call') return;
    yield { type: 'tool-input-end', id: open.id };
    yield { type: 'tool-call', toolCallId: open.id, toolName: open.name, input: open.input };
  }
}
