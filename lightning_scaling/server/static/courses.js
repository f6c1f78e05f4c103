// The course of each run on show: its loss as it was sent, or any other metric, wall clock and epochs, which are asked for when they are wanted.

import { all, askCourses, flops } from "./runs.js";
import { view } from "./view.js";

const kept = new Map(), NOTHING = { x: [], y: [], c: [], s: [], t: [], e: [] };
let of = "", asking = false;

const wanted = () => view.metric !== "" || view.x === "clock" || view.x === "epoch";
const key = (run) => `${run.id} ${run.stamp}`;
const kind = () => [view.experiments.join(), view.metric, view.x === "clock", view.x === "epoch"].join("|");

const own = (run) => (run.own ??= { x: run.x, y: run.y, c: flops(run), t: [], e: [],
  s: run.s === null ? [] : Array.isArray(run.s) ? run.s : run.x.map((tokens) => tokens * run.s) });

/** {x: tokens, y, c: FLOPs, s: steps, t: seconds, e: epochs} of a run, smoothed as the view asks. */
export function course(run) {
  const found = wanted() ? (of === kind() ? kept.get(key(run)) : null) ?? NOTHING : own(run);
  return Number(view.smooth) ? { ...found, y: smoothed(found, Number(view.smooth)) } : found;
}

/** An exponential moving average that begins without bias (as Adam's: divided by what its weights sum to). */
function smoothed(found, weight) {
  if (found.smooth?.weight === weight) return found.smooth.y;
  let sum = 0, total = 0;
  const y = found.y.map((value) => {
    if (!Number.isFinite(value)) return value;
    [sum, total] = [weight * sum + (1 - weight) * value, weight * total + (1 - weight)];
    return sum / total;
  });
  found.smooth = { weight, y };
  return y;
}

/** Asks for what is wanted and not there yet; `draw(waiting)` is called with each answer. */
export async function bring(runs, draw) {
  if (!wanted() || asking) return;
  if (of !== kind()) { kept.clear(); of = kind(); }
  const missing = runs.filter((run) => !kept.has(key(run)));
  if (!missing.length) return;
  asking = true;
  try {
    const some = missing.slice(0, 400), asked = of;
    const answer = await askCourses(some.map((run) => run.id), view.metric, view.x === "clock", view.x === "epoch");
    if (asked === kind()) {
      for (const run of some) {
        const found = answer.runs[run.id];
        if (found) kept.set(key(run), { ...found, s: found.s ?? [], t: found.t ?? [], e: found.e ?? [] });
      }
    }
    asking = false;
    draw(all().length ? runs.filter((run) => !kept.has(key(run))).length : 0);
  } finally { asking = false; }
}
