// The fitted law in words and numbers: the outcome of each fit, the constants with intervals, the approaches side by side.

import { byId, h, redraw as show, table } from "./dom.js";
import { all } from "./runs.js";
import { view } from "./view.js";

/** Draws the card; `recount` is called when other runs are to enter the law. */
export function drawLaw(fitted, recount) {
  const title = h("div", { class: "actions" }, h("h2", {}, "The fitted law"), all().some((run) => run.state !== "FINISHED") ? counting(recount) : null);
  const { sentences, outcomes, prediction } = fitted;
  show(byId("law"), title,
    h("p", {}, sentences.law), // what it means for the next run is beside the chart
    outcomes.map((each) => h("p", { class: each.refused ? "outcome refused" : "outcome" }, each.of ? h("b", {}, `${each.of}: `) : null, each.text)),
    h("div", { class: "blocks" },
      lines("L(N, D) = E + A/N^alpha + B/D^beta", fitted.surfaceLines),
      lines("Loss over compute", fitted.frontierLines),
      approaches(fitted.approaches, sentences.approaches),
      prediction ? lines("The largest run, from the smaller ones", prediction.lines) : null));
}

function lines(title, given) {
  if (!given.length) return null;
  const rows = given.map((line) => [h("b", {}, line.name), line.value, line.interval || "", line.meaning]);
  return h("div", {}, h("h3", {}, title), table(["quantity", "value", "90 % interval", "meaning"], rows, [0, 3]));
}

function approaches(given, verdict) {
  if (!given.length) return null;
  const rows = given.map((each) => [each.name, each.exponent, each.interval, each.because]);
  return h("div", {}, h("h3", {}, "How the best size grows: N* ∝ C^a"), table(["approach", "a", "90 % interval", "because"], rows, [0, 3]),
    verdict ? h("p", { class: "hint" }, verdict) : null);
}

/** Runs that never ended enter the law only on request. */
function counting(recount) {
  const box = h("input", { id: "unfinished", type: "checkbox", checked: Boolean(view.unfinished),
    onchange: (event) => recount({ unfinished: event.target.checked ? "true" : "" }) });
  return h("label", { title: "count the last loss of runs that have not finished" }, box, " count unfinished runs too");
}
