// What the chat page makes of what a server says: of its models, and of what it cannot do.
import { describe, expect, it } from 'vitest';
import { OutOfMemoryError } from '../../src/errors.ts';
import { toApiError } from '../../src/serve/api-error.ts';
import { expectAccessible, replied, say, useChatPage } from './chat-page.ts';
import { CHROMIUM } from './chromium.ts';

const OURS = { object: 'model', created: 0, owned_by: 'clawdbot' };
const LOADED = { context_length: 2048, meta: { n_ctx: 2048, size: 98_000_000, n_params: 135_000_000 } };

const FULL = toApiError(new OutOfMemoryError(2, 1, 'maxMemory is too small.'));

describe.skipIf(CHROMIUM === undefined)('the chat page', () => {
  const models: object[] = [
    { ...OURS, id: 'tiny-instruct', ...LOADED },
    { ...OURS, id: 'asleep' },
    { ...OURS, id: 'base', context_length: 1024, meta: { ...LOADED.meta, has_chat_template: false } },
  ];
  const { withPage } = useChatPage({
    models,
    reply(messages) {
      if (messages.at(-1)!.content === 'wake up') models[1] = { ...OURS, id: 'asleep', ...LOADED };
      return messages.at(-1)!.content === 'less, and broken' ? `${'Half of it. '.repeat(100)}\0` : 'Here.';
    },
    refusal(question) {
      if (question.startsWith('less') || question === 'wake up') return undefined;
      if (question === 'memory') return { status: 503, ...FULL.body() };
      const code = question === 'a number' ? 400 : 'context_length_exceeded';
      return { status: 400, error: { message: 'Load the model with a larger contextLength.', type: 'exceed_context_size_error', code } };
    },
  });

  it('lists how large models are, which are not loaded and which only continue text', () => withPage(async (page) => {
    await page.locator('.model-button').click();
    const items = page.getByRole('dialog').locator('.model-list li');
    expect(await items.locator('.where').allTextContents()).toEqual([
      ' In use · 98 MB · 135 M parameters', 'not loaded: the first answer takes longer', '98 MB · 135 M parameters',
    ]);
    await items.nth(2).getByRole('button').click();
    await page.locator('main').getByText('This model has no chat template: it only continues text').waitFor();
    await expectAccessible(page);
  }));

  it('learns of a model once the server has loaded it', () => withPage(async (page) => {
    await page.locator('.model-button').click();
    await page.getByRole('dialog').getByRole('button', { name: /asleep/ }).click();
    await page.locator('.model-name', { hasText: 'asleep' }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await say(page, 'wake up');
    await replied(page);
    await page.getByRole('meter').waitFor();
  }));

  it.each(['a word', 'a number'])('says what can be done about a conversation that is too long, as %s of the server tells', (question) => withPage(async (page) => {
    await say(page, question);
    await page.locator('.failure', { hasText: 'Start a new chat, or edit an earlier message' }).waitFor();
    expect(await page.locator('body').textContent()).not.toContain('contextLength');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Edit your message').fill('less');
    await page.keyboard.press('Enter');
    await page.locator('.markdown', { hasText: 'Here.' }).waitFor();
  }, { expectedErrors: /400/ }));

  it('says that the connection broke, and keeps what came', () => withPage(async (page) => {
    await say(page, 'less, and broken');
    await page.locator('.failure', { hasText: 'The connection to the server ended before the answer did.' }).waitFor();
    await page.locator('.markdown', { hasText: 'Half' }).waitFor();
  }, { expectedErrors: /ERR_INCOMPLETE_CHUNKED_ENCODING/ }));

  it('says what can be done where this server has no memory left', () => withPage(async (page) => {
    await say(page, 'memory');
    await page.locator('.failure', { hasText: 'Try again later, or choose a smaller model.' }).waitFor();
    expect(await page.locator('body').textContent()).not.toContain('maxMemory');
  }, { expectedErrors: /503/ }));
});
