// Renews the README's table of runtimes and features from what the contract said in each (build/contract/, written by the tests):
//   npm run test:runtimes; node scripts/runtime-matrix.mjs
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from './command-line.mjs';

const ORDER = ['Node 20', 'Node 22', 'Node 26', 'Deno 2.9', 'Bun 1.4', 'Chromium', 'Chromium, not isolated', 'workerd', 'no workers'];
const FOLDER = new URL('../build/contract/', import.meta.url);
const README = new URL('../README.md', import.meta.url);

parseArgs();
const written = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')));
const reports = ORDER.map((runtime) => {
  const report = written.find((other) => other.runtime === runtime);
  if (!report) throw new Error(`There is no report of ${runtime}: run its tests (npm run test:runtimes) first.`);
  return report;
});
// Reports of another day's tests would put cells into the table that nothing stands behind.
const namesOf = ({ outcomes }) => outcomes.map(({ name }) => name).join('\n');
const old = reports.find((report) => namesOf(report) !== namesOf(reports[0]));
if (old) throw new Error(`The report of ${old.runtime} is of other tests than that of ${reports[0].runtime}: run both again.`);
const features = Object.keys(reports[0].cells);
const rows = features.map((feature) => [feature, ...reports.map(({ cells }) => cells[feature])]);
const head = ['feature', ...reports.map(({ runtime }) => runtime)];
const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const reasons = [...new Set(reports.flatMap(({ runtime, outcomes }) => outcomes
  .filter(({ status }) => status === 'lacking').map(({ feature, reason }) => `- ${runtime}, ${feature}: ${reason}`)))];
// `no workers` is the Node that runs the tests.
const versions = `Versions: ${reports.filter(({ runtime }) => runtime !== 'no workers').map(({ runtime, version }) => `${runtime.replace(/ [\d.]+$/, '')} ${version}`).join(', ')}.`;
const text = [table, versions, ...(reasons.length > 0 ? [reasons.join('\n')] : [])].join('\n\n');
const readme = readFileSync(README, 'utf8');
writeFileSync(README, readme.replace(/(<!-- runtimes:begin[^\n]*\n)[\s\S]*?(\n?<!-- runtimes:end)/, `$1\n${text}\n$2`));
