// What of the chat page survives a reload, and where the browser's back and forward lead.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { focused, replied, say, useChatPage } from './chat-page.ts';
import { CHROMIUM } from './chromium.ts';

describe.skipIf(CHROMIUM === undefined)('the chat page', () => {
  const LONG = 'word '.repeat(2000);
  const { withPage } = useChatPage({ reply: (messages) => (messages.at(-1)!.content === 'long' ? LONG : `About ${messages.at(-1)!.content}.`) });
  const shows = (page: Page, question: string): Promise<void> => page.locator('.bubble', { hasText: question }).waitFor();
  const isEmpty = (page: Page): Promise<void> => page.getByText('What can I do for you?').waitFor();
  const startNew = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'New chat' }).first().click();
    await isEmpty(page);
  };

  it('keeps the open conversation, the draft and the context over a reload', () => withPage(async (page) => {
    await say(page, 'tea');
    await replied(page);
    const context = await page.getByRole('meter').getAttribute('aria-valuetext');
    await page.keyboard.type('half a thou');
    await page.reload();
    await shows(page, 'tea');
    expect(await page.getByLabel('Message', { exact: true }).inputValue()).toBe('half a thou');
    await page.getByRole('meter').waitFor();
    expect(await page.getByRole('meter').getAttribute('aria-valuetext')).toBe(context);
  }));

  it('keeps what came of an answer that a reload cuts off, and says so', () => withPage(async (page) => {
    const answer = page.locator('.message.assistant .markdown');
    await say(page, 'long');
    await answer.getByText('word word').waitFor();
    const shown = (await answer.textContent())!.trim();
    await page.reload();
    await page.locator('.facts', { hasText: 'stopped' }).waitFor();
    expect((await answer.textContent())!.slice(0, shown.length)).toBe(shown);
  }));

  it('keeps the beginning of an answer where the page gets no word that it ends', () => withPage(async (page, context) => {
    await page.evaluate(() => window.addEventListener('pagehide', (event) => event.stopImmediatePropagation(), true));
    await say(page, 'long');
    await page.locator('.message.assistant .markdown').getByText('word').waitFor();
    const address = page.url();
    await page.close();
    const next = await context.newPage();
    await next.goto(address);
    await next.locator('.facts', { hasText: 'stopped' }).waitFor();
    expect(await next.locator('.message.assistant .markdown').textContent()).toMatch(/^w/);
  }));

  it('keeps what is said in the moment in which another tab tells of the conversation', () => withPage(async (page) => {
    await say(page, 'tea');
    await replied(page);
    await page.waitForFunction(() => location.hash !== '');
    await page.getByLabel('Message', { exact: true }).fill('cake');
    await page.evaluate(() => {
      const [tab, heard] = [new BroadcastChannel('clawdbot-conversations'), new BroadcastChannel('clawdbot-conversations')];
      heard.onmessage = () => document.querySelector<HTMLFormElement>('form.composer')!.requestSubmit();
      tab.postMessage(location.hash.slice(1));
    });
    await page.locator('.markdown', { hasText: 'About cake.' }).waitFor();
    await page.reload();
    await shows(page, 'cake');
  }));

  it('goes back and forward between conversations', () => withPage(async (page) => {
    await say(page, 'tea');
    await replied(page);
    await startNew(page);
    await say(page, 'coffee');
    await shows(page, 'coffee');
    await page.goBack();
    await shows(page, 'tea');
    await page.goForward();
    await shows(page, 'coffee');
    await replied(page);
    await page.getByRole('button', { name: 'tea', exact: true }).click();
    await shows(page, 'tea');
    await page.goBack();
    await shows(page, 'coffee');
  }));

  it('shows a new chat where the address names what was deleted', () => withPage(async (page) => {
    await say(page, 'tea');
    await replied(page);
    const address = page.url();
    await page.getByRole('button', { name: 'Delete tea' }).click();
    await page.getByRole('button', { name: 'Delete? tea' }).click();
    await isEmpty(page);
    expect(new URL(page.url()).hash).toBe('');
    await page.goto(address);
    await page.reload();
    await isEmpty(page);
    expect(new URL(page.url()).hash).toBe('');
  }));

  it('takes what is typed at once, and leaves a phone its keyboard closed', async () => {
    await withPage(async (page) => { expect(await focused(page)).toBe('Message'); });
    await withPage(async (page) => { expect(await focused(page)).not.toBe('Message'); }, { isMobile: true, hasTouch: true });
  });
});
