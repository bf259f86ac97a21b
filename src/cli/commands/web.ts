// clawdbot web: the chat page with the engine in the browser, and the models that it may load from here.
import { fileURLToPath } from 'node:url';
import { command } from '../command.ts';
import { fetchModel } from '../load.ts';
import { integer, text, texts } from '../options.ts';
import { print, printJson } from '../output.ts';
import { servePageWithModels } from '../page-server.ts';
import type { OfferedModel } from '../page-server.ts';
import { DEFAULT_MODEL, EVERYWHERE, JSON_OUTPUT, SOURCE } from '../shared-options.ts';
import { untilStopped } from '../until-stopped.ts';

export const web = command({
  name: 'web',
  summary: 'Chat in the browser: the page computes by itself, later also offline',
  usage: '[MODEL …] [OPTIONS]',
  notes: 'Each MODEL is a reference as for run; the page fetches it from here and keeps it. Nothing that is written there comes back.',
  examples: ['clawdbot web', 'clawdbot web smollm2 ./other.gguf --port 9000'],
  options: {
    host: text({ value: 'ADDRESS', help: 'Address to listen on (127.0.0.1). Browsers trust plain http: from this machine only' }),
    port: integer({ min: 0, max: 65535 }, { short: 'p', help: 'Port; 0 takes a free one (8090)' }),
    allowedHost: texts({ value: 'NAME', help: 'Host name to answer to (localhost, 127.0.0.1). Repeatable' }),
    ...JSON_OUTPUT,
    ...SOURCE,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    const { stdout } = surroundings;
    const models: OfferedModel[] = [];
    for (const reference of positionals.length > 0 ? positionals : [DEFAULT_MODEL]) {
      models.push(await fetchModel(reference, options, surroundings));
    }
    const { host = '127.0.0.1', port = 8090, allowedHost: allowedHosts } = options;
    const server = await servePageWithModels(fileURLToPath(new URL('./web', import.meta.url)), models, { host, port, allowedHosts });
    const names = models.map(({ name }) => name);
    if (options.json) await printJson(stdout, { url: server.url, models: names });
    else await print(stdout, `The chat page is at ${server.url} and offers ${names.join(', ')}. Ctrl-C stops.\n`);
    await untilStopped(surroundings);
    await server.close();
  },
});
