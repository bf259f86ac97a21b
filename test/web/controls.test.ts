// What the reader's hands and ears meet on the chat page: the boxes, the buttons beside messages, what is announced.
import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { focused, replied, say, useChatPage } from './chat-page.ts';
import { CHROMIUM } from './chromium.ts';

const REPLIES: Readonly<Record<string, string>> = {
  marks: '<think>hm</think>## Title\n\nSome **bold** and `code`.\n\n- [x] done\n\n| a | b |\n|---|---|\n| 1 | 2 |',
  long: 'word '.repeat(2000),
};
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

describe.skipIf(CHROMIUM === undefined)('the chat page', () => {
  const { chat, withPage } = useChatPage({ reply: (messages) => REPLIES[messages.at(-1)!.content] ?? 'Well.' });
  const lastQuestion = (): unknown => (chat.requests.at(-1) as { messages: { content: string }[] }).messages.at(-1)!.content;

  it('sends what is edited with Enter, with new lines by Shift+Enter', () => withPage(async (page) => {
    await say(page, 'one');
    await replied(page);
    await page.getByRole('button', { name: 'Edit' }).click();
    await expect.poll(() => focused(page)).toBe('Edit your message');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two');
    await page.keyboard.press('Enter');
    await page.locator('.versions', { hasText: '2 / 2' }).waitFor();
    await replied(page);
    expect(lastQuestion()).toBe('one\ntwo');
  }));

  it.each([
    ['its button', (dialog: Locator) => dialog.getByRole('button', { name: 'Close' }).click()],
    ['a choice', (dialog: Locator) => dialog.getByRole('button', { name: /other-model/ }).click()],
    ['Escape', (dialog: Locator) => dialog.press('Escape')],
  ])('types on where a dialog was closed by %s', (_, close) => withPage(async (page) => {
    const box = page.getByLabel('Message', { exact: true });
    for (const text of ['one', 'one two']) {
      await box.focus();
      // Without a pointer, which would take the focus.
      await page.locator('.model-button').evaluate((button: HTMLElement) => button.click());
      await close(page.getByRole('dialog'));
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(await focused(page)).toBe('Message');
      // The browser's other processes hear of the focus a little later: on a busy machine a key in the same millisecond is lost.
      await page.waitForTimeout(200);
      await page.keyboard.type(text.slice((await box.inputValue()).length));
      expect(await box.inputValue()).toBe(text);
    }
  }));

  it('says of a stopped answer how long and how fast it was, and counts it', () => withPage(async (page) => {
    await say(page, 'long');
    await page.getByText('word '.repeat(60).trim()).waitFor();
    await page.keyboard.press('Escape');
    await replied(page);
    expect(await page.locator('.facts').textContent()).toMatch(/about \d+ tokens · [\d.]+ tok\/s · first after \d+ ms · stopped/);
    expect(await page.getByRole('meter').getAttribute('aria-valuetext')).toMatch(/^about \d+ of 2,048 tokens/);
  }));

  it('has the focus in the message box once another answer was asked for by keyboard', () => withPage(async (page) => {
    await say(page, 'again');
    await replied(page);
    await page.getByRole('button', { name: 'Regenerate' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.versions', { hasText: '2 / 2' }).waitFor();
    expect(await focused(page)).toBe('Message');
  }));

  it('says milliseconds where there are few', () => withPage(async (page) => {
    await say(page, 'quick');
    await replied(page);
    expect(await page.locator('.facts').textContent()).toMatch(/first after \d+ ms/);
  }));

  it('asks in words before a conversation is deleted', () => withPage(async (page) => {
    await say(page, 'to go');
    await replied(page);
    await page.getByRole('button', { name: 'Delete to go' }).focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.confirm-delete').textContent()).toBe('Delete?');
    expect(await focused(page)).toBe('Delete? to go');
    // Elsewhere is no.
    await page.keyboard.press('Shift+Tab');
    await page.locator('.confirm-delete').waitFor({ state: 'detached' });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.getByText('Your conversations stay in this browser.').waitFor();
    expect(await focused(page)).toBe('Message');
  }));

  it('asks for as long again where the first time was no', () => withPage(async (page) => {
    await say(page, 'to stay');
    await replied(page);
    await page.clock.install();
    const asks = page.locator('.confirm-delete');
    await page.getByRole('button', { name: 'Delete to stay' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Shift+Tab');
    await asks.waitFor({ state: 'detached' });
    await page.clock.runFor(3000);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await asks.waitFor();
    await page.clock.runFor(3000);
    expect(await asks.count()).toBe(1);
    await page.clock.runFor(2000);
    await asks.waitFor({ state: 'detached' });
  }));

  it('shows what can be done with one\'s own message without a pointer over it', () => withPage(async (page) => {
    await say(page, 'mine');
    await replied(page);
    await page.mouse.move(0, 0);
    await page.getByLabel('Message', { exact: true }).focus();
    expect(await page.locator('.user .actions').evaluate((row) => getComputedStyle(row).opacity)).toBe('1');
  }));

  it('reads answers aloud as text, without marks and thoughts', () => withPage(async (page) => {
    await say(page, 'marks');
    await replied(page);
    const status = page.getByRole('status');
    await status.getByText('Title').waitFor();
    expect(await status.textContent()).toMatch(/^Title\nSome bold and code\.\nDone: +done\n[^*#|`<]*$/);
  }));

  it('speaks of keys only where there are some', async () => {
    await withPage(async (page) => { expect(await page.getByText('Enter sends').isVisible()).toBe(true); });
    await withPage(async (page) => { expect(await page.getByText('Enter sends').isVisible()).toBe(false); }, PHONE);
  });
});
