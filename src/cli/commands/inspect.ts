// clawdbot inspect: what is in a model file, without loading it.
import { planLoad } from '../../engine/load/plan.ts';
import { nodePlatform } from '../../platform/node.ts';
import { command } from '../command.ts';
import { describeModel } from '../describe-model.ts';
import type { ModelDescription } from '../describe-model.ts';
import { formatBytes } from '../../sources/failures.ts';
import { formatCount, printable, table } from '../format.ts';
import { modelArgument } from '../input.ts';
import { readHeader } from '../load.ts';
import { flag } from '../options.ts';
import { print, printJson } from '../output.ts';
import { planAsText } from '../plan-text.ts';
import { COMPUTE, ENGINE, EVERYWHERE, JSON_OUTPUT, MODEL_TO_NAME, loadOptionsFrom } from '../shared-options.ts';

export const inspect = command({
  name: 'inspect',
  summary: 'Show what is in a model file',
  usage: 'MODEL [OPTIONS]',
  notes: 'Reads the header only; vocabulary-only files and models that cannot be run will do.',
  examples: [
    'clawdbot inspect smollm2',
    'clawdbot inspect model-00001-of-00003.gguf --tensors',
    'clawdbot inspect model.gguf --json | jq .metadata',
    'clawdbot inspect hf:user/repo:Q4_K_M --plan --kv auto --max-memory 4GiB',
  ],
  options: {
    ...MODEL_TO_NAME,
    tensors: flag({ help: 'List every tensor' }),
    full: flag({ help: 'Show long arrays and texts whole' }),
    plan: flag({ help: 'Show what memory loading it takes, without loading it, and the longest context that fits' }),
    template: flag({ help: 'Print the chat template and nothing else' }),
    threads: ENGINE.threads,
    context: ENGINE.context,
    maxSequences: ENGINE.maxSequences,
    ...COMPUTE,
    ...JSON_OUTPUT,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, surroundings) {
    const reference = modelArgument(positionals, options.model, 'inspect');
    const { stdout } = surroundings;
    if (options.plan) {
      const plan = await planLoad(nodePlatform, reference, { ...loadOptionsFrom(options), signal: surroundings.signal });
      return options.json ? printJson(stdout, plan) : print(stdout, planAsText(plan));
    }
    const { resolved, file } = await readHeader(reference, options, surroundings);
    const model = describeModel(resolved, file, { full: options.full ?? false, tensors: options.tensors ?? false });
    if (options.template) {
      const { chatTemplate } = model;
      if (options.json) return printJson(stdout, { chatTemplate });
      return print(stdout, chatTemplate === null ? '' : `${chatTemplate}\n`);
    }
    return options.json ? printJson(stdout, model) : print(stdout, asText(model, options.full ?? false));
  },
});

function asText(model: ModelDescription, full: boolean): string {
  const { tokenizer } = model;
  const facts: [string, string | number | null][] = [
    ['name', model.name],
    ['file', model.files.join(', ')],
    ['format', `GGUF v${model.version}, ${formatBytes(model.sizeBytes)}`],
    [
      'architecture',
      `${model.architecture ?? 'not stated'}${model.supported ? '' : ' (not supported by this version)'}`,
    ],
    ['parameters', `${formatCount(model.parameters)} (${model.parameters})`],
    [
      'types',
      Object.entries(model.types)
        .map(([type, { tensors, bytes }]) => `${type} × ${tensors} (${formatBytes(bytes)})`)
        .join(', '),
    ],
    ['context', model.contextLength],
    ['hidden size', model.hiddenSize],
    ['layers', model.numLayers],
    ['heads', model.numHeads === null ? null : `${model.numHeads} (key/value ${model.numKvHeads ?? model.numHeads})`],
    [
      'tokenizer',
      `${tokenizer.model ?? 'none'}${tokenizer.pre === null ? '' : ` (${tokenizer.pre})`}, ` +
        `${tokenizer.vocabSize} tokens`,
    ],
    [
      'special ids',
      Object.entries(tokenizer.specialIds)
        .map(([name, id]) => `${name} ${id}`)
        .join(', '),
    ],
    ['adds', [tokenizer.addBos ? 'BOS' : '', tokenizer.addEos ? 'EOS' : ''].filter(Boolean).join(', ')],
    ['problem', tokenizer.problem],
    [
      'chat template',
      model.chatTemplate === null ? 'none' : `${model.chatTemplate.length} characters (--template prints it)`,
    ],
  ];
  const shownFacts = facts.filter(([, value]) => value !== null && value !== '');
  const metadata = Object.entries(model.metadata).map(
    ([key, value]) => `  ${printable(key)} = ${shorten(JSON.stringify(value), full)}\n`,
  );
  const tensors = model.tensors?.map(({ name, type, shape, byteLength }) => [
    printable(name),
    type,
    shape.join(' × '),
    formatBytes(byteLength),
  ]);
  return (
    table(shownFacts.map(([label, value]) => [label, printable(String(value))])) +
    `\nmetadata (${metadata.length} entries)\n${metadata.join('')}` +
    (tensors === undefined || tensors.length === 0
      ? ''
      : `\n${table([['TENSOR', 'TYPE', 'SHAPE', 'SIZE'], ...tensors], [3])}`)
  );
}

function shorten(text: string, full: boolean): string {
  return printable(full || text.length <= 160 ? text : `${text.slice(0, 159)}…`);
}
