// Files that are wrong in one way each, and what the reader must say about them.
import { FileBuilder } from './file-builder.ts';

export interface HostileFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly says: RegExp;
  /** UnsupportedModelError instead of GgufError. */
  readonly unsupported?: boolean;
}

const file = FileBuilder.file;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A correct file with one f32 tensor of 32 elements. */
export const goodFile = (): Uint8Array => file({ tensors: 1, entries: 1 })
  .key('general.architecture', 'string').string('llama').tensor().tensorBytes(128).bytes();

/** A header that promises `entries` metadata entries and what `build` writes after it. */
const entry = (name: string, says: RegExp, build: (file: FileBuilder) => FileBuilder, entries = 1): HostileFile =>
  ({ name, says, bytes: build(file({ entries })).raw(new Uint8Array(64)).bytes() });

/** One tensor info, `dataBytes` bytes of data. */
const tensor = (name: string, says: RegExp, info: Parameters<FileBuilder['tensor']>[0], dataBytes = 128): HostileFile =>
  ({ name, says, bytes: file({ tensors: 1 }).tensor(info).tensorBytes(dataBytes).bytes() });

const twoTensors = (name: string, says: RegExp, first: Parameters<FileBuilder['tensor']>[0],
  second: Parameters<FileBuilder['tensor']>[0]): HostileFile =>
  ({ name, says, bytes: file({ tensors: 2 }).tensor(first).tensor(second).tensorBytes(512).bytes() });

const alignment = (value: number): HostileFile => ({
  name: `alignment ${value}`,
  says: /general\.alignment is .*power of two/,
  bytes: file({ tensors: 1, entries: 1 }).key('general.alignment', 'u32').u32(value).tensor().tensorBytes(128).bytes(),
});

const badText: [string, number[]][] = [
  ['a lone continuation byte', [0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an encoded surrogate', [0xed, 0xa0, 0x80]],
  ['a cut-off sequence', [0xe2, 0x82]],
  ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
];

const headers: HostileFile[] = [
  { name: 'an empty file', bytes: new Uint8Array(0), says: /ends inside the magic/ },
  { name: 'three bytes', bytes: text('GGU'), says: /ends inside the magic/ },
  { name: 'another format', bytes: text('PK\u0003\u0004 and so on and so forth'), says: /not a GGUF file/ },
  { name: 'a web page', bytes: text('<!doctype html><title>404</title>'), says: /not a GGUF file/ },
  { name: 'the magic alone', bytes: text('GGUF'), says: /ends inside the version/ },
  { name: 'version 0', bytes: file({ version: 0 }).bytes(), says: /version 0 is not supported/ },
  { name: 'version 1', bytes: file({ version: 1 }).bytes(), says: /version 1 is not supported/ },
  { name: 'version 4', bytes: file({ version: 4 }).bytes(), says: /version 4 is not supported/ },
  { name: 'version 2^32 - 1', bytes: file({ version: 0xffffffff }).bytes(), says: /version 4294967295/ },
  { name: 'a big-endian file', bytes: file({ version: 0x03000000 }).bytes(), says: /big-endian/ },
  { name: 'the magic in big-endian order', bytes: file({ magic: 'FUGG' }).bytes(), says: /not a GGUF file/ },
  { name: 'no counts', bytes: file().bytes().subarray(0, 8), says: /ends inside/ },
  { name: '2^64 - 1 tensors', bytes: file({ tensors: 2n ** 64n - 1n }).bytes(), says: /is 18446744073709551615/ },
  { name: '2^63 tensors', bytes: file({ tensors: 2n ** 63n }).bytes(), says: /more than any file/ },
  { name: '2^32 tensors', bytes: file({ tensors: 2 ** 32 }).bytes(), says: /limit is/ },
  { name: '1000 tensors in no bytes', bytes: file({ tensors: 1000 }).bytes(), says: /number of tensors is 1000/ },
  { name: '2^63 entries', bytes: file({ entries: 2n ** 63n }).bytes(), says: /number of metadata entries/ },
  { name: '1000 entries in no bytes', bytes: file({ entries: 1000 }).bytes(), says: /metadata entries is 1000/ },
];

const entries: HostileFile[] = [
  entry('an empty key', /empty key/, (f) => f.key('', 'u8').raw([1])),
  entry('a key of 2^63 bytes', /key of metadata entry 0 is 9223372036854775808/, (f) => f.u64(2n ** 63n).raw([65])),
  entry('a key of 2^53 bytes', /limit is 65535/, (f) => f.u64(2 ** 53 - 1).raw([65])),
  entry('a key longer than the file', /ends inside the key/, (f) => f.u64(60_000).raw([65])),
  entry('a key of 65536 bytes', /limit is 65535/, (f) => f.key('k'.repeat(65_536), 'u8').raw([1])),
  entry('a key twice', /"k" occurs twice/, (f) => f.key('k', 'u8').raw([1]).key('k', 'u8').raw([2]), 2),
  entry('a value type 13', /unknown value type 13/, (f) => f.key('k', 13)),
  entry('a value type 2^32 - 1', /unknown value type 4294967295/, (f) => f.key('k', 0xffffffff)),
  entry('a boolean that is 2', /boolean that is 2/, (f) => f.key('k', 'bool').raw([2])),
  entry('an array with a boolean that is 255', /boolean that is 255/, (f) =>
    f.key('k', 'array').array('bool', 2).raw([1, 255])),
  entry('a string of 2^63 bytes', /value of "k" is 9223372036854775808/, (f) => f.key('k', 'string').u64(2n ** 63n)),
  entry('a string of 2^64 - 1 bytes', /more than any file/, (f) => f.key('k', 'string').u64(2n ** 64n - 1n)),
  entry('a string longer than the file', /ends inside the value of "k"/, (f) => f.key('k', 'string').u64(1_000_000)),
  entry('a string above the limit', /limit is 16777216/, (f) => f.key('k', 'string').u64(2 ** 30)),
  entry('an array of 2^63 bytes', /length of the value of "k"/, (f) => f.key('k', 'array').array('u8', 2n ** 63n)),
  entry('an array of 2^61 u64 (bytes wrap to 0)', /more than any file/, (f) =>
    f.key('k', 'array').array('u64', 2n ** 61n)),
  entry('an array of 2^50 u64', /elements in the value of "k"/, (f) => f.key('k', 'array').array('u64', 2 ** 50)),
  entry('an array of 2^30 strings', /elements in the value of "k"/, (f) =>
    f.key('k', 'array').array('string', 2 ** 30)),
  entry('an array of an unknown type', /unknown value type 99/, (f) => f.key('k', 'array').array(99, 1)),
  entry('an array cut off', /elements in the value of "k" is 1000/, (f) => f.key('k', 'array').array('f32', 1000)),
  entry('a string array whose second length is 2^62', /more than any file/, (f) =>
    f.key('k', 'array').array('string', 2).string('a').u64(2n ** 62n)),
  entry('a string array that runs out', /ends inside/, (f) =>
    f.key('k', 'array').array('string', 4).string('a').u64(500)),
  entry('arrays nested five deep', /more than 4 deep/, (f) => {
    f.key('k', 'array');
    for (let depth = 0; depth < 5; depth++) f.array('array', 1);
    return f.array('u8', 0);
  }),
  entry('arrays nested a thousand deep', /more than 4 deep/, (f) => {
    f.key('k', 'array');
    for (let depth = 0; depth < 1000; depth++) f.array('array', 1);
    return f;
  }),
  entry('2^40 nested arrays', /elements in the value of "k"/, (f) => f.key('k', 'array').array('array', 2 ** 40)),
  entry('an alignment that is a string', /general\.alignment" should be a number/, (f) =>
    f.key('general.alignment', 'string').string('32')),
  entry('an alignment that is an array', /should be a number/, (f) =>
    f.key('general.alignment', 'array').array('u32', 1).u32(32)),
  entry('an alignment that is NaN', /alignment is NaN/, (f) => f.key('general.alignment', 'f32').u32(0x7fc00000)),
  ...badText.map(([what, bytes]) => entry(`${what} in a string`, /is not valid UTF-8/, (f) =>
    f.key('k', 'string').string(Uint8Array.from(bytes)))),
  entry('bad UTF-8 in a key', /key of metadata entry 0 .*not valid UTF-8/, (f) =>
    f.key(Uint8Array.of(0xff), 'u8').raw([1])),
  entry('bad UTF-8 in a string array', /offset 69 is not valid UTF-8/, (f) =>
    f.key('k', 'array').array('string', 3).string('good').string(Uint8Array.of(0x61, 0xff)).string('good')),
  entry('a character that two strings share', /offset 57 is not valid UTF-8/, (f) =>
    f.key('k', 'array').array('string', 2).string(Uint8Array.of(0xc3)).string(Uint8Array.of(0xa9))),
];

const tensors: HostileFile[] = [
  ...[0, 3, 24, 33, 2 ** 31, 2 ** 32 - 1, 2 ** 21].map(alignment),
  tensor('no name', /tensor 0 has an empty name/, { name: '' }),
  tensor('a name of 256 bytes', /name of tensor 0 is 256 bytes/, { name: 'n'.repeat(256) }),
  tensor('bad UTF-8 in a name', /not valid UTF-8/, { name: Uint8Array.of(0xc3, 0x28) }),
  tensor('0 dimensions', /0 dimensions/, { shape: [] }),
  tensor('5 dimensions', /5 dimensions/, { shape: [2, 2, 2, 2, 2] }),
  tensor('2^32 - 1 dimensions', /4294967295 dimensions/, { numDimensions: 0xffffffff }),
  tensor('a dimension of 0', /dimension 1 of tensor "t" is 0/, { shape: [32, 0] }),
  tensor('a dimension of 2^63', /more than any file/, { shape: [2n ** 63n] }),
  tensor('dimensions whose product wraps to 0', /more elements than any file/, { shape: [2 ** 32, 2 ** 32] }),
  tensor('dimensions whose product wraps', /more elements than any file/, { shape: [2n ** 33n + 32n, 2n ** 31n] }),
  tensor('four dimensions of 2^16', /more elements than any file/, { shape: [65536, 65536, 65536, 65536] }),
  tensor('elements that fit 2^53 but not the file', /ends at byte .* cut off/, { shape: [2 ** 52] }),
  tensor('a row of half a block', /rows of 16 elements; Q4_0 needs a multiple of 32/, { shape: [16, 2], type: 'Q4_0' }),
  tensor('rows of no whole K-quant block', /multiple of 256/, { shape: [128, 2], type: 'Q6_K' }),
  tensor('an unaligned offset', /offset 16 of tensor "t" is not a multiple of 32/, { offset: 16 }, 256),
  tensor('an odd offset', /not a multiple/, { offset: 1 }, 256),
  tensor('an offset past the end', /cut off/, { offset: 4096 }),
  tensor('an offset of 2^63', /more than any file/, { offset: 2n ** 63n }),
  tensor('an offset of 2^53 - 32', /cut off/, { offset: 2 ** 53 - 32 }),
  tensor('an offset of 2^64 - 32 (wraps into the header)', /more than any file/, { offset: 2n ** 64n - 32n }),
  tensor('a tensor that ends one byte late', /cut off/, {}, 127),
  tensor('no tensor bytes at all', /cut off/, {}, 0),
  twoTensors('one name twice', /"t" occurs twice/, {}, { offset: 128 }),
  twoTensors('two tensors in one place', /"a" and "b" overlap/, { name: 'a' }, { name: 'b' }),
  twoTensors('a tensor that reaches into the next', /"a" and "b" overlap/,
    { name: 'a', shape: [64] }, { name: 'b', offset: 128 }),
  twoTensors('overlap in reverse order', /"b" and "a" overlap/, { name: 'a', offset: 64 }, { name: 'b' }),
  ...[4, 5, 31, 36, 38, 43, 255, 0xffffffff].map((typeId): HostileFile => ({
    ...tensor(`tensor type ${typeId}`, new RegExp(`tensor "t" has the tensor type ${typeId},`), { typeId }),
    unsupported: true,
  })),
];

const cuts: HostileFile[] = Array.from({ length: goodFile().length }, (_, length) => ({
  name: `a good file cut to ${length} bytes`, bytes: goodFile().subarray(0, length), says: /ends inside|remain|cut off/,
}));

export const hostileFiles: readonly HostileFile[] = [...headers, ...entries, ...tensors];
export const cutFiles: readonly HostileFile[] = cuts;
