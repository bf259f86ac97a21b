// Choosing a model: those there are, and where the page may, a file or an address of the reader's own.
import { useSignal } from '@preact/signals';
import { Check, CloudDownload, FileUp, HardDrive, Trash2 } from 'lucide-preact';
import type { ChatModel } from '../chat/backend.ts';
import { addModel, cancelOpening, openModel, removeModel } from '../chat/model-actions.ts';
import { backend, isModelDialogOpen, modelState, models, notice } from '../chat/state.ts';
import { Dialog } from './dialog.tsx';
import * as format from './format.ts';
import { Progress } from './progress.tsx';
import { ONLY_CONTINUES } from './welcome.tsx';

const close = (): void => { isModelDialogOpen.value = false; };

export function ModelDialog() {
  const state = modelState.value;
  return (
    <Dialog title="Models" onClose={close}>
      <ul class="model-list">{models.value.map((model) => <ModelItem key={model.id} model={model} />)}</ul>
      {models.value.length === 0 && <p class="quiet">There are no models yet.</p>}
      {state.status === 'failed' && <p class="failure" role="alert">{state.message}</p>}
      {backend.value?.addModel && <AddModel />}
      {state.status === 'open' && <OpenFacts />}
    </Dialog>
  );
}

function ModelItem({ model }: { model: ChatModel }) {
  const state = modelState.value;
  const isOpen = state.status === 'open' && state.model.id === model.id;
  const isOpening = state.status === 'opening' && state.id === model.id;
  const choose = async (): Promise<void> => {
    if (isOpen || await openModel(model.id)) close();
  };
  return (
    <li class={isOpen ? 'is-open' : ''}>
      <button class="choose" aria-pressed={isOpen} onClick={() => void choose()} disabled={isOpening}>
        <span class="name">{model.name}</span>
        {model.description && <span class="description">{model.description}</span>}
        <span class="where"><Where model={model} isOpen={isOpen} /></span>
      </button>
      {model.canRemove && (
        <button class="icon-button" aria-label={`Remove ${model.name} from this browser`}
          onClick={() => void removeModel(model.id).catch(tell)}><Trash2 size={16} /></button>
      )}
      {isOpening && (
        <div class="opening">
          <Progress progress={state.progress} />
          <button class="button" onClick={cancelOpening}>Cancel</button>
        </div>
      )}
    </li>
  );
}

function Where({ model: { isStored, isUnloaded, sizeBytes, numParameters }, isOpen }: { model: ChatModel; isOpen: boolean }) {
  const size = sizeBytes === undefined ? '' : format.bytes(sizeBytes);
  const facts = [size, numParameters !== undefined && format.parameters(numParameters), isUnloaded && 'not loaded: the first answer takes longer']
    .filter(Boolean).join(' · ');
  if (isOpen) return <><Check size={15} aria-hidden="true" /> In use{facts && ` · ${facts}`}</>;
  if (backend.value?.kind === 'server') return <>{facts}</>;
  return isStored
    ? <><HardDrive size={15} aria-hidden="true" /> {size} in this browser</>
    : <><CloudDownload size={15} aria-hidden="true" /> {size} to download</>;
}

function AddModel() {
  const address = useSignal('');
  const add = async (source: File | string): Promise<void> => {
    await addModel(source).catch(tell);
    if (modelState.value.status === 'open') close();
  };
  return (
    <div class="add-model">
      <label class="button">
        <FileUp size={16} aria-hidden="true" /> Open a GGUF file…
        <input class="visually-hidden" type="file" accept=".gguf" onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          if (file) void add(file);
        }} />
      </label>
      <form onSubmit={(event) => { event.preventDefault(); if (address.value.trim()) void add(address.value.trim()); }}>
        <input type="text" aria-label="Address of a model" placeholder="https://… or hf:user/repo:Q4_K_M" value={address}
          spellcheck={false} autocapitalize="off" onInput={(event) => { address.value = event.currentTarget.value; }} />
        <button class="button" type="submit" disabled={address.value.trim() === ''}>Add</button>
      </form>
    </div>
  );
}

function tell(error: unknown): void {
  notice.value = (error as Error).message;
}

function OpenFacts() {
  const state = modelState.value;
  if (state.status !== 'open') return null;
  const { contextLength, memoryBytes, threads, kernels, warnings, onlyContinues } = state.model;
  const facts: (readonly [string, string | undefined])[] = [
    ['Context', contextLength === undefined ? undefined : `${format.tokens(contextLength)} tokens`],
    ['Memory', memoryBytes === undefined ? undefined : format.bytes(memoryBytes)],
    ['Threads', threads?.toString()],
    ['Kernels', kernels],
  ];
  return (
    <div class="open-facts">
      <dl>{facts.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {onlyContinues && <p class="warning">{ONLY_CONTINUES}</p>}
      {warnings.map((warning) => <p class="warning" key={warning}>{warning}</p>)}
    </div>
  );
}
