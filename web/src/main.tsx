// Starts the page: theme, backend, kept conversations, then the interface.
import { render } from 'preact';
import { loadConversations } from './chat/conversation-actions.ts';
import { refreshModels } from './chat/model-actions.ts';
import { backend, notice } from './chat/state.ts';
import { hasServer, serverBackend } from './server/server-backend.ts';
import './styles/index.css';
import { App } from './ui/app.tsx';
import { followTheme } from './ui/theme.ts';

followTheme();
render(<App />, document.getElementById('app')!);
await Promise.all([loadConversations(), chooseBackend()]).catch((error: unknown) => {
  notice.value = `The page could not start: ${(error as Error).message}`;
});

/** The server that the page comes from. */
async function chooseBackend(): Promise<void> {
  if (!(await hasServer())) throw new Error('it is made for a server that speaks the OpenAI API, and comes from none.');
  backend.value = serverBackend();
  await refreshModels();
}
