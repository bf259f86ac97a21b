// Source text to syntax tree, through the parser of @huggingface/jinja, with guards around what it takes badly.
import { parse, tokenize } from '@huggingface/jinja';
import { ChatTemplateError } from '../../errors.ts';
import type { Statement } from './ast.ts';
import { NEGATED_TEST_PREFIX, TEST_PREFIX } from './expressions.ts';
import { LIMITS } from './limits.ts';

/** Throws ChatTemplateError for a source that is too large, nested too deep, or no template. */
export function parseTemplate(source: string): readonly Statement[] {
  if (source.length > LIMITS.sourceChars) {
    throw new ChatTemplateError(`The chat template has ${source.length} characters, more than ${LIMITS.sourceChars}.`);
  }
  if (hasLongBlankRun(source)) {
    throw new ChatTemplateError(`The chat template has more than ${LIMITS.sourceBlankRun} blanks in a row.`);
  }
  try {
    const tokens = tokenize(source, { lstrip_blocks: true, trim_blocks: true });
    return parse(withTestArguments(tokens) as typeof tokens).body as unknown as readonly Statement[];
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deep' : (error as Error).message;
    throw new ChatTemplateError(`The chat template cannot be parsed: ${reason}`, { cause: error });
  }
}

function hasLongBlankRun(source: string): boolean {
  let run = 0;
  for (let i = 0; i < source.length; i++) {
    run = /\s/.test(source[i] as string) ? run + 1 : 0;
    if (run > LIMITS.sourceBlankRun) return true;
  }
  return false;
}

interface Token {
  readonly type: string;
  readonly value: string;
}

/** The parser takes no arguments of tests: `x is [not] name(…)` becomes the filter `x | __is_[not_]name(…)`. */
function withTestArguments(tokens: readonly Token[]): readonly Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    const previous = tokens[i - 1];
    if (!isName(token, 'is') || previous?.type === 'Dot' || previous?.type === 'Pipe') {
      result.push(token);
      continue;
    }
    const negated = isName(tokens[i + 1], 'not');
    const at = i + (negated ? 2 : 1);
    const name = tokens[at];
    if (isName(name, 'in')) {
      result.push(...tokens.slice(i + 1, at + 1));
      i = at;
    } else if (name?.type === 'Identifier' && tokens[at + 1]?.type === 'OpenParen') {
      result.push({ type: 'Pipe', value: '|' },
        { type: 'Identifier', value: (negated ? NEGATED_TEST_PREFIX : TEST_PREFIX) + name.value });
      i = at;
    } else {
      result.push(token);
    }
  }
  return result;
}

function isName(token: Token | undefined, name: string): boolean {
  return token?.type === 'Identifier' && token.value === name;
}
