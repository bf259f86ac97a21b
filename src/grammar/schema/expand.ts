// Expands a conjunction of schemas into alternatives: follows $ref, joins allOf, branches at anyOf and oneOf.
import { LIMITS } from '../limits.ts';
import { refuseUnenforceable, withKeywords } from './keywords.ts';
import { integerRange } from './numbers.ts';
import { isEmptyLanguage } from '../pattern/language.ts';
import { Patterns } from './patterns.ts';
import { isObject, unenforceable } from './references.ts';
import type { Json, Located, References } from './references.ts';
import { Conjunction, EVERY_SHAPE } from './shape.ts';
import type { Shape } from './shape.ts';
import { Validator } from './validate.ts';
import { itemSchema, propertySchema } from './parts.ts';

/** One way to go on: the keywords so far, and what is still to be worked in. */
interface Branch {
  readonly shape: Shape;
  readonly open: readonly Located[];
  readonly done: readonly Located[];
}

export class Expander {
  readonly patterns = new Patterns();
  readonly references: References;
  readonly #validator: Validator;
  readonly #known = new Map<string, readonly Shape[]>();
  readonly #impossible = new Map<string, boolean>();
  #work = 0;

  constructor(references: References) {
    this.references = references;
    this.#validator = new Validator(references, this.patterns);
  }

  /** The alternatives; none of them is known to be empty. */
  shapes(conjunction: Conjunction): readonly Shape[] {
    const known = this.#known.get(conjunction.key);
    if (known) return known;
    const shapes = this.#expand(conjunction).filter((shape) => !this.isEmpty(shape, 0));
    this.#known.set(conjunction.key, shapes);
    return shapes;
  }

  /** Whether no value can satisfy the shape; false where that is not found out. */
  isEmpty(shape: Shape, depth: number): boolean {
    if (shape.values) return shape.values.length === 0;
    return [...shape.types].every((type) => {
      switch (type) {
        case 'string': return shape.minLength > shape.maxLength || (shape.language !== undefined && isEmptyLanguage(shape.language));
        case 'number': return noNumber(shape);
        case 'array': return shape.minItems > shape.maxItems ||
          (depth < 4 && Array.from({ length: Math.min(shape.minItems, 16) }, (_, i) => i).some((i) => this.#isImpossible(itemSchema(shape, i), depth)));
        case 'object': return shape.minProperties > shape.maxProperties || shape.required.size > shape.maxProperties ||
          (depth < 4 && [...shape.required].some((name) => this.#isImpossible(propertySchema(shape, name, this.patterns), depth)));
        default: return false;
      }
    });
  }

  #isImpossible(conjunction: Conjunction, depth: number): boolean {
    if (conjunction.members.some(({ schema }) => schema === false)) return true;
    const known = this.#impossible.get(conjunction.key);
    if (known !== undefined) return known;
    const impossible = this.#expand(conjunction).every((shape) => this.isEmpty(shape, depth + 1));
    this.#impossible.set(conjunction.key, impossible);
    return impossible;
  }

  #expand(conjunction: Conjunction): Shape[] {
    const finished: Shape[] = [];
    const branches: Branch[] = [{ shape: EVERY_SHAPE, open: conjunction.members, done: [] }];
    while (branches.length > 0) {
      const { shape, open, done } = branches.pop()!;
      this.#spend(conjunction, open.length + done.length);
      const [member, ...rest] = open;
      if (member === undefined) {
        finished.push(this.#filtered(shape, done));
        continue;
      }
      if (member.schema === false) continue;
      if (member.schema === true || done.some(({ pointer }) => pointer === member.pointer)) {
        branches.push({ shape, open: rest, done });
        continue;
      }
      // Reversed, so that alternatives come out in the order they are written in.
      branches.push(...this.#branch(member, { shape, open: rest, done: [...done, member] }).reverse());
    }
    return finished;
  }

  #spend({ members }: Conjunction, size: number): void {
    this.#work += 1 + size;
    if (this.#work <= LIMITS.schemas) return;
    throw unenforceable('anyOf', members[0]?.pointer ?? '', 'combines with others to too many alternatives');
  }

  #branch(member: Located, { shape, open, done }: Branch): Branch[] {
    const { pointer } = member;
    const schema = member.schema as Exclude<Located['schema'], boolean>;
    const more: Located[] = [];
    if ('$ref' in schema) more.push(this.references.resolve(member));
    if ('allOf' in schema) more.push(...listOf(member, 'allOf'));
    more.push(...this.#conditional(member), ...this.#negated(member));
    let own = withKeywords(shape, schema, pointer, this.patterns);
    if ('not' in schema) own = this.#withoutTypes(own, member);
    if ('const' in schema || 'enum' in schema) {
      if ('enum' in schema && !Array.isArray(schema['enum'])) throw unenforceable('enum', pointer, 'must be a list of values');
      const values = 'const' in schema ? [schema['const']] : schema['enum'] as readonly Json[];
      own = { ...own, values: own.values ?? values };
    }
    let branches: Branch[] = [{ shape: own, open: [...more, ...open], done }];
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      if (!(keyword in schema)) continue;
      const list = listOf(member, keyword);
      if (keyword === 'oneOf') this.#requireDisjoint(list, member);
      branches = list.flatMap((choice) => branches.map((branch) => ({ ...branch, open: [choice, ...branch.open] })));
    }
    return branches;
  }

  /** Both at once must be impossible, or one text could count twice. */
  #requireDisjoint(list: readonly Located[], member: Located): void {
    const schema = member.schema as Exclude<Located['schema'], boolean>;
    if ('const' in schema || 'enum' in schema || isTrivial(list)) return;
    const { oneOf: _oneOf, anyOf: _anyOf, ...beside } = schema;
    const base: Located = { schema: beside, pointer: `${member.pointer} ` };
    for (let i = 0; i < list.length; i++) {
      for (let j = i + 1; j < list.length; j++) {
        const both = this.#expand(new Conjunction([base, list[i], list[j]]));
        if (both.every((shape) => this.isEmpty(shape, 0))) continue;
        throw unenforceable('oneOf', member.pointer, `has alternatives ${i} and ${j} that may both hold: make them exclude each other, or use anyOf`);
      }
    }
  }

  #conditional(member: Located): Located[] {
    const schema = member.schema as Exclude<Located['schema'], boolean>;
    if (!('if' in schema) || !('then' in schema || 'else' in schema)) return [];
    const { if: condition } = schema;
    if (typeof condition !== 'boolean') {
      if ('const' in schema || 'enum' in schema) return [];
      throw unenforceable('if', member.pointer, 'is not supported: use anyOf');
    }
    const keyword = condition ? 'then' : 'else';
    return keyword in schema ? [inner(member, keyword)] : [];
  }

  /** `not` of a `not`, and of what nothing or everything satisfies. */
  #negated(member: Located): Located[] {
    const schema = member.schema as Exclude<Located['schema'], boolean>;
    if (!('not' in schema)) return [];
    const { not } = schema;
    if (not === true || (isObject(not) && Object.keys(not).length === 0)) return [{ schema: false, pointer: `${member.pointer}/not` }];
    if (isObject(not) && Object.keys(not).length === 1 && 'not' in not) return [inner(inner(member, 'not'), 'not')];
    return [];
  }

  #withoutTypes(shape: Shape, member: Located): Shape {
    const schema = member.schema as Exclude<Located['schema'], boolean>;
    const { not } = schema;
    if (typeof not === 'boolean' || 'const' in schema || 'enum' in schema) return shape;
    const keys = isObject(not) ? Object.keys(not) : [];
    if (keys.length === 0 || (keys.length === 1 && keys[0] === 'not')) return shape;
    const types = [(not as { readonly type?: Json }).type].flat() as readonly string[];
    if (keys.length === 1 && keys[0] === 'type' && !types.includes('integer')) {
      return { ...shape, types: new Set([...shape.types].filter((type) => !types.includes(type))) };
    }
    if (keys.length === 1 && keys[0] === 'type' && shape.isInteger) return { ...shape, types: new Set([...shape.types].filter((type) => type !== 'number' && !types.includes(type))) };
    throw unenforceable('not', member.pointer, 'is supported for types only');
  }

  /** Values that satisfy everything; whether the other keywords could be enforced does not matter then. */
  #filtered(shape: Shape, done: readonly Located[]): Shape {
    if (!shape.values) {
      refuseUnenforceable(shape);
      return shape;
    }
    return { ...shape, values: shape.values.filter((value) => done.every((located) => this.#validator.holds(value, located))) };
  }
}

function isTrivial(list: readonly Located[]): boolean {
  return list.length <= 1;
}

function inner(member: Located, keyword: string): Located {
  const schema = (member.schema as Exclude<Located['schema'], boolean>)[keyword];
  if (!isObject(schema) && typeof schema !== 'boolean') throw unenforceable(keyword, member.pointer, 'must be a schema');
  return { schema, pointer: `${member.pointer}/${keyword}` };
}

function listOf(member: Located, keyword: string): Located[] {
  const list = (member.schema as Exclude<Located['schema'], boolean>)[keyword];
  if (!Array.isArray(list) || list.length === 0) throw unenforceable(keyword, member.pointer, 'must be a list of schemas');
  return (list as readonly Json[]).map((schema, i) => {
    if (!isObject(schema) && typeof schema !== 'boolean') throw unenforceable(keyword, member.pointer, `has no schema at ${i}`);
    return { schema, pointer: `${member.pointer}/${keyword}/${i}` };
  });
}

function noNumber({ low, high, isInteger }: Shape): boolean {
  if (low && high && (low.value > high.value || (low.value === high.value && (low.exclusive || high.exclusive)))) return true;
  if (!isInteger || !low || !high) return false;
  const range = integerRange(low, high);
  return range !== undefined && range[0] > range[1];
}
