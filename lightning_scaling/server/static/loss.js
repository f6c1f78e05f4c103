// Loss (or any other metric) against compute, data, time or size: every run on show, coloured by N, with the frontier that was fitted to them.

import { AXES, PF_DAY } from "./x_axis.js";
import { chart } from "./chart.js";
import { bySize, palette, shade, theme } from "./colours.js";
import { course } from "./courses.js";
import { byId } from "./dom.js";
import { grouped } from "./group.js";
import { count, shortened, thousands, tick } from "./numbers.js";
import { all } from "./runs.js";
import { extent } from "./scale.js";
import { across } from "./tip.js";
import { change, idsOf, passes, view } from "./view.js";

const ONLY_ENDS = "params"; // a curve has one size: its end is the point
const FEW = 12, MANY = 150; // runs: up to which their ends are labelled, from which lines are thin
const ABOVE_ENDS = 1.45; // how far above the highest end a curve is followed
const MOST_CURVES = 1000; // ten thousand lines hide each other, and a redraw of all took .2 s

let drawn = null;
export const lossChart = () => drawn;
export const onShow = () => all().filter(passes);

export function makeLoss(select, redraw) {
  const zoomed = (zoom) => { change({ zoom: zoom ? [...zoom.x, ...zoom.y].map((v) => Number(v.toPrecision(5))).join(",") : "" }); redraw(); };
  drawn = chart(byId("loss-chart"), { hover: (found, at) => across(drawn, found, at, AXES[view.x]), click: (run) => select(run), zoomed });
  byId("reset").addEventListener("click", () => zoomed(null));
}

/** What is drawn: {run, x, y on the picture's axis, …} of each run or group. */
function items(axis) {
  const given = onShow().map((run) => ({ run, ...course(run) })).filter((item) => item.x.length && Number.isFinite(axis.of(item)[0]));
  if (!view.group) return given.map((item) => ({ run: item.run, at: axis.of(item), y: item.y, tokens: item.x, flops: item.c }));
  return grouped(given, axis, view.xlog === "log").map(({ x, ...item }) => ({ ...item, at: x })).filter((item) => item.at.length);
}

/** A function from a run to its colour: by its size, or where a few are compared each its own. */
export function colouring(runs) {
  const colours = palette();
  if (view.only && runs.length <= colours.length) {
    const fixed = new Map(runs.map((run, i) => [run.id, colours[i]]));
    return (run) => fixed.get(run.id);
  }
  const sized = bySize(runs.map((run) => run.params));
  return (run) => sized(run.params);
}

export function drawLoss(fitted) {
  const axis = AXES[view.x], shown = items(axis), runs = shown.map((item) => item.run), colour = colouring(runs);
  const curves = withCurves(runs, view.run), order = [...shown].sort((a, b) => curves.has(a.run) - curves.has(b.run)); // ends alone lie below
  const marks = order.flatMap((item) => marksOf(item, colour(item.run), runs.length > MANY ? 0.8 : 1.5, curves.has(item.run)));
  const law = view.metric ? [] : frontier(fitted, runs);
  drawn.draw({
    x: { kind: view.xlog, label: axis.label, format: axis.format },
    y: { kind: view.ylog, label: view.metric || "validation loss", format: tick },
    focus: view.x === ONLY_ENDS || view.metric ? null : focus(shown, view.xlog),
    zoom: zoom(),
    marks: [...law.slice(0, -1), ...marks, ...law.slice(-1)],
    words: [...labels(shown, colour), ...lawWords(fitted, law)],
    empty: runs.length ? null : nothing(),
    bar: view.only ? null : sizes(runs),
    margin: runs.length <= FEW ? { right: 54, top: 22 } : { top: 22 },
  });
  byId("reset").hidden = !view.zoom;
  tellSample(runs.length, view.x === ONLY_ENDS ? runs.length : curves.size);
  byId("loss-chart").dataset.runs = runs.length;
  byId("loss-chart").dataset.points = shown.reduce((sum, item) => sum + item.at.length, 0);
}

function zoom() {
  const edges = view.zoom.split(",").map(Number);
  return edges.length === 4 && edges.every(Number.isFinite) ? { x: edges.slice(0, 2), y: edges.slice(2) } : null;
}

const nothing = () => {
  if (!all().length) return "no runs to show yet";
  if (!onShow().length) return "no run passes the filters";
  if (view.metric || ["clock", "epoch"].includes(view.x)) return `no run here has ${view.metric || "its time or epochs recorded"}, or it is still being read`;
  if (!all().some((run) => run.params)) return "the number of parameters of these runs is not known: show them over tokens";
  return "no run passes the filters, or none has a loss on this axis";
};

function tellSample(runs, curves) {
  byId("sample").hidden = curves === runs;
  byId("sample").textContent = `Of ${thousands(runs)} runs ${thousands(curves)} are drawn as curves, evenly over the sizes, of the cheapest at each loss `
    + "and of those in progress; the others are dots at their ends. Fewer runs by the filters above, and all are curves.";
}

function marksOf(item, colour, thin, curve) {
  const { run, at: x, y } = item, running = run.state === "RUNNING", chosen = run.id === view.run || idsOf("pick").has(run.id);
  const faint = (view.run || (view.pick && !view.only)) && !chosen;
  const look = { width: chosen ? 3 : thin, alpha: faint ? 0.35 : thin < 1 ? 0.6 : 0.9, dash: run.state === "INTERRUPTED" ? [4, 3] : null };
  const end = { type: "dot", x: x.slice(-1), y: y.slice(-1), colour, size: chosen ? 5 : 3, hollow: run.state !== "FINISHED", run };
  if (view.x === ONLY_ENDS || !curve) return [end];
  const line = { type: "line", x, y, colour, run, ...look };
  if (item.members?.length > 1) return [{ type: "band", x, low: item.low, high: item.high, colour, alpha: 0.2 }, { ...line, width: 2 }];
  const mark = run.plateau && !view.metric && !item.members ? plateau(item) : [];
  return running && !view.metric && !item.members ? [line, end, { ...end, size: 7, run: undefined }, ...expected(item, colour), ...mark] : [line, end, ...mark];
}

/** Where a plateau was called: a triangle on the curve. */
function plateau({ run, at, y, tokens }) {
  const i = tokens.findIndex((each) => each >= run.plateau);
  return i < 0 ? [] : [{ type: "dot", shape: "triangle", x: [at[i]], y: [y[i]], colour: theme().accent, size: 6, run }];
}

/** Where a run in progress was last forecast to end: a dotted way there, and the interval as a bar. */
function expected({ run, at: x, y }, colour) {
  const at = x.at(-1) * (run.planned / run.tokens);
  if (!(run.planned > run.tokens) || run.forecast === null) return [];
  const bar = { type: "line", x: [at, at], y: [run.low, run.high], colour, width: 5, alpha: 0.45 };
  const way = { type: "line", x: [x.at(-1), at], y: [y.at(-1), run.forecast], colour, width: 1.2, dash: [1, 3] };
  return [way, bar, { type: "dot", x: [at], y: [run.forecast], colour, size: 3, hollow: true, run }];
}

/** The law of compute with its band; it has no place on other axes. */
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

function labels(shown, colour) {
  if (shown.length > FEW) return [];
  return [...shown].reverse().map(({ run, at, y }) => ({ x: at.at(-1), y: y.at(-1), text: view.only ? shortened(run.name, 18) : count(run.params),
    colour: colour(run), bold: true, dx: 8, ...(view.only ? { anchor: "end", dx: -8, dy: -8, below: true } : {}) }));
}

function sizes(runs) {
  const known = runs.map((run) => run.params).filter((n) => n > 0);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity), high = known.reduce((a, b) => Math.max(a, b), 0);
  return high > low ? { low, high, format: count, shade, title: "parameters N" } : null;
}

export const stateName = (run) => ({ FINISHED: "finished", RUNNING: "running", INTERRUPTED: "interrupted" })[run.state] ?? run.state;

/** {x, y} of the part to show first: the steep beginning of training is left outside; null where the whole is as good. */
function focus(shown, kind) {
  const ends = shown.map(({ y }) => y.at(-1)).filter(Number.isFinite);
  if (!ends.length) return null;
  const ceiling = ABOVE_ENDS * ends.reduce((a, b) => Math.max(a, b));
  const first = shown.map(({ at, y }) => at[y.findIndex((loss) => loss <= ceiling)]);
  return { x: extent([first], kind, 0.02)[0], y: ceiling };
}

/** The runs to draw as curves, all of them up to a thousand; `runs` come by size, `chosen` is the id of the run looked at. */
function withCurves(runs, chosen) {
  if (runs.length <= MOST_CURVES) return new Set(runs);
  const looked = runs.filter((run) => run.id === chosen), running = runs.filter((run) => run.state === "RUNNING");
  return new Set([...looked, ...spread(running, 0.3 * MOST_CURVES), ...spread(undercut(runs), 0.3 * MOST_CURVES), ...spread(runs, 0.4 * MOST_CURVES)]);
}

/** At most so many of them, evenly from first to last. */
const spread = (runs, most) => (runs.length <= most ? runs : Array.from({ length: most }, (_, i) => runs[Math.floor((i * runs.length) / most)]));

/** The runs that none of less compute undercuts: what the picture is about. */
function undercut(runs) {
  let least = Infinity;
  return [...runs].sort((a, b) => a.flops - b.flops).filter((run) => run.loss < least && ((least = run.loss), true));
}
