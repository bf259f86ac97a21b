// A model's chat template: messages in, prompt text out, with what users wrote kept apart from the markup.
import { Template } from '@huggingface/jinja';
import { ChatTemplateError } from '../errors.ts';
import { checkMessages } from './messages.ts';
import type { ChatMessage } from './messages.ts';

export interface ChatTemplateOptions {
  readonly bosToken?: string;
  readonly eosToken?: string;
  readonly specialTokens?: readonly string[];
}

export interface ChatTemplateInput {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly unknown[] | undefined;
  readonly documents?: readonly unknown[] | undefined;
  readonly addGenerationPrompt?: boolean | undefined;
  /** Further variables of the template, such as enable_thinking. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** What `strftime_now` takes for the present. */
  readonly now?: Date | undefined;
}

/** `parseSpecial` is false for text that came with the input: it must never become special tokens. */
export interface TemplateSegment {
  readonly text: string;
  readonly parseSpecial: boolean;
}

/** Both throw InvalidArgumentError for wrong messages, ChatTemplateError where the template fails or takes too much. */
export interface ChatTemplate {
  render(input: ChatTemplateInput): string;
  renderSegments(input: ChatTemplateInput): readonly TemplateSegment[];
}

export function createChatTemplate(source: string, options: ChatTemplateOptions = {}): ChatTemplate {
  let parsed: Template | undefined;
  const renderSegments = (input: ChatTemplateInput): readonly TemplateSegment[] => {
    checkMessages(input.messages);
    try {
      parsed ??= new Template(source);
      const text = parsed.render({
        ...input.extra, messages: input.messages, tools: input.tools, documents: input.documents,
        add_generation_prompt: input.addGenerationPrompt ?? false,
        bos_token: options.bosToken ?? '', eos_token: options.eosToken ?? '',
      });
      return [{ text, parseSpecial: true }];
    } catch (error) {
      throw new ChatTemplateError(`The chat template failed: ${(error as Error).message}`, { cause: error });
    }
  };
  return {
    renderSegments,
    render: (input) => renderSegments(input).map((segment) => segment.text).join(''),
  };
}
