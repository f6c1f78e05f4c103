// Loss against compute, data or size: every run that passes the filters, coloured by N, with the frontier that was fitted to them.

import { chart } from "./chart.js";
import { bySize, shade, theme } from "./colours.js";
import { byId } from "./dom.js";
import { compute, count, loss, scientific, shortened, thousands, tick } from "./numbers.js";
import { focus } from "./focus.js";
import { withCurves } from "./sample.js";
import { all, flops } from "./runs.js";
import { passes, view } from "./view.js";

export const PF_DAY = 8.64e19;
const pfDays = (run) => (run.pfDays ??= flops(run).map((c) => (c === null ? null : c / PF_DAY))); // kept: they are asked for at every redraw
export const AXES = {
  pf_days: { label: "training compute (PF-days)", format: compute, of: pfDays },
  flops: { label: "training compute (FLOPs)", format: scientific, of: flops },
  tokens: { label: "training tokens", format: count, of: (run) => run.x },
  params: { label: "parameters", format: count, of: (run) => run.x.map(() => run.params) },
};
const ONLY_ENDS = "params"; // a curve has one size: its end is the point
const FEW = 12, MANY = 150; // runs: up to which their ends are labelled, from which lines are thin

let drawn = null;
export const lossChart = () => drawn;

export function makeLoss(select) {
  drawn = chart(byId("loss-chart"), { hover: tip, click: (run) => select(run.id) });
}

export function drawLoss(fitted, unzoom = false) {
  const axis = AXES[view.x], runs = all().filter(passes).filter((run) => run.x.length && Number.isFinite(axis.of(run)[0]));
  const colour = bySize(runs.map((run) => run.params));
  const curves = withCurves(runs, view.run), order = [...runs].sort((a, b) => curves.has(a) - curves.has(b)); // ends alone lie below
  const marks = order.flatMap((run) => marksOf(run, axis, colour(run.params), runs.length > MANY ? 0.8 : 1.5, curves.has(run)));
  const law = frontier(fitted, runs);
  if (unzoom) drawn.unzoom();
  drawn.draw({
    x: { kind: view.xlog, label: axis.label, format: axis.format },
    y: { kind: view.ylog, label: "validation loss", format: tick },
    focus: view.x === ONLY_ENDS ? null : focus(runs, axis, view.xlog),
    marks: [...law.slice(0, -1), ...marks, ...law.slice(-1)],
    words: [...labels(runs, axis, colour), ...lawWords(fitted, law)],
    empty: runs.length ? null : nothing(),
    bar: sizes(runs),
    margin: runs.length <= FEW ? { right: 54, top: 22 } : { top: 22 },
  });
  tellSample(runs.length, view.x === ONLY_ENDS ? runs.length : curves.size);
  byId("loss-chart").dataset.runs = runs.length;
  byId("loss-chart").dataset.points = runs.reduce((sum, run) => sum + run.x.length, 0);
}

const nothing = () => {
  if (!all().length) return "no runs to show yet";
  if (!all().some((run) => run.params)) return "the number of parameters of these runs is not known: show them over tokens";
  return "no run passes the filters, or none has a loss on this axis";
};

function tellSample(runs, curves) {
  byId("sample").hidden = curves === runs;
  byId("sample").textContent = `Of ${thousands(runs)} runs ${thousands(curves)} are drawn as curves, evenly over the sizes, of the cheapest at each loss `
    + "and of those in progress; the others are dots at their ends. Fewer runs by the filters above, and all are curves.";
}

function marksOf(run, axis, colour, thin, curve) {
  const x = axis.of(run), running = run.state === "RUNNING", chosen = run.id === view.run;
  const look = { width: chosen ? 3 : thin, alpha: view.run && !chosen ? 0.35 : thin < 1 ? 0.6 : 0.9, dash: run.state === "INTERRUPTED" ? [4, 3] : null };
  const end = { type: "dot", x: x.slice(-1), y: run.y.slice(-1), colour, size: chosen ? 5 : 3, hollow: run.state !== "FINISHED", run };
  if (view.x === ONLY_ENDS || !curve) return [end];
  const line = { type: "line", x, y: run.y, colour, run, ...look };
  return running ? [line, end, { ...end, size: 7, run: undefined }, ...expected(run, axis, colour)] : [line, end];
}

/** Where a run in progress was last forecast to end: a dotted way there, and the interval as a bar. */
function expected(run, axis, colour) {
  const at = axis.of(run).at(-1) * (run.planned / run.tokens);
  if (!(run.planned > run.tokens) || run.forecast === null) return [];
  const bar = { type: "line", x: [at, at], y: [run.low, run.high], colour, width: 5, alpha: 0.45 };
  const way = { type: "line", x: [axis.of(run).at(-1), at], y: [run.y.at(-1), run.forecast], colour, width: 1.2, dash: [1, 3] };
  return [way, bar, { type: "dot", x: [at], y: [run.forecast], colour, size: 3, hollow: true, run }];
}

/** The law of compute with its band; it has no place on an axis of tokens or parameters. */
function frontier(fitted, runs) {
  const law = fitted?.frontier;
  if (!law || !runs.length || !["flops", "pf_days"].includes(view.x)) return [];
  const x = view.x === "flops" ? law.flops : law.flops.map((c) => c / PF_DAY);
  const line = { type: "line", x, y: law.loss, colour: theme().accent, width: 2, dash: [7, 4] };
  return law.low ? [{ type: "band", x, low: law.low, high: law.high, colour: theme().accent, alpha: 0.13 }, line] : [line];
}

/** What the dashed line is, written along it. */
function lawWords(fitted, marks) {
  const line = marks.at(-1), at = line ? Math.floor(line.x.length * 0.93) : 0;
  return line ? [{ x: line.x[at], y: line.y[at], text: fitted.frontier.formula, colour: theme().accent, anchor: "end", dx: -2, dy: 22 }] : [];
}

function labels(runs, axis, colour) {
  if (runs.length > FEW) return [];
  return [...runs].reverse().map((run) => ({
    x: axis.of(run).at(-1), y: run.y.at(-1), text: count(run.params), colour: colour(run.params), bold: true, dx: 8 }));
}

function sizes(runs) {
  const known = runs.map((run) => run.params).filter((n) => n > 0);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity), high = known.reduce((a, b) => Math.max(a, b), 0);
  return high > low ? { low, high, format: count, shade, title: "parameters N" } : null;
}

function tip(run, { mark, index }) {
  const at = mark.type === "line" ? index : run.x.length - 1, c = flops(run)[at];
  return [
    shortened(run.name, 48),
    `${count(run.params)} parameters, ${stateName(run)}`,
    `loss ${loss(run.y[at])} at ${count(run.x[at])} tokens, ${compute(c / PF_DAY)} PF-days`,
    run.verdict ? `verdict: ${run.verdict}` : "click for the run in full",
  ];
}

export const stateName = (run) => ({ FINISHED: "finished", RUNNING: "running", INTERRUPTED: "interrupted" })[run.state] ?? run.state;
