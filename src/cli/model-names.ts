// The ids under which a server offers its models: given with them, or taken from their files' names.
import { UsageError } from './parse-arguments.ts';

export interface NamedModel {
  readonly id: string;
  readonly reference: string;
}

/** A file's name without its type and without the number of its part. */
const FILE_NAME = /([^/\\]+?)(?:-\d{5}-of-\d{5})?\.gguf(?:[?#].*)?$/i;

/** What a request can name, and a line of output show. */
const ALIAS = /^(?! )\P{C}{1,256}(?<! )$/u;

/** `given` are references or ID=REFERENCE. Throws UsageError for an id that is given twice, or an alias that is no name or not for one model alone. */
export function namedModels(given: readonly string[], alias: string | undefined): NamedModel[] {
  const models = given.map(split);
  if (alias !== undefined && (models.length > 1 || models[0]!.id !== undefined)) {
    throw new UsageError('--alias names the only model. Name several models as ID=REFERENCE.');
  }
  if (alias !== undefined && !ALIAS.test(alias)) throw new UsageError('--alias must be 1 to 256 characters, none of them a control character, and no space at its ends.');
  const taken = new Set<string>();
  for (const { id } of models) {
    if (id === undefined) continue;
    if (taken.has(id)) throw new UsageError(`Two models have the id ${id}. Name them: ID=REFERENCE.`);
    taken.add(id);
  }
  const free = (name: string): string => {
    let id = name;
    for (let i = 2; taken.has(id); i++) id = `${name}-${i}`;
    taken.add(id);
    return id;
  };
  const seen = new Set<string>();
  return models.map(({ id, reference }) => {
    if (id === undefined && seen.has(reference)) throw new UsageError(`${reference} is given twice. Name both: ID=REFERENCE.`);
    seen.add(reference);
    return { id: id ?? free(alias ?? FILE_NAME.exec(reference)?.[1] ?? reference), reference };
  });
}

function split(given: string): { readonly id?: string; readonly reference: string } {
  const [, id, reference] = /^([\w.-]+)=(.+)$/.exec(given) ?? [];
  return id && reference ? { id, reference } : { reference: given };
}
