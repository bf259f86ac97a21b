// The names every template can use, as transformers provides them, and values of JavaScript as template values.
import type { Steps } from '../../steps.ts';
import { Arguments } from './arguments.ts';
import { copyDict } from './members.ts';
import { toText } from './printing.ts';
import type { Runtime } from './runtime.ts';
import type { Scope } from './scope.ts';
import { strftime } from './strftime.ts';
import { Callable, Dict, Float, Namespace, Undefined, asInteger, fail } from './values.ts';
import type { Keywords, Value } from './values.ts';

export function defineGlobals(scope: Scope, runtime: Runtime): void {
  const define = (name: string, call: (args: Arguments) => Value): void => {
    scope.set(name, new Callable(name, (positional: readonly Value[], keywords: Keywords) =>
      call(new Arguments(name, positional, keywords))));
  };
  for (const name of ['true', 'True']) scope.set(name, true);
  for (const name of ['false', 'False']) scope.set(name, false);
  for (const name of ['none', 'None']) scope.set(name, null);
  define('raise_exception', (args) => {
    const message = toText(args.get(0, 'message') ?? null, runtime);
    return fail(runtime.plain(message).slice(0, 2000));
  });
  define('strftime_now', (args) => {
    const format = args.text(0, 'format');
    runtime.budget.chargeChars(format.length * 16);
    return runtime.taint.like(format, strftime(runtime.now, runtime.plain(format)));
  });
  define('range', (args) => range(args, runtime));
  define('namespace', (args) => namespace(args, runtime));
  define('dict', (args) => {
    const given = args.positional[0];
    const dict = given instanceof Dict ? copyDict(given, runtime) : new Dict();
    for (const [key, value] of args.keywords) runtime.set(dict, key, key, value);
    return dict;
  });
}

function range(args: Arguments, runtime: Runtime): Value {
  const numbers = args.positional.map((value) => asInteger(value, 'range()'));
  const [start, stop, step] = numbers.length < 2 ? [0, numbers[0] ?? fail('range() needs a number'), 1]
    : [numbers[0] as number, numbers[1] as number, numbers[2] ?? 1];
  if (step === 0) fail('range() step must not be zero');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  runtime.budget.charge(count * 2);
  return runtime.list(Array.from({ length: count }, (_, i) => start + i * step));
}

function namespace(args: Arguments, runtime: Runtime): Namespace {
  const result = new Namespace();
  const given = args.positional[0];
  if (given instanceof Dict) for (const [key, entry] of given.entries) result.members.set(String(key), entry.value);
  runtime.budget.charge(8 * (result.members.size + args.keywords.size));
  for (const [key, value] of args.keywords) result.members.set(key, value);
  return result;
}

/** Own enumerable data of plain objects only; functions and symbols are refused. Text is disguised. */
export function* toValue(input: unknown, runtime: Runtime): Steps<Value> {
  const { budget, taint } = runtime;
  budget.charge(1);
  if (budget.isPauseDue) yield* budget.pause();
  if (input === null || typeof input === 'boolean') return input;
  if (input === undefined) return new Undefined('undefined');
  if (typeof input === 'string') return yield* budget.around(taint.disguiseSteps(input));
  if (typeof input === 'number') return Number.isInteger(input) ? input : new Float(input);
  if (typeof input === 'bigint') return Number(input);
  if (typeof input !== 'object') return fail(`its input holds a ${typeof input}; only JSON-like data can be given`);
  budget.enter();
  const value = Array.isArray(input) ? yield* listOf(input, runtime) : yield* dictOf(input, runtime);
  budget.leave();
  return value;
}

function* listOf(input: readonly unknown[], runtime: Runtime): Steps<Value> {
  const items: Value[] = [];
  for (const value of input) items.push(yield* toValue(value, runtime));
  return runtime.list(items);
}

function* dictOf(input: object, runtime: Runtime): Steps<Value> {
  const dict = new Dict();
  for (const [key, value] of Object.entries(input)) {
    if (value !== undefined) runtime.set(dict, key, runtime.taint.disguise(key), yield* toValue(value, runtime));
  }
  return dict;
}
