// Runs the statements of a template: text, loops, conditions, assignments, macros.
import type { Steps } from '../../steps.ts';
import type { CallStatement, Expression, FilterStatement, For, If, Macro, Parameter, SetStatement, Statement } from './ast.ts';
import { evaluate, evaluateArguments, filtered } from './expressions.ts';
import { toText } from './printing.ts';
import type { Runtime } from './runtime.ts';
import { Scope } from './scope.ts';
import { Callable, Dict, List, Loop, Namespace, Undefined, fail, isTruthy, typeName } from './values.ts';
import type { Keywords, Value } from './values.ts';

type Jump = 'break' | 'continue' | undefined;

class Output {
  readonly #runtime: Runtime;
  readonly #parts: string[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  write(text: string): void {
    if (text === '') return;
    this.#runtime.budget.chargeChars(text.length);
    this.#parts.push(text);
  }

  text(): string {
    return this.#runtime.join(this.#parts);
  }
}

/** The text that the statements write. */
export function* runBlock(body: readonly Statement[], scope: Scope, runtime: Runtime): Steps<string> {
  const output = new Output(runtime);
  yield* nested(body, scope, output, runtime);
  return output.text();
}

function* nested(body: readonly Statement[], scope: Scope, output: Output, runtime: Runtime): Steps<Jump> {
  runtime.budget.enter();
  const jump = yield* run(body, scope, output, runtime);
  runtime.budget.leave();
  return jump;
}

function* run(body: readonly Statement[], scope: Scope, output: Output, runtime: Runtime): Steps<Jump> {
  const { budget } = runtime;
  for (const statement of body) {
    budget.charge(1);
    if (budget.isPauseDue) yield* budget.pause();
    const jump = hasStatements(statement) ? yield* runNested(statement, scope, output, runtime) : runOne(statement, scope, output, runtime);
    if (jump !== undefined) return jump;
  }
  return undefined;
}

/** Statements that run others on the spot. */
type Nesting = If | For | SetStatement | FilterStatement;

function hasStatements(statement: Statement): statement is Nesting {
  const { type } = statement;
  return type === 'If' || type === 'For' || type === 'FilterStatement' || (type === 'Set' && !statement.value);
}

function* runNested(statement: Nesting, scope: Scope, output: Output, runtime: Runtime): Steps<Jump> {
  switch (statement.type) {
    case 'If': {
      const isTrue = isTruthy(evaluate(statement.test, scope, runtime));
      return yield* nested(isTrue ? statement.body : statement.alternate, scope, output, runtime);
    }
    case 'For':
      runtime.budget.enter();
      yield* loop(statement, scope, output, runtime);
      runtime.budget.leave();
      return undefined;
    case 'Set':
      assign(statement, yield* runBlock(statement.body, new Scope(scope), runtime), scope, runtime);
      return undefined;
    case 'FilterStatement': {
      const text = yield* runBlock(statement.body, new Scope(scope), runtime);
      output.write(toText(filtered(text, statement.filter, scope, runtime), runtime));
      return undefined;
    }
  }
}

function runOne(statement: Exclude<Statement, If | For | FilterStatement>, scope: Scope, output: Output, runtime: Runtime): Jump {
  switch (statement.type) {
    case 'Comment': return undefined;
    case 'Break': return 'break';
    case 'Continue': return 'continue';
    case 'Set':
      assign(statement, evaluate(statement.value!, scope, runtime), scope, runtime);
      return undefined;
    case 'Macro':
      scope.set(statement.name.value, macro(statement, scope, runtime));
      return undefined;
    case 'CallStatement':
      output.write(callBlock(statement, scope, runtime));
      return undefined;
    default:
      output.write(toText(evaluate(statement, scope, runtime), runtime));
      return undefined;
  }
}

function* loop(statement: For, scope: Scope, output: Output, runtime: Runtime): Steps<void> {
  const { iterable, loopvar } = statement;
  const source = iterable.type === 'SelectExpression' ? iterable.lhs : iterable;
  let items = runtime.iterate(evaluate(source, scope, runtime));
  if (iterable.type === 'SelectExpression') {
    items = items.filter((value) => {
      const inner = new Scope(scope);
      bindTarget(loopvar, value, inner, runtime);
      return isTruthy(evaluate(iterable.test, inner, runtime));
    });
  }
  if (items.length === 0) {
    yield* run(statement.defaultBlock, new Scope(scope), output, runtime);
    return;
  }
  const state = new Loop(items);
  for (; state.index < items.length; state.index++) {
    runtime.budget.charge(2);
    const inner = new Scope(scope);
    inner.set('loop', state);
    bindTarget(loopvar, items[state.index] as Value, inner, runtime);
    if ((yield* run(statement.body, inner, output, runtime)) === 'break') return;
  }
}

function bindTarget(target: Expression, value: Value, scope: Scope, runtime: Runtime): void {
  if (target.type === 'Identifier') {
    scope.set(target.value, value);
    return;
  }
  if (target.type === 'TupleLiteral') {
    const values = runtime.iterate(value);
    if (values.length !== target.value.length) {
      fail(`cannot unpack ${values.length} values into ${target.value.length} names`);
    }
    target.value.forEach((inner, i) => bindTarget(inner, values[i] as Value, scope, runtime));
    return;
  }
  if (target.type === 'MemberExpression' && target.property.type === 'Identifier' && !target.computed) {
    const object = evaluate(target.object, scope, runtime);
    if (!(object instanceof Namespace)) fail(`only members of a namespace can be set, not of ${typeName(object)}`);
    runtime.budget.charge(8);
    (object as Namespace).members.set(target.property.value, value);
    return;
  }
  fail('it assigns to something that is no name');
}

function assign(statement: SetStatement, value: Value, scope: Scope, runtime: Runtime): void {
  runtime.budget.charge(4);
  bindTarget(statement.assignee, value, scope, runtime);
}

function macro(statement: Macro, scope: Scope, runtime: Runtime): Callable {
  return body(statement.name.value, statement.args, statement.body, scope, runtime);
}

/** A callable that binds `parameters` and returns the text that `statements` write. */
function body(
  name: string, parameters: readonly Parameter[], statements: readonly Statement[], outer: Scope, runtime: Runtime,
): Callable {
  return new Callable(name, (positional: readonly Value[], keywords: Keywords) => {
    const scope = new Scope(outer);
    const rest = new Map(keywords);
    parameters.forEach((parameter, i) => {
      const key = parameter.type === 'Identifier' ? parameter.value : parameter.key.value;
      let value = i < positional.length ? positional[i] : rest.get(key);
      rest.delete(key);
      if (value === undefined && parameter.type !== 'Identifier') value = evaluate(parameter.value, scope, runtime);
      scope.set(key, value === undefined ? new Undefined(key) : value);
    });
    bindRest(scope, positional.slice(parameters.length), rest, runtime);
    return runtime.budget.withoutPause(runBlock(statements, scope, runtime));
  });
}

function bindRest(scope: Scope, positional: readonly Value[], rest: Map<string, Value>, runtime: Runtime): void {
  const caller = rest.get('caller');
  if (caller !== undefined) scope.set('caller', caller);
  rest.delete('caller');
  const kwargs = new Dict();
  for (const [key, value] of rest) runtime.set(kwargs, key, key, value);
  scope.set('kwargs', kwargs);
  scope.set('varargs', new List(positional, true));
}

function callBlock(statement: CallStatement, scope: Scope, runtime: Runtime): string {
  const callee = evaluate(statement.call.callee, scope, runtime);
  if (!(callee instanceof Callable)) return fail(`cannot call ${typeName(callee)}`);
  const { positional, keywords } = evaluateArguments(statement.call.args, scope, runtime);
  keywords.set('caller', body('caller', statement.callerArgs ?? [], statement.body, scope, runtime));
  return toText(runtime.nested(() => callee.call(positional, keywords)), runtime);
}
