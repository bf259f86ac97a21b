// Tool calls that a grammar guarantees: what each dialect's grammar lets through, and a tiny random model that calls all the same.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toolFormat } from '../../src/chat/tool-format.ts';
import type { ToolFormat } from '../../src/chat/tool-format.ts';
import { toolRules } from '../../src/engine/tools/tool-grammar.ts';
import { checkTools } from '../../src/engine/tools/tool-options.ts';
import { parseGbnf } from '../../src/grammar/gbnf.ts';
import { Engine, GrammarError, InvalidArgumentError, ToolCallParser } from '../../src/index.ts';
import type { Completion, GenerateOptions } from '../../src/index.ts';
import { atOnce } from '../../src/steps.ts';
import { templatedModel } from '../adapters/templated-model.ts';
import { automatonOf, matches } from '../grammar/recognize.ts';

const CITY = { type: 'object', properties: { city: { enum: ['Rome', 'Oslo'] }, days: { type: 'integer', minimum: 1, maximum: 9 } }, required: ['city'], additionalProperties: false };
const TOOLS = [
  { type: 'function', function: { name: 'weather', description: 'tells it', parameters: CITY } },
  { type: 'function', function: { name: 'now' } },
] as const;
const isCity = new Ajv2020().compile(CITY);
const TEMPLATES = {
  hermes: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tools | tojson }}<tool_call>',
  llama3: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tools | tojson }}<|python_tag|>',
  mistral: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tools | tojson }}[TOOL_CALLS]',
  named: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tools | tojson }}[TOOL_CALLS][ARGS]',
  identified: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tools | tojson }}[TOOL_CALLS][CALL_ID][ARGS]',
  json: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tools | tojson }}{# {"name": …, "arguments": …} #}',
  none: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}',
} as const;
const MARK = 7;
const CONTROL = 8;

function grammar(format: ToolFormat, options: GenerateOptions, answer?: string): (input: Parameters<typeof matches>[1]) => boolean {
  const checked = checkTools({ tools: TOOLS, ...options }, format)!;
  const marks = { tokenId: (mark: string | undefined) => (mark === format.opening ? MARK : undefined), ids: [MARK, CONTROL] };
  const answerRules = answer === undefined ? undefined : atOnce(parseGbnf(answer));
  const automaton = automatonOf(atOnce(toolRules(checked, format, marks, answerRules)));
  return (input) => matches(automaton, input);
}
const weather = (key = 'arguments'): string => `{"name": "weather", "${key}": {"city": "Rome"}}`;
const now = '{"name": "now", "arguments": {}}';
const wrong = '{"name": "weather", "arguments": {"city": "Bonn"}}';

describe('the grammar of calls', () => {
  it('of Hermes', () => {
    const [auto, required] = [grammar(toolFormat(TEMPLATES.hermes), { toolChoice: 'auto' }), grammar(toolFormat(TEMPLATES.hermes), { toolChoice: 'required' })];
    const one = `<tool_call>\n${weather()}\n</tool_call>`;
    for (const text of ['', 'Hello', 'a <tool_box> {"name": 1}', `Sure.\n${one}`, one, `${one}\n<tool_call>${now}</tool_call>`]) expect([text, auto(text)]).toEqual([text, true]);
    for (const text of ['<tool_call>', `${one} and text`, `<tool_call>${wrong}</tool_call>`, '<tool_call>{"name": "other", "arguments": {}}</tool_call>']) {
      expect([text, auto(text)]).toEqual([text, false]);
    }
    expect([required(one), required(`Sure. ${one}`), required('Hello'), required('')]).toEqual([true, false, false, false]);
    expect(auto(['Hm.', { token: MARK }, `${weather()}</tool_call>`])).toBe(true);
    expect(auto([{ token: CONTROL }, 'Thoughts', { token: CONTROL }, 'Hello <to', { token: CONTROL }, 'ol_call> is text'])).toBe(false);
    expect(auto([{ token: CONTROL }, 'Thoughts', { token: CONTROL }, `Hello ${one}`])).toBe(true);
    expect(auto([`<tool_call>${now}</tool_call>`, { token: CONTROL }])).toBe(false);
    const single = grammar(toolFormat(TEMPLATES.hermes), { toolChoice: 'auto', parallelToolCalls: false });
    expect([single(one), single(one + one)]).toEqual([true, false]);
    const named = grammar(toolFormat(TEMPLATES.hermes), { toolChoice: { name: 'now' } });
    expect([named(one), named(`<tool_call>${now}</tool_call>`)]).toEqual([false, true]);
  });

  it('of Llama 3', () => {
    const auto = grammar(toolFormat(TEMPLATES.llama3), { toolChoice: 'auto' });
    for (const text of ['Hello', 'Say {"name": "x"}', weather('parameters'), `<|python_tag|>${weather('parameters')}`]) expect([text, auto(text)]).toEqual([text, true]);
    for (const text of ['{"name": "x"}', ' {"name": "x', wrong, weather('arguments')]) expect([text, auto(text)]).toEqual([text, false]);
    expect(auto([{ token: MARK }, weather('parameters')])).toBe(true);
  });

  it('of Mistral', () => {
    const auto = grammar(toolFormat(TEMPLATES.mistral), { toolChoice: 'auto' });
    expect(auto([{ token: MARK }, ` [${weather()}, ${now}]`])).toBe(true);
    expect([auto(`[TOOL_CALLS][${now}]`), auto(`[TOOL_CALLS][${wrong}]`), auto('[1] {"a"} [TOOL')]).toEqual([true, false, true]);
    const named = grammar(toolFormat(TEMPLATES.named), { toolChoice: 'required' });
    expect([named('[TOOL_CALLS]weather[ARGS]{"city": "Oslo"}[TOOL_CALLS]now[ARGS]{}'), named('[TOOL_CALLS]now[ARGS]{"x": 1}')]).toEqual([true, false]);
    const identified = grammar(toolFormat(TEMPLATES.identified), { toolChoice: 'required' });
    for (const text of ['[TOOL_CALLS]now[CALL_ID]abcDEF123[ARGS]{}', '[TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]now[CALL_ID]0123456aZ[ARGS]{}']) {
      expect([text, identified(text), named(text)]).toEqual([text, true, false]);
    }
    for (const text of ['[TOOL_CALLS]now[CALL_ID]abc[ARGS]{}', '[TOOL_CALLS]now[CALL_ID][ARGS]{}', '[TOOL_CALLS]now[CALL_ID]abcDEF12-[ARGS]{}']) {
      expect([text, identified(text)]).toEqual([text, false]);
    }
  });

  it('of bare JSON, and beside an answer of a form of its own', () => {
    const auto = grammar(toolFormat(TEMPLATES.json), { toolChoice: 'auto' });
    expect([auto(weather()), auto(`[${weather()}, ${now}]`), auto('{"answer": 1}'), auto('Hi'), auto(wrong)]).toEqual([true, true, true, true, false]);
    const formed = grammar(toolFormat(TEMPLATES.json), { toolChoice: 'auto' }, 'root ::= digit+\ndigit ::= [0-9]');
    expect([formed('42'), formed(weather()), formed('Hi')]).toEqual([true, true, false]);
  });
});

describe.each(Object.keys(TEMPLATES) as (keyof typeof TEMPLATES)[])('a model whose template speaks %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load(await templatedModel(TEMPLATES[name]), { threads: 1, contextLength: 1024 });
  });
  afterAll(() => engine.dispose());
  const ask = (options: GenerateOptions): Promise<Completion> =>
    engine.complete([{ role: 'user', content: 'Hi' }], { tools: TOOLS, temperature: 1, maxTokens: 400, ...options });

  it('calls where it must, with valid arguments, and streams what it calls', async () => {
    for (let seed = 0; seed < 4; seed++) {
      const { toolCalls, text, finishReason, ids } = await ask({ toolChoice: 'required', parallelToolCalls: false, seed });
      expect({ finishReason, text, count: toolCalls!.length }).toEqual({ finishReason: 'tool_calls', text: '', count: 1 });
      const [call] = toolCalls!;
      const args: unknown = JSON.parse(call!.arguments);
      if (call!.name === 'now') expect(args).toEqual({});
      else expect([call!.name, isCity(args)]).toEqual(['weather', true]);
      const parser = new ToolCallParser(toolFormat(TEMPLATES[name]).dialect, ['weather', 'now']);
      const parsed = [parser.push(engine.detokenize(ids)), parser.flush()].flatMap((chunk) => chunk.toolCalls);
      expect(parsed.map((each) => [each.name, JSON.parse(each.arguments)])).toEqual([[call!.name, JSON.parse(call!.arguments)]]);
    }
    const joined = [{ name: '', arguments: '' }, { name: '', arguments: '' }];
    for await (const { index, toolCalls = [] } of engine.generate([{ role: 'user', content: 'Hi' }], { tools: TOOLS, toolChoice: { name: 'weather' }, parallelToolCalls: false, n: 2, seed: 1, temperature: 1 })) {
      for (const delta of toolCalls) {
        joined[index]!.name += delta.name ?? '';
        joined[index]!.arguments += delta.arguments;
      }
    }
    for (const call of joined) expect([call.name, isCity(JSON.parse(call.arguments))]).toEqual(['weather', true]);
  });

  it('says what it would say where it may call and does not', async () => {
    const options = { temperature: 0, maxTokens: 20, ignoreEos: true } as const;
    // Any text there is: a random model would otherwise write bytes that are none.
    const plain = await ask({ ...options, grammar: 'root ::= .*' });
    const auto = await ask({ ...options, toolChoice: 'auto' });
    expect(auto).toMatchObject({ text: plain.text, toolCalls: [], finishReason: 'length' });
    expect(plain.toolCalls).toBeUndefined();
  });

  it('calls as its answer\'s form does not', async () => {
    const answer = 'root ::= "zz"';
    const z = engine.tokenize('z', { addSpecial: false });
    const logitBias = Object.fromEntries([...z, ...engine.tokenize('zz', { addSpecial: false })].map((id) => [id, -Infinity]));
    const called = await ask({ toolChoice: 'auto', parallelToolCalls: false, grammar: answer, logitBias, seed: 2 });
    expect(called.finishReason).toBe('tool_calls');
  });
});

describe('what is wrong with tools', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load(await templatedModel(TEMPLATES.none), { threads: 1, contextLength: 512 });
  });
  afterAll(() => engine.dispose());
  const ask = (options: object): Promise<Completion> => engine.complete([{ role: 'user', content: 'Hi' }], { maxTokens: 1, ...options });
  const tool = (name: string, parameters?: unknown) => ({ function: { name, parameters } });

  it.each([
    [{ toolChoice: 'required' }, /no tools/], [{ toolChoice: 'sometimes', tools: [] }, /toolChoice must be/],
    [{ toolChoice: { name: 'x' }, tools: [tool('y')] }, /"x", which is none/], [{ toolChoice: 'auto', tools: [tool('a b')] }, /tools\[0\]\.function\.name/],
    [{ toolChoice: 'auto', tools: [tool('a'), tool('a')] }, /same name/], [{ toolChoice: 'auto', tools: [{}] }, /tools\[0\]\.function must be/],
    [{ toolChoice: 'auto', tools: [tool('a', 3)] }, /parameters must be a JSON schema/], [{ toolChoice: 'none', parallelToolCalls: 1 }, /parallelToolCalls/],
  ])('%j', (options, message) => expect(ask(options)).rejects.toThrow(message));

  it('names the tool, the keyword and its place', async () => {
    const items = { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } };
    const error = await ask({ toolChoice: 'auto', tools: [tool('f', items)] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GrammarError);
    expect(error).toMatchObject({ tool: 'f', keyword: 'uniqueItems', pointer: '/properties/a/uniqueItems' });
    await expect(ask({ toolChoice: 'auto', tools: [tool('f', { type: 'string' })] })).rejects.toThrow(/must describe an object/);
    await expect(ask({ toolChoice: 'auto', tools: 3 })).rejects.toThrow(InvalidArgumentError);
  });

  it('tells templates without tools about them in words, unless the choice is none', async () => {
    const { text } = engine.renderChat([{ role: 'user', content: 'Hi' }], { tools: TOOLS });
    expect(text).toMatch(/^systemYou can call these functions[^]*"name":"weather"[^]*userHi$/);
    expect(engine.renderChat([{ role: 'user', content: 'Hi' }], { tools: TOOLS, toolChoice: 'none' }).text).toBe('userHi');
  });
});
