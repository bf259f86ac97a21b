// Asks /health over and over, on a thread of its own so that the clients' work is not in its times, and in turn an idle server
// that does nothing else, which says how long this machine lets any process wait. workerData: { url, everyMs }.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const agent = new http.Agent({ keepAlive: true });
const times = { server: [], idle: [] };
const idle = spawn(process.execPath, ['-e', `
  const server = require('node:http').createServer((_, response) => response.end('{"status":"ok"}'));
  server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port));
`], { stdio: ['ignore', 'pipe', 'inherit'] });
const [idleUrl] = await once(idle.stdout.setEncoding('utf8'), 'data');
let stopping = false;
parentPort.once('message', () => (stopping = true));

function ask(url) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    http.get(`${url}/health`, { agent }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - startedAt);
        else reject(new Error(`/health answered ${response.statusCode}`));
      });
    }).on('error', reject);
  });
}

// The first one connects and compiles.
await ask(workerData.url);
await ask(idleUrl.trim());
while (!stopping) {
  times.server.push(await ask(workerData.url));
  times.idle.push(await ask(idleUrl.trim()));
  await new Promise((resolve) => setTimeout(resolve, workerData.everyMs));
}
agent.destroy();
idle.kill();
parentPort.postMessage(times);
