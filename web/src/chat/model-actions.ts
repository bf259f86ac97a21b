// Choosing a model: listing what there is, opening one, adding and removing.
import { ChatError } from './backend.ts';
import type { OpenModel } from './backend.ts';
import { inWords } from './failures.ts';
import { readPreference, writePreference } from './preferences.ts';
import { announcement, backend, keyRequest, modelState, models, notice } from './state.ts';

/** Asks the backend what there is; where the last used model is there at no cost, it is opened again. */
export async function refreshModels(): Promise<void> {
  try {
    models.value = await backend.value!.listModels();
    keyRequest.value = undefined;
  } catch (error) {
    if (error instanceof ChatError && error.code === 'unauthorized') askForKey();
    else notice.value = (error as Error).message;
    return;
  }
  if (modelState.value.status !== 'none') return;
  const wanted = models.value.find(({ id }) => id === readPreference('modelId'));
  const free = backend.value!.kind === 'server' ? wanted ?? models.value[0] : wanted?.isStored ? wanted : undefined;
  if (free) await openModel(free.id);
}

/** Again after a key that was not the right one. */
export function askForKey(): void {
  keyRequest.value = readPreference('apiKey') === '' ? 'asked' : 'refused';
}

/** Resolves with the model, or undefined when it cannot be had; the state says why. */
export async function openModel(id: string): Promise<OpenModel | undefined> {
  if (modelState.value.status === 'opening') modelState.value.controller.abort();
  const controller = new AbortController();
  const isCurrent = (): boolean => modelState.value.status === 'opening' && modelState.value.controller === controller;
  modelState.value = { status: 'opening', id, controller, progress: { label: 'Opening', loadedBytes: 0 } };
  try {
    const model = await backend.value!.open(id, (progress) => {
      if (isCurrent()) modelState.value = { status: 'opening', id, controller, progress };
    }, controller.signal);
    if (!isCurrent()) return undefined;
    modelState.value = { status: 'open', model };
    announcement.value = `${model.name} is ready.`;
    writePreference('modelId', id);
    models.value = await backend.value!.listModels();
    return model;
  } catch (error) {
    if (!isCurrent()) return undefined;
    modelState.value = controller.signal.aborted
      ? { status: 'none' }
      : { status: 'failed', id, message: inWords(error) };
    return undefined;
  }
}

/** What a server knows of a model only since it was first asked. */
export async function learnMore(): Promise<void> {
  const state = modelState.value;
  if (state.status !== 'open' || state.model.contextLength !== undefined || backend.value!.kind !== 'server') return;
  models.value = await backend.value!.listModels();
  const model = await backend.value!.open(state.model.id, () => undefined, new AbortController().signal);
  if (modelState.value === state) modelState.value = { status: 'open', model };
}

export function cancelOpening(): void {
  if (modelState.value.status === 'opening') modelState.value.controller.abort();
}

export async function addModel(source: File | string): Promise<void> {
  const added = await backend.value!.addModel!(source);
  models.value = await backend.value!.listModels();
  await openModel(added.id);
}

export async function removeModel(id: string): Promise<void> {
  await backend.value!.removeModel!(id);
  const state = modelState.value;
  if (state.status === 'open' && state.model.id === id) modelState.value = { status: 'none' };
  models.value = await backend.value!.listModels();
}
