// A whole process for one token: loads a model, prefills, says "token" and waits to be ended.
//   node cold.mjs SIDE '{"model", "threads", "contextLength", "prompt"}'
const [name, options] = process.argv.slice(2);
const { prompt, ...loadOptions } = JSON.parse(options);
const { load } = await import(`./${name}.mjs`);
const loaded = await load(loadOptions);
await loaded.measure(prompt, 1);
process.stdout.write('token\n');
setInterval(() => undefined, 1000);
