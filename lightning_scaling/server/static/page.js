// The page: reads what is asked for, draws it, and looks again while runs train.

import { drawExperiments } from "./choose.js";
import { onTheme } from "./colours.js";
import { byId } from "./dom.js";
import { drawExternal } from "./external.js";
import { drawIsoflop, makeIsoflop } from "./isoflop.js";
import { drawLaw } from "./law.js";
import { drawBroken, drawRuns } from "./list.js";
import { drawLoss, makeLoss } from "./loss.js";
import { drawPlanner, makePlanner } from "./planner.js";
import { thousands } from "./numbers.js";
import { all, answered, askExperiments, askLaw, askRun, update } from "./runs.js";
import { drawSide } from "./side.js";
import { drawTools } from "./tools.js";
import { change, fromAddress, query, view } from "./view.js";

const NONE = "There are no runs here yet: start one with the callback attached, and it shows within seconds.";
const UNNAMED = "No run here was recorded by the callback; external runs join once their metrics are mapped.";
const SOON = 3000, LATER = 20000; // milliseconds between looks while runs train, and while none does
let experiments = [], fitted = null, detail = null, turn = 0, timer = 0;

function draw(unzoom = false) {
  drawTools(set, recount);
  drawLoss(fitted, unzoom);
  drawSide(detail, fitted, () => select(""));
  drawRuns(select);
  drawExternal(rename);
  drawBroken(answered.broken.filter((run) => !run.external));
}

function drawFits() {
  byId("lead").textContent = all().length ? (fitted?.sentences.cost ?? "") : answered.external.runs ? UNNAMED : NONE;
  drawPlanner(fitted);
  drawIsoflop(fitted);
  drawLaw(fitted);
}

function set(changes, unzoom = false) {
  change(changes);
  draw(unzoom);
}

/** Other runs enter the law. */
function recount(changes) {
  set(changes);
  refit();
}

async function select(id) {
  change({ run: id === view.run ? "" : id });
  detail = null;
  draw();
  await refreshRun();
}

async function refreshRun() {
  const id = view.run;
  if (!id) return;
  const answer = await askRun(id).catch((error) => ({ failed: error.message, id }));
  if (view.run !== id) return;
  detail = answer;
  drawSide(detail, fitted, () => select(""));
}

async function choose(ids) {
  change({ experiments: ids, run: "" });
  detail = fitted = null;
  drawExperiments(experiments, choose);
  await look(true);
}

/** Reads the runs of other programs by other names. */
async function rename(names) {
  change({ ...names, run: "", ...(names.loss_metric && !names.params ? { x: "tokens" } : {}) });
  detail = fitted = null;
  await look(true);
}

/** Reads the runs, and the fits when a finished run is new; then asks to be called again. */
async function look(anew = false) {
  const mine = ++turn;
  clearTimeout(timer);
  try {
    const changed = await update(anew, () => mine === turn);
    if (mine !== turn) return;
    announce("");
    if (changed) { draw(anew); refreshRun(); }
    if (changed) refit();
    status();
  } catch (error) {
    if (mine === turn) announce(error.message);
  }
  const running = answered.external.waiting > 0 || all().some((run) => run.state === "RUNNING");
  if (mine === turn) timer = setTimeout(look, running ? SOON : LATER);
}

async function refit() {
  const of = query();
  const answer = await askLaw().catch((error) => { announce(error.message); return fitted; });
  if (of !== query()) return;
  fitted = answer;
  drawFits();
  draw();
}

function status() {
  const runs = all(), running = runs.filter((run) => run.state === "RUNNING").length;
  const unreadable = answered.broken.filter((run) => !run.external).length;
  const parts = [`${thousands(runs.length)} ${runs.length === 1 ? "run" : "runs"}`, running ? `${running} running` : null, unreadable ? `${unreadable} unreadable` : null];
  byId("status").textContent = `${parts.filter(Boolean).join(", ")} · ${new Date().toLocaleTimeString()}`;
  document.body.dataset.ready = "true";
}

function announce(message) {
  byId("message").textContent = message;
  byId("message").hidden = !message;
}

async function begin() {
  fromAddress();
  makeLoss(select);
  makePlanner();
  makeIsoflop();
  draw();
  onTheme(() => { draw(); drawFits(); });
  try {
    experiments = await askExperiments();
  } catch (error) {
    return announce(error.message);
  }
  const have = experiments.map((each) => each.id), asked = view.experiments.filter((id) => have.includes(id));
  change({ experiments: asked.length || !have.length ? asked : [await newest()] });
  drawExperiments(experiments, choose);
  await look(true);
}

/** The experiment to begin with: the newest, MLflow's empty default last. */
const newest = async () => (experiments.find((each) => each.id !== "0") ?? experiments[0]).id;

begin();
