// The controls above the loss chart: metric, axes, smoothing, groups, filters, and what can be saved.

import { AXES } from "./axis.js";
import { byId, choice, h, menu } from "./dom.js";
import { bringColumns, names, wake } from "./columns.js";
import { lossChart, onShow, stateName } from "./loss.js";
import { redraw } from "./redraw.js";
import { all } from "./runs.js";
import { savePng, saveShown, saveSvg } from "./save.js";
import { query, view } from "./view.js";

const SHAPE = { log: "log", linear: "linear" };

/** Draws the controls; `set` is called with what changed, `recount` when other runs enter the law. */
export function drawTools(set, recount) {
  const runs = all(), families = [...new Set(runs.map((run) => run.family))].filter(Boolean).sort();
  const tools = document.querySelector("#loss .tools");
  if (tools.contains(document.activeElement) && document.activeElement.matches("input, select")) return;
  redraw(tools, metric(set), against(set),
    choice("x", SHAPE, view.xlog, (xlog) => set({ xlog, zoom: "" })), choice("y", SHAPE, view.ylog, (ylog) => set({ ylog, zoom: "" })),
    smoothing(set), grouping(set),
    select("family", "every family", Object.fromEntries(families.map((name) => [name, name])), families.length > 1 || view.family, set),
    select("state", "every state", Object.fromEntries(["FINISHED", "RUNNING", "INTERRUPTED"].map((state) => [state, stateName({ state })])), true, set),
    h("input", { id: "text", type: "search", placeholder: "name …", "aria-label": "name contains", value: view.text,
      oninput: (event) => set({ text: event.target.value }) }),
    filter(set),
    runs.some((run) => run.state !== "FINISHED") ? counting(recount) : null, menu("save", "save", saving()));
}

const against = (set) => choice("against", Object.fromEntries(Object.entries(AXES).map(([key, axis]) => [key, axis.name])), view.x, (x) => set({ x, zoom: "" }));

const metric = (set) => h("input", { id: "metric", list: "metric-names", placeholder: "loss", "aria-label": "metric to show", value: view.metric, onfocus: wake,
  onchange: (event) => set({ metric: event.target.value.trim(), zoom: "" }) });

const filter = (set) => h("input", { id: "filter", type: "search", list: "fact-names", placeholder: "params.lr = '0.1' and metrics.acc > 0.5", value: view.filter, onfocus: wake,
  "aria-label": "filter in MLflow's language over params, tags and metrics", title: "MLflow's filter language: params.lr = '0.1' and metrics.acc > 0.5",
  onchange: (event) => set({ filter: event.target.value.trim() }) });

const smoothing = (set) => h("label", { class: "slide" }, "smooth ", h("input", { id: "smooth", type: "range", min: 0, max: 0.95, step: 0.05, value: view.smooth,
  oninput: (event) => set({ smooth: String(Number(event.target.value)) }) }));

function grouping(set) {
  const facts = names().map(([name]) => name).filter((name) => !name.startsWith("metrics."));
  const options = [["", "every run"], ["seeds", "mean over seeds"], ...[...new Set([...(view.group.includes(".") ? [view.group] : []), ...facts])].map((name) => [name, `mean by ${name}`])];
  return h("select", { id: "group", "aria-label": "group runs", onfocus: wake, onchange: (event) => set({ group: event.target.value }) },
    options.map(([value, words]) => h("option", { value, selected: value === view.group }, words)));
}

/** Runs that never ended enter the law only on request. */
function counting(recount) {
  const box = h("input", { id: "unfinished", type: "checkbox", checked: Boolean(view.unfinished),
    onchange: (event) => recount({ unfinished: event.target.checked ? "true" : "" }) });
  return h("label", { class: "hint", title: "count the last loss of runs that have not finished" }, box, " unfinished runs in the law");
}

function select(name, every, options, wanted, set) {
  if (!wanted) return null;
  const entries = Object.entries({ "": every, ...options });
  return h("select", { id: name, "aria-label": name, onchange: (event) => set({ [name]: event.target.value }) },
    entries.map(([value, words]) => h("option", { value, selected: value === view[name] }, words)));
}

function saving() {
  const link = (file, words) => h("a", { href: `scaling/data/${file}?${query()}`, download: `scaling-${file}` }, words);
  const button = (words, act) => h("button", { type: "button", onclick: act }, words);
  return [button("picture (PNG)", () => savePng(lossChart(), "loss-against-compute")), button("picture (SVG)", () => saveSvg(lossChart(), "loss-against-compute")),
    button("what is shown (CSV)", () => saveShown(lossChart(), onShow())), link("runs.csv", "all runs (CSV)"), link("points.csv", "all points (CSV)"),
    link("records.json", "records (JSON)")];
}

const MENUS = "details.menu[open], #experiments[open]";

/** Menus close when something else is clicked, and by Escape. */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(MENUS)) if (!menu.contains(event.target) && event.target.isConnected) menu.open = false;
});
export function closeMenus() {
  const open = [...document.querySelectorAll(MENUS)];
  for (const menu of open) { menu.open = false; menu.querySelector("summary").focus(); }
  return open.length > 0;
}
byId("experiments").classList.add("picker");

// On a phone the controls are folded, so that the chart is on the first screen.
const roomy = matchMedia("(min-width: 641px)"), fold = () => { byId("controls").open = roomy.matches; };
roomy.addEventListener("change", fold);
fold();
