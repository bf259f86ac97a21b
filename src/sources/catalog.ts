// Models known by name: where each can be had, what its bytes hash to, under which licence.
import shipped from '../../models/catalog.json' with { type: 'json' };
import { InvalidArgumentError } from '../errors.ts';

export interface CatalogModel {
  readonly name: string;
  readonly description: string;
  readonly format: 'gguf' | 'safetensors';
  readonly licence: string;
  /** What the file is called in the cache. */
  readonly fileName: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** References, tried in this order. */
  readonly sources: readonly string[];
}

export interface Catalog {
  readonly models: readonly CatalogModel[];
}

const CATALOG_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Some models are listed for other uses, or for later versions. */
export function canRun(model: CatalogModel): boolean {
  return model.format === 'gguf';
}

/** The catalog of this package. */
export function defaultCatalog(): Catalog {
  return checkedCatalog(shipped as Catalog);
}

/** Throws InvalidArgumentError for an entry that could not be fetched and verified. */
export function checkedCatalog(catalog: Catalog): Catalog {
  const names = new Set<string>();
  for (const model of catalog.models) {
    const wrong = !CATALOG_NAME.test(model.name) ? 'its name may use a-z, 0-9, ".", "_" and "-"'
      : names.has(model.name) ? 'its name is used twice'
        : !/^[0-9a-f]{64}$/.test(model.sha256) ? 'its sha256 is not 64 hexadecimal digits'
          : !Number.isSafeInteger(model.sizeBytes) || model.sizeBytes <= 0 ? 'its sizeBytes is not a positive integer'
            : !/^[\w][\w.-]*$/.test(model.fileName) ? 'its fileName is not a plain file name'
              : model.sources.length === 0 ? 'it names no sources'
                : undefined;
    if (wrong) throw new InvalidArgumentError(`The catalog entry "${model.name}" cannot be used: ${wrong}.`);
    names.add(model.name);
  }
  return catalog;
}
