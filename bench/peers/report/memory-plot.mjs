// Memory against tokens as a plot: SVG, both axes linear; points for what was measured, a dashed line for what was planned.
const COLOURS = ['#2a6fdb', '#d9822b', '#3a9d5d', '#8e5bb5', '#b5485d', '#6b7280'];
const [WIDTH, HEIGHT, LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT] = [900, 490, 80, 120, 780, 310];
const LEGEND_COLUMNS = 4;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, attributes = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(content)}</text>`;

/** `series`: { name, points: [tokens, MiB][], dashed? }[]; `ceiling` in MiB. */
export function memoryPlot({ title, subtitle, series, ceiling }) {
  const mostTokens = Math.max(...series.flatMap(({ points }) => points.map(([tokens]) => tokens)));
  const mostMib = 1.05 * Math.max(ceiling, ...series.flatMap(({ points }) => points.map(([, mib]) => mib)));
  const x = (tokens) => LEFT + (PLOT_WIDTH * tokens) / mostTokens;
  const y = (mib) => TOP + PLOT_HEIGHT * (1 - mib / mostMib);
  const parts = [text(16, 26, title, 'font-size="15" font-weight="bold"'), text(16, 44, subtitle, 'fill="#555"')];
  for (let mib = 0; mib <= mostMib; mib += 256) {
    parts.push(`<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${y(mib).toFixed(1)}" y2="${y(mib).toFixed(1)}" stroke="#ddd"/>`);
    parts.push(text(LEFT - 8, y(mib) + 4, `${mib} MiB`, 'text-anchor="end" fill="#555"'));
  }
  for (let tokens = 0; tokens <= mostTokens; tokens += 4096) {
    parts.push(text(x(tokens), TOP + PLOT_HEIGHT + 18, `${tokens / 1024}k`, 'text-anchor="middle" fill="#555"'));
  }
  parts.push(text(LEFT + PLOT_WIDTH, TOP + PLOT_HEIGHT + 38, 'tokens', 'text-anchor="end" fill="#555"'));
  parts.push(`<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${y(ceiling).toFixed(1)}" y2="${y(ceiling).toFixed(1)}" stroke="#c33"/>`);
  parts.push(text(LEFT + 4, y(ceiling) - 5, `maxMemory, ${ceiling.toFixed(0)} MiB`, 'fill="#c33"'));
  series.forEach(({ name, points, dashed }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(([tokens, mib]) => `${x(tokens).toFixed(1)},${y(mib).toFixed(1)}`);
    parts.push(`<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="6 4"' : ''}/>`);
    if (!dashed) {
      for (const point of path) parts.push(`<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3.5" fill="${colour}"/>`);
    }
    const [left, top] = [16 + 215 * (i % LEGEND_COLUMNS), 56 + 20 * Math.floor(i / LEGEND_COLUMNS)];
    parts.push(`<rect x="${left}" y="${top}" width="12" height="12" fill="${colour}"/>`, text(left + 18, top + 10, name));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">\n` +
    `<rect width="100%" height="100%" fill="#fff"/>\n${parts.join('\n')}\n</svg>\n`;
}
