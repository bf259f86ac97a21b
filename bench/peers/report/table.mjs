// The results as text: a Markdown table, which is also readable on a terminal.

export function figure(value) {
  if (value === undefined) return '–';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function markdownTable({ rows, peers }) {
  const head = ['figure', 'threads', 'clawdbot', ...peers.flatMap((peer) => [peer, `vs ${peer}`])];
  const body = rows.map(({ label, unit, threads, sides, ratios }) => [
    `${label}, ${unit}`, String(threads), figure(sides.clawdbot?.median),
    ...peers.flatMap((peer) => [
      figure(sides[peer]?.median),
      ratios[peer] === undefined ? '–' : `${ratios[peer].toFixed(2)}×`,
    ]),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

export function markdownReport(result) {
  const { model, machine, versions, date, rounds, bandwidth, notes } = result;
  const lines = [
    `# ${model.name}`, '',
    `${date}, ${machine.cpu}, ${machine.cores} cores (${machine.features.join(', ')}), Node ${machine.node}, ` +
      `commit ${machine.commit}; ${Object.entries(versions).map(([side, version]) => `${side} ${version}`).join(', ')}; ` +
      `${rounds} round${rounds === 1 ? '' : 's'}, sides alternating; load ${machine.loadAverage.toFixed(1)} at the start.`,
    '', 'Medians; a ratio above 1 means that clawdbot is ahead.', '', markdownTable(result), '',
  ];
  for (const { threads, bytesPerSecond, share } of bandwidth) {
    const of = share === undefined ? '' : `; decoding streams ${(100 * share).toFixed(0)} % of it`;
    lines.push(`Memory read, ${threads} thread${threads === 1 ? '' : 's'}: ${(bytesPerSecond / 1e9).toFixed(1)} GB/s${of}.`);
  }
  for (const note of notes) lines.push(`- ${note}`);
  return `${lines.join('\n')}\n`;
}
