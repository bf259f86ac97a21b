// Rules under other names, so that several grammars can be parts of one.
import type { Expression, Rules } from './expression.ts';

/** The same rules, each name with `prefix` before it. */
export function prefixed(rules: Rules, prefix: string): Rules {
  const known = new Map<Expression, Expression>();
  const renamed = (expression: Expression): Expression => {
    const before = known.get(expression);
    if (before) return before;
    const after = rename(expression);
    known.set(expression, after);
    return after;
  };
  const rename = (expression: Expression): Expression => {
    switch (expression.kind) {
      case 'sequence':
      case 'choice': return { ...expression, items: expression.items.map(renamed) };
      case 'repeat': return { ...expression, item: renamed(expression.item) };
      case 'rule': return { ...expression, name: prefix + expression.name };
      case 'graph': {
        const edges = expression.graph.edges.map((edge) => ({ ...edge, on: renamed(edge.on) }));
        return { kind: 'graph', graph: { ...expression.graph, edges } };
      }
      case 'characters':
      case 'text':
      case 'token': return expression;
    }
  };
  return new Map([...rules].map(([name, expression]) => [prefix + name, renamed(expression)]));
}
