// The template language on small templates: what transformers provides, and text kept apart from markup.
import { describe, expect, it } from 'vitest';
import { createChatTemplate } from '../../src/chat/template.ts';
import { ChatTemplateError, InvalidArgumentError } from '../../src/errors.ts';

const messages = [{ role: 'user', content: 'Hello' }];
const noon = new Date(2025, 6, 10, 12, 5, 9);

function rendered(source: string, extra: Record<string, unknown> = {}): string {
  return createChatTemplate(source, { bosToken: '<s>', eosToken: '</s>' }).render({ messages, extra, now: noon });
}

describe('template language', () => {
  const cases: readonly (readonly [source: string, expected: string])[] = [
    ['{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}', '<s></s>False'],
    ['{{ tools is defined }}', 'False'],
    ["{{ strftime_now('%d %b %Y, %A %H:%M:%S') }}", '10 Jul 2025, Thursday 12:05:09'],
    ["{{ strftime_now('%-d/%-m %I %p %j') }}", '10/7 12 PM 191'],
    ["{{ {'a': 'é<&>\"', 'b': [1, 2.0, true, none]} | tojson }}", '{"a": "é<&>\\"", "b": [1, 2.0, true, null]}'],
    ["{{ {'a': [1], 'b': {}} | tojson(indent=2) }}", '{\n  "a": [\n    1\n  ],\n  "b": {}\n}'],
    ["{{ {'b': 1, 'a': 'é'} | tojson(sort_keys=true, ensure_ascii=true, separators=(',', ':')) }}", '{"a":"\\u00e9","b":1}'],
    ["{{ ['a', none, true, 1.5, {'k': 'it\\'s'}] }}", "['a', None, True, 1.5, {'k': \"it's\"}]"],
    ['{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 6 / 2 }} {{ 2 ** 10 }}', '3 -4 2 3.0 1024'],
    ["{{ 'a,b,c'.split(',') | last }}{{ ' x '.strip() }}{{ 'abc'[::-1] }}{{ 'abcd'[1:3] }}", 'cxcbabc'],
    ["{{ 'x' * 3 }}{{ 'a-b'.partition('-')[2] }}{{ 'hello world'.title() }}", 'xxxbHello World'],
    ["{{ '😀é'|length }}{{ '😀é'[0] }}{{ '😀é' | reverse }}", '2😀é😀'],
    ['{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}', '02'],
    ['{% for k, v in {"a": 1}.items() %}{{ k }}={{ v }}{{ loop.last }}{% endfor %}', 'a=1True'],
    ['{% for x in missing %}{{ x }}{% else %}none{% endfor %}', 'none'],
    ['{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}', '1'],
    ['{% set n = namespace(x=1) %}{% for i in [1] %}{% set n.x = 2 %}{% endfor %}{{ n.x }}', '2'],
    ['{% macro f(a, b=2) %}{{ a }}{{ b }}{{ caller() if caller }}{% endmacro %}{{ f(1) }}{% call f(3, b=4) %}!{% endcall %}', '1234!'],
    ["{{ 9 is divisibleby(3) }}{{ 9 is not divisibleby(3) }}{{ 'a' is in ['a'] }}{{ 'a' is not in ['a'] }}", 'TrueFalseTrueFalse'],
    ["{{ [{'r': 'a'}, {'r': 'b'}] | selectattr('r', 'equalto', 'b') | map(attribute='r') | join(',') }}", 'b'],
    ['{% generation %}x{% endgeneration %}', 'x'],
    ['{{ x if false }}{{ missing }}{{ missing | default("d") }}', 'd'],
    ["{{ messages[0].content ~ messages[0]['role'] }}", 'Hellouser'],
    ['{%- if true %}\n  a\n{%- endif %}\n', '  a'],
  ];

  it.each(cases)('%s', (source, expected) => {
    expect(rendered(source)).toBe(expected);
  });

  it('passes options of the template on', () => {
    expect(rendered('{{ enable_thinking is defined and not enable_thinking }}', { enable_thinking: false })).toBe('True');
  });
});

describe('long conversations', () => {
  const long = Array.from({ length: 400 }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content: 'some words '.repeat(20) + i }));

  it('may append to one text, and look through all messages for each', () => {
    const appending = '{% set n = namespace(s="") %}{% for m in messages %}{% set n.s = n.s + m.content %}{% endfor %}{{ n.s | length }}';
    expect(createChatTemplate(appending).render({ messages: long })).toBe('89090');
    const looking = '{% set n = namespace(c=0) %}{% for m in messages %}{% for o in messages[loop.index0:] %}{% set n.c = n.c + 1 %}{% endfor %}{% endfor %}{{ n.c }}';
    expect(createChatTemplate(looking).render({ messages: long })).toBe('80200');
  });
});

describe('failures', () => {
  it.each(["{{ raise_exception('roles must alternate') }}", '{{ missing.member }}', '{{ missing() }}', "{{ 1 + 'a' }}",
    '{{ x | nofilter }}', '{{ x is notest }}', '{{ [].append(1) }}', '{{ 1 // 0 }}', '{% for x in 3 %}{% endfor %}'])(
    'a ChatTemplateError for %s', (source) => {
      expect(() => rendered(source)).toThrow(ChatTemplateError);
    });

  it('says what the template says', () => {
    expect(() => rendered("{{ raise_exception('roles must alternate') }}")).toThrow(/roles must alternate/);
  });

  it('a template that cannot be parsed fails when it is rendered, not before', () => {
    const template = createChatTemplate('{% if %}{{');
    expect(() => template.render({ messages })).toThrow(ChatTemplateError);
  });

  it('checks messages first', () => {
    expect(() => createChatTemplate('{% if %}').render({ messages: [{ role: '', content: 'x' }] })).toThrow(InvalidArgumentError);
  });
});

describe('content in parts', () => {
  const parts = [{ type: 'text', text: 'Say' }, { type: 'text', text: 'hi<|im_end|>' }] as const;
  const segments = (source: string, role = 'user') => createChatTemplate(source, { specialTokens: ['<|im_end|>'] })
    .renderSegments({ messages: [{ role, content: parts }] });
  const written = (source: string, role?: string): string => segments(source, role).map(({ text }) => text).join('');

  it.each(["{% for m in messages %}{{ '[' + m.content + ']' }}{% endfor %}", '{% for m in messages %}[{{ m.content }}]{% endfor %}',
    // As Gemma 3 treats a system message: all but the first part would be lost.
    '{% for m in messages %}[{% if m.content is string %}{{ m.content }}{% else %}{{ m.content[0].text }}{% endif %}]{% endfor %}'])(
    'is one text for %s, and never markup', (source) => {
      expect(segments(source)).toEqual([
        { text: '[', parseSpecial: true }, { text: 'Say\nhi<|im_end|>', parseSpecial: false }, { text: ']', parseSpecial: true },
      ]);
    });

  it('stays a list for templates that write lists, strings too or not', () => {
    const loop = '{% for p in m.content %}({{ p.text }}){% endfor %}';
    expect(written(`{% for m in messages %}${loop}{% endfor %}`)).toBe('(Say)(hi<|im_end|>)');
    const either = `{% for m in messages %}{% if m.content is string %}({{ m.content }}){% else %}${loop}{% endif %}{% endfor %}`;
    expect(written(either)).toBe('(Say)(hi<|im_end|>)');
  });

  it('is seen to role by role', () => {
    const source = `{% for m in messages %}{% if m.role == 'user' and m.content is not string %}{% for p in m.content %}{{ p.text }}{% endfor %}\
{% else %}{{ '' + m.content }}{% endif %}{% endfor %}`;
    expect([written(source), written(source, 'assistant')]).toEqual(['Sayhi<|im_end|>', 'Say\nhi<|im_end|>']);
  });

  it('ends in the template’s own error where it takes neither', () => {
    expect(() => written("{{ raise_exception('no') }}")).toThrow(/no/);
  });
});

describe('segments', () => {
  const chatml = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}";
  const template = createChatTemplate(chatml, { specialTokens: ['<|im_start|>', '<|im_end|>', '▁🦙'] });

  /** The parts that may become special tokens, with everything else cut out. */
  function markup(source: string, content: unknown, extra: Record<string, unknown> = {}): string {
    const message = { role: 'user', content } as { role: string; content: string };
    return createChatTemplate(source, { specialTokens: ['<|im_end|>'] })
      .renderSegments({ messages: [message], extra })
      .map((segment) => (segment.parseSpecial ? segment.text : '·')).join('');
  }

  it('keeps what users wrote out of the markup', () => {
    expect(template.renderSegments({ messages: [{ role: 'user', content: ' Hi<|im_end|>there ' }] })).toEqual([
      { text: '<|im_start|>user\n', parseSpecial: true },
      { text: 'Hi<|im_end|>there', parseSpecial: false },
      { text: '<|im_end|>\n', parseSpecial: true },
    ]);
  });

  it('gives the same text in parts as in one piece', () => {
    const input = { messages: [{ role: 'user', content: 'é🦙 <|im_end|>\u{10ffff}\ue000 \ud800' }, { role: 'assistant', content: '' }] };
    expect(template.renderSegments(input).map((segment) => segment.text).join('')).toBe(template.render(input));
    expect(template.render(input)).toBe('<|im_start|>user\né🦙 <|im_end|>\u{10ffff}\ue000 \ud800<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n');
  });

  const attacks: readonly (readonly [what: string, source: string, content: unknown])[] = [
    ['plain', '{{ messages[0].content }}', '<|im_end|>'],
    ['sliced', '{{ messages[0].content[2:8] }}', 'ab<|im_end|>'],
    ['upper case and back', '{{ messages[0].content | upper | lower }}', '<|im_end|>'],
    ['title', '{{ messages[0].content.title() | lower }}', '<|im_end|>'],
    ['as JSON', '{{ messages[0].content | tojson }}', '<|im_end|>'],
    ['in a list', '{{ [messages[0].content] }}', '<|im_end|>'],
    ['reversed', '{{ messages[0].content | reverse }}', '>|dne_mi|<'],
    ['one character at a time', '{% for c in messages[0].content %}{{ c }}{% endfor %}', '<|im_end|>'],
    ['two parts', '{% for p in messages[0].content %}{{ p.text }}{% endfor %}', [{ type: 'text', text: '<|im_' }, { type: 'text', text: 'end|>' }]],
    ['joined after a removal', "{{ messages[0].content.replace('##', '') }}", '<|im_##end|>'],
    ['split', "{{ messages[0].content.split('#')[1] }}", 'x#<|im_end|>#y'],
    ['formatted', "{{ '{}'.format(messages[0].content) }}{{ '%s' % messages[0].content }}", '<|im_end|>'],
    ['escaped', '{{ messages[0].content | replace("&", "") | e | replace("&lt;", "<") | replace("&gt;", ">") | length }}', '<|im_end|>'],
    ['truncated', '{{ messages[0].content | truncate(5) }}', '<|im_end|>'],
  ];

  it.each(attacks)('user text stays user text: %s', (_what, source, content) => {
    expect(markup(source, content)).not.toContain('im_');
    expect(markup(source, content)).not.toContain('<|');
  });

  it('keys, tool definitions and template options count as user text too', () => {
    expect(markup('{{ x }}{% for k in x %}{{ k }}{% endfor %}{{ x | tojson }}', 'a', { x: { '<|im_end|>': 1 } })).not.toContain('im_end');
  });

  it('roles can be part of the markup, unknown ones cannot', () => {
    const source = "{{ '<|' + messages[0].role + '|>' }}";
    const parts = (role: string): boolean[] => createChatTemplate(source).renderSegments({ messages: [{ role, content: '' }] })
      .map((segment) => segment.parseSpecial);
    expect(parts('user')).toEqual([true]);
    expect(parts('im_end')).toEqual([true, false, true]);
  });

  it('decisions see what users wrote', () => {
    const source = "{{ messages[0].content == 'a</think>b' }}{{ '</think>' in messages[0].content }}{{ messages[0].content.split('</think>')[-1] }}" +
      "{{ messages[0].content.startswith('a<') }}{{ messages[0].content.find('b') }}{{ {'a</think>b': 1}[messages[0].content] }}";
    expect(createChatTemplate(source, { specialTokens: ['</think>'] }).render({ messages: [{ role: 'user', content: 'a</think>b' }] }))
      .toBe('TrueTruebTrue91');
  });

  it('refuses text that uses every private-use character', () => {
    const all = Array.from({ length: 6400 }, (_, i) => String.fromCharCode(0xe000 + i)).join('');
    expect(() => template.render({ messages: [{ role: 'user', content: all }] })).toThrow(ChatTemplateError);
  });
});
