// Files past 4 GiB: tensors before, across and behind that offset are read exactly. The file is sparse: it takes few blocks of a disk.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { writeGgufTo } from '../../src/gguf/writer.ts';
import type { TensorInput } from '../../src/gguf/writer.ts';
import { Engine } from '../../src/index.ts';
import { openFile } from '../../src/platform/node-file.ts';
import { caseFile } from '../support/architecture-cases.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-large-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HOLE = new Uint8Array(2 ** 24);
const ROW_BYTES = 256;

/** A tensor that no model asks for, of zeros that are never written. */
const gap = (name: string, byteLength: number): TensorInput => ({
  name, type: 'F32', shape: [ROW_BYTES / 4, byteLength / ROW_BYTES],
  *bytes() {
    for (let left = byteLength; left > 0; left -= HOLE.length) yield HOLE.subarray(0, Math.min(left, HOLE.length));
  },
});

// Where files cannot have holes, this would write more than 4 GiB.
it.skipIf(process.platform === 'win32')('a model in a sparse file of more than 4 GiB is the model', async () => {
  const small = new Uint8Array(readFileSync(caseFile('q-llama-q4_0.gguf')));
  const { metadata, tensors } = await readGguf(bytesSource(small));
  const inputs = tensors.map(({ name, type, shape, offset, byteLength }): TensorInput => ({
    name, type, shape, bytes: small.subarray(offset, offset + byteLength),
  }));
  const third = Math.floor(inputs.length / 3);
  const largest = inputs.reduce((a, b) => (a.bytes.length > b.bytes.length ? a : b));
  const others = inputs.filter((input) => input !== largest);
  const before = others.slice(0, third);
  const beforeBytes = before.reduce((sum, { bytes }) => sum + bytes.length, 0);
  // Less than the largest tensor is left up to 4 GiB, and so it lies across that offset.
  const untilLine = 2 ** 32 - beforeBytes - largest.bytes.length / 2;
  const file = path.join(folder, 'large.gguf');
  const descriptor = openSync(file, 'w');
  let position = 0;
  await writeGgufTo((bytes) => {
    if (bytes.buffer !== HOLE.buffer) writeSync(descriptor, bytes, 0, bytes.length, position);
    position += bytes.length;
  }, {
    metadata: metadata.entries,
    tensors: [
      ...before, gap('gap.0', Math.floor(untilLine / ROW_BYTES - 1) * ROW_BYTES), largest,
      ...others.slice(third, 2 * third), gap('gap.1', 2 ** 31), ...others.slice(2 * third),
    ],
  });
  closeSync(descriptor);
  const source = await openFile(file);
  const placed = (await readGguf(source)).tensor(largest.name)!;
  await source.close();
  expect(placed.offset).toBeLessThan(2 ** 32);
  expect(placed.offset + placed.byteLength).toBeGreaterThan(2 ** 32);
  expect(statSync(file).blocks * 512).toBeLessThan(2 ** 27);

  const said = await Promise.all([small, file].map(async (model) => {
    const engine = await Engine.load(model, { threads: 2, contextLength: 128 });
    const { choices } = await engine.complete([1, 50, 60, 70], { temperature: 0, ignoreEos: true, maxTokens: 20, logprobs: 3 });
    await engine.dispose();
    return choices;
  }));
  expect(said[1]).toEqual(said[0]);
});
