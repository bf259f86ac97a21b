// The chat page's build refuses to go on where it does not find what it takes out.
import { describe, expect, it } from 'vitest';
import { withoutWorkerText } from '../../web/without-worker-text.ts';

describe('the text of the engine’s worker', () => {
  const CHUNK = '/somewhere/dist/chunks/browser-worker-HWYGFCDL.js';

  it('is left out', () => {
    const plugin = withoutWorkerText();
    expect([plugin.load(CHUNK), plugin.load('/somewhere/dist/chunks/chunk-HWYGFCDL.js')]).toEqual([expect.stringContaining('export default'), undefined]);
    expect(() => plugin.generateBundle()).not.toThrow();
  });

  it('is an error of the build where no file has its name', () => {
    const plugin = withoutWorkerText();
    plugin.load('/somewhere/dist/chunks/worker-of-browsers.js');
    expect(() => plugin.generateBundle()).toThrow('browser-worker');
  });
});
