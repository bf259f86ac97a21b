// Evaluates expressions of a template's syntax tree, every node charged to the budget.
import { Arguments } from './arguments.ts';
import type { Argument, Expression, Filter, Member } from './ast.ts';
import { applyFilter } from './filters.ts';
import { attribute, item, slice } from './members.ts';
import { binary } from './operators.ts';
import type { Runtime } from './runtime.ts';
import type { Scope } from './scope.ts';
import { runTest } from './tests.ts';
import { Callable, Dict, Float, Undefined, asNumber, fail, isTruthy, keyOf, typeName } from './values.ts';
import type { Value } from './values.ts';

/** Tests with arguments arrive as filters of this name (see parse.ts). */
export const TEST_PREFIX = '__is_';
export const NEGATED_TEST_PREFIX = '__is_not_';

export function evaluate(node: Expression, scope: Scope, runtime: Runtime): Value {
  runtime.budget.charge(1);
  runtime.budget.enter();
  const value = evaluateNode(node, scope, runtime);
  runtime.budget.leave();
  return value;
}

function evaluateNode(node: Expression, scope: Scope, runtime: Runtime): Value {
  const of = (inner: Expression): Value => evaluate(inner, scope, runtime);
  switch (node.type) {
    case 'StringLiteral': return node.value;
    case 'IntegerLiteral': return node.value;
    case 'FloatLiteral': return new Float(node.value);
    case 'Identifier': return scope.get(node.value);
    case 'ArrayLiteral': return runtime.list(node.value.map(of));
    case 'TupleLiteral': return runtime.list(node.value.map(of), true);
    case 'ObjectLiteral': {
      const dict = new Dict();
      for (const [key, value] of node.value) {
        const written = of(key);
        runtime.set(dict, keyOf(written, runtime), written, of(value));
      }
      return dict;
    }
    case 'MemberExpression': return member(node, scope, runtime);
    case 'CallExpression': {
      const callee = of(node.callee);
      const { positional, keywords } = evaluateArguments(node.args, scope, runtime);
      if (callee instanceof Callable) return runtime.nested(() => callee.call(positional, keywords));
      return fail(callee instanceof Undefined ? `'${callee.name}' is undefined` : `cannot call ${typeName(callee)}`);
    }
    case 'UnaryExpression': return unary(node.operator.value, of(node.argument), runtime);
    case 'BinaryExpression': {
      const left = of(node.left);
      if (node.operator.value === 'and') return isTruthy(left) ? of(node.right) : left;
      if (node.operator.value === 'or') return isTruthy(left) ? left : of(node.right);
      return binary(node.operator.value, left, of(node.right), runtime);
    }
    case 'FilterExpression': return filtered(of(node.operand), node.filter, scope, runtime);
    case 'TestExpression': return runTest(node.test.value, of(node.operand), [], runtime) !== node.negate;
    case 'Ternary': return of(isTruthy(of(node.condition)) ? node.trueExpr : node.falseExpr);
    case 'SelectExpression': return isTruthy(of(node.test)) ? of(node.lhs) : new Undefined('inline if without else');
    default: return fail(`it holds '${(node as { type: string }).type}', which is no expression`);
  }
}

function member(node: Member, scope: Scope, runtime: Runtime): Value {
  const object = evaluate(node.object, scope, runtime);
  const { property } = node;
  if (property.type === 'SliceExpression') {
    const bound = (inner: Expression | undefined): Value | undefined => inner && evaluate(inner, scope, runtime);
    const { start, stop, step } = property;
    return slice(object, { start: bound(start), stop: bound(stop), step: bound(step) }, runtime);
  }
  if (node.computed) return item(object, evaluate(property, scope, runtime), runtime);
  if (property.type === 'IntegerLiteral') return item(object, property.value, runtime);
  return attribute(object, property.type === 'Identifier' ? property.value : '', runtime);
}

function unary(operator: string, value: Value, runtime: Runtime): Value {
  if (operator === 'not') return !isTruthy(value);
  const number = asNumber(value) ?? fail(`'${operator}' does not work on ${typeName(value)}`);
  return runtime.number(operator === '-' ? -number : number, value instanceof Float);
}

export function filtered(value: Value, filter: Filter, scope: Scope, runtime: Runtime): Value {
  const name = filter.type === 'Identifier' ? filter.value
    : filter.callee.type === 'Identifier' ? filter.callee.value : fail('a filter must have a name');
  const { positional, keywords } = evaluateArguments(filter.type === 'Identifier' ? [] : filter.args, scope, runtime);
  const isNegated = name.startsWith(NEGATED_TEST_PREFIX);
  if (isNegated || name.startsWith(TEST_PREFIX)) {
    const test = name.slice((isNegated ? NEGATED_TEST_PREFIX : TEST_PREFIX).length);
    return runTest(test, value, positional, runtime) !== isNegated;
  }
  return applyFilter(name, value, new Arguments(name, positional, keywords), runtime);
}

export function evaluateArguments(
  args: readonly Argument[], scope: Scope, runtime: Runtime,
): { positional: readonly Value[]; keywords: Map<string, Value> } {
  const positional: Value[] = [];
  const keywords = new Map<string, Value>();
  for (const argument of args) {
    if (argument.type === 'KeywordArgumentExpression') {
      keywords.set(argument.key.value, evaluate(argument.value, scope, runtime));
    } else if (argument.type === 'SpreadExpression') {
      const items = runtime.iterate(evaluate(argument.argument, scope, runtime));
      runtime.budget.charge(items.length * 2);
      for (const value of items) positional.push(value);
    } else if (argument.type === 'KeywordSpreadExpression') {
      const given = evaluate(argument.argument, scope, runtime);
      if (!(given instanceof Dict)) return fail(`argument after ** must be a mapping, not ${typeName(given)}`);
      runtime.budget.charge(given.entries.size * 8);
      for (const [key, entry] of given.entries) keywords.set(String(key), entry.value);
    } else {
      positional.push(evaluate(argument, scope, runtime));
    }
  }
  return { positional, keywords };
}
