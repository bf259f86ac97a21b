// The service worker: keeps the page's files for when there is no network, and adds the headers that isolate the page (so that
// threads may share memory) on hosts that do not send them. The build fills in the list of files and their version.
const FILES = __FILES__;
const CACHE = 'clawdbot-page-__VERSION__';

const ISOLATING = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const SCOPE = self.registration.scope;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'reload' }))))
    .then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const removeOld = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith('clawdbot-page-') && name !== CACHE).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(removeOld());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const path = request.url.startsWith(SCOPE) ? request.url.slice(SCOPE.length).replace(/[?#].*/, '') : undefined;
  if (request.method !== 'GET' || path === undefined) return;
  const name = (request.mode === 'navigate' && path === '') || path === 'index.html' ? './' : path;
  if (!FILES.includes(name)) return;
  // Hashed names never change; whatever else does is asked for first.
  event.respondWith(name.startsWith('assets/') ? keptFirst(request) : networkFirst(request, name));
});

async function keptFirst(request) {
  return isolated(await caches.match(request, { ignoreVary: true }) ?? await fetch(request));
}

async function networkFirst(request, name) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (!response.ok) return isolated(response);
    await cache.put(name, response.clone());
    return isolated(response);
  } catch (error) {
    const kept = await cache.match(name, { ignoreVary: true });
    if (!kept) throw error;
    return isolated(kept);
  }
}

function isolated(response) {
  if (response.type === 'opaque' || response.type === 'error') return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATING)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
