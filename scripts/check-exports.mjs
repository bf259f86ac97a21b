// Compares jsr.json with package.json, and both with what was built; prints what is wrong and exits with 1 then.
//   node scripts/check-exports.mjs      (needs a build)
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from './command-line.mjs';

parseArgs();
const root = new URL('../', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, root), 'utf8'));
const [npm, jsr] = [read('package.json'), read('jsr.json')];
const problems = [];

for (const key of ['name', 'version', 'license']) {
  if (npm[key] !== jsr[key]) problems.push(`${key}: "${npm[key]}" in package.json, "${jsr[key]}" in jsr.json`);
}
for (const [name, range] of Object.entries({ ...npm.dependencies, ...npm.peerDependencies })) {
  if (jsr.imports[name] !== `npm:${name}@${range}`) problems.push(`jsr.json does not import ${name} as npm:${name}@${range}`);
}
const targetOf = (target) => (typeof target === 'string' ? target : target.default);
const modules = Object.entries(npm.exports).filter(([, target]) => targetOf(target).endsWith('.js'));
// A registry without conditions has one entry for all: the one that asks nothing of the runtime.
for (const [subpath, target] of modules) {
  if (jsr.exports[subpath] !== targetOf(target)) {
    problems.push(`${subpath}: ${targetOf(target)} in package.json, ${jsr.exports[subpath]} in jsr.json`);
  }
}
for (const subpath of Object.keys(jsr.exports)) {
  if (!modules.some(([name]) => name === subpath)) problems.push(`${subpath}: in jsr.json only`);
}
const files = Object.values(npm.exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
for (const file of new Set([...files, ...Object.values(npm.bin)])) {
  // The quick build makes no declarations.
  const isBuilt = !file.startsWith('./dist/types/') || existsSync(new URL('dist/types', root));
  if (isBuilt && !existsSync(new URL(file, root))) problems.push(`${file} was not built`);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
