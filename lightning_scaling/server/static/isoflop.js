// IsoFLOP view: at each budget the loss over model size, a parabola through it, and its minimum, the best size (Hoffmann et al. 2022, approach 2).

import { chart } from "./chart.js";
import { shade } from "./colours.js";
import { byId, h } from "./dom.js";
import { count, loss, scientific, tick } from "./numbers.js";

let picture = null, reason = null;

export function makeIsoflop() {
  const host = h("div", { class: "chart small", id: "isoflop-chart" });
  reason = h("p", { class: "hint" });
  byId("isoflop").append(host, reason);
  picture = chart(host, { hover: (run) => run });
}

export function drawIsoflop(fitted) {
  const budgets = fitted?.isoflopCurves ?? [];
  byId("isoflop").classList.toggle("is-empty", budgets.length === 0);
  const colours = budgets.map((_, i) => shade(budgets.length > 1 ? i / (budgets.length - 1) : 1));
  picture.draw({
    x: { kind: "log", label: "parameters", format: count },
    y: { kind: "linear", label: "validation loss", format: tick },
    marks: budgets.flatMap((budget, i) => marks(budget, colours[i])),
    words: budgets.map((budget, i) => ({
      x: Math.max(...budget.params), y: budget.loss[budget.params.indexOf(Math.max(...budget.params))],
      text: scientific(budget.flops), colour: colours[i], bold: true, dx: 8 })),
    empty: budgets.length ? null : "no IsoFLOP curve yet",
    margin: { right: 58 },
  });
  reason.textContent = text(budgets, fitted);
}

function text(budgets, fitted) {
  if (!fitted) return "";
  if (!budgets.length) return "An IsoFLOP curve takes at least four model sizes trained on one budget of compute (equal to within a quarter).";
  const open = budgets.filter((budget) => budget.reason);
  const minima = budgets.filter((budget) => budget.best).map((budget) => `${count(budget.best)} at ${scientific(budget.flops)} FLOPs`);
  return [minima.length ? `Best sizes: ${minima.join(", ")}.` : "", ...open.map((v) => `${scientific(v.flops)} FLOPs: ${v.reason}.`)].join(" ");
}

function marks(budget, colour) {
  const lines = budget.params.map((n, i) => [`${count(n)} parameters`, `loss ${loss(budget.loss[i])} on ${count(budget.tokens[i])} tokens`]);
  const points = { type: "dot", x: budget.params, y: budget.loss, colour, size: 3.5, run: lines };
  if (budget.parabola.some((value) => value === null)) return [points];
  const curve = parabola(budget), bottom = curve.at(budget.best);
  const line = { type: "line", x: curve.x, y: curve.y, colour, width: 1.5, alpha: 0.8 };
  const best = budget.best ? [{ type: "dot", x: [budget.best], y: [bottom], colour, size: 6, hollow: true }] : [];
  return [line, points, ...best];
}

function parabola({ params, parabola: [a, b, c] }) {
  const at = (n) => a * Math.log(n) ** 2 + b * Math.log(n) + c;
  const low = Math.log(Math.min(...params)), high = Math.log(Math.max(...params));
  const x = Array.from({ length: 41 }, (_, i) => Math.exp(low + ((high - low) * i) / 40));
  return { x, y: x.map(at), at };
}
