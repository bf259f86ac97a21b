// Reads a WebAssembly module's sections and walks its instructions, as far as kernel tests look into them.

export interface WasmGlobal {
  readonly isMutable: boolean;
}

export interface WasmImport {
  readonly module: string;
  readonly field: string;
  readonly kind: 'function' | 'table' | 'memory' | 'global';
  /** Of a memory. */
  readonly isShared?: boolean;
}

export interface WasmModule {
  readonly imports: readonly WasmImport[];
  readonly exports: readonly string[];
  readonly globals: readonly WasmGlobal[];
  readonly numDataSegments: number;
  readonly hasStart: boolean;
  /** Instructions behind prefix 0xfd, all functions together, by number (relaxed SIMD from 0x100 on). */
  readonly vectorOpcodes: ReadonlySet<number>;
  /** Globals that some function writes. */
  readonly writtenGlobals: ReadonlySet<number>;
}

const MAGIC = [0, 0x61, 0x73, 0x6d];
const KINDS = ['function', 'table', 'memory', 'global'] as const;
const SECTION = { imports: 2, globals: 6, exports: 7, start: 8, code: 10, data: 11 } as const;

class Cursor {
  at: number;
  readonly end: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Error(`The module ends at ${this.at}.`);
    return this.bytes[this.at++];
  }

  skip(count: number): void {
    this.at += count;
  }

  /** A LEB128 number; signed ones are only ever skipped. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  name(): string {
    const length = this.number();
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.number() }, read);
  }
}

export function readWasm(bytes: Uint8Array): WasmModule {
  const cursor = new Cursor(bytes);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new Error('This is no wasm module.');
  cursor.skip(8);
  const sections = new Map<number, Cursor>();
  while (cursor.at < bytes.length) {
    const id = cursor.byte();
    const length = cursor.number();
    if (id !== 0) sections.set(id, new Cursor(bytes, cursor.at, cursor.at + length));
    cursor.skip(length);
  }
  const [vectorOpcodes, writtenGlobals] = [new Set<number>(), new Set<number>()];
  const code = sections.get(SECTION.code);
  code?.list(() => {
    const length = code.number();
    walk(new Cursor(bytes, code.at, code.at + length), vectorOpcodes, writtenGlobals);
    code.skip(length);
  });
  const [imports, globals, exported] = (['imports', 'globals', 'exports'] as const)
    .map((name) => sections.get(SECTION[name]));
  return {
    imports: imports?.list(() => readImport(imports)) ?? [],
    globals: globals?.list(() => readGlobal(globals)) ?? [],
    exports: exported?.list(() => readExport(exported)) ?? [],
    numDataSegments: sections.get(SECTION.data)?.number() ?? 0,
    hasStart: sections.has(SECTION.start),
    vectorOpcodes,
    writtenGlobals,
  };
}

function readImport(cursor: Cursor): WasmImport {
  const [module, field, kind] = [cursor.name(), cursor.name(), KINDS[cursor.byte()]];
  if (kind === 'memory') {
    const flags = cursor.byte();
    cursor.number();
    if (flags & 1) cursor.number();
    return { module, field, kind, isShared: (flags & 2) !== 0 };
  }
  if (kind === 'function') cursor.number();
  else cursor.skip(kind === 'global' ? 2 : 4);
  return { module, field, kind };
}

function readGlobal(cursor: Cursor): WasmGlobal {
  cursor.byte();
  const isMutable = cursor.byte() === 1;
  walkExpression(cursor);
  return { isMutable };
}

function readExport(cursor: Cursor): string {
  const name = cursor.name();
  cursor.byte();
  cursor.number();
  return name;
}

function walkExpression(cursor: Cursor): void {
  while (step(cursor, new Set(), new Set()) !== END) continue;
}

function walk(cursor: Cursor, vectorOpcodes: Set<number>, writtenGlobals: Set<number>): void {
  cursor.list(() => {
    cursor.number();
    cursor.byte();
  });
  while (cursor.at < cursor.end) step(cursor, vectorOpcodes, writtenGlobals);
}

const END = 0x0b;
const GLOBAL_SET = 0x24;
/** Opcodes by how many numbers follow them. */
const ONE_NUMBER = new Set([
  0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, GLOBAL_SET, 0x25, 0x26, 0x3f, 0x40,
  0x41, 0x42, 0xd0, 0xd2,
]);
const isPlain = (opcode: number): boolean =>
  [0x00, 0x01, 0x05, END, 0x0f, 0x1a, 0x1b, 0xd1].includes(opcode) || (opcode >= 0x45 && opcode <= 0xc4);

/** Goes past one instruction and returns its opcode. */
function step(cursor: Cursor, vectorOpcodes: Set<number>, writtenGlobals: Set<number>): number {
  const opcode = cursor.byte();
  if (isPlain(opcode)) return opcode;
  if (ONE_NUMBER.has(opcode)) {
    const operand = cursor.number();
    if (opcode === GLOBAL_SET) writtenGlobals.add(operand);
  } else if (opcode === 0x11 || (opcode >= 0x28 && opcode <= 0x3e)) {
    cursor.number();
    cursor.number();
  } else if (opcode === 0x0e) {
    cursor.list(() => cursor.number());
    cursor.number();
  } else if (opcode === 0x43) cursor.skip(4);
  else if (opcode === 0x44) cursor.skip(8);
  else if (opcode === 0xfc) stepBulk(cursor);
  else if (opcode === 0xfd) vectorOpcodes.add(stepVector(cursor));
  else if (opcode === 0xfe) stepAtomic(cursor);
  else throw new Error(`Opcode 0x${opcode.toString(16)} at ${cursor.at - 1} is not known here.`);
  return opcode;
}

/** Truncations have no operands, memory.copy and memory.init two, the others one. */
function stepBulk(cursor: Cursor): void {
  const number = cursor.number();
  const numOperands = number <= 7 ? 0 : [8, 10, 12, 14].includes(number) ? 2 : 1;
  for (let i = 0; i < numOperands; i++) cursor.number();
}

function stepVector(cursor: Cursor): number {
  const number = cursor.number();
  const isMemory = number <= 11 || (number >= 84 && number <= 93);
  if (isMemory) {
    cursor.number();
    cursor.number();
  }
  if (number === 12 || number === 13) cursor.skip(16);
  if ((number >= 21 && number <= 34) || (number >= 84 && number <= 91)) cursor.skip(1);
  return number;
}

/** A fence has one byte, every other atomic instruction an address. */
function stepAtomic(cursor: Cursor): void {
  const number = cursor.number();
  cursor.number();
  if (number !== 3) cursor.number();
}
