// A model's chat template: messages in, prompt text out, with what users wrote kept apart from the markup.
import { ChatTemplateError } from '../errors.ts';
import { atOnce } from '../steps.ts';
import type { Steps } from '../steps.ts';
import { partsForTemplate } from './content-parts.ts';
import type { Statement } from './jinja/ast.ts';
import { applyFilter } from './jinja/filters.ts';
import { defineGlobals, toValue } from './jinja/globals.ts';
import { Budget } from './jinja/limits.ts';
import { parseTemplate } from './jinja/parse.ts';
import { Runtime } from './jinja/runtime.ts';
import { Scope } from './jinja/scope.ts';
import { runBlock } from './jinja/statements.ts';
import { Dict, List } from './jinja/values.ts';
import type { Value } from './jinja/values.ts';
import { checkMessages } from './messages.ts';
import type { ChatMessage } from './messages.ts';
import { Taint, guardedUnits } from './taint.ts';
import type { TemplateSegment } from './taint.ts';

export type { TemplateSegment } from './taint.ts';

export interface ChatTemplateOptions {
  readonly bosToken?: string;
  readonly eosToken?: string;
  /** Texts that the tokenizer takes for single tokens. */
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

/** Both throw InvalidArgumentError for wrong messages, ChatTemplateError where the template fails or takes too much. */
export interface ChatTemplate {
  render(input: ChatTemplateInput): string;
  /** The same text in parts: what came with the input has `parseSpecial: false`. */
  renderSegments(input: ChatTemplateInput): readonly TemplateSegment[];
  /** `renderSegments` with pauses, for conversations of any length. */
  renderSegmentsSteps(input: ChatTemplateInput): Steps<readonly TemplateSegment[]>;
}

/** Roles that markup may be made of, as in `<|user|>`; any other role is text from the input. */
const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'model', 'tool', 'function', 'ipython', 'context']);

const VALUES_A_STEP = 1024;

/** Nothing is parsed before the first rendering: a model with a broken template can still be used without it. */
export function createChatTemplate(source: string, options: ChatTemplateOptions = {}): ChatTemplate {
  const guarded = guardedUnits(options.specialTokens ?? []);
  let parsed: readonly Statement[] | undefined;

  const renderAsIs = function* (input: ChatTemplateInput): Steps<readonly TemplateSegment[]> {
    parsed ??= parseTemplate(source);
    try {
      return yield* renderParsed(parsed, source, options, guarded, input);
    } catch (error) {
      if (error instanceof ChatTemplateError) throw error;
      const reason = error instanceof RangeError ? 'it nests too deep or grows too large' : (error as Error).message;
      throw new ChatTemplateError(`The chat template failed: ${reason}`, { cause: error });
    }
  };
  const fitParts = partsForTemplate((messages) => textOf(atOnce(renderAsIs({ messages }))));
  const renderSegmentsSteps = function* (input: ChatTemplateInput): Steps<readonly TemplateSegment[]> {
    checkMessages(input.messages);
    return yield* renderAsIs({ ...input, messages: fitParts(input.messages) });
  };
  const renderSegments = (input: ChatTemplateInput): readonly TemplateSegment[] => atOnce(renderSegmentsSteps(input));
  return {
    renderSegments, renderSegmentsSteps,
    render: (input) => textOf(renderSegments(input)),
  };
}

const textOf = (segments: readonly TemplateSegment[]): string => segments.map(({ text }) => text).join('');

function* renderParsed(
  parsed: readonly Statement[], source: string, options: ChatTemplateOptions, guarded: ReadonlySet<number>,
  input: ChatTemplateInput,
): Steps<readonly TemplateSegment[]> {
  const { bosToken = '', eosToken = '' } = options;
  const given = {
    ...input.extra,
    messages: input.messages,
    ...(input.tools === undefined ? {} : { tools: input.tools }),
    ...(input.documents === undefined ? {} : { documents: input.documents }),
  };
  const texts = yield* textsIn(given);
  const budget = new Budget({
    messages: input.messages.length,
    chars: texts.reduce((sum, text) => sum + text.length, 0),
  });
  const taint = new Taint(guarded, [source, bosToken, eosToken, ...texts]);
  const runtime = new Runtime(budget, taint, input.now ?? new Date(), applyFilter);
  const scope = new Scope();
  defineGlobals(scope, runtime);
  scope.set('bos_token', bosToken);
  scope.set('eos_token', eosToken);
  scope.set('add_generation_prompt', input.addGenerationPrompt ?? false);
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) scope.set(name, yield* toValue(value, runtime));
  }
  revealRoles(scope.get('messages'), runtime);
  return yield* taint.segments(yield* runBlock(parsed, scope, runtime));
}

function revealRoles(messages: Value, runtime: Runtime): void {
  if (!(messages instanceof List)) return;
  for (const message of messages.items) {
    const role = message instanceof Dict ? message.get('role') : undefined;
    if (typeof role !== 'string' || !ROLES.has(runtime.plain(role))) continue;
    runtime.set(message as Dict, 'role', 'role', runtime.plain(role));
  }
}

/** Every text in the input, keys included. */
function* textsIn(input: unknown): Steps<string[]> {
  const texts: string[] = [];
  const seen = new Set<object>();
  const open: unknown[] = [input];
  for (let i = 1; open.length > 0; i++) {
    if (i % VALUES_A_STEP === 0) yield;
    const value = open.pop();
    if (typeof value === 'string') texts.push(value);
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    for (const [key, inner] of Object.entries(value)) open.push(key, inner);
  }
  return texts;
}
