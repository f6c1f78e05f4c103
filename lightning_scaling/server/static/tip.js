// One tip for all runs at one place: the nearest in bold with its facts, then the value of each other curve there, nearest first.

import { valueAt } from "./group.js";
import { compute, count, loss, thousands } from "./numbers.js";
import { PF_DAY } from "./x_axis.js";

const most = () => (innerWidth > 640 ? 8 : 3); // others in the tip, which would hide the chart of a phone

/** Lines of text: the first in bold; `found` is the nearest point or null, `at` the pointer's pixels. */
export function across(chart, found, [px, py], axis) {
  const here = found ? found.mark.x[found.index] : chart.x.back(px), all = valuesAt(chart, here, py);
  const others = all.filter((each) => each.run !== found?.run), rest = others.length - most();
  const lines = others.slice(0, most()).map((each) => `${loss(each.value)}  ${each.run.name}`);
  if (!found && !lines.length) return [];
  return [...(found ? facts(found) : [`at ${axis.format(here)}`]), ...(found && lines.length ? [`others at ${axis.format(here)}:`] : []), ...lines,
    ...(rest > 0 ? [`… and ${thousands(rest)} more`] : [])];
}

/** {run, value} of each curve at a place of the axis, nearest to the pointer first. */
function valuesAt(chart, here, py) {
  const found = chart.picture.marks.filter((mark) => mark.type === "line" && mark.run && mark.x.length > 1)
    .map((mark) => ({ run: mark.run, value: valueAt(mark, here) })).filter((each) => Number.isFinite(each.value));
  return found.sort((a, b) => Math.abs(chart.y.at(a.value) - py) - Math.abs(chart.y.at(b.value) - py));
}

function facts({ run, mark, index }) {
  const share = run.tokens && run.flops ? run.flops / PF_DAY : null;
  return [
    run.name,
    `${loss(mark.y[index])} at this point`,
    `${count(run.params)} parameters, ${count(run.tokens)} tokens${share ? `, ${compute(share)} PF-days` : ""}; loss ${loss(run.loss)}`,
    [run.verdict && `verdict: ${run.verdict}`, ["yes", "no"].includes(run.data) && `add data: ${run.data}`, run.plateau && "plateau called"].filter(Boolean).join(" · ") || "click for the run in full",
  ];
}
