// Builds the chat page into the package's dist/web: relative addresses, so that it runs under any path, and no inline code.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';
import { withoutWorkerText } from './without-worker-text.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Writes sw.js, which knows by name whatever else was built. */
function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    generateBundle(_, bundle) {
      const built = Object.keys(bundle).filter((name) => name !== 'index.html');
      const files = ['./', ...built, ...readdirSync(here('public'))].sort();
      const source = readFileSync(here('src/service-worker.js'), 'utf8');
      const hash = createHash('sha256').update(source);
      for (const output of Object.values(bundle)) hash.update('code' in output ? output.code : output.source);
      const version = hash.digest('hex').slice(0, 12);
      this.emitFile({ type: 'asset', fileName: 'sw.js', source: source.replace('__FILES__', JSON.stringify(files)).replace('__VERSION__', version) });
    },
  };
}

/** Whose work each file contains, which minifying leaves out. */
const NOTICES: Readonly<Record<string, string>> = {
  index: 'preact (MIT, Copyright 2015 Jason Miller), @preact/signals (MIT, Copyright 2022 Preact Team), marked (MIT, Copyright 2018 MarkedJS), ' +
    'DOMPurify (Apache-2.0 or MPL-2.0, Cure53 and other contributors), idb (ISC, Copyright 2016 Jake Archibald), ' +
    'eventsource-parser (MIT, Copyright 2026 Espen Hovlandsdal), Lucide (ISC, Copyright 2026 Lucide Icons and Contributors)',
  languages: 'highlight.js (BSD-3-Clause, Copyright 2006 Ivan Sagalaev)',
  temml: 'Temml (MIT, Copyright 2020 Ron Kok)',
};

export default defineConfig({
  base: './',
  plugins: [withoutWorkerText(), serviceWorker()],
  resolve: { alias: { '@clawdbot/runtime': here('../dist/browser.js') } },
  // Rolldown's own transform; the JSX runtime is the one of tsconfig.json.
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: ['chrome107', 'firefox104', 'safari16.4'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: { output: { postBanner: ({ name }) => (name in NOTICES ? `/*! Contains ${NOTICES[name]!}. */` : '') } },
  },
  worker: { format: 'es' },
});
