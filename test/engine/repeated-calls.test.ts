// How many calls an answer has: one where one is named or the model was not taught to call, and none that was made before.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ToolCallReader } from '../../src/chat/tool-call-reader.ts';
import type { ToolCallDelta } from '../../src/chat/tool-call-reader.ts';
import { toolFormat } from '../../src/chat/tool-format.ts';
import { CallReading } from '../../src/engine/tools/call-reading.ts';
import { Engine } from '../../src/index.ts';
import type { Completion, GenerateOptions } from '../../src/index.ts';
import { templatedModel } from '../adapters/templated-model.ts';

const SPOKEN = '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}';
const HERMES = `${SPOKEN}{{ tools | tojson }}<tool_call>`;
const call = (name: string, given = '{}'): string => `<tool_call>{"name": "${name}", "arguments": ${given}}</tool_call>`;

/** What is told of a text that comes a character at a time, until the answer is over. */
function read(text: string): { deltas: ToolCallDelta[]; rest: string; reading: CallReading } {
  const reading = new CallReading(new ToolCallReader(toolFormat(HERMES), ['a', 'b']), new Map());
  const deltas: ToolCallDelta[] = [];
  let at = 0;
  while (at < text.length && !reading.isOver) deltas.push(...reading.take(text[at++]!, at === text.length).toolCalls);
  return { deltas, rest: text.slice(at), reading };
}
const told = (deltas: readonly ToolCallDelta[]): string[] => {
  const calls: string[] = [];
  for (const { index, name, arguments: piece } of deltas) calls[index] = (calls[index] ?? `${name!} `) + piece;
  return calls;
};

describe('a call that was made before', () => {
  it('ends the answer and is not told', () => {
    const { deltas, rest, reading } = read(call('a', '{"x":1}') + call('b') + call('a', '{ "x": 1 }') + call('b'));
    expect(told(deltas)).toEqual(['a {"x":1}', 'b {}']);
    expect(reading.calls.map(({ name, arguments: given }) => `${name} ${given}`)).toEqual(told(deltas));
    expect(rest).toBe(`}</tool_call>${call('b')}`);
  });

  it('is another one as soon as an argument differs', () => {
    const { deltas, reading } = read(call('a', '{"x":1}') + call('a', '{"x":12}') + call('a', '{"x":2}'));
    expect(told(deltas)).toEqual(['a {"x":1}', 'a {"x":12}', 'a {"x":2}']);
    expect(reading.isOver).toBe(false);
  });

  it('is told as far as it goes where the answer is cut off amid it', () => {
    const { deltas, reading } = read(call('a', '{"x":1}') + call('a', '{"x":1}').slice(0, -14));
    expect(told(deltas)).toEqual(['a {"x":1}', 'a {"x":1']);
    expect(reading.calls).toHaveLength(2);
  });

  it('is recognized in time proportional to its length', () => {
    const long = JSON.stringify({ x: 'a "\\ '.repeat(20_000) });
    const startedAt = performance.now();
    const { deltas, reading } = read(call('a', long) + call('a', long.replace(':', ' : ')));
    expect([told(deltas), reading.isOver]).toEqual([[`a ${long}`], true]);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('is another one where white space differs in a text', () => {
    const calls = ['{"x":"1 2","y":"\\" "}', '{"x":"1  2"}', '{"x":"1 2","y":"\\"  "}'];
    expect(told(read(calls.map((given) => call('a', given)).join('')).deltas)).toEqual(calls.map((given) => `a ${given}`));
  });

  it('is not needed to end an answer that goes on counting', () => {
    const many = Array.from({ length: 100 }, (_, x) => call('a', `{"x":${x}}`)).join('');
    expect(told(read(many).deltas)).toHaveLength(64);
  });
});

describe.each([['knows tools', HERMES], ['knows none', SPOKEN]])('a model whose template %s', (what, template) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load(await templatedModel(template), { threads: 1, contextLength: 1024 });
  });
  afterAll(() => engine.dispose());
  const parameters = { type: 'object', properties: { x: { enum: Array.from({ length: 8 }, (_, i) => i) } }, required: ['x'], additionalProperties: false };
  const tools = [{ type: 'function', function: { name: 'now' } }, { type: 'function', function: { name: 'pick', parameters } }];
  const ask = (options: GenerateOptions): Promise<Completion> => engine.complete([{ role: 'user', content: 'Hi' }], { tools, temperature: 1, maxTokens: 700, ...options });
  const counts = async (options: GenerateOptions): Promise<number[]> =>
    Promise.all([1, 2, 3, 4].map(async (seed) => (await ask({ seed, ...options })).toolCalls!.length));

  it('makes a named call once, also where several are allowed', async () => {
    const choices: GenerateOptions[] = [{}, { parallelToolCalls: true }];
    for (const more of choices) expect(await counts({ ...more, toolChoice: { name: 'pick' } })).toEqual([1, 1, 1, 1]);
  });

  it('never makes a call twice', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { toolCalls, finishReason } = await ask({ toolChoice: 'required', parallelToolCalls: true, seed });
      const made = toolCalls!.map(({ name, arguments: given }) => `${name}${JSON.stringify(JSON.parse(given))}`);
      expect([finishReason, new Set(made).size]).toEqual(['tool_calls', made.length]);
    }
  });

  it(`makes ${what === 'knows none' ? 'one call' : 'several calls'} where nothing is said`, async () => {
    const most = Math.max(...await counts({ toolChoice: 'required' }));
    if (what === 'knows none') expect(most).toBe(1);
    else expect(most).toBeGreaterThan(1);
  });
});
