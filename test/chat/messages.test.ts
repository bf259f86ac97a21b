// Checks of conversations: the error names the message and the field.
import { describe, expect, it } from 'vitest';
import { checkMessages } from '../../src/chat/messages.ts';
import { InvalidArgumentError } from '../../src/errors.ts';

describe('checkMessages', () => {
  it('takes every kind of message', () => {
    expect(() => {
      checkMessages([
        { role: 'system', content: 'a' },
        { role: 'user', content: [{ type: 'text', text: 'b' }], name: 'Ann' },
        { role: 'assistant', content: null, tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
        { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] },
        { role: 'tool', content: 'c', tool_call_id: '1' },
      ]);
    }).not.toThrow();
  });

  it.each([
    ['messages', 'hello'],
    ['messages[0]', [null]],
    ['messages[0].role', [{ content: 'a' }]],
    ['messages[1].role', [{ role: 'user', content: 'a' }, { role: 7, content: 'a' }]],
    ['messages[0].content', [{ role: 'user' }]],
    ['messages[0].content', [{ role: 'user', content: 5 }]],
    ['messages[0].content', [{ role: 'user', content: null, tool_calls: [] }]],
    ['messages[0].content[1].type', [{ role: 'user', content: [{ type: 'text', text: '' }, { type: 'image', url: 'x' }] }]],
    ['messages[0].content[0].text', [{ role: 'user', content: [{ type: 'text' }] }]],
    ['messages[0].tool_calls', [{ role: 'assistant', content: '', tool_calls: 'f()' }]],
    ['messages[0].tool_calls[0].function', [{ role: 'assistant', tool_calls: [{ name: 'f' }] }]],
    ['messages[0].tool_calls[0].function.arguments', [{ role: 'assistant', tool_calls: [{ function: { name: 'f' } }] }]],
    ['messages[0].name', [{ role: 'user', content: 'a', name: 1 }]],
    ['messages[0].tool_call_id', [{ role: 'tool', content: 'a', tool_call_id: 1 }]],
  ])('names %s', (where, messages) => {
    expect(() => checkMessages(messages)).toThrow(InvalidArgumentError);
    expect(() => checkMessages(messages)).toThrow(`${where} must be`);
  });
});
