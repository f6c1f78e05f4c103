// A run on its family's collapse: its loss over the loss of its siblings at the same share of their budgets, in percent; how siblings drift in grey.

const LEAST = 0.01; // the axis reaches so far above and below, or noise would fill it
const percent = (value) => `${Number((100 * value).toPrecision(3))} %`.replace("-", "−");

/** The picture of {x: shares, r: log loss above the family, drift: [of each sibling], since, departs}. */
export function collapsePicture({ x, r, drift, since, sinceWords, departs }, look) {
  const above = r.map(Math.expm1), lines = x.map((at, i) => [`${percent(above[i])} above its family`, `at ${percent(at)} of the token budget`]);
  const siblings = drift.map((each) => ({ type: "line", x, y: each.map((value) => (value === null ? null : Math.expm1(value))), colour: look.muted, width: 1, alpha: 0.7 }));
  const run = { type: "line", x, y: above, colour: departs ? look.accent : look.ink, width: 2, run: lines };
  const all = [...siblings, run].flatMap((mark) => mark.y).filter(Number.isFinite), ends = [Math.min(-LEAST, ...all), Math.max(LEAST, ...all)];
  const begin = since === null ? [] : [{ type: "line", x: [since, since], y: ends, colour: look.accent, width: 1, dash: [2, 3] }];
  const words = since === null ? [] : [{ x: since, y: ends[1], text: `since ${sinceWords}`, colour: look.accent, ...(since > 0.5 ? { anchor: "end", dx: -5 } : { dx: 5 }), dy: 8 }];
  return { x: { kind: "linear", label: "share of the token budget", format: percent }, y: { kind: "linear", label: "loss above its family", format: percent },
    marks: [{ type: "line", x: [0, 1], y: [0, 0], colour: look.muted, width: 1 }, ...begin, ...siblings, run], words, margin: { right: 14 } };
}
