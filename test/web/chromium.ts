// Debian's headless Chromium for the tests of pages; undefined where there is none, and they are skipped by name.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export const CHROMIUM = process.env['CHROMIUM'] ?? PLACES.find((place) => existsSync(place));

export function launchChromium(): Promise<Browser> {
  // Containers rarely allow Chromium's own sandbox; the pages are the tests' own.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
