// The shown conversation's settings: system prompt and sampling. New conversations start with what was set last.
import { RotateCcw, X } from 'lucide-preact';
import { changeSettings } from '../chat/conversation-actions.ts';
import { DEFAULT_SETTINGS } from '../chat/conversation.ts';
import type { ChatSettings } from '../chat/conversation.ts';
import { current, isSettingsOpen } from '../chat/state.ts';

type SliderName = 'temperature' | 'topP' | 'minP' | 'topK' | 'repetitionPenalty';

interface Slider {
  readonly name: SliderName;
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

const SLIDERS: readonly Slider[] = [
  { name: 'temperature', label: 'Temperature', hint: '0 is always the likeliest token; more is more varied', min: 0, max: 2, step: 0.05 },
  { name: 'topP', label: 'Top P', hint: 'Keep the likeliest tokens that make up this share; 1 keeps all', min: 0.05, max: 1, step: 0.05 },
  { name: 'topK', label: 'Top K', hint: 'Keep this many of the likeliest tokens; 0 keeps all', min: 0, max: 200, step: 1 },
  { name: 'minP', label: 'Min P', hint: 'Drop tokens below this share of the likeliest', min: 0, max: 0.5, step: 0.01 },
  { name: 'repetitionPenalty', label: 'Repetition penalty', hint: '1 is none', min: 1, max: 1.5, step: 0.01 },
];

export function SettingsPanel() {
  if (!isSettingsOpen.value) return null;
  const { settings } = current.value;
  return (
    <aside class="settings" aria-label="Settings">
      <div class="settings-head">
        <h2>Settings</h2>
        <button class="icon-button" aria-label="Back to the defaults" title="Back to the defaults"
          onClick={() => changeSettings({ ...DEFAULT_SETTINGS, maxTokens: undefined, seed: undefined })}><RotateCcw size={16} /></button>
        <button class="icon-button" aria-label="Close settings" onClick={() => { isSettingsOpen.value = false; }}><X size={18} /></button>
      </div>
      <label class="field">
        <span>System prompt</span>
        <textarea rows={5} value={settings.systemPrompt} placeholder="How the model should behave"
          onInput={(event) => changeSettings({ systemPrompt: event.currentTarget.value })} />
      </label>
      {SLIDERS.map((slider) => <SliderField key={slider.name} slider={slider} value={settings[slider.name]} />)}
      <CountField name="maxTokens" label="Longest answer" hint="Tokens; empty is as long as the context" value={settings.maxTokens} min={1} />
      <CountField name="seed" label="Seed" hint="The same seed gives the same answer; empty is random" value={settings.seed} min={0} />
    </aside>
  );
}

function SliderField({ slider: { name, label, hint, ...range }, value }: { slider: Slider; value: number }) {
  return (
    <label class="field">
      <span>{label} <span class="value">{value}</span></span>
      <input type="range" {...range} value={value} aria-label={label} aria-describedby={`hint-${name}`}
        onInput={(event) => changeSettings({ [name]: event.currentTarget.valueAsNumber })} />
      <small id={`hint-${name}`}>{hint}</small>
    </label>
  );
}

interface CountProperties {
  readonly name: keyof Pick<ChatSettings, 'maxTokens' | 'seed'>;
  readonly label: string;
  readonly hint: string;
  readonly value: number | undefined;
  readonly min: number;
}

function CountField({ name, label, hint, value, min }: CountProperties) {
  return (
    <label class="field">
      <span>{label}</span>
      <input type="number" min={min} step={1} value={value ?? ''} aria-label={label} aria-describedby={`hint-${name}`} onInput={(event) => {
        const count = event.currentTarget.valueAsNumber;
        changeSettings({ [name]: Number.isInteger(count) && count >= min ? count : undefined });
      }} />
      <small id={`hint-${name}`}>{hint}</small>
    </label>
  );
}
