// Beside the loss chart: one run in full (its curve, where it will end, the verdict), or the laws of all runs.

import { chart } from "./chart.js";
import { theme } from "./colours.js";
import { byId, h, show, table } from "./dom.js";
import { PF_DAY } from "./loss.js";
import { between, compute, count, loss, percent, scientific, tick } from "./numbers.js";
import { all, mlflow, one } from "./runs.js";
import { view } from "./view.js";

let panel = null, panelOf = "";

export function drawSide(detail, fitted, close) {
  const side = byId("side");
  side.dataset.run = view.run;
  if (!view.run) { panelOf = ""; return show(side, h("h2", {}, "All runs"), together(fitted)); }
  const run = one(view.run);
  const head = h("h2", { class: "run-name", title: run?.name }, run?.name ?? view.run);
  const back = h("button", { type: "button", class: "close", "aria-label": "back to all runs", onclick: close }, "×");
  if (!detail) { if (panelOf !== view.run) show(side, back, head, h("p", { class: "hint" }, "reading …")); return; }
  if (detail.failed) { panelOf = ""; return show(side, back, head, h("p", { class: "outcome refused" }, detail.failed)); }
  if (panelOf !== detail.id) { panel = null; panelOf = detail.id; }
  const host = panel?.host ?? h("div", { class: "chart small" });
  show(side, back, head, verdict(detail), host, facts(detail), link(run));
  panel ??= chart(host, { hover: (lines) => lines });
  drawPanel(detail);
}

function together(fitted) {
  if (!fitted) return h("p", { class: "hint" }, "fitting …");
  const { tenfold, prediction } = fitted.sentences, fits = constants(fitted), answers = fits ? [tenfold, prediction].filter(Boolean) : [];
  const refused = fitted.outcomes.filter((each) => each.refused && !answers.some((text) => text.includes(each.text)));
  return [answers.map((text) => h("p", {}, text)), refused.map((each) => h("p", { class: "outcome refused" }, each.text)),
    fits, all().length ? h("p", { class: "hint" }, "Click a run to see where it will end.") : null];
}

function constants({ surfaceLines, frontierLines, planner }) {
  const given = planner.fitted ? surfaceLines : frontierLines;
  return given.length ? table(["", "value", "90 % interval"], given.map((line) => [h("b", { title: line.meaning }, line.name), line.value, line.interval])) : null;
}

function verdict(run) {
  const badge = h("span", { class: `verdict ${run.verdict.replace(/[^a-z]+/g, "-")}` }, run.verdict);
  const expected = run.expected;
  return [
    run.verdict ? h("p", { class: "verdict-line" }, badge, ` ${run.because}`) : h("p", { class: "hint" }, "no verdict was recorded for this run"),
    expected ? h("p", {}, `Expected at the end of its token budget: ${loss(expected.loss.at(-1))} (${between(expected.low.at(-1), expected.high.at(-1), loss)}). `,
      h("span", { class: "hint" }, expected.outcome)) : null,
    run.half ? h("p", {}, halfway(run)) : null,
  ];
}

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

/** The panel begins at a thirtieth of the token budget, where the loss has left its steep start. */
function closer({ curve, planned }) {
  const from = (planned ?? curve.tokens.at(-1) ?? 0) / 30, losses = curve.loss.filter((_, i) => curve.tokens[i] >= from);
  return losses.length > 2 ? { x: from, y: 1.03 * Math.max(...losses) } : null;
}

const link = (run) => (run ? h("p", {}, h("a", { class: "mlflow", href: mlflow(run) }, "open this run in MLflow")) : null);

function drawPanel(run) {
  const look = theme(), { tokens, loss: losses } = run.curve, marks = [];
  const lines = tokens.map((x, i) => [`loss ${loss(losses[i])}`, `${count(x)} tokens`]);
  if (run.made.length > 1) {
    marks.push({ type: "band", x: run.made.map((p) => p.tokens), low: run.made.map((p) => p.low), high: run.made.map((p) => p.high), colour: look.muted, alpha: 0.22, outside: true });
    marks.push({ type: "line", x: run.made.map((p) => p.tokens), y: run.made.map((p) => p.loss), colour: look.muted, width: 1.2, dash: [2, 3] });
  }
  marks.push({ type: "line", x: tokens, y: losses, colour: look.ink, width: 1.8, run: lines });
  if (run.expected) {
    const { tokens: x, low, high } = run.expected;
    marks.push({ type: "band", x, low, high, colour: look.accent, alpha: 0.25 }, { type: "line", x, y: run.expected.loss, colour: look.accent, width: 2, dash: [6, 3] });
  }
  const [first] = run.made, label = { text: "forecasts of the end", colour: look.muted, anchor: "end", dx: -6 };
  const words = run.made.length > 1 ? [{ ...label, x: first.tokens, y: first.loss }] : [];
  panel.draw({ x: { kind: "log", label: "training tokens", format: count }, y: { kind: "log", label: "validation loss", format: tick }, marks, words, focus: closer(run),
    empty: tokens.length ? null : "no points yet", margin: { right: 14 } });
}
