// How the chat page shows what models write: lists, tables and what they must look like on the screen.
import { describe, expect, it } from 'vitest';
import { expectAccessible, replied, say, useChatPage } from './chat-page.ts';
import { CHROMIUM } from './chromium.ts';

const REPLIES: Readonly<Record<string, string>> = {
  checklist: '- [x] boots\n- [ ] map\n\n- [ ] lamp\n',
  steps: '1. first\n\n```sh\na\n```\n\n2. second\n\n```sh\nb\n```\n\n3. third',
  table: `| Measurement | Milliseconds |\n|---|---:|\n| one | 1 |\n\n|${' Wideheading |'.repeat(12)}\n|${'---|'.repeat(12)}\n|${' x |'.repeat(12)}`,
  code: '```python\ndef f(x):\n    return "<b>" # why\n```\n\n```nonsense\n<b>x</b>\n```',
  math: 'So $x^2 \\in \\{a\\}$ and \\(y_1\\), for $5 or $10.\n\n$$\n\\frac{a}{b}\n= c\n$$\n\nThen \\[\\sum_{i=1}^n i\\] and $\\nocommand{$.',
  links: '$\\href{javascript:alert(1)}{x}$ $\\includegraphics{https://example.com/x.png}$ $\\class{a}{x}$ $\\text{<img src=x onerror=alert(1)>}$ ' +
    '$\\ref{composer}$\n\n$$\\begin{align}a&=b\\label{composer}\\end{align}$$',
};

describe.skipIf(CHROMIUM === undefined)('a reply on the chat page', () => {
  const { withPage } = useChatPage({ reply: (messages) => REPLIES[messages.at(-1)!.content]! });

  it('has the boxes of a checklist, ticked or not, with names', () => withPage(async (page) => {
    await say(page, 'checklist');
    await replied(page);
    const boxes = page.locator('.markdown input');
    expect(await boxes.evaluateAll((all) => (all as HTMLInputElement[]).map(({ type, checked, disabled }) => [type, checked, disabled])))
      .toEqual([['checkbox', true, true], ['checkbox', false, true], ['checkbox', false, true]]);
    const [ticked, open] = [await boxes.nth(0).boundingBox(), await boxes.nth(1).boundingBox()];
    expect(ticked!.width).toBeLessThan(30);
    const items = await page.locator('.markdown li').evaluateAll((all) => all.map((item) => item.getBoundingClientRect().top));
    expect(ticked!.y - items[0]!).toBeCloseTo(open!.y - items[1]!, 1);
    expect(await page.locator('.markdown li').first().evaluate((item) => getComputedStyle(item).listStyleType)).toBe('none');
    await expectAccessible(page);
  }));

  it('counts on where code lies between the steps', () => withPage(async (page) => {
    await say(page, 'steps');
    await replied(page);
    expect(await page.locator('.markdown ol').evaluateAll((all) => all.map((list) => (list as HTMLOListElement).start))).toEqual([1, 2, 3]);
  }));

  it('aligns the columns of a table, breaks no word of them, and scrolls a wide one', () => withPage(async (page) => {
    await say(page, 'table');
    await replied(page);
    const alignment = await page.locator('table').first().locator('th, td').evaluateAll((all) => all.map((cell) => getComputedStyle(cell).textAlign));
    expect(alignment).toEqual(['left', 'right', 'left', 'right']);
    const wide = page.locator('table').last();
    expect(await wide.evaluate((table) => table.scrollWidth > table.clientWidth)).toBe(true);
    const [line, heading] = [await page.locator('table').first().locator('th').first().boundingBox(), await wide.locator('th').first().boundingBox()];
    expect(heading!.height).toBe(line!.height);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await expectAccessible(page);
  }, { viewport: { width: 390, height: 844 } }));

  it.each(['light', 'dark'] as const)('has colours for code, once it is there, %s', (colorScheme) => withPage(async (page) => {
    expect(await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => /languages|temml/.test(name)))).toEqual([]);
    await say(page, 'code');
    await replied(page);
    await page.locator('pre[data-language=python] .hljs-keyword', { hasText: 'return' }).waitFor();
    expect(await page.locator('pre[data-language=python]').textContent()).toBe('def f(x):\n    return "<b>" # why');
    expect(await page.locator('pre[data-language=nonsense] code').innerHTML()).toBe('&lt;b&gt;x&lt;/b&gt;');
    const colours = await page.locator('.hljs-keyword, .hljs-string, .hljs-comment').evaluateAll((all) => all.map((word) => getComputedStyle(word).color));
    expect(new Set(colours).size).toBe(3);
    await expectAccessible(page);
  }, { colorScheme }));

  it('draws formulas, and leaves prices and what is no formula', () => withPage(async (page) => {
    await say(page, 'math');
    await replied(page);
    await page.locator('math').nth(3).waitFor();
    const reply = page.locator('.markdown');
    expect(await reply.locator('[data-math=inline] math').count()).toBe(2);
    expect(await reply.locator('[data-math=display] math').count()).toBe(2);
    expect(await reply.locator('mfrac').count()).toBe(1);
    expect(await reply.textContent()).toContain('for $5 or $10.');
    expect(await reply.textContent()).toContain('$\\nocommand{$.');
    await expectAccessible(page);
  }));

  it('lets no formula do anything', () => withPage(async (page) => {
    await say(page, 'links');
    await replied(page);
    await page.locator('math mtable').waitFor();
    expect(await page.locator('.markdown').locator('a, img, [id], [href], [src], [onerror], .a').count()).toBe(0);
  }));
});
