// GBNF: public vectors, errors that say where, and hostile grammars.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GrammarError } from '../../src/errors.ts';
import { parseGbnf } from '../../src/grammar/gbnf.ts';
import { atOnce } from '../../src/steps.ts';
import { automatonOf, matches } from './recognize.ts';
import type { Input } from './recognize.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';

interface Vectors {
  readonly grammars: readonly { name: string; grammar: string; accept: readonly Input[]; reject: readonly Input[] }[];
  readonly invalid_grammars: readonly { grammar: string; why: string; root?: string; ok_with_root?: string }[];
  readonly valid_grammars_parse_only: readonly string[];
}

const compile = (grammar: string, root?: string): ReturnType<typeof automatonOf> => automatonOf(atOnce(parseGbnf(grammar)), root);

describe.skipIf(!fixturesDir())('public vectors (reference data)', () => {
  const vectors = fixturesDir()
    ? JSON.parse(readFileSync(fixture('grammars/gbnf.json'), 'utf8')) as Vectors
    : { grammars: [], invalid_grammars: [], valid_grammars_parse_only: [] };

  it.each(vectors.grammars)('$name', ({ grammar, accept, reject }) => {
    const automaton = compile(grammar);
    expect(accept.filter((input) => !matches(automaton, input))).toEqual([]);
    expect(reject.filter((input) => matches(automaton, input))).toEqual([]);
  });

  it.each(vectors.invalid_grammars)('refuses $why: $grammar', ({ grammar, root, ok_with_root }) => {
    expect(() => compile(grammar, root)).toThrow(GrammarError);
    if (ok_with_root !== undefined) expect(() => compile(grammar, ok_with_root)).not.toThrow();
  });

  it.each(vectors.valid_grammars_parse_only)('takes %j', (grammar) => {
    expect(() => compile(grammar)).not.toThrow();
  });

  const JSON_TEXT = '{"a": [1, -2.5e3, "x\\u00e9\\n", {}], "b": null}';
  it.each([
    ['arithmetic', '1+2*(3-x)=4\n', '1+=2\n'], ['list', '- one\n- zwei\n', '- one'], ['english', 'Hello, you there.', ' é'],
    ['japanese', 'こんにちは 世界', 'hello'], ['json', JSON_TEXT, '{"a" 1}'], ['json_arr', '[\n1,\n"b"]', '{}'],
    ['chess', '1. e4 e5\n2. Nf3 Nc6\n', '1. e9 e5\n'], ['c', 'int main(){return 1;}', 'int main{}'],
  ])('llama.cpp-%s.gbnf', (name, good, bad) => {
    const automaton = compile(readFileSync(fixture(`grammars/llama.cpp-${name}.gbnf`), 'utf8'));
    expect(matches(automaton, good)).toBe(true);
    expect(matches(automaton, bad)).toBe(false);
  });
});

describe('notation', () => {
  it.each([
    ['root ::= "\\u00e9" [\\x41-\\U0001F600]', 'é😀', 'éa\u{1F601}'],
    ['root ::= # a comment\n  "a" # and more\n  # only that\nb ::= "c"', 'a', 'ac'],
    ['root ::= ("a"\n | "b"\n)+ b\nb ::=\n "c"', 'abac', 'a\nc'],
    ['root ::= "a" |', '', 'b'],
    ['root ::= [a\\]^-]+', 'a]-^', 'b'],
    ['root ::= "a"?{2}', 'aa', 'aaa'],
  ])('%j matches %j, not %j', (grammar, good, bad) => {
    const automaton = compile(grammar);
    expect(matches(automaton, good)).toBe(true);
    expect(matches(automaton, bad)).toBe(false);
  });

  it.each([
    ['root ::= "a', /line 1, column 12: expected a closing quote/],
    ['root ::= "a"\nfoo = "b"', /line 2, column 5: expected "::="/],
    ['root ::= [z-a]', /range/], ['root ::= "\\q"', /escape/], ['root ::= "\\ud800"', /U\+D800/],
    ['root ::= "a"{3,2}', /ends before/], ['root ::= <nope>', /no single token/], ['root ::= )', /line 1/],
  ])('%j is refused by place', (grammar, message) => {
    expect(() => compile(grammar)).toThrow(message);
    expect(() => compile(grammar)).toThrow(GrammarError);
  });

  it('names tokens by their spelling', () => {
    const automaton = automatonOf(atOnce(parseGbnf('root ::= <think> "a" !</think> </think>', {
      tokenId: (spelling) => ({ '<think>': 5, '</think>': 6 })[spelling],
    })));
    expect(matches(automaton, [{ token: 5 }, 'ab', { token: 6 }])).toBe(true);
    expect(matches(automaton, [{ token: 5 }, 'a', { token: 6 }, { token: 6 }])).toBe(false);
    expect(matches(automaton, [{ token: 5 }, 'a', { token: 9 }, { token: 6 }])).toBe(true);
  });
});

describe('hostile grammars', () => {
  it('refuses what has no end', () => {
    expect(() => compile('root ::= "a" root')).toThrow(/no finite text/);
    expect(matches(compile('root ::= "x" | "a" endless\nendless ::= "b" endless'), 'x')).toBe(true);
  });

  it('cuts away what has no end', () => {
    const automaton = compile('root ::= "x" | "a" endless\nendless ::= "b" endless');
    expect(automaton.next(automaton.start, 0x61)).toBeNull();
  });

  it.each([
    ['nesting', `root ::= ${'('.repeat(5000)}"a"${')'.repeat(5000)}`],
    ['text', `root ::= "${'a'.repeat(600_000)}"`],
    ['states', `root ::= "a"{0,100000} "b"{0,100000}`],
    ['repetitions', 'root ::= ((("a"{0,200} "b"){0,200} "c"){0,200} "d"){0,200}'],
    ['closures', `root ::= (${'"a"? '.repeat(20000)})`],
  ])('limits %s quickly', (_name, grammar) => {
    const startedAt = performance.now();
    expect(() => compile(grammar)).toThrow(GrammarError);
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });

  it('reads ambiguous text in polynomial time', () => {
    const automaton = compile('root ::= s\ns ::= "a" s "b" | "a" s "c" | "a" s "d" | "a" | "a" s');
    const startedAt = performance.now();
    expect(matches(automaton, 'a'.repeat(300) + 'bcd'.repeat(40))).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('does not grow with right recursion', () => {
    const automaton = compile('root ::= item root | item\nitem ::= [a-z]');
    const positions = new Set<unknown>();
    let position: typeof automaton.start | null = automaton.start;
    for (let i = 0; i < 1000; i++) positions.add((position = automaton.next(position!, 0x61 + (i % 26))));
    expect(positions.size).toBeLessThan(30);
  });

  it('skips comments in linear time', () => {
    expect(() => compile(`root ::= "a" ${'# '.repeat(50_000)}\n!`)).toThrow(GrammarError);
  });
});
