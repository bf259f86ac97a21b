// Real models for tests, fetched through the resolver that users use. Where none is reachable the tests that need one
// are skipped by name; with CI=true that is a failure.
import { resolveModel } from '../../src/sources/resolve.ts';
import { fixture, fixturesDir } from './fixtures.ts';

/** Path of a catalog model, or undefined where it cannot be had. */
export async function realModel(name: string): Promise<string | undefined> {
  try {
    return (await resolveModel(name, {})).files[0];
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    console.warn(`${name} is not available, its tests are skipped: ${(error as Error).message}`);
    return undefined;
  }
}

/** Path of a text from the reference data, or undefined where there is none. */
export function referenceText(name: string): string | undefined {
  return fixturesDir() === undefined ? undefined : fixture('text', name);
}
