// The controls above the loss chart: axes, filters, and what can be saved.

import { byId, choice, h, show } from "./dom.js";
import { all } from "./runs.js";
import { lossChart, stateName } from "./loss.js";
import { savePng, saveSvg } from "./save.js";
import { query, view } from "./view.js";

const X = { pf_days: "PF-days", flops: "FLOPs", tokens: "tokens", params: "parameters" };
const SHAPE = { log: "log", linear: "linear" };

/** Draws the controls; `set` is called with what changed, `recount` when other runs enter the law. */
export function drawTools(set, recount) {
  const runs = all(), families = [...new Set(runs.map((run) => run.family))].filter(Boolean).sort();
  const tools = document.querySelector("#loss .tools");
  if (tools.contains(document.activeElement) && document.activeElement.matches("input, select")) return;
  show(tools,
    choice("against", X, view.x, (x) => set({ x }, true)),
    choice("x", SHAPE, view.xlog, (xlog) => set({ xlog }, true)),
    choice("y", SHAPE, view.ylog, (ylog) => set({ ylog }, true)),
    filter("family", "every family", Object.fromEntries(families.map((name) => [name, name])), families.length > 1 || view.family, set),
    filter("state", "every state", Object.fromEntries(["FINISHED", "RUNNING", "INTERRUPTED"].map((state) => [state, stateName({ state })])), true, set),
    h("input", { id: "text", type: "search", placeholder: "name …", "aria-label": "name contains", value: view.text,
      oninput: (event) => set({ text: event.target.value }, true) }),
    runs.some((run) => run.state !== "FINISHED") ? counting(recount) : null,
    saving());
}

/** Runs that never ended enter the law only on request. */
function counting(recount) {
  const box = h("input", { id: "unfinished", type: "checkbox", checked: Boolean(view.unfinished),
    onchange: (event) => recount({ unfinished: event.target.checked ? "true" : "" }) });
  return h("label", { class: "hint", title: "count the last loss of runs that have not finished" }, box, " unfinished runs in the law");
}

function filter(name, every, options, wanted, set) {
  if (!wanted) return null;
  const entries = Object.entries({ "": every, ...options });
  return h("select", { id: name, "aria-label": name, onchange: (event) => set({ [name]: event.target.value }, true) },
    entries.map(([value, words]) => h("option", { value, selected: value === view[name] }, words)));
}

function saving() {
  const link = (file, words) => h("a", { href: `scaling/data/${file}?${query()}`, download: `scaling-${file}` }, words);
  return h("details", { class: "menu", id: "save" }, h("summary", {}, "save"),
    h("div", {},
      h("button", { type: "button", onclick: () => savePng(lossChart(), "loss-against-compute") }, "picture (PNG)"),
      h("button", { type: "button", onclick: () => saveSvg(lossChart(), "loss-against-compute") }, "picture (SVG)"),
      link("runs.csv", "runs (CSV)"), link("points.csv", "all points (CSV)"), link("records.json", "records (JSON)")));
}

/** Menus close when something else is clicked. */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], #experiments[open]")) {
    if (!menu.contains(event.target) && event.target.isConnected) menu.open = false;
  }
});
byId("experiments").classList.add("picker");
