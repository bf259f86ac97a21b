// Which template a model gets: its own, ChatML, or plain lines; the last two with a warning.
import { describe, expect, it } from 'vitest';
import { chooseTemplate } from '../../src/chat/fallback.ts';
import { createChatTemplate } from '../../src/chat/template.ts';
import { Metadata } from '../../src/gguf/metadata.ts';
import type { GgufValue } from '../../src/gguf/metadata.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';

/** A tokenizer of these tokens, of which those in angle brackets are control tokens. */
function tokenizerOf(tokens: readonly string[]): Tokenizer {
  const isControl = (id: number): boolean => (tokens[id] as string).startsWith('<');
  return {
    vocabSize: tokens.length, bosId: 0, eosId: 1, isControl, isSpecial: isControl, tokenText: (id: number) => tokens[id] as string,
  } as unknown as Tokenizer;
}

function metadata(template?: string): Metadata {
  return new Metadata(new Map<string, GgufValue>(template === undefined ? [] : [['tokenizer.chat_template', template]]));
}

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: [{ type: 'text' as const, text: 'Hi ' }, { type: 'text' as const, text: 'there' }] },
];

describe('chooseTemplate', () => {
  it("takes the model's own template", () => {
    expect(chooseTemplate(metadata('{{ x }}'), tokenizerOf(['<s>', '</s>', 'a']))).toEqual({
      source: '{{ x }}', bosToken: '<s>', eosToken: '</s>', specialTokens: ['<s>', '</s>'],
    });
  });

  it('falls back to ChatML where the vocabulary has its markers', () => {
    const chosen = chooseTemplate(metadata(), tokenizerOf(['<s>', '</s>', '<|im_start|>', '<|im_end|>']));
    expect(chosen.warning).toContain('ChatML');
    expect(createChatTemplate(chosen.source, chosen).render({ messages, addGenerationPrompt: true }))
      .toBe('<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi there<|im_end|>\n<|im_start|>assistant\n');
  });

  it('falls back to plain lines elsewhere, an empty template included', () => {
    const chosen = chooseTemplate(metadata(' '), tokenizerOf(['<s>', '</s>', 'a']));
    expect(chosen.warning).toContain('tokenizer.chat_template');
    expect(createChatTemplate(chosen.source, chosen).render({ messages, addGenerationPrompt: true }))
      .toBe('System: Be brief.\nUser: Hi there\nAssistant:');
  });
});
