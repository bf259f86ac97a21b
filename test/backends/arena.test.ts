// The bump allocator: aligned, disjoint, the same again, and an error with numbers when it is full.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARENA_ALIGNMENT, Arena } from '../../src/backends/arena.ts';
import { OutOfMemoryError } from '../../src/errors.ts';

const anySizes = fc.array(fc.nat(5000), { maxLength: 40 });

describe('arena', () => {
  it('hands out aligned room that no two allocations share, and the same addresses again', () => {
    fc.assert(fc.property(fc.nat(10_000), anySizes, (base, sizes) => {
      const [arena, again] = [new Arena(base), new Arena(base)];
      let end = base;
      for (const size of sizes) {
        const ptr = arena.allocate(size, 'test');
        expect(ptr % ARENA_ALIGNMENT).toBe(0);
        expect(ptr).toBeGreaterThanOrEqual(end);
        expect(again.allocate(size, 'again')).toBe(ptr);
        end = ptr + size;
        expect(arena.end).toBeGreaterThanOrEqual(end);
      }
    }));
  });

  it('never goes past its limit, and is not changed by what it refuses', () => {
    fc.assert(fc.property(fc.integer({ min: 64, max: 20_000 }), anySizes, (limit, sizes) => {
      const arena = new Arena(0, limit);
      for (const size of sizes) {
        const before = arena.end;
        try {
          arena.allocate(size, 'test');
        } catch (error) {
          expect(error).toBeInstanceOf(OutOfMemoryError);
          expect(arena.end).toBe(before);
          expect(before + Math.ceil(size / ARENA_ALIGNMENT) * ARENA_ALIGNMENT).toBeGreaterThan(limit);
        }
        expect(arena.end).toBeLessThanOrEqual(limit);
      }
    }));
  });

  it('fills to the last byte', () => {
    const arena = new Arena(128, 256);
    expect(arena.allocate(128, 'all')).toBe(128);
    expect(() => arena.allocate(1, 'more')).toThrow(OutOfMemoryError);
    expect(arena.allocate(0, 'nothing')).toBe(256);
  });

  it('says what was asked for, what there is and what to do', () => {
    const arena = new Arena(0, 2 ** 20);
    arena.allocate(1000, 'small');
    const ask = (): number => arena.allocate(2 ** 21, 'weights');
    expect(ask).toThrow(/weights needs 2097152 bytes, but only 1047552 of 1048576 are left.*smaller/);
    try {
      ask();
    } catch (error) {
      const numbers = { requiredBytes: 1024 + 2 ** 21, availableBytes: 2 ** 20 };
      expect(error).toMatchObject({ ...numbers, code: 'ERR_OUT_OF_MEMORY' });
    }
  });

  it.each([Number.NaN, Infinity])('refuses %s bytes', (bytes) => {
    expect(() => new Arena(0).allocate(bytes, 'nonsense')).toThrow(OutOfMemoryError);
  });

  it('stays within 32-bit addresses', () => {
    const arena = new Arena(0);
    arena.allocate(2 ** 32 - 64, 'nearly all');
    expect(() => arena.allocate(65, 'too much')).toThrow(OutOfMemoryError);
  });
});
