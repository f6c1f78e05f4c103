// Parameters, tags and last metrics of the runs: their names for filters and menus, the values of those that are columns or groups.

import { askColumns } from "./runs.js";
import { listed, view } from "./view.js";

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
  return true;
}
