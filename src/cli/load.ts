// Gets a command its model: with progress on stderr, options from the command line, and an end that is never forgotten.
import type { LoadOptions, LoadProgress } from '../engine/load/load-types.ts';
import { UnsupportedModelError } from '../errors.ts';
import type { GgufFile } from '../gguf/reader.ts';
import { readGgufParts } from '../gguf/split.ts';
import { openFiles } from '../platform/node-file.ts';
import { resolveModel } from '../sources/resolve.ts';
import type { ResolvedModel } from '../sources/resolve.ts';
import type { CliEngine, Surroundings } from './command.ts';
import type { Values } from './options.ts';
import { withFlags } from './flag-names.ts';
import { printable } from './format.ts';
import { createProgressBar } from './progress-bar.ts';
import type { ProgressBar } from './progress-bar.ts';
import { DEFAULT_MODEL, loadOptionsFrom } from './shared-options.ts';
import type { ENGINE, MODEL, SOURCE } from './shared-options.ts';

type EngineValues =
  Partial<Values<typeof ENGINE & typeof MODEL>> & Pick<LoadOptions, 'prefixCacheBytes'> & { readonly draftModel?: string };
type SourceValues = Partial<Values<typeof SOURCE>> & { readonly anyFormat?: boolean };

/** Loads the model, lets `use` work with it, and frees it whatever happens. */
export async function withEngine<T>(
  values: EngineValues,
  surroundings: Surroundings,
  use: (engine: CliEngine) => Promise<T>,
): Promise<T> {
  const progress = progressFor(surroundings);
  let engine: CliEngine;
  try {
    engine = await surroundings.loadEngine(values.model ?? DEFAULT_MODEL, {
      ...loadOptionsFrom(values),
      signal: surroundings.signal,
      onProgress: progress.update,
    });
  } finally {
    progress.finish();
  }
  try {
    const { warnings, chatTemplateWarning } = engine.model;
    // How conversations are written is said where there is one.
    for (const warning of warnings.filter((each) => each !== chatTemplateWarning)) {
      surroundings.stderr.write(`warning: ${printable(withFlags(warning, ''))}\n`);
    }
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

/** Says how conversations are written where the model itself does not. */
export function warnOfFallbackTemplate({ model }: CliEngine, { stderr }: Surroundings): void {
  if (model.chatTemplateWarning) stderr.write(`warning: ${printable(model.chatTemplateWarning)}\n`);
}

/** The files of a model, fetched where they are not here yet. */
export async function fetchModel(
  reference: string,
  values: SourceValues,
  surroundings: Surroundings,
): Promise<ResolvedModel> {
  const progress = progressFor(surroundings);
  try {
    return await resolveModel(reference, {
      cacheDir: values.cacheDir,
      offline: values.offline,
      anyFormat: values.anyFormat,
      env: surroundings.env,
      signal: surroundings.signal,
      onProgress: progress.update,
    });
  } finally {
    progress.finish();
  }
}

export interface ModelHeader {
  readonly resolved: ResolvedModel;
  readonly file: GgufFile;
}

/** Metadata and tensor table of a model, without loading it: vocabulary-only files will do. */
export async function readHeader(
  reference: string,
  values: SourceValues,
  surroundings: Surroundings,
): Promise<ModelHeader> {
  const resolved = await fetchModel(reference, values, surroundings);
  if (resolved.format !== 'gguf') {
    throw new UnsupportedModelError(`${resolved.name} is a ${resolved.format} model; this command reads GGUF files.`);
  }
  const sources = await openFiles(resolved.files);
  try {
    return { resolved, file: await readGgufParts(sources, { signal: surroundings.signal }) };
  } finally {
    await Promise.all(sources.map((source) => source.close()));
  }
}

/** A bar on a terminal; elsewhere only downloads are worth a line. */
function progressFor({ stderr }: Surroundings): ProgressBar {
  const bar = createProgressBar({ output: stderr });
  if (stderr.isTTY) return bar;
  return { ...bar, update: (progress) => (progress as LoadProgress).phase === 'download' && bar.update(progress) };
}
