// The grammar of an answer that may call tools: free text or what else it may be, then calls as the model's format writes them,
// each with arguments that satisfy the tool's parameters.
import type { ToolFormat } from '../../chat/tool-format.ts';
import type { ToolDefinition } from '../../chat/tool-schema.ts';
import { GrammarError } from '../../errors.ts';
import type { Steps } from '../../steps.ts';
import { codePoints } from '../../grammar/code-points.ts';
import { EMPTY, characters, choice, optional, repeat, rule, sequence, text } from '../../grammar/expression.ts';
import type { Expression, Rules } from '../../grammar/expression.ts';
import { literalPattern, textWithout } from '../../grammar/free-text.ts';
import { prefixed } from '../../grammar/prefixed.ts';
import { schemaRules } from '../../grammar/schema/compile.ts';
import type { CheckedTools } from './tool-options.ts';

const ANSWER = 'answer ';
/** What a call without a mark begins with: no other text may. */
const BARE_CALL = '^\\s*(?:\\[\\s*)?\\{\\s*"name"';
/** Nine letters and digits, which is what templates that write ids take. */
const CALL_ID = repeat(characters(codePoints([[0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]])), 9, 9);
const space = rule('space');
const SPACE = choice(EMPTY, text(' '), text('\n'));

/** The tokens that are no text. */
export interface ControlTokens {
  /** The token of a mark, whether or not it is text besides. */
  tokenId(spelling: string): number | undefined;
  /** Those that may stand in free text, as they may where there is no grammar: thoughts and channels begin and end with some. */
  readonly ids: readonly number[];
}

/**
 * `answer` is what the text must be where nothing is called; by default it is free. Throws GrammarError, with the tool's name, for
 * parameters that cannot be enforced.
 */
export function* toolRules(
  { tools, isRequired, isParallel }: CheckedTools, format: ToolFormat, controls: ControlTokens, answer?: Rules,
): Steps<Rules> {
  const rules = new Map<string, Expression>([['space', SPACE]]);
  const add = (more: Rules, prefix: string): Expression => {
    for (const [name, expression] of prefixed(more, prefix)) rules.set(name, expression);
    return rule(`${prefix}root`);
  };
  const mark = (spelling: string): Expression => {
    const id = spelling === '' ? undefined : controls.tokenId(spelling);
    return id === undefined ? text(spelling) : choice({ kind: 'token', id, negated: false }, text(spelling));
  };
  const calls: Expression[] = [];
  for (const [i, tool] of tools.entries()) {
    calls.push(callOf(tool, format, mark, add(yield* parameterRules(tool), `tool ${i} `)));
    yield;
  }
  rules.set('call', choice(...calls));
  const marked = format.opening === '' ? undefined : callsOf(format, isParallel, mark);
  const bare = format.isBare ? callsOf({ ...format, opening: '' }, isParallel, mark) : undefined;
  rules.set('calls', choice(...[marked, bare].filter((form) => form !== undefined)));
  if (isRequired) return rules.set('root', rule('calls'));
  if (answer) return rules.set('root', choice(add(answer, ANSWER), sequence(space, rule('calls'))));
  const opening = controls.tokenId(format.opening);
  rules.set('control', choice(...controls.ids.filter((id) => id !== opening).map((id) => ({ kind: 'token', id, negated: false }) as const)));
  const free = yield* textWithout(
    [...(marked ? [literalPattern(format.opening)] : []), ...(bare ? [BARE_CALL] : [])], controls.ids.length > 0 ? rule('control') : undefined,
  );
  return rules.set('root', choice(sequence(free, marked ? optional(marked) : EMPTY), ...(bare ? [sequence(space, bare)] : [])));
}

function callOf({ function: { name } }: ToolDefinition, format: ToolFormat, mark: (spelling: string) => Expression, parameters: Expression): Expression {
  const id = format.callId === undefined ? EMPTY : optional(sequence(mark(format.callId), CALL_ID));
  if (format.named !== undefined) return sequence(text(name), id, mark(format.named), parameters);
  const member = (key: string, value: Expression): Expression => sequence(text(`"${key}":`), space, value);
  return sequence(
    text('{'), space, member('name', text(JSON.stringify(name))), text(','), space, member(format.argumentsKey, parameters), space, text('}'),
  );
}

function callsOf({ opening, closing, several, isBare }: ToolFormat, isParallel: boolean, mark: (spelling: string) => Expression): Expression {
  const call = rule('call');
  const open = mark(opening);
  if (several === 'list') {
    const list = sequence(text('['), space, call, isParallel ? repeat(sequence(text(','), space, call), 0, Infinity) : EMPTY, space, text(']'));
    return sequence(open, space, isBare ? choice(call, list) : list);
  }
  const one = sequence(open, space, call, closing === '' ? EMPTY : sequence(space, mark(closing)));
  return several === 'marked' && isParallel ? sequence(one, repeat(sequence(space, one), 0, Infinity)) : one;
}

function* parameterRules({ function: { name, parameters } }: ToolDefinition): Steps<Rules> {
  const schema = parameters ?? { additionalProperties: false };
  const refuse = (what: string, place?: ConstructorParameters<typeof GrammarError>[1]): GrammarError =>
    new GrammarError(`The parameters of the tool "${name}": ${what}`, { ...place, tool: name });
  const { type = 'object' } = schema as { readonly type?: unknown };
  if (type !== 'object') throw refuse('they must describe an object.', { keyword: 'type', pointer: '/type' });
  try {
    return yield* schemaRules({ ...schema, type });
  } catch (error) {
    throw error instanceof GrammarError ? refuse(error.message, error) : error;
  }
}
