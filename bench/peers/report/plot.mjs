// The ratios as a plot: SVG, one bar per figure and peer on a logarithmic axis, a line at 1 where both are level.
import { figure } from './table.mjs';

const COLOURS = ['#2a6fdb', '#d9822b', '#3a9d5d', '#8e5bb5'];
const LEFT = 290;
const WIDTH = 900;
const PLOT = 420;
const BAR = 14;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, attributes = '') => `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escape(content)}</text>`;

export function ratioPlot({ model, machine, rows, peers }) {
  const ratios = rows.flatMap((row) => Object.values(row.ratios));
  const low = Math.min(0.5, ...ratios);
  const high = Math.max(2, ...ratios) * 1.05;
  const x = (ratio) => LEFT + (PLOT * Math.log(ratio / low)) / Math.log(high / low);
  const parts = [text(16, 26, `${model.name}: clawdbot against its peers`, 'font-size="15" font-weight="bold"')];
  parts.push(text(16, 44, `${machine.cpu}, ${machine.cores} cores; right of the line: clawdbot is ahead`, 'fill="#555"'));
  peers.forEach((peer, i) => {
    parts.push(`<rect x="${16 + 160 * i}" y="54" width="12" height="12" fill="${COLOURS[i]}"/>`);
    parts.push(text(34 + 160 * i, 64, peer));
  });
  let y = 86;
  for (const { label, threads, unit, ratios: own, sides } of rows) {
    const shown = peers.filter((peer) => own[peer] !== undefined);
    if (shown.length === 0) continue;
    parts.push(text(LEFT - 10, y + 11, `${label}, ${threads} thr.`, 'text-anchor="end"'));
    for (const peer of shown) {
      const [from, to] = [x(1), x(own[peer])].sort((a, b) => a - b);
      const values = `${figure(sides.clawdbot.median)} : ${figure(sides[peer].median)} ${unit}`;
      const colour = COLOURS[peers.indexOf(peer)];
      parts.push(`<rect x="${from.toFixed(1)}" y="${y}" width="${(to - from).toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>`);
      parts.push(text(to + 5, y + 10, `${own[peer].toFixed(2)}×  (${values})`, 'font-size="10"'));
      y += BAR;
    }
    y += 8;
  }
  const ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].filter((tick) => tick >= low && tick <= high);
  const axis = ticks.map((tick) =>
    `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="78" y2="${y}" stroke="${tick === 1 ? '#000' : '#ddd'}"/>` +
    text(x(tick), y + 14, `${tick}×`, 'text-anchor="middle" fill="#555"'));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 26}" font-family="sans-serif" font-size="12">\n` +
    `<rect width="100%" height="100%" fill="#fff"/>\n${axis.join('\n')}\n${parts.join('\n')}\n</svg>\n`;
}
