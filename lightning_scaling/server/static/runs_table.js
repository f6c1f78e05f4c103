// The runs as a table: chosen columns, sorted by any, rows ticked to be compared or hidden; and those that cannot be read, with the reason.

import { PF_DAY } from "./x_axis.js";
import { byId, h, redraw as show, s } from "./dom.js";
import { columnMenu, valueOf } from "./columns.js";
import { colouring, stateName } from "./loss.js";
import { compute, count, loss, thousands } from "./numbers.js";
import { all, mlflow } from "./runs.js";
import { asText, idsOf, listed, passes, view } from "./view.js";

const EXPECTED = "expected end"; // a column while any run is in progress
const FIRST = 60, MOST = 1000; // rows: at first, and after the click; ten thousand would be built anew at every redraw
const COLUMNS = [
  { name: "run", of: (r) => r.name, text: true }, { name: "N", of: (r) => r.params, write: count }, { name: "tokens", of: (r) => r.tokens, write: count },
  { name: "tokens/N", of: (r) => r.tokens / r.params, write: count }, { name: "PF-days", of: (r) => r.flops / PF_DAY, write: compute },
  { name: "loss", of: (r) => r.loss, write: loss }, { name: EXPECTED, of: (r) => (r.state === "RUNNING" ? r.forecast : null), write: loss },
  { name: "state", of: stateName, text: true }, { name: "verdict", of: (r) => r.verdict, text: true }, { name: "add data?", of: (r) => r.data, text: true },
];
let whole = false;

/** The columns on show: those of every run that are not taken away ("-name" in the address), then the named columns. */
export function columns() {
  const asked = listed("cols"), named = asked.filter((name) => !name.startsWith("-"));
  const fact = (name) => ({ name, of: (run) => valueOf(run, name), write: (value) => (typeof value === "number" ? loss(value) : value), fact: true });
  const wanted = (each) => !asked.includes(`-${each.name}`) && (each.name !== EXPECTED || all().some((run) => run.state === "RUNNING"));
  return [...COLUMNS.filter(wanted), ...named.map(fact)];
}

export function drawRuns(select, set) {
  const runs = all().filter(passes), bar = actions(runs, set);
  if (!runs.length) return show(byId("runs"), bar, h("p", { class: "hint" }, nothing()));
  const shown = columns(), sorted = inOrder(runs, shown), some = sorted.slice(0, whole ? MOST : FIRST), colour = colouring(runs);
  const more = runs.length > some.length ? rest(runs.length, () => { whole = true; drawRuns(select, set); }) : null;
  const body = h("tbody", {}, some.map((run) => row(run, shown, colour(run), select, set)));
  show(byId("runs"), bar, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "table of runs" }, h("table", {}, head(shown, set), body)), more);
}

/** What can be done with the ticked rows, and the way back. */
function actions(runs, set) {
  const picked = idsOf("pick"), hidden = idsOf("hide"), button = (words, changes, name) => h("button", { type: "button", "data-focus": name, onclick: () => set(changes) }, words);
  const few = picked.size && !view.only;
  return h("div", { class: "actions" }, h("h2", {}, "Runs"),
    picked.size ? `${picked.size} ticked ` : runs.length > 1 ? "Tick runs to compare or hide them. " : null,
    few ? button("show only these", { only: "1" }, "only") : null,
    few ? button("hide these", { hide: asText([...hidden, ...picked]), pick: "" }, "hide") : null,
    view.only ? button("show the others too", { only: "" }, "only") : null,
    picked.size ? button("untick all", { pick: "", only: "" }, "untick") : null,
    hidden.size ? button(`show ${hidden.size} hidden`, { hide: "" }, "unhide") : null,
    columnMenu(COLUMNS.slice(1).map((each) => each.name), set));
}

function rest(runs, reveal) {
  if (whole) return h("p", { class: "hint" }, `… and ${thousands(runs - MOST)} more: sort or filter to see them, or save them all as CSV`);
  return h("button", { type: "button", class: "more", onclick: reveal }, runs > MOST ? `show ${thousands(MOST)} of ${thousands(runs)}` : `show all ${runs}`);
}

const nothing = () => {
  if (all().length) return "no run passes the filters";
  return view.experiments.length ? "no runs here yet" : "no experiment is chosen";
};

function inOrder(runs, shown) {
  const by = shown.find((each) => each.name === view.sort) ?? COLUMNS[1], sign = view.down ? -1 : 1;
  const plain = (value) => (value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value);
  const compare = (a, b) => (typeof a === "string" || typeof b === "string" ? String(a).localeCompare(String(b), undefined, { numeric: true }) : a - b);
  const absent = (value) => value === null || value === undefined || Number.isNaN(value);
  const keyed = runs.map((run) => { const value = by.of(run); return { run, value: absent(value) ? null : plain(value) }; });
  keyed.sort((p, q) => (absent(p.value) || absent(q.value) ? absent(p.value) - absent(q.value) : sign * compare(p.value, q.value)));
  return keyed.map((each) => each.run);
}

function head(shown, set) {
  const sort = (name) => set({ sort: name, down: name === view.sort && !view.down ? "1" : "" });
  const cells = shown.map(({ name, text }) => h("th", { class: text ? "words" : null, scope: "col", title: name,
    "aria-sort": name === view.sort ? (view.down ? "descending" : "ascending") : null },
    h("button", { type: "button", "data-focus": `sort ${name}`, onclick: () => sort(name) }, name)));
  return h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "unseen" }, "tick")), cells, h("th", {}, h("span", { class: "unseen" }, "in MLflow"))));
}

function row(run, shown, colour, select, set) {
  const ticked = idsOf("pick").has(run.id), others = () => [...idsOf("pick")].filter((id) => id !== run.id);
  const tick = h("input", { type: "checkbox", checked: ticked, "aria-label": `tick ${run.name}`, "data-focus": `tick ${run.id}`,
    onchange: () => { const left = asText(ticked ? others() : [...others(), run.id]); set({ pick: left, ...(left ? {} : { only: "" }) }); } });
  return h("tr", { class: run.id === view.run ? "chosen" : null, "data-run": run.id }, h("td", { class: "tick" }, h("label", {}, tick)),
    shown.map((column) => (column.name === "run" && !column.fact ? nameCell(run, colour, select) : cell(run, column))),
    h("td", {}, h("a", { href: mlflow(run), "aria-label": `${run.name} in MLflow`, title: "open in MLflow" }, "↗")));
}

function nameCell(run, colour, select) {
  const dot = s("svg", { width: 10, height: 10, viewBox: "0 0 10 10", "aria-hidden": "true" }, s("circle", { cx: 5, cy: 5, r: 4, fill: colour }));
  const open = () => { select(run); byId("side").scrollIntoView({ block: "nearest" }); };
  return h("td", { class: "words" }, dot, h("button", { type: "button", class: "name", title: run.name, "data-focus": `run ${run.id}`, onclick: open }, run.name));
}

function cell(run, column) {
  const value = column.of(run), words = value === undefined || value === "" ? (column.text ? "" : "–") : column.write ? column.write(value) : value;
  return h("td", { class: column.text ? "words" : null, title: column.fact && String(words).length > 24 ? words : null }, words);
}

export function drawBroken(broken) {
  byId("broken").hidden = broken.length === 0;
  const item = (run) => h("li", {}, h("a", { href: mlflow(run) }, run.name || run.id), h("span", {}, `: ${run.reason}`));
  const rest = broken.length > FIRST ? h("p", { class: "hint" }, `… and ${broken.length - FIRST} more`) : null;
  show(byId("broken"), h("h2", {}, "Runs that cannot be read"), h("ul", {}, broken.slice(0, FIRST).map(item)), rest);
}
