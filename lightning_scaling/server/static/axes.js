// Axes, grid and words of a chart, with their colours as attributes so that a saved picture keeps them.

import { s } from "./dom.js";

const FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif";

const text = (x, y, words, fill, more = {}) => s("text", { x, y, fill, "font-family": FONT, "font-size": 11, ...more }, words);

const ticks = ({ x, y, size }) => [x.ticks(Math.max(3, Math.floor((size.width - size.right - size.left) / 75))),
  y.ticks(Math.max(3, Math.floor((size.height - size.bottom - size.top) / 42)))];

/** The lines behind the marks. */
export function grid(state, look) {
  const { x, y, size } = state, [across, up] = ticks(state);
  const bottom = size.height - size.bottom, right = size.width - size.right;
  const rule = (x1, y1, x2, y2) => s("line", { x1, y1, x2, y2, stroke: look.grid, "stroke-width": 1 });
  return s("g", { class: "grid" }, across.map((tick) => rule(x.at(tick), size.top, x.at(tick), bottom)),
    up.map((tick) => rule(size.left, y.at(tick), right, y.at(tick))));
}

/** The axis, its numbers and what they are. */
export function axes(state, look) {
  const { picture, x, y, size } = state, [across, up] = ticks(state);
  const bottom = size.height - size.bottom, right = size.width - size.right;
  return s("g", { class: "axes" },
    across.map((tick) => text(x.at(tick), bottom + 16, picture.x.format(tick), look.muted, { "text-anchor": "middle" })),
    up.map((tick) => text(size.left - 7, y.at(tick) + 4, picture.y.format(tick), look.muted, { "text-anchor": "end" })),
    s("line", { x1: size.left, y1: bottom, x2: right, y2: bottom, stroke: look.muted, "stroke-width": 1 }),
    text((size.left + right) / 2, size.height - 8, picture.x.label, look.muted, { "text-anchor": "middle", "font-size": 12 }),
    text(0, 0, picture.y.label, look.muted, {
      "text-anchor": "middle", "font-size": 12, transform: `translate(13 ${(size.top + bottom) / 2}) rotate(-90)` }));
}

/** Text at points ({x, y, text, colour, anchor?, dx?, dy?, below?}); one that would lie on an earlier one goes below it, or is left out. */
export function words({ picture, x, y, size }, look) {
  const taken = [], group = s("g", { class: "words" });
  for (const word of picture.words ?? []) {
    const left = x.at(word.x) + (word.dx ?? 6), wide = 6.2 * word.text.length;
    const start = word.anchor === "end" ? left - wide : word.anchor === "middle" ? left - wide / 2 : left;
    let middle = y.at(word.y) + (word.dy ?? 4);
    const box = [start, middle - 11, start + wide, middle + 2];
    const on = (other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1];
    for (let other; word.below && (other = taken.find(on)); [box[1], box[3]] = [middle - 11, middle + 2]) middle = other[3] + 11.5;
    const off = box[0] < size.left || box[2] > size.width || box[1] < 0 || box[3] > size.height - size.bottom;
    if (off || taken.some(on)) continue;
    taken.push(box);
    group.append(text(left, middle, word.text, word.colour ?? look.ink, {
      "text-anchor": word.anchor ?? "start", stroke: look.paper, "stroke-width": 3, "paint-order": "stroke", "font-weight": word.bold ? 600 : null }));
  }
  if (picture.empty) {
    group.append(text((size.left + size.width - size.right) / 2, (size.top + size.height - size.bottom) / 2, picture.empty, look.muted, {
      "text-anchor": "middle", "font-size": 14, class: "empty" }));
  }
  return group;
}

/** A bar that explains the colours of sizes, for the upper right: {low, high, format, shade}. */
export function colourBar({ low, high, format, shade, title }, right, top, look) {
  const width = 132, steps = 33;
  const bar = Array.from({ length: steps }, (_, i) =>
    s("rect", { x: right - width + (i * width) / steps, y: top + 6, width: width / steps + 0.5, height: 7, fill: shade(i / (steps - 1)) }));
  return s("g", { class: "colour-bar" }, text(right - width, top, title, look.muted), bar,
    text(right - width, top + 26, format(low), look.muted), text(right, top + 26, format(high), look.muted, { "text-anchor": "end" }));
}
