// The operators between two values, as Python defines them.
import { formatPercent } from './format.ts';
import { contains } from './members.ts';
import { toText } from './printing.ts';
import type { Runtime } from './runtime.ts';
import { Float, List, Undefined, asNumber, compare, equals, fail, typeName } from './values.ts';
import type { Value } from './values.ts';

export function binary(operator: string, a: Value, b: Value, runtime: Runtime): Value {
  switch (operator) {
    case '==': return equals(a, b, runtime);
    case '!=': return !equals(a, b, runtime);
    case 'in': return contains(b, a, runtime);
    case 'not in': return !contains(b, a, runtime);
    case '~': return runtime.concat(toText(a, runtime), toText(b, runtime));
    case '<': return compare(a, b, runtime) < 0;
    case '<=': return compare(a, b, runtime) <= 0;
    case '>': return compare(a, b, runtime) > 0;
    case '>=': return compare(a, b, runtime) >= 0;
    default: return arithmetic(operator, a, b, runtime);
  }
}

function arithmetic(operator: string, a: Value, b: Value, runtime: Runtime): Value {
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== undefined && y !== undefined) {
    return calculate(operator, x, y, a instanceof Float || b instanceof Float, runtime);
  }
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') return runtime.concat(a, b);
    if (a instanceof List && b instanceof List && a.isTuple === b.isTuple) {
      runtime.budget.charge((a.items.length + b.items.length) * 2);
      return new List([...a.items, ...b.items], a.isTuple);
    }
  }
  if (operator === '*' && typeof b === 'number') return repeat(a, b, runtime) ?? refuse(operator, a, b);
  if (operator === '*' && typeof a === 'number') return repeat(b, a, runtime) ?? refuse(operator, a, b);
  if (operator === '%' && typeof a === 'string') {
    return formatPercent(a, b instanceof List && b.isTuple ? b.items : [b], runtime);
  }
  return refuse(operator, a, b);
}

function refuse(operator: string, a: Value, b: Value): never {
  for (const value of [a, b]) if (value instanceof Undefined) fail(`'${value.name}' is undefined`);
  return fail(`'${operator}' does not work between ${typeName(a)} and ${typeName(b)}`);
}

function repeat(value: Value, count: number, runtime: Runtime): Value | undefined {
  if (typeof value === 'string') return runtime.repeat(value, count);
  if (!(value instanceof List)) return undefined;
  const times = Math.max(0, count);
  runtime.budget.charge(value.items.length * times * 2 + 1);
  if (value.items.length === 0) return value;
  const items: Value[] = [];
  for (let i = 0; i < times; i++) for (const member of value.items) items.push(member);
  return new List(items, value.isTuple);
}

function calculate(operator: string, x: number, y: number, isFloat: boolean, runtime: Runtime): Value {
  if (y === 0 && (operator === '/' || operator === '//' || operator === '%')) fail('division by zero');
  switch (operator) {
    case '+': return runtime.number(x + y, isFloat);
    case '-': return runtime.number(x - y, isFloat);
    case '*': return runtime.number(x * y, isFloat);
    case '/': return new Float(x / y);
    case '//': return runtime.number(Math.floor(x / y), isFloat);
    case '%': return runtime.number(x - y * Math.floor(x / y), isFloat);
    case '**': {
      const result = x ** y;
      if (!Number.isFinite(result)) fail('the result of ** is not a finite number');
      return runtime.number(result, isFloat || y < 0);
    }
    default: return fail(`there is no operator '${operator}'`);
  }
}
