// The progress bar: a line on a terminal, plain lines elsewhere; and the pace of reports.
import { describe, expect, it } from 'vitest';
import { createProgressBar } from '../../src/cli/progress-bar.ts';
import type { ProgressOutput } from '../../src/cli/progress-bar.ts';
import { throttled } from '../../src/sources/progress.ts';
import type { Progress } from '../../src/sources/progress.ts';

const at = (loadedBytes: number, more: Partial<Progress> = {}): Progress =>
  ({ phase: 'download', file: 'm.gguf', loadedBytes, totalBytes: 1000, ...more });

interface Screen extends ProgressOutput {
  text: string;
  lines(): string[];
}

function screen(isTTY: boolean, columns = 100): Screen {
  const output = {
    text: '', isTTY, columns,
    write: (text: string) => void (output.text += text),
    lines: () => output.text.split(isTTY ? '\r\u001b[2K' : '\n').filter((line) => line !== ''),
  };
  return output;
}

describe('the progress bar', () => {
  it('draws one moving line with share, amount, rate and time left, and clears it', () => {
    const output = screen(true);
    let time = 0;
    const bar = createProgressBar({ output, now: () => time });
    bar.update(at(0));
    time = 10;
    bar.update(at(5));
    time = 2000;
    bar.update(at(500));
    bar.update(at(1000));
    bar.finish();
    expect(output.lines()).toEqual([
      `Downloading m.gguf  [${'-'.repeat(24)}]   0 %`,
      `Downloading m.gguf  [${'#'.repeat(12)}${'-'.repeat(12)}]  50 %  500 B of 1.0 kB  250 B/s  2 s left`,
      `Downloading m.gguf  [${'#'.repeat(24)}] 100 %  1.0 kB of 1.0 kB  500 B/s`,
    ]);
    expect(output.text.endsWith('\r\u001b[2K')).toBe(true);
    expect(output.text).not.toContain('\n');
  });

  it('never passes the width of the terminal, shows unknown totals, and lets no control character through', () => {
    const output = screen(true, 40);
    const bar = createProgressBar({ output, now: () => 0 });
    bar.update({ phase: 'download', file: `evil\u001b[31m\n\u202e${'x'.repeat(200)}`, loadedBytes: 5, totalBytes: 10 });
    bar.update({ phase: 'extract', file: 'a\u0007b', loadedBytes: 1_000_000 });
    expect(output.lines().every((line) => line.length < 40)).toBe(true);
    expect(output.lines()[1]).toBe('Unpacking a?b  1.0 MB');
    expect(output.text.replaceAll('\r\u001b[2K', '')).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('writes few plain lines where there is no terminal', () => {
    const output = screen(false);
    const bar = createProgressBar({ output });
    for (let loaded = 0; loaded <= 1000; loaded += 10) bar.update(at(loaded));
    bar.update(at(3, { phase: 'verify', waiting: true, totalBytes: undefined }));
    bar.finish();
    expect(output.lines()).toEqual([
      'Downloading m.gguf (1.0 kB)', 'Downloading m.gguf: 25 %, 250 B of 1.0 kB',
      'Downloading m.gguf: 50 %, 500 B of 1.0 kB', 'Downloading m.gguf: 75 %, 750 B of 1.0 kB',
      'Downloading m.gguf: 100 %, 1.0 kB of 1.0 kB',
      'Another process: Checking m.gguf',
    ]);
  });

  it('uses 80 columns where a terminal says that it has none', () => {
    const output = screen(true, 0);
    createProgressBar({ output, now: () => 0 }).update(at(500));
    expect(output.lines()).toEqual([`Downloading m.gguf  [${'#'.repeat(12)}${'-'.repeat(12)}]  50 %  500 B of 1.0 kB`]);
  });
});

describe('reports', () => {
  it('are thinned out, but the first and the last of each phase always come', () => {
    const seen: Progress[] = [];
    const report = throttled((progress) => seen.push(progress));
    for (let loaded = 0; loaded <= 1000; loaded++) report(at(loaded));
    report(at(0, { phase: 'verify' }));
    expect(seen.length).toBeLessThan(50);
    expect(seen[0].loadedBytes).toBe(0);
    expect(seen.at(-2)).toEqual(at(1000));
    expect(seen.at(-1)!.phase).toBe('verify');
  });
});
