// Makes the page usable without a network after its first visit, and isolated on hosts that cannot send headers.

const RELOADED = 'clawdbot.reloaded-to-isolate';

/** Registers the service worker. Where that alone can isolate the page, the page is loaded again, once, before it is used. */
export async function stayUsableOffline(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  await navigator.serviceWorker.register(new URL('sw.js', document.baseURI));
  if (globalThis.crossOriginIsolated || sessionStorage.getItem(RELOADED)) return;
  await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) {
    await new Promise<void>((resolve) => navigator.serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true }));
  }
  sessionStorage.setItem(RELOADED, 'yes');
  location.reload();
}
