// Reading from real files on disk: the node source, vocabularies and models of the reference data.
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ModelSourceError } from '../../src/errors.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { openFile } from '../../src/platform/node-file.ts';
import { dequantize } from '../../src/quant/quant.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';
import { goodFile } from './hostile-files.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'clawdbot-gguf-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('openFile', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
  const file = path.join(folder, 'bytes.bin');
  writeFileSync(file, bytes);

  it('reads ranges into any view, shared memory included', async () => {
    const source = await openFile(file);
    expect(source).toMatchObject({ name: file, size: 1000 });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const target = new Uint8Array(memory.buffer, 65_436, 100);
    await source.read(900, target);
    expect([...target]).toEqual([...bytes.subarray(900)]);
    await source.close();
  });

  it('reads past 4 GiB', async () => {
    const sparse = path.join(folder, 'sparse.bin');
    writeFileSync(sparse, 'x');
    truncateSync(sparse, 5 * 2 ** 30);
    const source = await openFile(sparse);
    expect(source.size).toBe(5 * 2 ** 30);
    const target = new Uint8Array(4).fill(1);
    await source.read(5 * 2 ** 30 - 4, target);
    expect([...target]).toEqual([0, 0, 0, 0]);
    await source.close();
  });

  it('refuses what is not there', async () => {
    await expect(openFile(path.join(folder, 'missing.gguf'))).rejects.toThrow(/There is no file/);
    await expect(openFile(folder)).rejects.toThrow(/is not a file/);
    const source = await openFile(file);
    await expect(source.read(999, new Uint8Array(2))).rejects.toThrow(ModelSourceError);
    await expect(source.read(0, new Uint8Array(2), AbortSignal.abort())).rejects.toThrow(/abort/i);
    truncateSync(file, 10);
    await expect(source.read(0, new Uint8Array(20))).rejects.toThrow(/became shorter/);
    await source.close();
  });

  it('feeds the reader', async () => {
    const model = path.join(folder, 'model.gguf');
    writeFileSync(model, goodFile());
    const source = await openFile(model);
    expect((await readGguf(source)).metadata.string('general.architecture')).toBe('llama');
    await source.close();
  });
});

describe.skipIf(!fixturesDir())('reference files', () => {
  const vocabularies = fixturesDir()
    ? readdirSync(fixture('tokenizers')).filter((name) => name.endsWith('.gguf'))
    : [];

  it.each(vocabularies)('reads %s in less than half a second', async (name) => {
    const source = await openFile(fixture('tokenizers', name));
    const start = performance.now();
    const file = await readGguf(source);
    expect(performance.now() - start).toBeLessThan(500);
    const tokens = file.metadata.strings('tokenizer.ggml.tokens') ?? [];
    expect(tokens.length).toBeGreaterThan(20_000);
    expect(file.metadata.numbers('tokenizer.ggml.token_type')).toHaveLength(tokens.length);
    expect(file.tensors).toEqual([]);
    await source.close();
  });

  it('finds the same weights in stories260K as F32 and as Q8_0', async () => {
    const weights = async (name: string) => {
      const source = await openFile(fixture('models', name));
      const file = await readGguf(source);
      const tensor = file.tensor('blk.0.ffn_up.weight')!;
      const bytes = new Uint8Array(tensor.byteLength);
      await source.read(tensor.offset, bytes);
      await source.close();
      const values = new Float32Array(tensor.numElements);
      dequantize(tensor.type, bytes, values, tensor.numElements);
      return { tensor, values };
    };
    const exact = await weights('stories260K.F32.gguf');
    const rounded = await weights('stories260K.Q8_0.gguf');
    expect([exact.tensor.type, rounded.tensor.type]).toEqual(['F32', 'Q8_0']);
    expect(rounded.tensor.shape).toEqual(exact.tensor.shape);
    const largest = Math.max(...exact.values.map(Math.abs));
    rounded.values.forEach((value, i) => expect(Math.abs(value - exact.values[i])).toBeLessThan(largest / 127));
  });
});
