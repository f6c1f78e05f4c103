// A budget, and how each law would spend it: a slider over answers that were computed beforehand, so that it moves without waiting.

import { chart } from "./chart.js";
import { theme } from "./colours.js";
import { byId, h, show, table } from "./dom.js";
import { PF_DAY } from "./x_axis.js";
import { between, compute, count, loss, scientific } from "./numbers.js";

let picture = null, plans = null, slider = null;
const parts = {};

export function makePlanner() {
  slider = h("input", { id: "budget", type: "range", min: 0, max: 0, value: 0, step: 1, "aria-label": "compute budget", oninput: () => answer() });
  for (const name of ["budget", "best", "chart", "table", "note"]) parts[name] = h("div", { class: `planner-${name}` });
  byId("planner").append(h("label", { class: "slider" }, parts.budget, slider), parts.best, parts.chart, parts.table, parts.note);
  picture = chart(parts.chart);
}

/** New answers; the slider stays at its budget if it was moved. */
export function drawPlanner(fitted) {
  const budget = plans && slider.dataset.moved ? plans.flops[Number(slider.value)] : null;
  plans = fitted?.planner ?? null;
  slider.disabled = !plans;
  if (!plans) return [parts.best, parts.table, parts.note].forEach((part) => show(part));
  slider.max = plans.flops.length - 1;
  slider.value = budget ? nearest(plans.flops, budget) : plans.start;
  answer(false);
}

function nearest(values, wanted) {
  const miss = (value) => Math.abs(Math.log(value / wanted));
  return values.reduce((best, value, i) => (miss(value) < miss(values[best]) ? i : best), 0);
}

function answer(moved = true) {
  if (moved) slider.dataset.moved = "true";
  const at = Number(slider.value), flops = plans.flops[at];
  const times = plans.largest ? ` · ${count(flops / plans.largest)}× the largest run` : "";
  slider.setAttribute("aria-valuetext", `${scientific(flops)} FLOPs`);
  show(parts.budget, h("b", {}, `${compute(flops / PF_DAY)} PF-days`), ` (${scientific(flops)} FLOPs)${times}`);
  show(parts.best, plans.fitted ? best(plans.fitted, at) : asBefore(at));
  show(parts.table, table(["law", "N*", "D*", "D*/N*"], rows(at)));
  show(parts.note, h("p", { class: "hint" }, "Published laws were fitted to other data and other tokens: compare their split, not a loss."));
  draw(flops);
}

const fact = (name, value, interval) => h("div", {}, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "small" }, interval ?? ""));

function best(law, at) {
  const inside = (name, write) => (law[`${name}Low`] ? `${Math.round(100 * law.level)} %: ${between(law[`${name}Low`][at], law[`${name}High`][at], write)}` : "");
  return h("dl", { class: "facts" },
    fact("parameters N*", count(law.params[at]), inside("params", count)), fact("tokens D*", count(law.tokens[at]), inside("tokens", count)),
    fact("tokens per parameter", count(law.tokens[at] / law.params[at])), fact("predicted loss", loss(law.loss[at]), inside("loss", loss)));
}

/** Without a split the law of compute still gives the loss of a run trained as these were. */
function asBefore(at) {
  const law = plans.compute;
  const open = h("p", { class: "outcome" }, plans.largest ? "These runs do not identify how to split a budget between parameters and data; see the fitted law below."
    : "Published laws alone: with runs of your own their law is added.");
  if (!law) return [open];
  const inside = law.low ? `90 %: ${between(law.low[at], law.high[at], loss)}` : "";
  return [h("dl", { class: "facts" }, fact("predicted loss, trained as these runs were", loss(law.loss[at]), inside)), open];
}

function rows(at) {
  const row = (law, name, strong) => [strong ? h("b", {}, name) : h("span", { title: law.source }, name),
    count(law.params[at]), count(law.tokens[at]), count(law.tokens[at] / law.params[at])];
  return [...(plans.fitted ? [row(plans.fitted, "these runs", true)] : []), ...plans.presets.map((law) => row(law, law.name, false))];
}

function draw(flops) {
  const look = theme(), x = plans.flops;
  const marks = plans.presets.map((law) => ({ type: "line", x, y: law.params, colour: look.muted, width: 1, alpha: 0.7 }));
  const law = plans.fitted, own = law ? [{ ...law, colour: look.accent, bold: true }] : [];
  const words = [...plans.presets, ...own].sort((a, b) => b.params.at(-1) - a.params.at(-1))
    .map(({ name, params, colour, bold }) => ({ x: x.at(-1), y: params.at(-1), text: name, colour: colour ?? look.muted, bold, below: true, dx: 8 }));
  if (law?.paramsLow) marks.push({ type: "band", x, low: law.paramsLow, high: law.paramsHigh, colour: look.accent, alpha: 0.14, outside: true });
  if (law) marks.push({ type: "line", x, y: law.params, colour: look.accent, width: 2.2 });
  const all = marks.flatMap((mark) => mark.y ?? []), ends = [Math.min(...all), Math.max(...all)];
  marks.push({ type: "line", x: [flops, flops], y: ends, colour: look.ink, width: 1, dash: [2, 3] });
  const here = law?.params[Number(slider.value)];
  if (here) marks.push({ type: "dot", x: [flops], y: [here], colour: look.accent, size: 5 });
  const narrow = parts.chart.clientWidth < 420; // no room for names beside the lines; the table has them
  picture.draw({ x: { kind: "log", label: "budget (FLOPs)", format: scientific }, y: { kind: "log", label: "best size N*", format: count },
    marks, words: narrow ? [] : words, margin: { top: 10, right: narrow ? 16 : 140 } });
}
