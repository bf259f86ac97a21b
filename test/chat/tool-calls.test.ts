// Tool calls of every dialect come out the same however the text is cut, and what is none stays text.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ToolCallParser, toolDialect } from '../../src/chat/tool-calls.ts';
import { InvalidArgumentError } from '../../src/errors.ts';
import type { ParsedToolCall, ToolDialect } from '../../src/chat/tool-calls.ts';

const NAMES = ['weather', 'add'];

function parse(dialect: ToolDialect, pieces: readonly string[]): { text: string; calls: Pick<ParsedToolCall, 'name' | 'arguments'>[] } {
  const parser = new ToolCallParser(dialect, NAMES, () => 'id');
  const chunks = [...pieces.map((piece) => parser.push(piece)), parser.flush()];
  return {
    text: chunks.map(({ text }) => text).join(''),
    calls: chunks.flatMap(({ toolCalls }) => toolCalls.map((call) => ({ name: call.name, arguments: call.arguments }))),
  };
}

it('ToolCallParser refuses a dialect that there is not', () => {
  expect(() => new ToolCallParser('foo' as never, NAMES)).toThrow(/no dialect "foo"\. There are hermes, /);
  expect(() => new ToolCallParser('toString' as never, NAMES)).toThrow(InvalidArgumentError);
});

const weather = { name: 'weather', arguments: '{"city":"Paris {\\"x\\"}"}' };
const add = { name: 'add', arguments: '{"a":[1,2]}' };
const json = (key = 'arguments'): [string, string] => [
  `{"name": "weather", "${key}": ${weather.arguments}}`, `{"name": "add", "${key}": ${add.arguments}}`,
];

const CASES: readonly (readonly [ToolDialect, string, string, readonly object[]])[] = [
  ['hermes', `I look.\n<tool_call>\n${json()[0]}\n</tool_call>\n<tool_call>${json()[1]}</tool_call>`, 'I look.\n', [weather, add]],
  ['hermes', 'a < b, <tool_box> and "<tool_call" are text', 'a < b, <tool_box> and "<tool_call" are text', []],
  ['hermes', '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>', '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>', []],
  ['hermes', `<tool_call>${json()[0]}`, '', [weather]],
  ['llama3', json('parameters')[0], '', [weather]],
  ['llama3', `<|python_tag|>${json('parameters')[0]}; ${json('parameters')[1]}`, '', [weather, add]],
  ['llama3', 'The JSON {"name": "weather"} is text', 'The JSON {"name": "weather"} is text', []],
  ['mistral', `[TOOL_CALLS] [${json().join(', ')}]`, '', [weather, add]],
  ['mistral', `[TOOL_CALLS]weather${weather.arguments}[TOOL_CALLS]add[ARGS]${add.arguments}`, '', [weather, add]],
  ['json', `\n{"function": ${json()[0]}}`, '', [weather]],
  ['json', '{"answer": 42}', '{"answer": 42}', []],
  ['json', 'Hello', 'Hello', []],
];

describe('ToolCallParser', () => {
  it.each(CASES)('%s: %s', (dialect, source, text, calls) => {
    expect(parse(dialect, [source])).toEqual({ text, calls });
    expect(parse(dialect, [...source])).toEqual({ text, calls });
  });

  it('reads the same whatever the pieces', () => {
    const sizesOf = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(fc.constantFrom(...CASES), sizesOf, ([dialect, source, text, calls], sizes) => {
      const cut: string[] = [];
      for (let at = 0, i = 0; at < source.length; i++) cut.push(source.slice(at, at += sizes[i % sizes.length]!));
      expect(parse(dialect, cut)).toEqual({ text, calls });
    }));
  });

  it('never loses text', () => {
    fc.assert(fc.property(fc.constantFrom<ToolDialect>('hermes', 'llama3', 'mistral', 'json'), fc.array(fc.constantFrom(
      '<tool_call>', '</tool_call>', '{', '}', '"', '[', ']', '[TOOL_CALLS]', 'name', ':', ' ', 'x', '\\', '<|python_tag|>', 'weather', ','), { maxLength: 30 }),
    (dialect, pieces) => {
      const { text, calls } = parse(dialect, pieces);
      if (calls.length === 0) expect(text).toBe(pieces.join(''));
    }));
  });
});

describe('toolDialect', () => {
  it.each([
    ['…<tool_call>…', 'hermes'], ['{{ "[TOOL_CALLS]" }}', 'mistral'], ['<|start_header_id|>ipython', 'llama3'], ['<|im_start|>', 'json'],
  ])('%s is %s', (template, dialect) => expect(toolDialect(template)).toBe(dialect));
});
