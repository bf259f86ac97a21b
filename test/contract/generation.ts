// Contract: what comes out of a loaded model.
import type { Engine } from '../../src/index.ts';
import { equal, isTrue, rejection } from './check.ts';
import { readNpy, referenceCase } from './cases.ts';
import type { ContractTest, Scene } from './contract.ts';

const MODEL = 'q-llama-q4_0.gguf';
const PROMPT = [317, 102, 272, 259, 306, 99];
const GREEDY = { temperature: 0, ignoreEos: true } as const;

const open = async (scene: Scene): Promise<Engine> => scene.load(await scene.fixture(MODEL), { deterministic: true });

export const generation: readonly ContractTest[] = [
  {
    feature: 'streaming generation',
    name: 'chunks add up to the complete answer',
    async run(scene) {
      const engine = await open(scene);
      const whole = await engine.complete(PROMPT, { ...GREEDY, maxTokens: 20 });
      const ids: number[] = [];
      let [text, finishReason]: [string, string | undefined] = ['', undefined];
      for await (const chunk of engine.generate(PROMPT, { ...GREEDY, maxTokens: 20 })) {
        ids.push(...chunk.ids);
        text += chunk.text;
        finishReason = chunk.finishReason ?? finishReason;
      }
      equal([ids, text, finishReason], [whole.ids, whole.text, 'length'], 'chunks');
    },
  },
  {
    feature: 'streaming generation',
    name: 'the same seed draws the same tokens, another one others',
    async run(scene) {
      const engine = await open(scene);
      const draw = async (seed: number): Promise<readonly number[]> =>
        (await engine.complete(PROMPT, { seed, temperature: 1.2, maxTokens: 24, ignoreEos: true })).ids;
      const [first, again, other] = [await draw(7), await draw(7), await draw(8)];
      equal(again, first, 'ids');
      isTrue(first.join() !== other.join(), 'two seeds drew the same 24 tokens');
    },
  },
  {
    feature: 'streaming generation',
    name: 'a stop string ends the text and is no part of it',
    async run(scene) {
      const engine = await open(scene);
      const { text } = await engine.complete(PROMPT, { ...GREEDY, maxTokens: 30 });
      const stop = text.slice(5, 7);
      const stopped = await engine.complete(PROMPT, { ...GREEDY, maxTokens: 30, stop });
      equal([stopped.text, stopped.finishReason], [text.slice(0, text.indexOf(stop)), 'stop'], 'answer');
    },
  },
  {
    feature: 'streaming generation',
    name: 'several answers to one prompt, and several prompts at once, are those that come alone',
    async run(scene) {
      const engine = await open(scene);
      const options = { seed: 3, temperature: 1, maxTokens: 12, ignoreEos: true };
      const alone = await engine.complete(PROMPT, options);
      const [three, reversed] = await Promise.all([
        engine.complete(PROMPT, { ...options, n: 3 }), engine.complete([...PROMPT].reverse(), options),
      ]);
      equal(three.choices.length, 3, 'answers');
      equal(three.choices[0]!.ids, alone.ids, 'ids');
      equal((await engine.complete([...PROMPT].reverse(), options)).ids, reversed.ids, 'ids of the other prompt');
    },
  },
  {
    feature: 'streaming generation',
    name: 'an abort ends a generation with its reason and leaves room for the next',
    async run(scene) {
      const engine = await open(scene);
      const controller = new AbortController();
      const error = await rejection((async () => {
        for await (const _ of engine.generate(PROMPT, { ...GREEDY, maxTokens: 200, signal: controller.signal })) {
          controller.abort(new Error('enough'));
        }
      })(), 'an aborted generation');
      equal(error.message, 'enough', 'reason');
      equal((await engine.complete(PROMPT, { ...GREEDY, maxTokens: 4 })).ids.length, 4, 'new tokens');
    },
  },
  {
    feature: 'chat templates',
    name: 'messages are rendered, and what a user writes becomes no special token',
    async run(scene) {
      const engine = await open(scene);
      const { eosId } = engine.tokenizer;
      const mark = engine.detokenize([eosId!], { skipSpecial: false });
      const idsOf = (content: string): number[] => engine.promptIds([{ role: 'user', content }]);
      const numEnds = (ids: readonly number[]): number => ids.filter((id) => id === eosId).length;
      const [plain, marked] = [idsOf('fee fo'), idsOf(`fee ${mark} fo`)];
      equal(numEnds(marked), numEnds(plain), `"${mark}" in the prompt`);
      const rendered = engine.detokenize(marked);
      isTrue(rendered.includes(`fee ${mark} fo`), `the rendered prompt "${rendered}" lacks what was said`);
      // In a text that is trusted it does become the token, so that it could have.
      equal(numEnds(engine.tokenize(mark, { addSpecial: false, parseSpecial: true })), 1, `"${mark}" in a trusted text`);
      equal((await engine.complete(marked, { ...GREEDY, maxTokens: 1 })).ids.length, 1, 'new tokens');
    },
  },
  {
    feature: 'embeddings and scores',
    name: 'an encoder agrees with the float64 reference',
    async run(scene) {
      const { file, f64, ids } = await referenceCase(scene, 'bert-mean');
      const engine = await scene.load(await scene.fixture(file));
      const [vector, rows] = [await engine.embed(ids, { normalize: false }), await readNpy(scene, f64)];
      // (positions, hiddenSize): its mean is what the model's pooling gives, up to its length.
      const reference = vector.map((_, i) => rows.filter((_, at) => at % vector.length === i).reduce((sum, value) => sum + value, 0));
      const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
      const cosine = dot(vector, reference) / Math.sqrt(dot(vector, vector) * dot(reference, reference));
      isTrue(cosine > 0.999999, `cosine ${cosine}`);
    },
  },
  {
    feature: 'embeddings and scores',
    name: 'scores are the log-probabilities of what generation says',
    async run(scene) {
      const engine = await open(scene);
      const { ids, choices } = await engine.complete(PROMPT, { ...GREEDY, maxTokens: 6, logprobs: 1 });
      const { tokenNlls } = await engine.score([...PROMPT, ...ids]);
      const expected = choices[0]!.logprobs!.map(({ logprob }) => -logprob);
      const actual = [...tokenNlls].slice(-ids.length);
      isTrue(actual.every((nll, i) => Math.abs(nll - expected[i]!) < 1e-4), `${actual.join()} and ${expected.join()}`);
    },
  },
  {
    feature: 'speculation',
    name: 'guessed tokens are those of plain decoding',
    async run(scene) {
      // Its greedy text repeats itself.
      const { file, ids } = await referenceCase(scene, 'llama-tied');
      const engine = await scene.load(await scene.fixture(file), { deterministic: true });
      const plain = await engine.complete(ids, { ...GREEDY, maxTokens: 60 });
      const guessed = await engine.complete(ids, { ...GREEDY, maxTokens: 60, speculation: { lookup: true } });
      equal(guessed.ids, plain.ids, 'ids');
      isTrue(guessed.timings.draftTokens > 0, 'nothing was guessed');
    },
  },
  {
    feature: "the caller's thread stays free",
    name: 'timers run while a prompt is computed',
    async run(scene) {
      const engine = await scene.load(await scene.fixture('qwen2.gguf'), { contextLength: 4096 });
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      await engine.score(Array.from({ length: 3000 }, (_, i) => i % 200));
      clearInterval(timer);
      isTrue(ticks > 5, `the timer ran ${ticks} times only`);
    },
  },
];
