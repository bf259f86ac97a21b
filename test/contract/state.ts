// Contract: what is remembered, what is refused, and what needs no engine.
import type { Engine } from '../../src/index.ts';
import { equal, isTrue, rejection } from './check.ts';
import type { ContractTest, Scene } from './contract.ts';

const MODEL = 'q-llama-q4_0.gguf';
const LONG_PROMPT = Array.from({ length: 100 }, (_, i) => 97 + (i * 7) % 25);
const GREEDY = { temperature: 0, ignoreEos: true, maxTokens: 6 } as const;

const open = async (scene: Scene): Promise<Engine> => scene.load(await scene.fixture(MODEL), { deterministic: true });

export const state: readonly ContractTest[] = [
  {
    feature: 'prefix cache and sessions',
    name: 'a prompt seen before is not computed again',
    async run(scene) {
      const engine = await open(scene);
      const first = await engine.complete(LONG_PROMPT, GREEDY);
      const again = await engine.complete(LONG_PROMPT, GREEDY);
      equal([again.ids, first.timings.cachedTokens], [first.ids, 0], 'answers');
      isTrue(again.timings.cachedTokens >= 64, `${again.timings.cachedTokens} tokens were remembered`);
    },
  },
  {
    feature: 'prefix cache and sessions',
    name: 'a session in bytes is restored by another engine',
    async run(scene) {
      const one = await open(scene);
      const { bytes } = await one.saveSession(LONG_PROMPT, { note: 'hello' });
      const expected = await one.complete(LONG_PROMPT, GREEDY);
      const other = await open(scene);
      equal((await other.loadSession(bytes!)).note, 'hello', 'note');
      const restored = await other.complete(LONG_PROMPT, GREEDY);
      equal(restored.ids, expected.ids, 'ids');
      isTrue(restored.timings.cachedTokens >= 64, `${restored.timings.cachedTokens} tokens were restored`);
    },
  },
  {
    feature: 'session files',
    name: 'a session in a file is restored by another engine',
    async run(scene) {
      const file = scene.paths!.temporary('contract.session');
      await (await open(scene)).saveSession(LONG_PROMPT, { file });
      const other = await open(scene);
      await other.loadSession(file);
      isTrue((await other.complete(LONG_PROMPT, GREEDY)).timings.cachedTokens >= 64, 'nothing was restored');
    },
    async lacking(scene) {
      const engine = await open(scene);
      const codes = [
        (await rejection(engine.saveSession(LONG_PROMPT, { file: 'contract.session' }), 'saveSession')).code,
        (await rejection(engine.loadSession('contract.session'), 'loadSession')).code,
      ];
      equal(codes, ['ERR_INVALID_ARGUMENT', 'ERR_INVALID_ARGUMENT'], 'codes');
    },
  },
  {
    feature: 'typed errors',
    name: 'bytes that are no model, options that do not exist and too little memory are told apart',
    async run(scene) {
      const { api } = scene;
      const bytes = await scene.fixture(MODEL);
      const refused = async (source: Uint8Array, options: object): Promise<string> => {
        const error = await rejection(scene.load(source, options), 'a load');
        isTrue(error instanceof api.ClawdbotError, `${error.name} is no ClawdbotError`);
        return error.code!;
      };
      equal(await refused(new Uint8Array(64), {}), 'ERR_GGUF', 'zeros');
      equal(await refused(bytes.slice(0, bytes.length / 2), {}), 'ERR_GGUF', 'half a file');
      equal(await refused(bytes, { thread: 2 }), 'ERR_INVALID_ARGUMENT', 'a wrong option');
      equal(await refused(bytes, { maxMemory: 1000 }), 'ERR_OUT_OF_MEMORY', 'little memory');
    },
  },
  {
    feature: 'typed errors',
    name: 'an engine that was disposed of says so',
    async run(scene) {
      const engine = await open(scene);
      isTrue(engine instanceof scene.api.Engine, 'instanceof does not know the engine');
      const pending = rejection(engine.complete([98, 99], { ...GREEDY, maxTokens: 200 }), 'what was under way');
      await engine.dispose();
      equal((await pending).code, 'ERR_ENGINE_STOPPED', 'what was under way');
      equal((await rejection(engine.complete([98]), 'a request')).code, 'ERR_ENGINE_STOPPED', 'a request afterwards');
    },
  },
  {
    feature: 'reading and writing GGUF',
    name: 'headers are read, text is tokenized and back, tensors go out and in',
    async run({ api, fixture }) {
      const { readGguf, createTokenizer, bytesSource, writeGguf, quantize, dequantize } = api;
      const { metadata } = await readGguf(bytesSource(await fixture(MODEL)));
      equal(metadata.string('general.architecture'), 'llama', 'architecture');
      const tokenizer = createTokenizer(metadata);
      equal(tokenizer.decode(tokenizer.encode('because some text')).trim(), 'because some text', 'text');
      const values = Float32Array.from({ length: 64 }, (_, i) => (i - 32) / 4);
      const bytes = quantize('Q8_0', values);
      const written = writeGguf({ metadata: [['general.architecture', 'llama']], tensors: [{ name: 'w', type: 'Q8_0', shape: [64, 1], bytes }] });
      const { tensors } = await readGguf(bytesSource(written));
      equal(tensors.map(({ name, type }) => [name, type]), [['w', 'Q8_0']], 'tensors');
      const back = new Float32Array(64);
      dequantize('Q8_0', bytes, back, back.length);
      isTrue([...back].every((value, i) => Math.abs(value - values[i]!) < 0.04), 'values changed');
    },
  },
];
