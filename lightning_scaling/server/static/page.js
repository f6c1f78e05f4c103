// The page: reads what is asked for, draws it, and looks again while runs train.

import { drawExperiments } from "./experiments.js";
import { onTheme } from "./colours.js";
import { bring } from "./courses.js";
import { byId, h, show } from "./dom.js";
import { drawExternal } from "./external.js";
import { bringColumns } from "./columns.js";
import { drawIsoflop, makeIsoflop } from "./isoflop.js";
import { drawLaw } from "./law.js";
import { drawBroken, drawRuns } from "./runs_table.js";
import { drawLoss, makeLoss, onShow } from "./loss.js";
import { drawPlanner, makePlanner } from "./planner.js";
import { thousands } from "./numbers.js";
import { all, answered, askExperiments, askLaw, askMatching, askRun, askSiblings, askStart, update } from "./runs.js";
import { drawSide } from "./side.js";
import { closeMenus, drawTools } from "./tools.js";
import { asText, change, fromAddress, listed, query, setFound, view } from "./view.js";

const NONE = "There are no runs here yet: start one with the callback attached, and it shows within seconds.";
const UNNAMED = "No run here was recorded by the callback; external runs join once their metrics are mapped.";
const SOON = 3000, LATER = 20000, AGAIN = 4000; // milliseconds between looks while runs train, while none does, while the server is away
const OF_CHART = ["x", "xlog", "ylog", "zoom", "smooth", "metric"]; // what nothing but the chart and its controls shows
let experiments = [], fitted = null, detail = null, turn = 0, timer = 0, lawDue = false, begun = false, missing = "";

function drawChart() {
  drawTools(set);
  drawLoss(fitted);
}

function draw() {
  drawChart();
  drawSide(detail, fitted, select);
  drawRuns(select, set);
  drawExternal(rename);
  drawBroken(answered.broken.filter((run) => !run.external));
}

function drawFits() {
  byId("lead").textContent = all().length ? (fitted?.sentences.cost ?? "") : answered.external.runs ? UNNAMED : NONE;
  for (const id of ["planner", "isoflop", "law"]) byId(id).hidden = !fitted;
  document.body.classList.toggle("no-runs", Boolean(fitted) && !all().length);
  if (!fitted) return;
  drawPlanner(fitted);
  drawIsoflop(fitted);
  drawLaw(fitted, recount);
}

function set(changes) {
  change(changes);
  if (Object.keys(changes).every((name) => OF_CHART.includes(name))) drawChart();
  else draw();
  more(changes);
}

/** What the view needs beside the runs: the runs that pass the filter, columns, courses of another metric or axis. */
async function more(changes = view) {
  try {
    if (changes.filter !== undefined) await find();
    if ((changes.cols !== undefined || changes.group !== undefined) && await bringColumns()) draw();
    await bring(onShow(), (waiting) => { drawLoss(fitted); progress(waiting ? `reading ${thousands(waiting)} more histories …` : ""); if (waiting) more({}); });
  } catch (error) { announce(error.message); }
}

async function find() {
  const of = view.filter;
  byId("filter-error").textContent = "";
  if (!of) return;
  try {
    setFound(of, new Set(await askMatching(of)));
  } catch (error) {
    if (view.filter !== of) return;
    byId("filter-error").textContent = error.message;
    setFound("", null);
  }
  if (view.filter === of) draw();
}

/** Other runs enter the law. */
function recount(changes) {
  set(changes);
  refit();
}

/** Chooses a run, or no longer; a group's runs are ticked. */
async function select(run) {
  if (run.ids?.length > 1) return set({ pick: asText([...new Set([...listed("pick"), ...run.ids])]) });
  const id = run.ids?.[0] ?? run.id;
  change({ run: id === view.run ? "" : id });
  detail = null;
  draw();
  await refreshRun();
  const chosen = all().find((each) => each.id === view.run);
  byId("spoken").textContent = chosen ? `${chosen.name.slice(0, 80)} is shown beside the chart. ${chosen.verdict ? `Verdict: ${chosen.verdict}.` : ""}` : "All runs are shown.";
}

async function refreshRun() {
  const id = view.run;
  if (!id) return;
  const answer = await askRun(id).catch((error) => ({ failed: error.message, id }));
  if (view.run !== id) return;
  detail = { ...answer, siblings: detail?.id === id ? detail.siblings : null };
  drawSide(detail, fitted, select);
  const siblings = answer.failed ? null : await askSiblings(id).catch(() => null);
  if (view.run !== id || !siblings) return;
  detail = { ...detail, siblings };
  drawSide(detail, fitted, select);
}

async function choose(ids) {
  missing = "";
  announce("");
  change({ experiments: ids, run: "", pick: "", only: "", hide: "", zoom: "" });
  await anew();
}

async function anew() {
  detail = fitted = null;
  drawExperiments(experiments, choose);
  drawFits();
  await look(true);
}

/** Reads the runs of other programs by other names. */
async function rename(names) {
  change({ ...names, run: "", zoom: "", ...(names.loss_metric && !names.params ? { x: "tokens" } : {}) });
  detail = fitted = null;
  await look(true);
}

/** Reads the runs, and the fits when a finished run is new; then asks to be called again. */
async function look(whole = false) {
  const mine = ++turn;
  clearTimeout(timer);
  let wait = LATER;
  try {
    if (!begun) await enter();
    const changed = await update(whole, () => mine === turn);
    if (mine !== turn) return;
    announce("");
    if (changed) { draw(); refreshRun(); more(whole ? view : {}); }
    if (changed || lawDue) refit();
    status();
    if (answered.external.waiting > 0 || all().some((run) => run.state === "RUNNING")) wait = SOON;
  } catch (error) {
    if (mine !== turn) return;
    announce(error.message);
    wait = AGAIN;
  }
  timer = setTimeout(look, wait, whole && !all().length);
}

async function refit() {
  const of = query(), finished = all().filter((run) => run.state === "FINISHED").length;
  progress(all().length ? `fitting ${thousands(finished)} finished ${finished === 1 ? "run" : "runs"} …` : "");
  lawDue = false;
  const answer = await askLaw().catch((error) => { announce(error.message); lawDue = true; return fitted; });
  if (of !== query()) return;
  progress("");
  fitted = answer;
  drawFits();
  draw();
}

function status() {
  const runs = all(), running = runs.filter((run) => run.state === "RUNNING").length;
  const unreadable = answered.broken.filter((run) => !run.external).length;
  const parts = [`${thousands(runs.length)} ${runs.length === 1 ? "run" : "runs"}`, running ? `${running} running` : null, unreadable ? `${unreadable} unreadable` : null];
  byId("status").textContent = `${parts.filter(Boolean).join(", ")} · ${new Date().toLocaleTimeString([], { timeStyle: "short" })}`;
  document.body.dataset.ready = "true";
}

function say(id, message, ...more) {
  byId(id).hidden = !message;
  show(byId(id), message, ...more);
}

/** Something is wrong, until it works again; experiments of the address that there are not, until others are chosen. */
const announce = (message) => say("message", message || missing);
const progress = (message) => say("progress", message && h("progress", { "aria-hidden": "true" }), message);

/** The experiments of the address that there are; without any, the one with the best law. */
async function enter() {
  experiments = await askExperiments();
  const have = experiments.map((each) => each.id), asked = view.experiments.filter((id) => have.includes(id));
  const gone = view.experiments.filter((id) => !have.includes(id));
  const first = asked.length || !have.length ? asked : [(await askStart()).experiment ?? have[0]];
  const instead = experiments.find((each) => each.id === first[0])?.name;
  const words = gone.length === 1 ? `no experiment with the id ${gone[0].slice(0, 40)}` : `no experiments with the ids ${gone.join(", ").slice(0, 80)}`;
  missing = gone.length ? `This store has ${words}: deleted, or of another server.${instead && !asked.length ? ` Shown instead: ${instead.slice(0, 80)}.` : ""}` : "";
  announce("");
  change({ experiments: first }, true);
  drawExperiments(experiments, choose);
  begun = true;
}

/** Back and forward: the view of that address. */
async function revisit() {
  const before = query();
  if (document.activeElement?.closest(".tools")) document.activeElement.blur(); // or what was typed there would stay
  fromAddress();
  drawExperiments(experiments, choose);
  detail = null;
  if (before !== query()) return anew();
  draw();
  refreshRun();
  await more();
}

function begin() {
  fromAddress();
  makeLoss(select, draw);
  makePlanner();
  makeIsoflop();
  draw();
  drawFits();
  byId("lead").textContent = "";
  onTheme(() => { draw(); drawFits(); });
  addEventListener("popstate", revisit);
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !closeMenus() && view.run) select({ id: view.run }); });
  look(true);
}

begin();
