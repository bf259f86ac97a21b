// The tests of `value is name`.
import { contains } from './members.ts';
import type { Runtime } from './runtime.ts';
import { upper, lower } from './string-methods.ts';
import {
  Callable, Dict, Float, List, Undefined, asInteger, asNumber, compare, equals, fail,
} from './values.ts';
import type { Value } from './values.ts';

type Test = (value: Value, args: readonly Value[], runtime: Runtime) => boolean;

export function runTest(name: string, value: Value, args: readonly Value[], runtime: Runtime): boolean {
  runtime.budget.charge(1);
  const test = TESTS.get(name);
  return test ? test(value, args, runtime) : fail(`there is no test named '${name.slice(0, 60)}'`);
}

const first = (args: readonly Value[]): Value =>
  (args.length > 0 ? args[0] as Value : fail('the test needs an argument'));
const isNumber: Test = (value) => asNumber(value) !== undefined;
const isSequence: Test = (value) =>
  typeof value === 'string' || value instanceof List || value instanceof Dict || value instanceof Undefined;
const staysAs = (change: (text: string, runtime: Runtime) => string): Test => (value, _args, runtime) =>
  typeof value === 'string' && runtime.plain(change(value, runtime)) === runtime.plain(value);
const isDifferent: Test = (value, args, runtime) => !equals(value, first(args), runtime);
const isEqual: Test = (value, args, runtime) => equals(value, first(args), runtime);
const ordered = (accept: (order: number) => boolean): Test =>
  (value, args, runtime) => accept(compare(value, first(args), runtime));

const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['defined', (value) => !(value instanceof Undefined)],
  ['undefined', (value) => value instanceof Undefined],
  ['none', (value) => value === null],
  ['boolean', (value) => typeof value === 'boolean'],
  ['true', (value) => value === true],
  ['false', (value) => value === false],
  ['string', (value) => typeof value === 'string'],
  ['number', isNumber],
  ['integer', (value) => typeof value === 'number'],
  ['float', (value) => value instanceof Float],
  ['mapping', (value) => value instanceof Dict],
  ['iterable', isSequence],
  ['sequence', isSequence],
  ['callable', (value) => value instanceof Callable],
  ['odd', (value) => Math.abs(asInteger(value, 'odd') % 2) === 1],
  ['even', (value) => asInteger(value, 'even') % 2 === 0],
  ['divisibleby', (value, args) => asInteger(value, 'divisibleby') % asInteger(first(args), 'divisibleby(num)') === 0],
  ['upper', staysAs(upper)],
  ['lower', staysAs(lower)],
  ['in', (value, args, runtime) => contains(first(args), value, runtime)],
  ['sameas', (value, args) => value === first(args)],
  ...(['eq', 'equalto', '=='] as const).map((name): [string, Test] => [name, isEqual]),
  ...(['ne', '!='] as const).map((name): [string, Test] => [name, isDifferent]),
  ...(['lt', 'lessthan', '<'] as const).map((name): [string, Test] => [name, ordered((order) => order < 0)]),
  ...(['gt', 'greaterthan', '>'] as const).map((name): [string, Test] => [name, ordered((order) => order > 0)]),
  ...(['le', '<='] as const).map((name): [string, Test] => [name, ordered((order) => order <= 0)]),
  ...(['ge', '>='] as const).map((name): [string, Test] => [name, ordered((order) => order >= 0)]),
]);
