// Where the schemas of a document lie: resolves $ref by JSON pointer, $anchor and $id, within the document only.
import { GrammarError } from '../../errors.ts';
import { LIMITS } from '../limits.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A schema and where it stands. */
export interface Located {
  readonly schema: JsonObject | boolean;
  /** JSON pointer from the root of the document. */
  readonly pointer: string;
}

const NO_BASE = 'schema:/';
/** Keywords whose value is no schema and has none inside. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired']);

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Is in no JSON pointer, where 0 or 1 follows "~". */
const DERIVED = '~!';

/** Where a schema stands that says in other words what `keyword` at `pointer` says; errors about it name that keyword. */
export function derivedPointer(pointer: string, keyword: string, part: string | number = ''): string {
  return `${pointer}/${escapeToken(keyword)}${DERIVED}${part}`;
}

/** Where the schema stands that holds for what the one at `pointer` does not hold for. */
export function complementPointer(pointer: string): string {
  return `${pointer}${DERIVED}not`;
}

export function isDerived(pointer: string): boolean {
  return pointer.includes(DERIVED);
}

export function unenforceable(keyword: string, pointer: string, why: string): GrammarError {
  const [origin, ...derived] = pointer.split(DERIVED);
  const place = derived.length === 0 ? `${pointer}/${escapeToken(keyword)}` : origin;
  const named = derived.length === 0 ? keyword : unescapeToken(origin.slice(origin.lastIndexOf('/') + 1));
  return new GrammarError(`The schema cannot be enforced: "${named}" at ${place} ${why}.`, { keyword: named, pointer: place });
}

export function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

export class References {
  readonly #root: Json;
  readonly #byUri = new Map<string, Located>();
  readonly #baseOf = new Map<JsonObject, string>();

  constructor(root: Json) {
    this.#root = root;
    this.#index(root, '', NO_BASE, 0, false);
  }

  /** The schema that a `$ref` names. */
  resolve(from: Located): Located {
    const reference = (from.schema as JsonObject)['$ref'];
    if (typeof reference !== 'string') throw unenforceable('$ref', from.pointer, 'must be a string');
    const uri = absolute(reference, this.#baseOf.get(from.schema as JsonObject) ?? NO_BASE);
    const hash = uri.indexOf('#');
    const [base, fragment] = hash < 0 ? [uri, ''] : [uri.slice(0, hash), uri.slice(hash + 1)];
    const exact = this.#byUri.get(fragment === '' ? base : uri);
    if (exact) return exact;
    const document = this.#byUri.get(base) ?? (base === NO_BASE ? { schema: this.#root, pointer: '' } : undefined);
    const target = document && (fragment === '' || fragment.startsWith('/')) && follow(document as Located, fragment);
    if (target) return target;
    throw unenforceable('$ref', from.pointer, `names ${JSON.stringify(reference.slice(0, 120))}, which is not in this schema`);
  }

  #index(value: Json, pointer: string, base: string, depth: number, isMap: boolean): void {
    if (depth > LIMITS.depth) throw new GrammarError(`The schema nests deeper than ${LIMITS.depth} levels at ${pointer.slice(0, 80)}….`, { pointer });
    if (Array.isArray(value)) {
      value.forEach((item, i) => this.#index(item as Json, `${pointer}/${i}`, base, depth + 1, false));
      return;
    }
    if (!isObject(value)) return;
    let own = base;
    if (!isMap) {
      if (typeof value['$id'] === 'string') {
        own = absolute(value['$id'], base).replace(/#$/, '');
        this.#byUri.set(own, { schema: value, pointer });
      }
      if (typeof value['$anchor'] === 'string') this.#byUri.set(`${own}#${value['$anchor']}`, { schema: value, pointer });
      this.#baseOf.set(value, own);
    }
    for (const [key, inner] of Object.entries(value)) {
      if (!isMap && DATA.has(key)) continue;
      const holdsMap = !isMap && ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'].includes(key);
      this.#index(inner, `${pointer}/${escapeToken(key)}`, own, depth + 1, holdsMap);
    }
  }
}

function absolute(reference: string, base: string): string {
  try {
    return new URL(reference, base).href;
  } catch {
    // Relative to what has no hierarchy, such as a URN: only fragments make sense there.
    return reference.startsWith('#') ? base.replace(/#.*$/, '') + reference : reference;
  }
}

function follow(document: Located, fragment: string): Located | undefined {
  let value: Json | undefined = document.schema;
  let { pointer } = document;
  for (const token of fragment.split('/').slice(1)) {
    let plain: string;
    try {
      plain = unescapeToken(decodeURIComponent(token));
    } catch {
      return undefined;
    }
    if (Array.isArray(value)) value = /^\d+$/.test(plain) ? (value as readonly Json[])[Number(plain)] : undefined;
    else value = isObject(value) && Object.hasOwn(value, plain) ? value[plain] : undefined;
    if (value === undefined) return undefined;
    pointer += `/${escapeToken(plain)}`;
  }
  return isObject(value) || typeof value === 'boolean' ? { schema: value, pointer } : undefined;
}
