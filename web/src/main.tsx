// Starts the page: theme, backend, kept conversations, then the interface.
import { render } from 'preact';
import { followAddress } from './chat/address.ts';
import { hostOffer } from './browser/host-models.ts';
import { loadConversations } from './chat/conversation-actions.ts';
import { refreshModels } from './chat/model-actions.ts';
import { backend, notice } from './chat/state.ts';
import { hasServer, serverBackend } from './server/server-backend.ts';
import './styles/index.css';
import { App } from './ui/app.tsx';
import { followTheme } from './ui/theme.ts';

followTheme();
render(<App />, document.getElementById('app')!);
await Promise.all([loadConversations().then(followAddress), chooseBackend()]).catch((error: unknown) => {
  notice.value = `The page could not start: ${(error as Error).message}`;
});

/** The server that the page comes from; where it comes from none, the page computes itself. */
async function chooseBackend(): Promise<void> {
  const offer = await hostOffer();
  if (offer.mayServe && await hasServer()) {
    backend.value = serverBackend();
  } else {
    const [{ browserBackend }, { stayUsableOffline }] = await Promise.all([import('./browser/browser-backend.ts'), import('./browser/offline.ts')]);
    await stayUsableOffline().catch((error: unknown) => {
      notice.value = `Without a network the page will not open: ${(error as Error).message}`;
    });
    backend.value = browserBackend(offer.models);
  }
  await refreshModels();
}
