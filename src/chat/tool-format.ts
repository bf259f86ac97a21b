// How a model is made to write tool calls: by its template's dialect, or in Hermes' form where the template knows no tools, or none
// of the dialects.
import { toolDialect } from './tool-calls.ts';
import type { ToolDialect } from './tool-calls.ts';

export interface ToolFormat {
  readonly dialect: ToolDialect;
  /** The template writes tools, calls and results itself, in this dialect; otherwise they are told in words. */
  readonly isKnownToTemplate: boolean;
  /** What stands before a call and after it; '' for nothing. */
  readonly opening: string;
  readonly closing: string;
  /** `[ARGS]` where a call is its name, this and the arguments; otherwise it is an object. */
  readonly named?: string;
  /** `[CALL_ID]` where an id may stand between such a call's name and its arguments. */
  readonly callId?: string;
  /** An answer that begins as a call does is one, also without `opening`. */
  readonly isBare: boolean;
  /** How several calls stand: each with its marks, in a JSON list, or not at all. */
  readonly several: 'marked' | 'list' | 'never';
  /** The name of an object's arguments. */
  readonly argumentsKey: 'arguments' | 'parameters';
}

const HERMES: Omit<ToolFormat, 'isKnownToTemplate'> = {
  dialect: 'hermes', opening: '<tool_call>', closing: '</tool_call>', isBare: false, several: 'marked', argumentsKey: 'arguments',
};

/** What a template shows that asks for calls as JSON objects, and that it wants them in marks of its own. */
const SHOWS_OBJECT = /\\?["']name\\?["']\s*:.{0,60}?\\?["'](?:arguments|parameters)\\?["']\s*:/s;
const SHOWS_MARK = /<tool_?calls?>/i;

export function toolFormat(template: string): ToolFormat {
  const dialect = toolDialect(template);
  const isKnown = /\btools\b/.test(template) && (dialect !== 'json' || (SHOWS_OBJECT.test(template) && !SHOWS_MARK.test(template)));
  if (!isKnown) return { ...HERMES, isKnownToTemplate: false };
  const shared = { dialect, isKnownToTemplate: true, closing: '' } as const;
  switch (dialect) {
    case 'hermes': return { ...HERMES, isKnownToTemplate: true };
    // Its template takes one call a turn.
    case 'llama3': return { ...shared, opening: '<|python_tag|>', isBare: true, several: 'never', argumentsKey: 'parameters' };
    case 'mistral': return template.includes('[ARGS]')
      ? {
        ...shared, opening: '[TOOL_CALLS]', named: '[ARGS]', isBare: false, several: 'marked', argumentsKey: 'arguments',
        ...(template.includes('[CALL_ID]') && { callId: '[CALL_ID]' }),
      }
      : { ...shared, opening: '[TOOL_CALLS]', isBare: false, several: 'list', argumentsKey: 'arguments' };
    case 'json': return { ...shared, opening: '', isBare: true, several: 'list', argumentsKey: 'arguments' };
  }
}
