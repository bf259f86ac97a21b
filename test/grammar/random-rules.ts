// Random GBNF grammars by seed, in which every rule has an end and none begins with itself.
import { Random } from '../../src/engine/sampler/random.ts';

const LITERALS = ['"a"', '"ab"', '"hello"', '" wor"', '"é"', '"€x"', '"<"', '"\\n"', '"tool"', '"0"', '"\\""'];
const CLASSES = ['[a-c]', '[^a]', '[a-zé-ü]', '.', '[0-9]', '[ -~]', '[^\\x00-\\x7f]', '[😀-😂😄]'];

export function randomGrammar(seed: number, tokens: readonly number[]): string {
  const random = new Random(seed);
  const below = (count: number): number => Math.floor(random.next() * count);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
  const numRules = 1 + below(4);

  /** Reads something, and uses only rules after `rule` before it has. */
  const atom = (rule: number, depth: number): string => {
    switch (below(depth > 2 ? 2 : 7)) {
      case 0: case 5: return pick(LITERALS);
      case 1: return pick(CLASSES);
      case 2: return `(${choices(rule, depth + 1)})`;
      case 3: return tokens.length > 0 && below(2) === 0 ? `${pick(['', '!'])}<[${pick(tokens)}]>` : pick(LITERALS);
      case 4: return rule + 1 < numRules ? name(rule + 1 + below(numRules - rule - 1)) : pick(CLASSES);
      default: return `(${pick(LITERALS)} ${name(below(numRules))}?)`;
    }
  };
  const item = (rule: number, depth: number): string =>
    atom(rule, depth) + pick(['', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,4}', '{2,}']);
  const list = (rule: number, depth: number): string =>
    [atom(rule, depth), ...Array.from({ length: below(3) }, () => item(rule, depth))].join(' ');
  function choices(rule: number, depth: number): string {
    return Array.from({ length: 1 + below(3) }, () => list(rule, depth)).join(' | ');
  }
  const name = (rule: number): string => (rule === 0 ? 'root' : `r${rule}`);
  return Array.from({ length: numRules }, (_, rule) => `${name(rule)} ::= ${pick(LITERALS)} | ${choices(rule, 0)}`).join('\n');
}
