// A forced call is one of the tools that there are, with arguments that satisfy its parameters.
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { ToolCallParser } from '../../src/chat/tool-calls.ts';
import { toolCallSchema } from '../../src/chat/tool-schema.ts';
import { schemaRules } from '../../src/grammar/schema/compile.ts';
import { atOnce } from '../../src/steps.ts';
import { automatonOf, matches } from '../grammar/recognize.ts';

const tools = [
  { function: { name: 'weather', parameters: { type: 'object', properties: { city: { $ref: '#/$defs/city' } }, required: ['city'], $defs: { city: { type: 'string', minLength: 1 } } } } },
  { function: { name: 'now' } },
];
const call = '{"name":"weather","arguments":{"city":"Paris"}}';

describe('toolCallSchema', () => {
  it('allows calls of the tools and nothing else', () => {
    const automaton = automatonOf(atOnce(schemaRules(toolCallSchema(tools))));
    expect(matches(automaton, call)).toBe(true);
    expect(matches(automaton, '{"name":"now","arguments":{}}')).toBe(true);
    for (const bad of ['{"name":"weather","arguments":{}}', '{"name":"weather","arguments":{"city":""}}', '{"name":"other","arguments":{}}', 'Hello']) {
      expect(matches(automaton, bad)).toBe(false);
    }
    expect(new ToolCallParser('json', ['weather']).push(call).toolCalls).toMatchObject([{ name: 'weather', arguments: '{"city":"Paris"}' }]);
  });

  it('can be told which', () => {
    expect(matches(automatonOf(atOnce(schemaRules(toolCallSchema(tools, 'now')))), call)).toBe(false);
    expect(() => toolCallSchema(tools, 'nope')).toThrow(InvalidArgumentError);
    expect(() => toolCallSchema([])).toThrow(InvalidArgumentError);
  });
});
