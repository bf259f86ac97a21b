// Renews the README's table of runtimes and features from what the contract said in each (build/contract/, written by the tests):
//   npm run test:runtimes; node scripts/runtime-matrix.mjs
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

const ORDER = ['Node 20', 'Node 22', 'Node 26', 'Deno 2.9', 'Bun 1.4', 'Chromium', 'Chromium, not isolated', 'workerd', 'no workers'];
const FOLDER = new URL('../build/contract/', import.meta.url);
const README = new URL('../README.md', import.meta.url);

const reports = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')))
  .filter(({ runtime }) => ORDER.includes(runtime))
  .sort((a, b) => ORDER.indexOf(a.runtime) - ORDER.indexOf(b.runtime));
const features = [...new Set(reports[0].outcomes.map(({ feature }) => feature))];

function cell({ outcomes }, feature) {
  const statuses = outcomes.filter((outcome) => outcome.feature === feature).map(({ status }) => status);
  if (statuses.includes('failed')) return 'fails';
  return statuses.length > 0 && statuses.every((status) => status === 'passed') ? 'yes' : 'no';
}

const rows = features.map((feature) => [feature, ...reports.map((report) => cell(report, feature))]);
const head = ['feature', ...reports.map(({ runtime }) => runtime)];
const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const reasons = [...new Set(reports.flatMap(({ runtime, outcomes }) => outcomes
  .filter(({ status }) => status === 'skipped').map(({ feature, reason }) => `- ${runtime}, ${feature}: ${reason}`)))];
// `no workers` is the Node that runs the tests.
const versions = `Versions: ${reports.filter(({ runtime }) => runtime !== 'no workers').map(({ runtime, version }) => `${runtime.replace(/ [\d.]+$/, '')} ${version}`).join(', ')}.`;
const text = [table, versions, ...(reasons.length > 0 ? [reasons.join('\n')] : [])].join('\n\n');
const readme = readFileSync(README, 'utf8');
writeFileSync(README, readme.replace(/(<!-- runtimes:begin[^\n]*\n)[\s\S]*?(\n?<!-- runtimes:end)/, `$1\n${text}\n$2`));
