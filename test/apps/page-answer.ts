// What a page of the apps puts into its <output>.
import type { Browser } from 'playwright-core';

export async function pageAnswer(browser: Browser, url: string): Promise<unknown> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  try {
    await page.goto(url);
    const output = page.locator('output', { hasText: '{' });
    await output.waitFor({ timeout: 60_000 });
    return JSON.parse((await output.textContent())!);
  } catch (cause) {
    throw new Error(`${url} does not answer. ${complaints.join('\n')}`, { cause });
  } finally {
    await context.close();
  }
}
