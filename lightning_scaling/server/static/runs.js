// The runs that this page knows: asked for in columns, kept by id, only what has changed comes again.

import { query, view } from "./view.js";

const known = new Map();
let sorted = null; // they are asked for some ten times a redraw
export const answered = { broken: [], external: { runs: 0, waiting: 0, metrics: [], params: [], problem: "" } };

/** All runs, the smallest model first. */
export const all = () => (sorted ??= [...known.values()].sort((a, b) => (a.params ?? 0) - (b.params ?? 0) || a.flops - b.flops));
export const one = (id) => known.get(id);

let heard = ""; // when the server last answered

async function ask(path, options) {
  const reply = await fetch(`scaling/data/${path}`, options).catch(() => {
    const since = heard ? `what is shown was read at ${heard}` : "nothing could be read yet";
    throw new Error(`The server does not answer: ${since}; it is asked again every few seconds.`);
  });
  heard = new Date().toLocaleTimeString();
  const content = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(content.message ?? `the server answered ${reply.status}`);
  return content;
}

const post = (path, body) => ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
export const askStart = () => ask("start");
export const askColumns = (names) => post("columns", { experiments: view.experiments, names });
export const askMatching = (filter) => ask(`matching?${query()}&${new URLSearchParams({ filter })}`);
export const askCourses = (runs, metric, clock, epoch) => post(`courses?${query()}`, { experiments: view.experiments, runs, metric, clock, epoch });
export const askExperiments = () => ask("experiments");
export const askLaw = () => ask(`law?${query()}`);
export const askSiblings = (id) => ask(`siblings/${encodeURIComponent(id)}?${query()}`);
export const askRun = (id) => ask(`run/${encodeURIComponent(id)}?${query()}`);

/** Brings the runs up to date; true if any has changed. `forget` begins anew; an answer that is no longer `wanted()` changes nothing. */
export async function update(forget, wanted) {
  const stamps = forget ? {} : Object.fromEntries([...known].map(([id, run]) => [id, run.stamp]));
  const answer = await post(`runs?${query()}`, { experiments: view.experiments, known: stamps });
  if (!wanted()) return false;
  const before = JSON.stringify(answered.broken);
  sorted = null;
  if (forget) known.clear();
  for (const id of answer.gone) known.delete(id);
  const names = Object.keys(answer.runs);
  answer.runs.id.forEach((id, i) => known.set(id, Object.fromEntries(names.map((name) => [name, answer.runs[name][i]]))));
  Object.assign(answered, { broken: answer.broken, external: answer.external });
  return forget || answer.gone.length > 0 || answer.runs.id.length > 0 || before !== JSON.stringify(answer.broken);
}

/** FLOPs at each point of a run's curve. */
export const flops = (run) => (run.spent ??= Array.isArray(run.c) ? run.c : run.x.map((tokens) => tokens * run.c));

export const mlflow = (run) => `./#/experiments/${encodeURIComponent(run.experiment)}/runs/${encodeURIComponent(run.id)}`;
