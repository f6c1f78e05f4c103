// Parameters, tags and last metrics of the runs: their names for filters and menus, the values of those that are columns or groups.

import { byId, h, menu } from "./dom.js";
import { askColumns } from "./runs.js";
import { asText, listed, view } from "./view.js";

const MOST = 300; // names offered
const known = { names: [], values: {}, of: "" };
export const names = () => known.names;
const asked = () => [...new Set([...listed("cols").filter((name) => name.includes(".")), ...(view.group.includes(".") ? [view.group] : [])])];

/** The value of a named column of a run; undefined where it has none. */
export const valueOf = (run, name) => known.values[name]?.[run.id];

/** Brings names (when `all`) and the values that the view shows; true if anything is new. */
export async function bringColumns(all = false) {
  const wanted = asked(), of = JSON.stringify([view.experiments, wanted]);
  if (known.of === of || (!all && !wanted.length)) return false;
  const answer = await askColumns(wanted);
  Object.assign(known, answer, { of });
  const options = (some) => some.slice(0, MOST).map((value) => h("option", { value })), every = known.names.map(([name]) => name);
  byId("fact-names").replaceChildren(...options(every));
  byId("metric-names").replaceChildren(...options(every.filter((name) => name.startsWith("metrics.")).map((name) => name.slice("metrics.".length))));
  return true;
}

/** Names are asked for when somebody is about to use them: in a large store that takes a second. */
export const wake = () => bringColumns(true).catch(() => {});

/** The menu of the columns: `usual` are the names of those that every run has; `set` is called with the choice. */
export function columnMenu(usual, set) {
  const chosen = listed("cols"), toggled = (name) => asText(chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name]);
  const item = (name, on, change) => h("label", {}, h("input", { type: "checkbox", checked: on, "data-focus": `column ${name}`, onchange: () => set({ cols: toggled(change) }) }), h("span", {}, name));
  const add = h("input", { type: "search", list: "fact-names", placeholder: "add params.…, tags.…, metrics.…", "aria-label": "add a column", onfocus: wake,
    onchange: (event) => { const name = event.target.value.trim(); event.target.blur(); if (name.includes(".") && !chosen.includes(name)) set({ cols: asText([...chosen, name]) }); } });
  return menu("columns", "columns", [usual.map((name) => item(name, !chosen.includes(`-${name}`), `-${name}`)),
    chosen.filter((name) => !name.startsWith("-")).map((name) => item(name, true, name)), add]);
}
