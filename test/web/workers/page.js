// Hands the built entry to a test's functions, which a test runner would not let import it.
import * as clawdbot from '/dist/browser.js';

globalThis.clawdbot = clawdbot;
