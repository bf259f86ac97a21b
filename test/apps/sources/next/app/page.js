'use client';
// A page that answers with a model that lies beside it.
import { useEffect, useState } from 'react';
import { Engine } from '@clawdbot/runtime';

async function answer(prompt) {
  const engine = await Engine.load(await (await fetch('/model.gguf')).blob(), { deterministic: true });
  const { text } = await engine.complete(prompt, { temperature: 0, maxTokens: 24, ignoreEos: true });
  return JSON.stringify({ text, threads: engine.model.threads });
}

export default function Page() {
  const [text, setText] = useState('');
  useEffect(() => void answer('Hello').then(setText), []);
  return <output>{text}</output>;
}
