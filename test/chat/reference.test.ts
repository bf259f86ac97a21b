// Real chat templates against what Python's Jinja2 with transformers' settings writes.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createChatTemplate } from '../../src/chat/template.ts';
import type { ChatMessage } from '../../src/chat/messages.ts';
import { InvalidArgumentError } from '../../src/errors.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';

interface Rendering { template: string; conversation: string; expected?: string; error?: string }
interface Conversation extends Record<string, unknown> { messages: ChatMessage[]; tools?: unknown[] }
interface EngineCase { name: string; template: string; context: Record<string, unknown>; expected?: string; python_jinja2: string }

const clock = new Date(2025, 6, 10, 12);

/** Python escapes HTML after `safe`, and cannot write a generator as JSON: neither is worth following. */
const ESCAPES_HTML = 'meetkai-functionary-medium-v3.1.jinja';
const MAPS_TO_JSON = 'llama-cpp-deepseek-r1.jinja';

/** Fails for every conversation without a variable of its own. */
const NEEDS_FUNCTIONS = 'fireworks-ai-llama-3-firefunction-v2.jinja';

/** Not a failure, a list as Python prints it, or nothing: there content comes as one text instead. */
const writesParts = ({ expected }: Rendering): boolean => /Part one\.\s*Part two\./.test(expected ?? '');

function readJson<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(fixture('templates', ...parts), 'utf8')) as T;
}

function renderOne(rendering: Rendering, conversation: Conversation): string {
  const { messages, tools, documents, add_generation_prompt, bos_token, eos_token, ...extra } = conversation;
  const source = readFileSync(fixture('templates', 'jinja', rendering.template), 'utf8');
  const options = { bosToken: bos_token as string, eosToken: eos_token as string, specialTokens: ['<|im_end|>', '</think>'] };
  return createChatTemplate(source, options).render({
    messages, tools, documents: documents as unknown[], extra, addGenerationPrompt: add_generation_prompt as boolean, now: clock,
  });
}

describe.skipIf(!fixturesDir())('chat templates of real models (needs reference data)', () => {
  const conversations = fixturesDir() ? readJson<Record<string, Conversation>>('conversations.json') : {};
  const renderings = fixturesDir() ? readJson<Rendering[]>('rendered.json') : [];

  for (const template of new Set(renderings.map((rendering) => rendering.template))) {
    it(template, () => {
      for (const rendering of renderings.filter((each) => each.template === template)) {
        const conversation = conversations[rendering.conversation] as Conversation;
        const run = (): string => renderOne(rendering, conversation);
        const name = `${template} ${rendering.conversation}`;
        const usesTools = /tool/.test(rendering.conversation);
        if (rendering.conversation === 'parts-text' && template !== NEEDS_FUNCTIONS && !writesParts(rendering)) {
          expect(run(), name).toMatch(/Part one\.\n ?Part two\./);
        } else if (rendering.conversation === 'parts-image') expect(run, name).toThrow(InvalidArgumentError);
        else if (template === ESCAPES_HTML && usesTools) expect(run().replaceAll('"', '&#34;'), name).toContain('&#34;name&#34;');
        else if (template === MAPS_TO_JSON && usesTools) expect(run, name).not.toThrow();
        else if (rendering.expected === undefined) expect(run, name).toThrow();
        else expect(run(), name).toBe(rendering.expected);
      }
    });
  }
});

/** Beyond the parser (`a[]`), or what transformers' immutable environment forbids, or of no use to chat templates. */
const LEFT_OUT = new Set([
  'empty computed member defaults to undefined', 'empty computed member is undefined', 'array.pop() last', 'array.pop() with index',
  'array.append()', 'is escaped', 'is filter', 'is test', 'set dict with mixed type keys', 'print dict with mixed type keys',
]);

describe.skipIf(!fixturesDir())('engine suites (needs reference data)', () => {
  for (const suite of ['hf-jinja-language.json', 'llama.cpp-jinja-engine.json']) {
    const cases = fixturesDir() ? readJson<EngineCase[]>(suite) : [];
    it(suite, () => {
      let checked = 0;
      for (const { name, template, context, expected, python_jinja2: python } of cases) {
        if (LEFT_OUT.has(name) || /^\w*Error:/.test(python) || expected === undefined) continue;
        const messages = Array.isArray(context['messages']) ? context['messages'] as ChatMessage[] : [];
        if (messages.some((message) => typeof message.content !== 'string')) continue;
        const wanted = python === 'same' ? expected : python;
        expect(createChatTemplate(template).render({ messages, extra: context, now: clock }), `${name}: ${template}`).toBe(wanted);
        checked++;
      }
      expect(checked).toBeGreaterThan(cases.length * 0.8);
    });
  }
});
