// Prompts as ids, in steps: text through the tokenizer, messages through the chat template, and what fits the context of both.
import type { ChatMessage } from '../chat/messages.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { ToolFormat } from '../chat/tool-format.ts';
import { withTools } from '../chat/tool-prompt.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Steps } from '../steps.ts';
import type { EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.ts';
import { fitIds, fitMessages, roomFor } from './context-policy.ts';
import type { FittedPrompt } from './context-policy.ts';
import { checkBoolean, checkNames, checkText } from './inputs.ts';
import type { GenerateOptions, Prompt, ToolChoice } from './types.ts';

export interface ChatRenderOptions {
  readonly tools?: readonly unknown[];
  readonly toolChoice?: ToolChoice;
  readonly templateOptions?: Readonly<Record<string, unknown>>;
  readonly addGenerationPrompt?: boolean;
}

export interface RenderedChat {
  readonly text: string;
  readonly ids: number[];
}

/** Throws InvalidArgumentError for options that do not exist or make no sense. */
export function checkRenderOptions(options: ChatRenderOptions): void {
  checkNames(options, ['tools', 'toolChoice', 'templateOptions', 'addGenerationPrompt']);
  checkBoolean('addGenerationPrompt', options.addGenerationPrompt);
}

export class Prompts {
  readonly #tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #toolFormat: ToolFormat;
  readonly #contextLength: number;

  constructor(tokenizer: Tokenizer, template: ChatTemplate, toolFormat: ToolFormat, contextLength: number) {
    this.#tokenizer = tokenizer;
    this.#template = template;
    this.#toolFormat = toolFormat;
    this.#contextLength = contextLength;
  }

  /** The prompt's ids, and with `contextPolicy: 'slide'` as many of them as fit. */
  *fit(prompt: Prompt, options: GenerateOptions): Steps<FittedPrompt> {
    const ids = yield* this.idsOf(prompt, options);
    if (options.contextPolicy !== 'slide') return { ids, numSinks: 0, numDropped: 0 };
    const contextLength = this.#contextLength;
    const room = roomFor(options.maxTokens, contextLength);
    const isChat = Array.isArray(prompt) && typeof prompt[0] === 'object';
    if (!isChat) return fitIds(ids, contextLength, room);
    const render = (messages: readonly ChatMessage[]): Steps<number[]> => this.#chatIds(messages, options);
    return yield* fitMessages(prompt as readonly ChatMessage[], contextLength, room, render);
  }

  *idsOf(prompt: Prompt, options: Pick<GenerateOptions, 'parseSpecial'> & ChatRenderOptions): Steps<number[]> {
    if (typeof options !== 'object' || (options as unknown) === null) {
      throw new InvalidArgumentError('The options must be an object.');
    }
    if (ArrayBuffer.isView(prompt)) return Array.from(prompt as unknown as ArrayLike<number>);
    if (typeof prompt === 'string') return yield* this.encode(prompt, { parseSpecial: options.parseSpecial ?? false });
    if (!Array.isArray(prompt)) throw new InvalidArgumentError('The prompt must be a string, token ids or chat messages.');
    if (prompt.length === 0) throw new InvalidArgumentError('The prompt is empty. Give at least one message or token id.');
    if (typeof prompt[0] === 'number') return [...(prompt as readonly number[])];
    return yield* this.#chatIds(prompt as readonly ChatMessage[], options);
  }

  *encode(text: string, options: EncodeOptions = {}): Steps<number[]> {
    checkText(text);
    return yield* this.#tokenizer.encodeSteps(text, options);
  }

  *render(messages: readonly ChatMessage[], options: ChatRenderOptions): Steps<RenderedChat> {
    const offered = options.toolChoice === 'none' ? undefined : options.tools;
    const segments = yield* this.#template.renderSegmentsSteps({
      ...withTools(messages, offered, this.#toolFormat),
      extra: options.templateOptions,
      addGenerationPrompt: options.addGenerationPrompt ?? true,
    });
    const text = segments.map((segment) => segment.text).join('');
    const bos = this.#tokenizer.bosId;
    const ids = yield* this.#tokenizer.encodeSegmentsSteps(segments, { addSpecial: true });
    // Templates write BOS themselves; the tokenizer adding it again would double it.
    if (bos !== undefined && ids[0] === bos && ids[1] === bos) ids.shift();
    return { text, ids };
  }

  *#chatIds(messages: readonly ChatMessage[], options: ChatRenderOptions): Steps<number[]> {
    return (yield* this.render(messages, options)).ids;
  }
}
