// What an empty conversation shows: where the model is, and ways to begin.
import { Lightbulb, ListChecks, PenLine, Sigma } from 'lucide-preact';
import { cancelOpening, openModel } from '../chat/model-actions.ts';
import { send } from '../chat/reply-actions.ts';
import { backend, isModelDialogOpen, modelState } from '../chat/state.ts';
import { Progress } from './progress.tsx';

export const ONLY_CONTINUES = 'This model has no chat template: it only continues text, and may not answer.';

const SUGGESTIONS: readonly (readonly [typeof Lightbulb, string])[] = [
  [Lightbulb, 'Explain how a transformer language model works, in simple words.'],
  [PenLine, 'Write a short, polite e-mail that declines a meeting.'],
  [ListChecks, 'Make a checklist for a weekend trip to the mountains.'],
  [Sigma, 'What is the difference between median and mean? Give an example.'],
];

export function Welcome() {
  const state = modelState.value;
  return (
    <div class="welcome">
      <img src="./icon.svg" alt="" width="56" height="56" />
      <h1>What can I do for you?</h1>
      {backend.value && <p>{backend.value.kind === 'browser'
        ? 'The model runs in this page, on your machine. Nothing you write leaves it.'
        : 'The model runs on your server. Conversations are kept in this browser only.'}</p>}
      {state.status === 'opening' && (
        <div class="welcome-model">
          <Progress progress={state.progress} />
          <button class="button" onClick={cancelOpening}>Cancel</button>
        </div>
      )}
      {state.status === 'failed' && (
        <div class="welcome-model" role="alert">
          <p class="failure">{state.message}</p>
          <button class="button" onClick={() => void openModel(state.id)}>Try again</button>
        </div>
      )}
      {(state.status === 'none' || state.status === 'failed') && backend.value && (
        <button class="button primary" onClick={() => { isModelDialogOpen.value = true; }}>Choose a model</button>
      )}
      {state.status === 'open' && state.model.onlyContinues && <p class="warning">{ONLY_CONTINUES}</p>}
      {state.status === 'open' && (
        <ul class="suggestions">
          {SUGGESTIONS.map(([Icon, text]) => (
            <li key={text}><button onClick={() => send(text)}><Icon size={18} aria-hidden="true" /> <span>{text}</span></button></li>
          ))}
        </ul>
      )}
    </div>
  );
}
