// Leaves the text of the engine's worker out of the page's build.

interface WithoutWorkerText {
  readonly name: string;
  readonly enforce: 'pre';
  load(id: string): string | undefined;
  generateBundle(): void;
}

/** The engine carries its worker's script as text for pages that name none; this one has it as a file. Fails the build where there is none. */
export function withoutWorkerText(): WithoutWorkerText {
  let isFound = false;
  return {
    name: 'without-worker-text',
    enforce: 'pre',
    load(id) {
      if (!/\/dist\/chunks\/browser-worker-\w+\.js$/.test(id)) return undefined;
      isFound = true;
      return "throw new Error('The page names its worker.'); export default '';";
    },
    generateBundle() {
      if (!isFound) throw new Error('No module of the engine is dist/chunks/browser-worker-….js: the page would carry the script of its worker as text besides.');
    },
  };
}
