// Runs that differ in their seed alone, or in anything but the value grouped by, as one mean with a band from the least to the most.

import { count } from "./numbers.js";
import { valueOf } from "./columns.js";
import { view } from "./view.js";

const POINTS = 60;
const keyOf = (run) => (view.group === "seeds" ? [run.family, run.params, run.planned ?? Math.round(run.tokens)].join(" ") : String(valueOf(run, view.group) ?? "–"));

/** The items ({run, …course}) as groups {run, members, x, y, low, high}: `run` represents the group, x is on the axis of the picture. */
export function grouped(items, axis, log) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item.run), [...(groups.get(keyOf(item.run)) ?? []), item]);
  return [...groups].map(([key, members]) => ({ members: members.map((item) => item.run), run: representative(key, members), ...together(members, axis, log) }));
}

function representative(key, members) {
  const [first] = members.map((item) => item.run), by = view.group === "seeds" ? `${first.family || "runs"} ${count(first.params)}` : `${view.group} = ${key}`;
  return { ...first, id: `group ${key}`, name: members.length > 1 ? `${by}: mean of ${members.length} runs` : first.name, ids: members.map((item) => item.run.id) };
}

/** Mean, least and most where all of them have been. */
function together(members, axis, log) {
  const lines = members.map((item) => { const x = axis.of(item); return { x, y: item.y }; }).filter((line) => line.x.length);
  if (!lines.length) return { x: [], y: [], low: [], high: [] };
  if (lines.length === 1) return { ...lines[0], low: lines[0].y, high: lines[0].y };
  const from = Math.max(...lines.map((line) => line.x[0])), to = Math.min(...lines.map((line) => line.x.at(-1)));
  const even = (i) => (log && from > 0 ? from * (to / from) ** (i / (POINTS - 1)) : from + ((to - from) * i) / (POINTS - 1));
  const x = to > from ? Array.from({ length: POINTS }, (_, i) => even(i)) : [to];
  const values = x.map((at) => lines.map((line) => valueAt(line, at)).filter(Number.isFinite));
  const mean = (list) => (list.length ? list.reduce((a, b) => a + b, 0) / list.length : null);
  const edge = (pick) => values.map((list) => (list.length ? pick(...list) : null));
  return { x, y: values.map(mean), low: edge(Math.min), high: edge(Math.max) };
}

/** The value of a line {x, y} at a place, between its points; NaN beyond its ends. */
export function valueAt({ x, y }, at) {
  if (!x.length || at < x[0] * (1 - 1e-9) || at > x.at(-1) * (1 + 1e-9)) return NaN;
  let low = 0, high = x.length - 1;
  while (high - low > 1) { const middle = (low + high) >> 1; if (x[middle] <= at) low = middle; else high = middle; }
  const share = x[high] > x[low] ? Math.min(Math.max((at - x[low]) / (x[high] - x[low]), 0), 1) : 1;
  return y[low] + share * (y[high] - y[low]);
}
