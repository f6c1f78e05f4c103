// The controls above the loss chart: metric, axis, scales, smoothing, groups, filters, and what can be saved.

import { AXES } from "./x_axis.js";
import { byId, h, menu, redraw, toggle } from "./dom.js";
import { names, wake } from "./columns.js";
import { lossChart, onShow, stateName } from "./loss.js";
import { all } from "./runs.js";
import { savePng, saveShown, saveSvg } from "./save.js";
import { query, view } from "./view.js";

/** Draws the controls; `set` is called with what changed. */
export function drawTools(set) {
  const families = [...new Set(all().map((run) => run.family))].filter(Boolean).sort();
  const tools = document.querySelector("#loss .tools");
  if (tools.contains(document.activeElement) && document.activeElement.matches("input")) return; // somebody is typing
  redraw(tools, metric(set), h("label", { class: "slide" }, "against ", select("x", "axis", axes(), (x) => set({ x, zoom: "" }))),
    logarithmic("x", set), logarithmic("y", set), smoothing(set), select("group", "group runs", groups(), (group) => set({ group }), wake),
    h("span", { class: "break" }), families.length > 1 || view.family ? select("family", "family", [["", "every family"], ...families.map((name) => [name, name])], (family) => set({ family })) : null,
    select("state", "state", [["", "every state"], ...["FINISHED", "RUNNING", "INTERRUPTED"].map((state) => [state, stateName({ state })])], (state) => set({ state })),
    h("input", { id: "text", type: "search", placeholder: "name …", "aria-label": "name contains", value: view.text,
      oninput: (event) => set({ text: event.target.value }) }),
    filter(set), menu("save", "save", saving()));
}

const axes = () => Object.entries(AXES).map(([key, axis]) => [key, axis.name]);

const logarithmic = (axis, set) => toggle(`log ${axis}`, view[`${axis}log`] === "log", (on) => set({ [`${axis}log`]: on ? "log" : "linear", zoom: "" }));

const metric = (set) => h("input", { id: "metric", list: "metric-names", placeholder: "loss", "aria-label": "metric to show", value: view.metric, onfocus: wake,
  onchange: (event) => set({ metric: event.target.value.trim(), zoom: "" }) });

const filter = (set) => h("input", { id: "filter", type: "search", list: "fact-names", placeholder: "filter: params.lr = '0.1'", value: view.filter, onfocus: wake,
  "aria-label": "filter in MLflow's language over params, tags and metrics", title: "MLflow's filter language: params.lr = '0.1' and metrics.acc > 0.5",
  onchange: (event) => set({ filter: event.target.value.trim() }) });

const smoothing = (set) => h("label", { class: "slide" }, "smooth ", h("input", { id: "smooth", type: "range", min: 0, max: 0.95, step: 0.05, value: view.smooth,
  oninput: (event) => set({ smooth: String(Number(event.target.value)) }) }));

function groups() {
  const facts = names().map(([name]) => name).filter((name) => !name.startsWith("metrics."));
  const by = [...new Set([...(view.group.includes(".") ? [view.group] : []), ...facts])];
  return [["", "every run"], ["seeds", "mean over seeds"], ...by.map((name) => [name, `mean by ${name}`])];
}

/** A menu of [value, words]; the value of the view is chosen. */
function select(name, label, options, pick, onfocus = null) {
  return h("select", { id: name, "aria-label": label, onfocus, onchange: (event) => pick(event.target.value) },
    options.map(([value, words]) => h("option", { value, selected: value === view[name] }, words)));
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
