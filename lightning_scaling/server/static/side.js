// Beside the loss chart: one run in full (its curve, where it will end, the verdict), or the laws of all runs.

import { chart } from "./chart.js";
import { theme } from "./colours.js";
import { collapsePicture } from "./collapse.js";
import { byId, h, redraw as show, table } from "./dom.js";
import { PF_DAY } from "./x_axis.js";
import { between, compute, count, loss, percent, scientific, thousands, tick } from "./numbers.js";
import { all, mlflow, one } from "./runs.js";
import { passes, view } from "./view.js";

const NAMED = 8; // runs of a verdict in the panel

let panel = null, collapse = null, panelOf = "";

/** Draws the panel; `select` is called with the run chosen, and with the one on show to go back to all. */
export function drawSide(detail, fitted, select) {
  const side = byId("side");
  side.dataset.run = view.run;
  if (!view.run) { panelOf = ""; return show(side, h("h2", {}, "All runs"), together(fitted, select)); }
  const run = one(view.run);
  const head = h("h2", { class: "run-name", title: run?.name }, run?.name ?? view.run);
  const back = h("button", { type: "button", class: "close", "data-focus": "close", "aria-label": "back to all runs", onclick: () => select({ id: view.run }) }, "×");
  if (!detail) { if (panelOf !== view.run) show(side, back, head, h("p", { class: "hint" }, "reading …")); return; }
  if (detail.failed) { panelOf = ""; return show(side, back, head, h("p", { class: "outcome refused" }, detail.failed)); }
  if (panelOf !== detail.id) { panel = collapse = null; panelOf = detail.id; }
  const host = panel?.host ?? h("div", { class: "chart small" }), beside = collapse?.host ?? h("div", { class: "chart collapse" });
  const compared = detail.collapse?.x.length > 0;
  const family = [familyWords(detail), compared ? beside : null, siblings(detail)], curve = [host, lawWords(detail)];
  show(side, back, head, verdict(detail), detail.collapse?.departs ? [family, curve] : [curve, family], readings(detail), facts(detail), link(run));
  panel ??= chart(host, { hover: (found) => found?.run ?? [] });
  drawPanel(detail);
  if (!compared) return;
  collapse ??= chart(beside, { hover: (found) => found?.run ?? [] });
  collapse.draw(collapsePicture(detail.collapse, theme()));
}

function together(fitted, select) {
  if (!fitted) return h("p", { class: "hint" }, all().length ? "The laws are being fitted; the runs are shown already." : "");
  const { tenfold, prediction } = fitted.sentences, known = fitted.frontierLines.length || fitted.planner.fitted;
  const answers = known ? [tenfold, prediction].filter(Boolean) : [];
  const refused = fitted.outcomes.filter((each) => each.refused && !answers.some((text) => text.includes(each.text)));
  return [answers.map((text) => h("p", {}, text)), refused.map((each) => h("p", { class: "outcome refused" }, each.text)), byVerdict(select)];
}

/** What to do with the runs on show: of each verdict the runs in progress first, then those of the lowest loss. */
function byVerdict(select) {
  const groups = new Map();
  for (const run of all()) {
    if (!isToDo(run) || !passes(run)) continue;
    if (!groups.has(run.verdict)) groups.set(run.verdict, []);
    groups.get(run.verdict).push(run);
  }
  if (!groups.size) return all().length ? h("p", { class: "hint" }, "Click a run for its forecast and its verdict.") : null;
  const name = (run) => h("button", { type: "button", class: "name", title: run.name, "data-focus": `verdict ${run.id}`, onclick: () => select(run) }, run.name);
  const entry = ([verdict, some]) => [h("dt", {}, badge(verdict), ` ${thousands(some.length)} ${some.length === 1 ? "run" : "runs"}`),
    h("dd", {}, foremost(some).map(name), some.length > NAMED ? h("span", { class: "hint" }, `and ${thousands(some.length - NAMED)} more`) : null)];
  const inOrder = [...groups].sort(([a], [b]) => place(a) - place(b));
  return [h("h3", {}, "What to do with the runs"), h("dl", { class: "by-verdict" }, inOrder.map(entry)), h("p", { class: "hint" }, "Click a run for its forecast and the reason.")];
}

/** A verdict to act on: too early is none, and to continue as planned is done once a run has finished. */
const isToDo = (run) => run.verdict && run.verdict !== "too early" && !(run.verdict === "continue" && run.state === "FINISHED");

/** The first few of very many without sorting all of them at every redraw. */
function foremost(runs) {
  const before = (a, b) => (a.state === "RUNNING") - (b.state === "RUNNING") || (b.loss ?? Infinity) - (a.loss ?? Infinity), kept = [];
  for (const run of runs) {
    if (kept.length === NAMED && before(run, kept.at(-1)) <= 0) continue;
    const i = kept.findIndex((each) => before(run, each) > 0);
    kept.splice(i < 0 ? kept.length : i, 0, run);
    kept.length = Math.min(kept.length, NAMED);
  }
  return kept;
}

const FIRST = ["continue", "continue past plan", "decay now", "fresh data", "grow"]; // worth more compute; the others are not
const place = (verdict) => (FIRST.includes(verdict) ? FIRST.indexOf(verdict) : FIRST.length);
const badge = (verdict) => h("span", { class: `verdict ${verdict.replace(/[^a-z]+/g, "-")}` }, verdict);

function verdict(run) {
  const expected = run.expected;
  return [
    run.verdict ? h("p", { class: "verdict-line" }, badge(run.verdict), ` ${run.because}`) : h("p", { class: "hint" }, "no verdict was recorded for this run"),
    expected ? h("p", {}, `Expected at the end of its token budget: ${loss(expected.loss.at(-1))} (${between(expected.low.at(-1), expected.high.at(-1), loss)}). `,
      h("span", { class: "hint" }, expected.outcome)) : null,
    run.half ? h("p", {}, halfway(run)) : null,
  ];
}

/** How the run departs from its family, where the verdict does not state it already. */
function familyWords({ collapse: found, because }) {
  if (!found || (found.departs && because.includes("departs from its family"))) return null;
  return h("p", { class: found.departs ? "outcome refused" : "hint" }, `${found.because[0].toUpperCase()}${found.because.slice(1)}.`);
}

/** The plateau that is called, and whether to keep adding data. */
function readings(run) {
  return [run.plateau ? h("p", { class: "outcome refused" }, run.plateau.line) : null,
    run.averaged ? h("p", {}, run.averaged.words) : null,
    run.moreData ? moreData(run.moreData) : null];
}

/** The answer with what decided it; what else was weighed is folded. */
function moreData({ answer, because }) {
  const [first, ...rest] = because.split("; ");
  return [h("p", {}, h("b", {}, `Keep adding data? ${answer}. `), first), folded("more-data", "what else was weighed", rest)];
}

/** Why this run is better or worse than others of its size: the span of their losses, and what is different about it. */
function siblings({ siblings: found }) {
  if (!found?.words) return null;
  return h("div", { class: "siblings" }, h("p", {}, found.words),
    found.differs.length ? table(["differs in", "here", "there"], found.differs, [0, 1, 2]) : h("p", { class: "hint" }, "No logged parameter or tag is different here."));
}

/** The law in a line; its interval and what it is not open below. */
function lawWords({ powerLaw: { words: [first, ...more] } }) {
  const [law, ...rest] = first.split("; ");
  return folded("law-words", law, [...rest, ...more]) ?? h("p", { class: "hint" }, law);
}

/** Sentences that open below a first one; null without any. */
const folded = (name, words, more) => (more.length ? h("details", { class: `folded ${name}` }, h("summary", {}, words), more.map((text) => h("p", { class: "hint" }, text))) : null);

function halfway(run) {
  const { half } = run, made = `Halfway it was forecast to end at ${loss(half.loss)} (${between(half.low, half.high, loss)})`;
  if (half.error === null) return `${made}.`;
  return `${made}; the observed loss is ${loss(run.loss)}, ${half.inside ? "inside" : "outside"} that interval (error ${percent(half.error)}).`;
}

function facts(run) {
  const row = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
  const budget = run.planned ? ` of ${count(run.planned)} (${Math.round((100 * run.tokens) / run.planned)} %)` : "";
  const counted = Object.entries(run.conventions).map(([name, value]) => `${name}: ${value}`).join(", ");
  return h("dl", { class: "pairs" }, row("state", run.stateName), row("parameters", count(run.params)), row("tokens", count(run.tokens) + budget),
    row("compute", `${compute(run.flops / PF_DAY)} PF-days (${scientific(run.flops)} FLOPs)`), row("loss", loss(run.loss)),
    run.expected?.floor ? row("loss floor", loss(run.expected.floor)) : null, run.uniqueTokens ? row("unique tokens", count(run.uniqueTokens)) : null,
    row("family", run.family || "–"), row("counted by", counted));
}

const link = (run) => (run ? h("p", {}, h("a", { class: "mlflow", href: mlflow(run) }, "open this run in MLflow")) : null);

/** From tokens to the axis of the panel: PF-days as the run counted them, tokens where they are not known. */
function axisOf({ curve, flops, tokens }) {
  const { tokens: at, flops: spent } = curve;
  if (!at.length || !(flops > 0) || spent.some((c) => !(c > 0))) return { label: "training tokens", format: count, of: (list) => list };
  const one = (value) => {
    const i = at.findIndex((each) => each >= value);
    if (i <= 0) return (value * (i < 0 ? flops / tokens : spent[0] / at[0])) / PF_DAY;
    return (spent[i - 1] + ((value - at[i - 1]) / (at[i] - at[i - 1])) * (spent[i] - spent[i - 1])) / PF_DAY;
  };
  return { label: "training compute (PF-days)", format: compute, of: (list) => list.map(one), compute: true };
}

/** The panel begins at a thirtieth of the token budget, where the loss has left its steep start. */
function closer({ curve, planned }, axis) {
  const from = (planned ?? curve.tokens.at(-1) ?? 0) / 30, losses = curve.loss.filter((_, i) => curve.tokens[i] >= from);
  return losses.length > 2 ? { x: axis.of([from])[0], y: 1.03 * Math.max(...losses) } : null;
}

function drawPanel(run) {
  const look = theme(), { tokens, loss: losses } = run.curve, axis = axisOf(run), marks = [], at = axis.of(tokens);
  const lines = tokens.map((x, i) => [`loss ${loss(losses[i])}`, `${count(x)} tokens`, axis.compute ? `${compute(at[i])} PF-days` : null].filter(Boolean));
  if (run.made.length > 1) {
    const x = axis.of(run.made.map((p) => p.tokens));
    marks.push({ type: "band", x, low: run.made.map((p) => p.low), high: run.made.map((p) => p.high), colour: look.muted, alpha: 0.22, outside: true });
    marks.push({ type: "line", x, y: run.made.map((p) => p.loss), colour: look.muted, width: 1.2, dash: [2, 3] });
  }
  marks.push({ type: "line", x: at, y: losses, colour: look.ink, width: 1.8, run: lines });
  if (run.expected) {
    const { tokens: x, low, high } = run.expected, future = axis.of(x);
    marks.push({ type: "band", x: future, low, high, colour: look.accent, alpha: 0.25 }, { type: "line", x: future, y: run.expected.loss, colour: look.accent, width: 2, dash: [6, 3] });
  }
  const law = axis.compute ? run.powerLaw.line : null;
  if (law) marks.push({ type: "line", x: law.flops.map((c) => c / PF_DAY), y: law.loss, colour: look.accent, width: 1.6, dash: [7, 4] });
  if (run.averaged) marks.push(...averaged(run.averaged, axis, look));
  if (run.plateau) marks.push(plateau(run, at, axis, look));
  const words = law ? [{ ...middle(law.flops.map((c) => c / PF_DAY), law.loss), text: "power law of this run", colour: look.accent, dx: 8, dy: -6 }] : [];
  if (run.made.length > 1) words.push({ text: "forecasts of the end", colour: look.muted, anchor: "end", dx: -6, x: axis.of([run.made[0].tokens])[0], y: run.made[0].loss });
  if (run.averaged) words.push({ ...middle(axis.of(run.averaged.tokens), run.averaged.loss), text: "average of recent weights", colour: look.ink, anchor: "end", dx: -10, dy: 12 });
  const empty = tokens.length ? null : "no points yet";
  panel.draw({ x: { kind: "log", label: axis.label, format: axis.format }, y: { kind: "log", label: "validation loss", format: tick }, marks, words,
    focus: closer(run, axis), empty, margin: { right: 14 } });
  panel.host.dataset.law = law ? "drawn" : "none";
  panel.host.dataset.averaged = run.averaged ? run.averaged.loss.length : 0;
  panel.host.dataset.plateau = run.plateau ? "marked" : "none";
}

const middle = (x, y) => ({ x: x[Math.floor(x.length / 2)], y: y[Math.floor(y.length / 2)] });

/** The measured annealed loss: hollow dots on a thin line. */
function averaged({ tokens, loss: y }, axis, look) {
  const x = axis.of(tokens), lines = tokens.map((at, i) => [`average of recent weights: loss ${loss(y[i])}`, `${count(at)} tokens`]);
  return [{ type: "line", x, y, colour: look.ink, width: 1, dash: [3, 2] }, { type: "dot", x, y, colour: look.ink, size: 3, hollow: true, run: lines }];
}

function plateau({ plateau: { tokens, line }, curve }, at, axis, look) {
  const i = Math.max(curve.tokens.findIndex((each) => each >= tokens), 0);
  return { type: "dot", shape: "triangle", x: axis.of([tokens]), y: [curve.loss[i]], colour: look.accent, size: 6, run: [[line]] };
}
