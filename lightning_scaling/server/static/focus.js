// Where a chart of learning curves looks at first: the steep beginning of training is left outside, the ends fill the picture.

import { extent } from "./scale.js";

const ABOVE_ENDS = 1.45; // how far above the highest end a curve is followed

/** {x, y: [most]} of the part to show first, null where the whole is as good. */
export function focus(runs, axis, kind) {
  const ends = runs.map((run) => run.y.at(-1)).filter(Number.isFinite);
  if (!ends.length) return null;
  const ceiling = ABOVE_ENDS * ends.reduce((a, b) => Math.max(a, b));
  const first = runs.map((run) => axis.of(run)[run.y.findIndex((loss) => loss <= ceiling)]);
  return { x: extent([first], kind, 0.02)[0], y: ceiling };
}
