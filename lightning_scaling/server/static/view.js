// What is being looked at, kept in the address, so that a link shows the same and Back goes back.

import { AXES } from "./x_axis.js";

/** The metric mapping of external runs: see metric_mapping.py. */
export const NAMES = { loss_metric: "", token_metric: "", tokens_per_step: "", params: "" };
const DEFAULTS = { x: "pf_days", xlog: "log", ylog: "log", family: "", state: "", text: "", filter: "", run: "", unfinished: "",
  metric: "", smooth: "0", group: "", cols: "", sort: "N", down: "", pick: "", only: "", hide: "", zoom: "", ...NAMES };
const TYPED = ["text", "smooth", "zoom"]; // changed many times in a row: one entry of the history is enough

export const view = { experiments: [], ...DEFAULTS };

/** Reads the address; unknown values fall back. */
export function fromAddress() {
  const given = new URLSearchParams(location.search);
  view.experiments = given.getAll("experiment");
  for (const name of Object.keys(DEFAULTS)) view[name] = given.get(name) ?? DEFAULTS[name];
  if (!Object.hasOwn(AXES, view.x)) view.x = DEFAULTS.x;
  for (const name of ["xlog", "ylog"]) if (view[name] !== "linear") view[name] = "log";
  if (!(Number(view.smooth) >= 0 && Number(view.smooth) < 1)) view.smooth = DEFAULTS.smooth;
}

/** Takes over the changes; `quiet` ones make no new entry of the history. */
export function change(changes, quiet = false) {
  Object.assign(view, changes);
  const query = new URLSearchParams();
  for (const id of view.experiments) query.append("experiment", id);
  for (const [name, usual] of Object.entries(DEFAULTS)) if (view[name] !== usual) query.set(name, view[name]);
  const address = `${location.pathname}${query.size ? `?${query}` : ""}`;
  if (address === location.pathname + location.search) return;
  const step = quiet || Object.keys(changes).every((name) => TYPED.includes(name)) ? "replaceState" : "pushState";
  history[step](null, "", address);
}

/** The experiments, the metric mapping of external runs, and whether unfinished runs count, as every question to the server carries them. */
export function query() {
  const named = Object.keys(NAMES).filter((name) => view[name]).map((name) => [name, view[name]]);
  const counted = view.unfinished ? [["unfinished", "true"]] : [];
  return new URLSearchParams([...view.experiments.map((id) => ["experiment", id]), ...named, ...counted]).toString();
}

/** A list that the address holds as text: names or ids, separated by commas. */
export const listed = (name) => (view[name] ? view[name].split(",").map(decodeURIComponent) : []);
export const asText = (list) => list.map(encodeURIComponent).join(",");

const found = { of: "", ids: null }; // what the server found by the filter of the address
export const setFound = (of, ids) => Object.assign(found, { of, ids });
let sets = { pick: ["", new Set()], hide: ["", new Set()] };

/** The ids of "pick" or "hide" as a set, made once a change. */
export function idsOf(name) {
  if (sets[name][0] !== view[name]) sets[name] = [view[name], new Set(listed(name))];
  return sets[name][1];
}

/** Whether a run is on show. */
export function passes(run) {
  if (view.family && run.family !== view.family) return false;
  if (view.state && run.state !== view.state) return false;
  if (idsOf("hide").has(run.id) || (view.only && !idsOf("pick").has(run.id))) return false;
  if (view.filter && found.of === view.filter && !found.ids.has(run.id)) return false;
  return !view.text || run.name.toLowerCase().includes(view.text.toLowerCase());
}
