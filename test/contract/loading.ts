// Contract: where models come from, and what computes them.
import type { LoadOptions } from '../../src/index.ts';
import { equal, isTrue, rejection, relativeRms, sha256 } from './check.ts';
import { readNpy, referenceCase } from './cases.ts';
import type { ContractTest, Scene } from './contract.ts';

const MODEL = 'q-llama-q4_0';
const PROMPT = [317, 102, 272, 259, 306, 99];
const GREEDY = { temperature: 0, maxTokens: 8, ignoreEos: true } as const;

async function answer(scene: Scene, source: Parameters<Scene['load']>[0], options: LoadOptions = {}): Promise<readonly number[]> {
  const engine = await scene.load(source, { deterministic: true, ...options });
  return (await engine.complete(PROMPT, GREEDY)).ids;
}

const fromBytes = async (scene: Scene, options: LoadOptions = {}): Promise<readonly number[]> =>
  answer(scene, await scene.fixture(`${MODEL}.gguf`), options);

/** Logits after 40 ids, as the hashes of the README are made. */
async function logitsOf(scene: Scene, name: string, options: LoadOptions): Promise<Float32Array> {
  const engine = await scene.load(await scene.fixture(`${name}.gguf`), { deterministic: true, ...options });
  const ids = Array.from({ length: 40 }, (_, i) => (i * 37 + 5) % engine.model.vocabSize);
  return (await engine.score(ids, { logits: true })).logits!;
}

export const HASHED_MODELS =
  ['qwen2', 'gemma2', 'phi3-longrope-long', 'deepseek2', 'q-qwen3moe-q8_0', 'q-llama-q4_0', 'mpt'] as const;

export const loading: readonly ContractTest[] = [
  ...(['llama-tied', 'q-llama-q4_0', 'gemma2', 'deepseek2'] as const).map((name): ContractTest => ({
    feature: 'bytes and Blobs',
    name: `${name} agrees with the float64 reference`,
    async run(scene) {
      const { file, f64, ids, tol } = await referenceCase(scene, name);
      const engine = await scene.load(await scene.fixture(file));
      const reference = await readNpy(scene, f64);
      const { logits } = await engine.score(ids, { logits: true });
      // Both end with the last position.
      const error = relativeRms(logits!, reference.subarray(reference.length - logits!.length));
      isTrue(error <= tol.rms_pass, `${name}: a relative error of ${error} is more than ${tol.rms_pass}`);
    },
  })),
  {
    feature: 'bytes and Blobs',
    name: 'a Blob gives the tokens of its bytes',
    async run(scene) {
      const blob = new Blob([await scene.fixture(`${MODEL}.gguf`) as BlobPart]);
      equal(await answer(scene, blob), await fromBytes(scene), 'ids');
    },
  },
  {
    feature: 'files by path',
    name: 'a path gives the tokens of its bytes',
    async run(scene) {
      equal(await answer(scene, scene.paths!.fixture(`${MODEL}.gguf`)), await fromBytes(scene), 'ids');
    },
    async lacking({ api }) {
      equal((await rejection(api.openFile('/model.gguf'), 'openFile')).code, 'ERR_MODEL_SOURCE', 'code');
    },
  },
  {
    feature: 'URLs',
    name: 'a URL gives the tokens of its bytes',
    async run(scene) {
      equal(await answer(scene, scene.url!(`${MODEL}.gguf`)), await fromBytes(scene), 'ids');
    },
    async lacking(scene) {
      const error = await rejection(scene.load('https://localhost/model.gguf'), 'a load');
      equal([error.code, /Give a Blob or bytes/.test(error.message)], ['ERR_UNSUPPORTED_MODEL', true], 'error');
    },
  },
  {
    feature: 'threads over shared memory',
    name: 'two threads are used where they are asked for, and compute the bits of one',
    async run(scene) {
      const engine = await scene.load(await scene.fixture(`${MODEL}.gguf`), { threads: 2 });
      equal(engine.model.threads, 2, 'threads');
      const [one, two] = [await logitsOf(scene, 'gemma2', { threads: 1 }), await logitsOf(scene, 'gemma2', { threads: 2 })];
      equal(two, one, 'logits');
    },
    async lacking(scene) {
      const wanted = scene.loadOptions?.threads ?? 2;
      const { model } = await scene.load(await scene.fixture(`${MODEL}.gguf`), { threads: wanted });
      isTrue(model.threads <= 1, `there are ${model.threads} threads`);
      // Whoever asked for more is told.
      isTrue(wanted <= model.threads || model.warnings.some((text) => /thread/.test(text)), `nothing is said: ${model.warnings.join()}`);
    },
  },
  ...HASHED_MODELS.map((name): ContractTest => ({
    feature: 'bit-identical logits',
    name: `${name} has the hash of every other runtime`,
    async run(scene) {
      const logits = await logitsOf(scene, name, {});
      equal(await sha256(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength)), scene.logitsHashes[name], 'SHA-256');
    },
  })),
];
