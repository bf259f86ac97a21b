// The chat page in front of a server that wants an API key.
import { describe, expect, it } from 'vitest';
import { expectAccessible, focused, useChatPage } from './chat-page.ts';
import { CHROMIUM } from './chromium.ts';

describe.skipIf(CHROMIUM === undefined)('the chat page before a locked server', () => {
  const { withPage } = useChatPage({ reply: () => 'Let in.', apiKey: 'sesame' });

  it('asks for the key, says when one is not accepted, and goes on with the right one', () => withPage(async (page) => {
    const dialog = page.getByRole('dialog', { name: 'API key' });
    await dialog.getByText('This server asks for an API key').waitFor();
    expect(await focused(page)).toBe('API key');
    await page.keyboard.type('open');
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').getByText('This key is not accepted').waitFor();
    expect(await focused(page)).toBe('API key');
    await expectAccessible(page);
    await page.getByLabel('API key', { exact: true }).last().fill('sesame');
    await page.keyboard.press('Enter');
    await page.locator('.model-name', { hasText: 'tiny-instruct' }).waitFor();
    expect(await focused(page)).toBe('Message');
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await page.locator('.bubble', { hasText: 'hello' }).waitFor();
    await page.locator('.markdown', { hasText: 'Let in.' }).waitFor();
  }, { expectedErrors: /401/ }));
});
