// Draws formulas as MathML, by Temml: fetched with the first formula, whose source is shown until then.
import { signal } from '@preact/signals';
import type Temml from 'temml';

const LONGEST_FORMULA = 4000;

const temml = signal<typeof Temml | undefined>(undefined);
let loading: Promise<void> | undefined;

/** Whether formulas can be drawn; a component that asks is drawn again when they can. */
export const canDrawMath = (): boolean => temml.value !== undefined;

/** Replaces the formulas in `element` that can be read; others stay as they were written. */
export function drawMath(element: HTMLElement): void {
  const found = element.querySelectorAll<HTMLElement>('[data-math]');
  if (found.length === 0) return;
  const { value } = temml;
  if (value === undefined) {
    // Without a network, formulas stay as they are.
    loading ??= import('temml').then((module) => { temml.value = module.default; }, () => undefined);
    return;
  }
  for (const place of found) {
    const formula = place.title;
    if (formula === '' || formula.length > LONGEST_FORMULA) continue;
    const drawn = document.createElement('span');
    try {
      value.render(formula, drawn, { displayMode: place.dataset['math'] === 'display', throwOnError: true, trust: false, maxExpand: 100 });
    } catch {
      continue;
    }
    defuse(drawn);
    place.replaceChildren(...drawn.childNodes);
  }
}

/** \label names elements as the page's own may be named, and \ref leads to a name, which here would be another conversation. */
function defuse(drawn: HTMLElement): void {
  for (const named of drawn.querySelectorAll('[id]')) named.removeAttribute('id');
  for (const link of drawn.querySelectorAll('a')) link.replaceWith(...link.childNodes);
}
