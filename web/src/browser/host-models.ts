// The models that the page's host offers: models.json beside the page, which `clawdbot web` answers with those it was started for.

export interface HostModel {
  /** What the engine loads: a name of the catalog, hf:user/repo, or an address relative to the page. */
  readonly reference: string;
  readonly name: string;
  readonly description?: string;
  readonly sizeBytes?: number;
}

/** Entries that are none are left out; a host without such a file offers none. */
export async function hostModels(): Promise<readonly HostModel[]> {
  const response = await fetch(new URL('models.json', document.baseURI)).catch(() => undefined);
  if (!response?.ok) return [];
  const { models } = await response.json().catch(() => ({})) as { models?: unknown };
  return Array.isArray(models) ? models.filter(isHostModel) : [];
}

function isHostModel(model: unknown): model is HostModel {
  const { reference, name } = (model ?? {}) as Partial<Record<string, unknown>>;
  return typeof reference === 'string' && typeof name === 'string';
}
