// The runs as a table, sorted by any column; and those that cannot be read, with the reason.

import { bySize } from "./colours.js";
import { byId, h, s, show } from "./dom.js";
import { PF_DAY, stateName } from "./loss.js";
import { compute, count, loss, thousands } from "./numbers.js";
import { all, mlflow } from "./runs.js";
import { passes, view } from "./view.js";

const FIRST = 60, MOST = 1000; // rows: at first, and after the click; ten thousand would be built anew at every redraw
const COLUMNS = [
  ["run", (r) => r.name], ["N", (r) => r.params], ["tokens", (r) => r.tokens], ["tokens/N", (r) => r.tokens / r.params],
  ["PF-days", (r) => r.flops], ["loss", (r) => r.loss], ["expected end", (r) => r.forecast], ["state", (r) => r.state], ["verdict", (r) => r.verdict],
];
let order = { column: 1, down: false }, whole = false;

export function drawRuns(select) {
  const runs = all().filter(passes), title = h("h2", {}, "Runs");
  if (!runs.length) return show(byId("runs"), title, h("p", { class: "hint" }, nothing()));
  const again = () => drawRuns(select);
  const sorted = inOrder(runs), some = sorted.slice(0, whole ? MOST : FIRST), colour = bySize(runs.map((run) => run.params));
  const more = runs.length > some.length ? rest(runs.length, () => { whole = true; again(); }) : null;
  const body = h("tbody", {}, some.map((run) => row(run, colour(run.params), select)));
  show(byId("runs"), title, h("div", { class: "scroll" }, h("table", {}, head(again), body)), more);
}

function rest(runs, reveal) {
  if (whole) return h("p", { class: "hint" }, `… and ${thousands(runs - MOST)} more: sort or filter to see them, or save them all as CSV`);
  return h("button", { type: "button", onclick: reveal }, runs > MOST ? `show ${thousands(MOST)} of ${thousands(runs)}` : `show all ${runs}`);
}

const nothing = () => {
  if (all().length) return "no run passes the filters";
  return view.experiments.length ? "no runs here yet" : "no experiment is chosen";
};

function inOrder(runs) {
  const of = COLUMNS[order.column][1], sign = order.down ? -1 : 1;
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  const absent = (value) => value === null || value === undefined || Number.isNaN(value);
  return [...runs].sort((p, q) => {
    const [a, b] = [of(p), of(q)];
    return absent(a) || absent(b) ? absent(a) - absent(b) : sign * compare(a, b);
  });
}

function head(again) {
  const cells = COLUMNS.map(([name], i) => h("th", { class: i === 0 || i > 6 ? "words" : null, "aria-sort": i === order.column ? (order.down ? "descending" : "ascending") : null },
    h("button", { type: "button", onclick: () => { order = { column: i, down: i === order.column && !order.down }; again(); } }, name)));
  return h("thead", {}, h("tr", {}, cells, h("th", {})));
}

function row(run, colour, select) {
  const dot = s("svg", { width: 10, height: 10, viewBox: "0 0 10 10", "aria-hidden": "true" }, s("circle", { cx: 5, cy: 5, r: 4, fill: colour }));
  const name = h("button", { type: "button", class: "name", title: run.name, onclick: () => { select(run.id); byId("side").scrollIntoView({ block: "nearest" }); } }, run.name);
  return h("tr", { class: run.id === view.run ? "chosen" : null, "data-run": run.id },
    h("td", { class: "words" }, dot, name), h("td", {}, count(run.params)), h("td", {}, count(run.tokens)), h("td", {}, count(run.tokens / run.params)),
    h("td", {}, compute(run.flops / PF_DAY)), h("td", {}, loss(run.loss)), h("td", {}, run.state === "RUNNING" ? loss(run.forecast) : "–"),
    h("td", { class: "words" }, stateName(run)), h("td", { class: "words" }, run.verdict), h("td", {}, h("a", { href: mlflow(run) }, "MLflow")));
}

export function drawBroken(broken) {
  byId("broken").hidden = broken.length === 0;
  const item = (run) => h("li", {}, h("a", { href: mlflow(run) }, run.name || run.id), h("span", {}, `: ${run.reason}`));
  const rest = broken.length > FIRST ? h("p", { class: "hint" }, `… and ${broken.length - FIRST} more`) : null;
  show(byId("broken"), h("h2", {}, "Runs that cannot be read"), h("ul", {}, broken.slice(0, FIRST).map(item)), rest);
}
