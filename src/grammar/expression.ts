// What a grammar is made of before it becomes a network: expressions over characters, tokens and rules.
import type { CodePoints } from './code-points.ts';

/** A graph of states whose edges are sets of characters: what a regular expression becomes. */
export interface CharacterGraph {
  readonly numStates: number;
  readonly start: number;
  readonly finals: readonly number[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly on: Expression }[];
}

export type Expression =
  | { readonly kind: 'characters'; readonly set: CodePoints }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'sequence'; readonly items: readonly Expression[] }
  | { readonly kind: 'choice'; readonly items: readonly Expression[] }
  | { readonly kind: 'repeat'; readonly item: Expression; readonly min: number; readonly max: number }
  | { readonly kind: 'rule'; readonly name: string }
  /** One whole token: `id`, or any but it. */
  | { readonly kind: 'token'; readonly id: number; readonly negated: boolean }
  | { readonly kind: 'graph'; readonly graph: CharacterGraph };

/** Rules by name; the one named `root` is where a text begins. */
export type Rules = ReadonlyMap<string, Expression>;

export const NOTHING: Expression = { kind: 'choice', items: [] };
export const EMPTY: Expression = { kind: 'sequence', items: [] };

export const text = (value: string): Expression => ({ kind: 'text', text: value });
export const rule = (name: string): Expression => ({ kind: 'rule', name });
export const characters = (set: CodePoints): Expression => ({ kind: 'characters', set });
export const sequence = (...items: readonly Expression[]): Expression => ({ kind: 'sequence', items });
export const choice = (...items: readonly Expression[]): Expression => (items.length === 1 ? items[0] : { kind: 'choice', items });
export const repeat = (item: Expression, min: number, max: number): Expression => ({ kind: 'repeat', item, min, max });
export const optional = (item: Expression): Expression => repeat(item, 0, 1);
