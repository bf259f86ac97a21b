// The bar above the conversation: the model, how full its context is, and the way to the settings.
import { ChevronDown, PanelLeft, SlidersHorizontal } from 'lucide-preact';
import { shownMessages } from '../chat/conversation.ts';
import { backend, current, isModelDialogOpen, isSettingsOpen, isSidebarOpen, modelState } from '../chat/state.ts';
import * as format from './format.ts';

export function Header() {
  return (
    <header class="header">
      <button class="icon-button" aria-label="Conversations" aria-expanded={isSidebarOpen.value}
        onClick={() => { isSidebarOpen.value = !isSidebarOpen.value; }}><PanelLeft size={20} /></button>
      <button class="model-button" aria-haspopup="dialog" onClick={() => { isModelDialogOpen.value = true; }}>
        <ModelName /> <ChevronDown size={16} aria-hidden="true" />
      </button>
      <span class="spacer" />
      <ContextMeter />
      <button class="icon-button" aria-label="Settings" aria-expanded={isSettingsOpen.value}
        onClick={() => { isSettingsOpen.value = !isSettingsOpen.value; }}><SlidersHorizontal size={20} /></button>
    </header>
  );
}

function ModelName() {
  const state = modelState.value;
  if (state.status === 'open') return <span class="model-name" translate={false}>{state.model.name}</span>;
  if (state.status === 'opening') {
    const { loadedBytes, totalBytes, label } = state.progress;
    return <span class="model-name">{label}{totalBytes ? ` ${format.percent(loadedBytes / totalBytes)}` : '…'}</span>;
  }
  return <span class="model-name">{backend.value ? 'Choose a model' : 'Starting…'}</span>;
}

/** Tokens of the conversation as of its last reply, of those that the model can see at once. */
function ContextMeter() {
  const state = modelState.value;
  const contextLength = state.status === 'open' ? state.model.contextLength : undefined;
  const stats = shownMessages(current.value).findLast((message) => message.stats?.promptTokens !== undefined)?.stats;
  if (contextLength === undefined || stats === undefined) return null;
  const used = stats.promptTokens! + (stats.newTokens ?? 0);
  const share = Math.min(1, used / contextLength);
  const text = `${stats.isEstimate ? 'about ' : ''}${format.tokens(used)} of ${format.tokens(contextLength)} tokens of context`;
  return (
    <div class={`context-meter${share > 0.85 ? ' is-full' : ''}`} title={text}>
      <svg width="20" height="20" viewBox="0 0 20 20" role="meter" aria-label="Context used" aria-valuemin={0}
        aria-valuemax={contextLength} aria-valuenow={Math.min(used, contextLength)} aria-valuetext={text}>
        <circle class="track" cx="10" cy="10" r="7.5" />
        <circle class="fill" cx="10" cy="10" r="7.5" pathLength="100" stroke-dasharray={`${share * 100} 100`} />
      </svg>
      <span aria-hidden="true">{format.tokens(used)} / {format.tokens(contextLength)}</span>
    </div>
  );
}
