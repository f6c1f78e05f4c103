// IsoFLOP view: at each budget the loss over model size, a parabola through it, and its bottom, the best size (Hoffmann et al. 2022, approach 2).

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
  const valleys = fitted?.valleys ?? [];
  byId("isoflop").classList.toggle("is-empty", valleys.length === 0);
  const colours = valleys.map((_, i) => shade(valleys.length > 1 ? i / (valleys.length - 1) : 1));
  picture.draw({
    x: { kind: "log", label: "parameters", format: count },
    y: { kind: "linear", label: "validation loss", format: tick },
    marks: valleys.flatMap((valley, i) => marks(valley, colours[i])),
    words: valleys.map((valley, i) => ({
      x: Math.max(...valley.params), y: valley.loss[valley.params.indexOf(Math.max(...valley.params))],
      text: scientific(valley.flops), colour: colours[i], bold: true, dx: 8 })),
    empty: valleys.length ? null : "no valley yet",
    margin: { right: 58 },
  });
  reason.textContent = said(valleys, fitted);
}

function said(valleys, fitted) {
  if (!fitted) return "";
  if (!valleys.length) return "A valley takes at least four model sizes trained on one budget of compute (equal to within a quarter).";
  const open = valleys.filter((valley) => valley.reason);
  const bottoms = valleys.filter((valley) => valley.best).map((valley) => `${count(valley.best)} at ${scientific(valley.flops)} FLOPs`);
  return [bottoms.length ? `Best sizes: ${bottoms.join(", ")}.` : "", ...open.map((v) => `${scientific(v.flops)} FLOPs: ${v.reason}.`)].join(" ");
}

function marks(valley, colour) {
  const lines = valley.params.map((n, i) => [`${count(n)} parameters`, `loss ${loss(valley.loss[i])} on ${count(valley.tokens[i])} tokens`]);
  const points = { type: "dot", x: valley.params, y: valley.loss, colour, size: 3.5, run: lines };
  if (valley.parabola.some((value) => value === null)) return [points];
  const curve = parabola(valley), bottom = curve.at(valley.best);
  const line = { type: "line", x: curve.x, y: curve.y, colour, width: 1.5, alpha: 0.8 };
  const best = valley.best ? [{ type: "dot", x: [valley.best], y: [bottom], colour, size: 6, hollow: true }] : [];
  return [line, points, ...best];
}

function parabola({ params, parabola: [a, b, c] }) {
  const at = (n) => a * Math.log(n) ** 2 + b * Math.log(n) + c;
  const low = Math.log(Math.min(...params)), high = Math.log(Math.max(...params));
  const x = Array.from({ length: 41 }, (_, i) => Math.exp(low + ((high - low) * i) / 40));
  return { x, y: x.map(at), at };
}
