// What is being looked at, kept in the address, so that a link shows the same.

/** The metric mapping of external runs: see metric_mapping.py. */
export const NAMES = { loss_metric: "", token_metric: "", tokens_per_step: "", params: "" };
const DEFAULTS = { x: "pf_days", xlog: "log", ylog: "log", family: "", state: "", text: "", run: "", unfinished: "", ...NAMES };
const AXES = ["pf_days", "flops", "tokens", "params"];

export const view = { experiments: [], ...DEFAULTS };

/** Reads the address; unknown values fall back. */
export function fromAddress() {
  const given = new URLSearchParams(location.search);
  view.experiments = given.getAll("experiment");
  for (const name of Object.keys(DEFAULTS)) view[name] = given.get(name) ?? DEFAULTS[name];
  if (!AXES.includes(view.x)) view.x = DEFAULTS.x;
  for (const name of ["xlog", "ylog"]) if (view[name] !== "linear") view[name] = "log";
}

export function change(changes) {
  Object.assign(view, changes);
  const query = new URLSearchParams();
  for (const id of view.experiments) query.append("experiment", id);
  for (const [name, usual] of Object.entries(DEFAULTS)) if (view[name] !== usual) query.set(name, view[name]);
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
}

/** The experiments, the metric mapping of external runs, and whether unfinished runs count, as every question to the server carries them. */
export function query() {
  const named = Object.keys(NAMES).filter((name) => view[name]).map((name) => [name, view[name]]);
  const counted = view.unfinished ? [["unfinished", "true"]] : [];
  return new URLSearchParams([...view.experiments.map((id) => ["experiment", id]), ...named, ...counted]).toString();
}

/** Whether a run passes the filters. */
export function passes(run) {
  if (view.family && run.family !== view.family) return false;
  if (view.state && run.state !== view.state) return false;
  return !view.text || run.name.toLowerCase().includes(view.text.toLowerCase());
}
