// Templates that try to take too much or to reach JavaScript: each ends in a ChatTemplateError, soon.
import { describe, expect, it } from 'vitest';
import { createChatTemplate } from '../../src/chat/template.ts';
import { ChatTemplateError } from '../../src/errors.ts';

const messages = [{ role: 'user', content: 'Hello' }];
const doubling = '{% set ns = namespace(s="aaaaaaaa") %}{% for i in range(64) %}';

const EXCESSIVE: Readonly<Record<string, string>> = {
  'range of a billion': '{% for i in range(10**9) %}x{% endfor %}',
  'range of infinity': '{% for i in range(10**300) %}x{% endfor %}',
  'range downwards': '{{ range(10**9, 0, -1) | length }}',
  'nested loops': '{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}x{% endfor %}{% endfor %}{% endfor %}',
  'nested silent loops': '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}',
  'doubling with +': `${doubling}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
  'doubling with ~': `${doubling}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`,
  'doubling with replace': `${doubling}{% set ns.s = ns.s.replace("a", "aa") %}{% endfor %}`,
  'doubling with the replace filter': `${doubling}{% set ns.s = ns.s | replace("a", "aa") %}{% endfor %}`,
  'doubling with join': `${doubling}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}`,
  'doubling with format': `${doubling}{% set ns.s = "{0}{0}".format(ns.s) %}{% endfor %}`,
  'doubling with %': `${doubling}{% set ns.s = "%s%s" % (ns.s, ns.s) %}{% endfor %}`,
  'doubling with a block': `${doubling}{% set b %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = b %}{% endfor %}`,
  'doubling with escape': `${doubling}{% set ns.s = (ns.s | e) ~ "&" ~ (ns.s | e) %}{% endfor %}`,
  'doubling with tojson': '{% set ns = namespace(s="\\\\") %}{% for i in range(64) %}{% set ns.s = ns.s | tojson %}{% endfor %}',
  'doubling lists': '{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = ns.l + ns.l %}{% endfor %}',
  'nested lists printed': '{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}',
  'nested lists as JSON': '{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}',
  'nested lists compared': '{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(64) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}',
  'string times a billion': '{{ "a" * 10**9 }}',
  'list times a billion': '{{ ([1] * 10**9) | length }}',
  'centre': '{{ "a".center(10**9) }}',
  'centre filter': '{{ "a" | center(10**9) }}',
  'ljust': '{{ "a".ljust(10**9) }}',
  'zfill': '{{ "a".zfill(10**9) }}',
  'indent': '{{ "a\\nb" | indent(10**9) }}',
  'tojson indent': '{{ [1] | tojson(indent=10**9) }}',
  'batch fill': '{{ [1] | batch(10**9, 0) | length }}',
  'slices': '{{ [1] | slice(10**9) | length }}',
  'macro recursion': '{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}',
  'macro recursion that branches': '{% macro f(n) %}{% if n < 60 %}{{ f(n + 1) }}{{ f(n + 1) }}{% endif %}{% endmacro %}{{ f(0) }}',
  'caller recursion': '{% macro f() %}{% call f() %}x{% endcall %}{% endmacro %}{{ f() }}',
  'mutual recursion': '{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}',
  'slow search': '{% set t = "a" * 2000000 %}{% set p = "b" ~ ("a" * 1000000) %}{{ p in t }}',
  'slow searches': '{% set t = "a" * 400000 %}{% for i in range(100000) %}{{ "b" in t }}{% endfor %}',
  'sorting': '{% for i in range(100000) %}{{ range(1000) | sort | first }}{% endfor %}',
  'strftime': '{{ strftime_now("%c" * 2000000) }}',
  'deep parentheses': `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`,
  'deep lists': `{{ ${'['.repeat(50_000)}${']'.repeat(50_000)} }}`,
  'many operators': `{{ 1${' + 1'.repeat(50_000)} }}`,
  'deep ifs': '{% if true %}'.repeat(5000) + '{% endif %}'.repeat(5000),
  'huge source': 'x'.repeat(300_000),
  'blanks in the source': `a${' '.repeat(200_000)}b`,
  'blank runs in the source': `a${`${'\n'.repeat(500)}b`.repeat(500)}{{ nothing.at.all }}`,
  'unclosed tags': '{% if x %}'.repeat(20_000),
  'unclosed comment': `{#${'{#'.repeat(100_000)}`,
  'wide loops over a big list': '{% set l = range(900000) %}{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}',
  'many kept strings': '{% set s = "a" * 4000000 %}{% set ns = namespace(l=[]) %}{% for i in range(100) %}{% set ns.l = ns.l + [s ~ i] %}{% endfor %}',
};

describe('templates that take too much', () => {
  for (const [name, source] of Object.entries(EXCESSIVE)) {
    it(`stops: ${name}`, () => {
      const template = createChatTemplate(source);
      const heapBefore = process.memoryUsage().heapUsed;
      const start = performance.now();
      expect(() => template.render({ messages })).toThrow(ChatTemplateError);
      expect(performance.now() - start).toBeLessThan(3000);
      expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(200 * 2 ** 20);
    });
  }
});

describe('input that is longer than what a template may make', () => {
  const content = 'word '.repeat(1_400_000);
  const render = (source: string): string => createChatTemplate(source).render({ messages: [{ role: 'user', content }] });

  it('is not blamed on the template', () => {
    const text = render("{% for m in messages %}{{ '<|' + m.role + '|>' + (m.content | trim) + '\n' }}{% endfor %}");
    expect(text === `<|user|>${content.trim()}\n`).toBe(true);
  });

  it('does not let a template make more than twice of it', () => {
    expect(() => render('{% set c = messages[0].content %}{{ c ~ c ~ c }}')).toThrow(/a text of more than 14\d{6} characters/);
  });
});

describe('templates that reach for JavaScript', () => {
  const reaches = ["''", '[]', '{}', '1', 'none', 'true', 'messages', 'messages[0]', 'range', 'namespace()', 'raise_exception'];
  const names = ['constructor', '__proto__', 'prototype', '__class__', '__defineGetter__', 'toString', 'valueOf', 'call'];

  it('finds nothing', () => {
    for (const value of reaches) {
      for (const name of names) {
        const source = `{{ (${value})['${name}'] is defined }}{{ (${value}).${name} is defined }}`;
        expect(createChatTemplate(source).render({ messages }), source).toBe('FalseFalse');
      }
    }
  });

  it('finds no variables of the engine', () => {
    for (const name of ['globalThis', 'process', 'require', 'constructor', '__proto__', 'self', 'this']) {
      expect(createChatTemplate(`{{ ${name} is defined }}`).render({ messages })).toBe('False');
    }
  });

  it('keeps names of the prototype as plain data', () => {
    const source = "{% set d = {'__proto__': 1, 'constructor': 2} %}{{ d['__proto__'] }}{{ d.constructor }}{{ {}['__proto__'] is defined }}";
    expect(createChatTemplate(source).render({ messages })).toBe('12False');
    expect(({} as Record<string, unknown>)['1']).toBeUndefined();
  });

  it('takes hostile input for data', () => {
    const extra = JSON.parse('{"__proto__": {"polluted": true}, "x": {"constructor": {"prototype": 1}}}') as Record<string, unknown>;
    expect(createChatTemplate('{{ x.constructor.prototype }}').render({ messages, extra })).toBe('1');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('refuses input that refers to itself', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect(() => createChatTemplate('{{ x }}').render({ messages, extra: { x: loop } })).toThrow(ChatTemplateError);
  });
});
