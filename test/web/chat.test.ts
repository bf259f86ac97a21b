// The chat page against a scripted server: replies, branches, settings, the keyboard, files, a phone.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectAccessible, focused as focusedOf, replied, say, useChatPage } from './chat-page.ts';
import { CHROMIUM } from './chromium.ts';

const MARKDOWN = [
  '## A heading', 'Some **bold** text and `code`.', '1. one\n2. two', '```js\nconst a = 1 < 2;\n```',
  '| a | b |\n|---|---|\n| 1 | 2 |', '[a link](https://example.com/)',
].join('\n\n');
const HOSTILE = [
  '<script>window.hacked = true</script>', '<img src=x onerror="window.hacked = true">', '[click](javascript:window.hacked=true)',
  '![picture](https://example.com/track.png)', '<style>body{display:none}</style>', '<a href="data:text/html,x">d</a>',
].join('\n\n');

const REPLIES: Readonly<Record<string, string>> = {
  markdown: MARKDOWN, hostile: HOSTILE, long: 'word '.repeat(2000), think: '<think>Let me see.</think>It is 4.',
};

describe.skipIf(CHROMIUM === undefined)('the chat page', () => {
  let replies = 0;
  const { chat, withPage } = useChatPage({ reply: (messages) => REPLIES[messages.at(-1)!.content] ?? `Reply ${++replies}.` });
  const lastRequest = () => chat.requests.at(-1) as { messages: { role: string; content: string }[] } & Record<string, unknown>;

  it('streams markdown, says how fast it was and how full the context is, and keeps it over a reload', () =>
    withPage(async (page) => {
      await say(page, 'markdown');
      await replied(page);
      const reply = page.locator('.message.assistant').last();
      expect(await reply.locator('h2').textContent()).toBe('A heading');
      expect(await reply.locator('strong').textContent()).toBe('bold');
      expect(await reply.locator('ol li').count()).toBe(2);
      expect(await reply.locator('pre code').textContent()).toBe('const a = 1 < 2;');
      expect(await reply.locator('td').allTextContents()).toEqual(['1', '2']);
      expect(await reply.locator('a').getAttribute('rel')).toContain('noopener');
      expect(await reply.locator('.facts').textContent()).toMatch(/tiny-instruct · \d+ tokens · [\d.]+ tok\/s/);
      expect(await page.getByRole('meter').getAttribute('aria-valuetext')).toMatch(/^\d+ of 2,048 tokens/);
      await page.reload();
      expect(await page.locator('.message.assistant h2').textContent()).toBe('A heading');
      expect(lastRequest()).toMatchObject({ model: 'tiny-instruct', stream: true, messages: [{ role: 'user', content: 'markdown' }] });
    }));

  it('shows hostile markup as text and fetches nothing for it', () => withPage(async (page) => {
    await say(page, 'hostile');
    await replied(page);
    const reply = page.locator('.message.assistant .markdown');
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    expect(await reply.locator('script, img, style, iframe').count()).toBe(0);
    expect(await reply.textContent()).toContain('<script>window.hacked = true</script>');
    const links = await reply.locator('a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
    expect(links).toEqual([null, 'https://example.com/track.png']);
  }));

  it('stops a reply, which closes the connection and keeps what was said', () => withPage(async (page) => {
    const before = chat.cancelled;
    await say(page, 'long');
    await page.getByText('word word word').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await replied(page);
    expect(await page.locator('.facts').textContent()).toContain('stopped');
    expect(await page.locator('.message.assistant .markdown').textContent()).toContain('word word');
    await expect.poll(() => chat.cancelled).toBe(before + 1);
    await say(page, 'long');
    await page.locator('.message.assistant[aria-busy=true] .markdown', { hasText: 'word' }).waitFor();
    await page.keyboard.press('Escape');
    await replied(page);
    await expect.poll(() => chat.cancelled).toBe(before + 2);
  }));

  it('regenerates and edits beside what was there', () => withPage(async (page) => {
    await say(page, 'first question');
    await replied(page);
    const original = await page.locator('.message.assistant .markdown').textContent();
    await page.getByRole('button', { name: 'Regenerate' }).click();
    await page.locator('.versions', { hasText: '2 / 2' }).waitFor();
    await replied(page);
    expect(await page.locator('.message.assistant .markdown').textContent()).not.toBe(original);
    await page.getByRole('button', { name: 'Previous version' }).click();
    expect(await page.locator('.message.assistant .markdown').textContent()).toBe(original);
    await page.locator('.message.user').hover();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Edit your message').fill('second question');
    await page.locator('.message-editor').getByRole('button', { name: 'Send' }).click();
    await replied(page);
    expect(lastRequest().messages).toEqual([{ role: 'user', content: 'second question' }]);
    expect(await page.locator('.bubble').allTextContents()).toEqual(['second question']);
    await page.locator('.message.user').getByRole('button', { name: 'Previous version' }).click();
    expect(await page.locator('.bubble').allTextContents()).toEqual(['first question']);
  }));

  it('sends the system prompt, the sampling settings and the whole branch', () => withPage(async (page) => {
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('System prompt', { exact: true }).fill('Be brief.');
    await page.getByLabel('Temperature', { exact: true }).fill('0.2');
    await page.getByLabel('Longest answer', { exact: true }).fill('77');
    await page.getByLabel('Seed', { exact: true }).fill('5');
    await say(page, 'one');
    await replied(page);
    await say(page, 'two');
    await page.locator('.message.assistant').nth(1).waitFor();
    await replied(page);
    const { messages, ...body } = lastRequest();
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(messages[0]!.content).toBe('Be brief.');
    expect(body).toMatchObject({ temperature: 0.2, max_completion_tokens: 77, seed: 5, top_k: 40 });
  }));

  it('folds away what the model thinks, and switches models', () => withPage(async (page) => {
    await page.locator('.model-button').click();
    await page.getByRole('button', { name: /other-model/ }).click();
    await page.locator('.model-name', { hasText: 'other-model' }).waitFor();
    // Until it is closed, the dialog has the keyboard.
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await say(page, 'think');
    await replied(page);
    expect(lastRequest()['model']).toBe('other-model');
    expect(await page.locator('details.reasoning').textContent()).toContain('Let me see.');
    expect(await page.locator('.message.assistant > .markdown').textContent()).toContain('It is 4.');
  }));

  it('is used by keyboard alone', () => withPage(async (page) => {
    await page.locator('.skip-link').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('hello\u{1F44B}');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    await page.keyboard.press('Enter');
    await replied(page);
    expect(lastRequest().messages.at(-1)!.content).toBe('hello\u{1F44B}\nsecond line');
    await page.keyboard.press('Control+Shift+O');
    expect(await page.locator('.bubble').count()).toBe(0);
    await page.keyboard.type('typed without a click');
    expect(await page.getByLabel('Message', { exact: true }).inputValue()).toBe('typed without a click');
  }));

  it('gives the focus back where a dialog, a title or an edit took it', () => withPage(async (page) => {
    const focused = (): Promise<string | null> => focusedOf(page);
    await page.locator('.model-button').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: /tiny-instruct/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toContain('tiny-instruct');
    await say(page, 'a title');
    await replied(page);
    const rename = async (text: string, key: string): Promise<void> => {
      await page.getByRole('button', { name: 'Rename a title' }).focus();
      await page.keyboard.press('Enter');
      await page.getByLabel('Title', { exact: true }).fill(text);
      await page.keyboard.press(key);
      await page.getByLabel('Title', { exact: true }).waitFor({ state: 'detached' });
    };
    await rename('not kept', 'Escape');
    await expect.poll(focused).toBe('a title');
    await page.getByRole('button', { name: 'Edit' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Edit your message');
    await page.keyboard.press('Escape');
    await expect.poll(focused).toBe('Edit');
    await page.getByRole('button', { name: 'Edit' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Edit your message');
    await page.keyboard.type(', changed');
    await page.keyboard.press('Control+Enter');
    await replied(page);
    await expect.poll(focused).toBe('Message');
    await rename('another', 'Enter');
    await expect.poll(focused).toBe('another');
  }));

  it('exports, deletes and imports conversations', () => withPage(async (page) => {
    await say(page, 'to be exported');
    await replied(page);
    const [download] = await Promise.all([
      page.waitForEvent('download'), page.getByRole('button', { name: 'Export conversations' }).click(),
    ]);
    const file = await download.path();
    page.once('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'Delete all conversations' }).click();
    await page.getByText('Your conversations stay in this browser.').waitFor();
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Import conversations' }).click(),
    ]);
    await chooser.setFiles({ name: 'c.json', mimeType: 'application/json', buffer: readFileSync(file) });
    await page.getByRole('button', { name: 'to be exported', exact: true }).click();
    expect(await page.locator('.bubble').textContent()).toBe('to be exported');
  }));

  it.each([
    ['desktop', 'light', { viewport: { width: 1280, height: 800 } }],
    ['phone', 'dark', { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true }],
  ] as const)('has no accessibility violations on a %s, %s', (device, colorScheme, options) => withPage(async (page) => {
    await expectAccessible(page);
    await say(page, 'markdown');
    await replied(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    if (device === 'phone') {
      await page.getByRole('button', { name: 'Conversations' }).click();
      await page.getByRole('navigation').getByText('markdown').waitFor();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
    }
    await page.getByRole('button', { name: 'Settings' }).click();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Close settings' }).click();
    await page.locator('.model-button').click();
    await expectAccessible(page);
  }, { ...options, colorScheme, reducedMotion: 'reduce' }));
});
