// Calls as they stream: the reader agrees with the parser of whole calls on every dialect, and templates without tools are told
// about them in words.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { createChatTemplate } from '../../src/chat/template.ts';
import { ToolCallReader } from '../../src/chat/tool-call-reader.ts';
import type { ToolCallDelta } from '../../src/chat/tool-call-reader.ts';
import { ToolCallParser } from '../../src/chat/tool-calls.ts';
import { toolFormat } from '../../src/chat/tool-format.ts';
import { withTools } from '../../src/chat/tool-prompt.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';

const HERMES = toolFormat('{{ tools }}<tool_call>');
const LLAMA = toolFormat('{{ tools }}<|python_tag|>');
const MISTRAL_LIST = toolFormat('{{ tools }}[TOOL_CALLS]');
const MISTRAL_NAMED = toolFormat('{{ tools }}[TOOL_CALLS]name[ARGS]');
const MISTRAL_ID = toolFormat('{{ tools }}[TOOL_CALLS]name[CALL_ID]id[ARGS]');
const JSON_FORMAT = toolFormat('{{ tools }} {"name": "…", "arguments": {}}');
const UNKNOWN = toolFormat('{{ messages }}');
const NAMES = ['weather', 'add'];
const WEATHER = '{"city": "Paris {\\"x\\"}", "days": [1, {"a": "]"}]}';
const object = (name: string, args: string, key = 'arguments'): string => `{"name": "${name}", "${key}": ${args}}`;
const BOTH = [{ name: 'weather', arguments: WEATHER }, { name: 'add', arguments: '{}' }];

const CASES = [
  [HERMES, `I look.\n<tool_call>\n${object('weather', WEATHER)}\n</tool_call>\n<tool_call>\n${object('add', '{}')}\n</tool_call>`, 'I look.\n', BOTH],
  [HERMES, 'a <tool_box> and < b', 'a <tool_box> and < b', []],
  [LLAMA, object('weather', WEATHER, 'parameters'), '', BOTH.slice(0, 1)],
  [LLAMA, `Well. <|python_tag|>${object('weather', WEATHER, 'parameters')}`, 'Well. ', BOTH.slice(0, 1)],
  [LLAMA, 'The {"name": "add"} is text', 'The {"name": "add"} is text', []],
  [MISTRAL_LIST, `[TOOL_CALLS] [${object('weather', WEATHER)}, ${object('add', '{}')}]`, '', BOTH],
  [MISTRAL_NAMED, `Hm[TOOL_CALLS]weather[ARGS]${WEATHER}[TOOL_CALLS]add[ARGS]{}`, 'Hm', BOTH],
  [MISTRAL_NAMED, `[THINK]Which [city]?[/THINK]Hm[TOOL_CALLS]add[ARGS]{}`, '[THINK]Which [city]?[/THINK]Hm', BOTH.slice(1)],
  [MISTRAL_ID, `[TOOL_CALLS]weather[CALL_ID]abcDEF123[ARGS]${WEATHER}[TOOL_CALLS]add[CALL_ID]9sxV7kPQe[ARGS]{}`, '', BOTH],
  [MISTRAL_ID, `[TOOL_CALLS]weather[ARGS]${WEATHER}[TOOL_CALLS]add{}`, '', BOTH],
  [JSON_FORMAT, `[${object('weather', WEATHER)}, ${object('add', '{}')}]`, '', BOTH],
  [JSON_FORMAT, ` ${object('weather', WEATHER)}`, '', BOTH.slice(0, 1)],
  [JSON_FORMAT, '{"name": "apple", "grams": 3}', '{"name": "apple", "grams": 3}', []],
  [JSON_FORMAT, '{"answer": 42}', '{"answer": 42}', []],
] as const;

function read(format: typeof HERMES, pieces: readonly string[]): { text: string; calls: { name: string; arguments: string }[]; deltas: ToolCallDelta[] } {
  const reader = new ToolCallReader(format, NAMES, () => 'id');
  const taken = [...pieces.map((piece) => reader.push(piece)), reader.flush()];
  const calls: { name: string; arguments: string }[] = [];
  const deltas = taken.flatMap(({ toolCalls }) => toolCalls);
  for (const { index, name, arguments: piece } of deltas) {
    if (name !== undefined) calls[index] = { name, arguments: '' };
    calls[index]!.arguments += piece;
  }
  return { text: taken.map(({ text }) => text).join(''), calls, deltas };
}

describe('ToolCallReader', () => {
  it.each(CASES)('$dialect: %s', (format, source, text, calls) => {
    expect(read(format, [...source])).toMatchObject({ text, calls });
    // The parser of calls that nothing holds to a form finds the same ones.
    const parser = new ToolCallParser(format.dialect, NAMES);
    const chunks = [parser.push(source), parser.flush()];
    expect(chunks.map((chunk) => chunk.text).join('')).toBe(text);
    expect(chunks.flatMap((chunk) => chunk.toolCalls).map((call) => [call.name, JSON.parse(call.arguments)]))
      .toEqual(calls.map((call) => [call.name, JSON.parse(call.arguments)]));
  });

  it('reads the same whatever the pieces, and shows arguments as they come', () => {
    const sizesOf = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(fc.constantFrom(...CASES), sizesOf, ([format, source, text, calls], sizes) => {
      const cut: string[] = [];
      for (let at = 0, i = 0; at < source.length; i++) cut.push(source.slice(at, at += sizes[i % sizes.length]!));
      expect(read(format, cut)).toMatchObject({ text, calls });
    }));
    const { deltas } = read(HERMES, [...CASES[0][1]]);
    expect(deltas[0]).toEqual({ index: 0, id: 'id', name: 'weather', arguments: '' });
    expect(deltas.filter(({ index }) => index === 0).length).toBeGreaterThan(20);
  });

  it('keeps the ids that a model gives its calls, each once', () => {
    const written = '[TOOL_CALLS]add[CALL_ID]abcDEF123[ARGS]{}[TOOL_CALLS]add[CALL_ID]abcDEF123[ARGS]{}[TOOL_CALLS]add[ARGS]{}';
    let count = 0;
    const newId = (): string => `new${count++}`;
    const reader = new ToolCallReader(MISTRAL_ID, NAMES, newId);
    const read = [...written].flatMap((letter) => reader.push(letter).toolCalls);
    expect(read.flatMap(({ id }) => id ?? [])).toEqual(['abcDEF123', 'new0', 'new1']);
    const parser = new ToolCallParser('mistral', NAMES, newId);
    expect([...written].flatMap((letter) => parser.push(letter).toolCalls).map(({ id }) => id)).toEqual(['abcDEF123', 'new2', 'new3']);
  });

  it('says that a call is not whole, and loses no text', () => {
    const reader = new ToolCallReader(HERMES, NAMES);
    reader.push('<tool_call>{"name": "weather", "arguments": {"ci');
    expect(reader.isAmidCall).toBe(true);
    reader.push('ty": ""}}');
    expect(reader.isAmidCall).toBe(false);
    expect(read(HERMES, ['<tool_call>{"name": "unknown", "arguments": {}}']).text).toContain('unknown');
    expect(read(HERMES, ['<tool_call>{"na']).text).toBe('{"na');
  });
});

describe('toolFormat', () => {
  it('takes templates that know tools in another form for such as do not', () => {
    expect(UNKNOWN).toMatchObject({ dialect: 'hermes', isKnownToTemplate: false });
    expect(toolFormat('{{ tools }} <|channel|>')).toEqual(UNKNOWN);
    expect(toolFormat('{{ tools }} <TOOLCALL>[{"name": "f", "arguments": {}}]</TOOLCALL>')).toEqual(UNKNOWN);
    expect(JSON_FORMAT).toMatchObject({ dialect: 'json', isKnownToTemplate: true });
  });

  it.skipIf(!fixturesDir()).each([
    ['Qwen-Qwen2.5-7B-Instruct', 'hermes', true], ['Qwen-Qwen3-0.6B', 'hermes', true], ['NousResearch-Hermes-3-Llama-3.1-8B-tool_use', 'hermes', true],
    ['meta-llama-Llama-3.1-8B-Instruct', 'llama3', true], ['meta-llama-Llama-3.2-3B-Instruct', 'llama3', true],
    ['mistralai-Mistral-Nemo-Instruct-2407', 'mistral', true], ['Mistral-Small-3.2-24B-Instruct-2506', 'mistral', true],
    ['GigaChat3-10B-A1.8B', 'json', true], ['openai-gpt-oss-120b', 'hermes', false], ['google-gemma-2-2b-it', 'hermes', false],
    ['microsoft-Phi-3.5-mini-instruct', 'hermes', false],
  ] as const)('%s is %s, known: %s (needs reference data)', (name, dialect, isKnownToTemplate) => {
    expect(toolFormat(readFileSync(fixture('templates', 'jinja', `${name}.jinja`), 'utf8'))).toMatchObject({ dialect, isKnownToTemplate });
  });
});

describe.skipIf(!fixturesDir())('published templates of Mistral (needs reference data)', () => {
  const calls = [
    { id: 'abcDEF123', type: 'function' as const, function: { name: 'weather', arguments: { city: 'Paris {"x"}' } } },
    { id: '9sxV7kPQe', type: 'function' as const, function: { name: 'add', arguments: {} } },
  ];

  it.each([
    ['Mistral-Small-3.2-24B-Instruct-2506', true], ['unsloth-mistral-Devstral-Small-2507', false],
    ['mistralai-Ministral-3-14B-Reasoning-2512', false],
  ] as const)('%s: what it writes of calls is read as these', (name, hasIds) => {
    const source = readFileSync(fixture('templates', 'jinja', `${name}.jinja`), 'utf8');
    const format = toolFormat(source);
    const messages = [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: '', tool_calls: calls }];
    const written = createChatTemplate(source, { bosToken: '<s>', eosToken: '</s>' }).render({ messages, tools: [] });
    const answer = written.slice(written.indexOf('[TOOL_CALLS]'), written.lastIndexOf('</s>'));
    const { deltas, calls: found } = read(format, [...answer]);
    expect(found.map((call) => [call.name, JSON.parse(call.arguments)])).toEqual(calls.map((call) => [call.function.name, call.function.arguments]));
    expect(deltas.flatMap(({ id }) => id ?? [])).toEqual(hasIds ? calls.map(({ id }) => id) : ['id', 'id']);
    expect(format.callId).toBe(hasIds ? '[CALL_ID]' : undefined);
  });
});

describe('withTools', () => {
  const tools = [{ type: 'function', function: { name: 'add', description: 'adds', parameters: { type: 'object' } } }];
  const call = { id: 'c', type: 'function' as const, function: { name: 'add', arguments: '{"a":1}' } };
  const conversation = [
    { role: 'user', content: 'Add.' },
    { role: 'assistant', content: null, tool_calls: [call, call] },
    { role: 'tool', tool_call_id: 'c', content: '1' },
    { role: 'tool', tool_call_id: 'c', content: [{ type: 'text' as const, text: '2' }] },
  ];

  it('gives arguments as objects to templates that know tools', () => {
    const { messages, tools: given } = withTools(conversation, tools, HERMES);
    expect(given).toBe(tools);
    expect(messages[1]!.tool_calls![0]!.function.arguments).toEqual({ a: 1 });
  });

  it('puts them into words for those that do not', () => {
    const { messages, tools: given } = withTools(conversation, tools, UNKNOWN);
    const written = '<tool_call>\n{"name":"add","arguments":{"a":1}}\n</tool_call>';
    expect(given).toBeUndefined();
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(messages[0]!.content).toContain('{"name":"add","description":"adds","parameters":{"type":"object"}}');
    expect(messages[2]).toEqual({ role: 'assistant', content: `${written}\n${written}` });
    expect(messages[3]!.content).toBe('<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>');
  });

  it('adds to a system message that is there, and checks what it is given', () => {
    const { messages } = withTools([{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hi' }], tools, UNKNOWN);
    expect(messages).toHaveLength(2);
    expect(messages[0]!.content).toMatch(/^Be brief\.\n\nYou can call/);
    expect(withTools([{ role: 'user', content: 'Hi' }], undefined, UNKNOWN).messages).toEqual([{ role: 'user', content: 'Hi' }]);
    expect(() => withTools([{ role: 'user', tool_calls: 3 } as never], tools, UNKNOWN)).toThrow(InvalidArgumentError);
  });
});
