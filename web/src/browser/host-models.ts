// The models that the page's host offers: models.json beside the page, which `clawdbot web` answers with those it was started for.

export interface HostModel {
  /** What the engine loads: a name of the catalog, hf:user/repo, or an address relative to the page. */
  readonly reference: string;
  readonly name: string;
  readonly description?: string;
  readonly sizeBytes?: number;
}

export interface HostOffer {
  readonly models: readonly HostModel[];
  /** May be an OpenAI-compatible server as well. False where the host says `"server": false`: asking it would be an error in the console. */
  readonly mayServe: boolean;
}

/** Entries that are no models are left out; a host without such a file offers none. */
export async function hostOffer(): Promise<HostOffer> {
  const response = await fetch(new URL('models.json', document.baseURI)).catch(() => undefined);
  const { models, server } = (response?.ok ? await response.json().catch(() => ({})) : {}) as { models?: unknown; server?: unknown };
  return { models: Array.isArray(models) ? models.filter(isHostModel) : [], mayServe: server !== false };
}

function isHostModel(model: unknown): model is HostModel {
  const { reference, name } = (model ?? {}) as Partial<Record<string, unknown>>;
  return typeof reference === 'string' && typeof name === 'string';
}
