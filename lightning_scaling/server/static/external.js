// External runs: how many there are, and a form for their metric mapping: loss, tokens and N.

import { byId, h, redraw as show } from "./dom.js";
import { all, answered, mlflow } from "./runs.js";
import { NAMES, view } from "./view.js";

const FIRST = 60, STEPS = "";
const LIKELY = { loss: [/^val.*loss/i, /^eval.*loss/i, /val.*loss/i, /loss/i], tokens: [/^tokens|tokens.*seen|num.*tokens|tokens$/i],
  params: [/^(n|num|total|model)_?params$|^params$|^n_?parameters$|num_parameters/i, /param/i] };
let drawn = "", of = ""; // what is on show, and the experiments it was opened or closed for

/** Draws the card; `rename` is called with the mapping chosen. A form that somebody is filling in is left alone. */
export function drawExternal(rename) {
  const card = byId("external"), { external } = answered, left = answered.broken.filter((run) => run.external);
  const now = JSON.stringify([external, left, Object.keys(NAMES).map((name) => view[name])]);
  if (now === drawn || (card.contains(document.activeElement) && document.activeElement.matches("select, input"))) return;
  const chosen = view.experiments.join();
  if (external.runs && of !== chosen) { of = chosen; card.open = !all().length; }
  drawn = now;
  card.hidden = !external.runs;
  show(card, h("summary", {}, summary(external, left.length)), trouble(external, left), form(external, rename), list(left));
}

const named = () => Object.keys(NAMES).some((name) => view[name]);
const these = (count) => (count === 1 ? "1 run here was" : `${count} runs here were`);

function summary({ runs, waiting }, left) {
  if (!named()) return `${these(runs)} logged by other programs: map their metrics, and they join the picture`;
  const tokens = view.token_metric || `steps × ${view.tokens_per_step}`;
  return `${runs - left} of ${runs} external runs are shown: loss is ${view.loss_metric}, tokens are ${tokens}${waiting ? `; ${waiting} still to be read` : ""}`;
}

/** One line on why this mapping cannot be used. */
function trouble({ runs, problem, waiting }, left) {
  const nothing = named() && left.length === runs && !waiting && left.length ? `None of them can be read by this mapping: ${usual(left)}.` : "";
  return problem || nothing ? h("p", { class: "outcome refused", role: "alert" }, problem || nothing) : null;
}

function usual(left) {
  const times = new Map();
  for (const { reason } of left) times.set(reason, (times.get(reason) ?? 0) + 1);
  return [...times].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

function form({ metrics, params }, rename) {
  const loss = select("loss_metric", metrics, view.loss_metric || likely("loss", metrics));
  const counted = view.token_metric || (view.tokens_per_step ? STEPS : likely("tokens", metrics));
  const step = h("input", { name: "tokens_per_step", value: view.tokens_per_step, placeholder: "e.g. 524288 or 0.5M", size: 16 });
  const perStep = field("tokens per step", step);
  const tokens = select("token_metric", metrics, counted, [[STEPS, "steps × tokens per step"]]);
  tokens.addEventListener("change", () => { perStep.hidden = tokens.value !== STEPS; });
  perStep.hidden = tokens.value !== STEPS;
  const size = h("input", { name: "params", list: "params-names", value: named() ? view.params : likely("params", params), placeholder: "name or number", size: 16 });
  const send = (event) => {
    event.preventDefault();
    document.activeElement?.blur();
    const steps = tokens.value === STEPS;
    const names = { loss_metric: loss.value, token_metric: tokens.value, tokens_per_step: steps ? step.value.trim() : "", params: size.value.trim() };
    rename(names).then(() => { byId("external").open = byId("external").querySelector("[role=alert]") !== null; });
  };
  return h("form", { onsubmit: send },
    field("loss", loss), field("tokens", tokens), perStep, field("parameters N", size),
    h("datalist", { id: "params-names" }, params.map(([name]) => h("option", { value: name }))),
    h("button", { type: "submit", class: "go" }, "show these runs"),
    named() ? h("button", { type: "button", onclick: () => rename(NAMES) }, "leave them out") : null,
    h("p", { class: "hint" }, "A step is what the loss was logged at. Tokens per step are batch × length × devices × accumulation. ",
      "N is a number, or the parameter or tag that holds it; without N there is no compute, only tokens. This choice is kept in the address."));
}

const field = (label, control) => h("label", {}, h("span", {}, label), control);

function select(name, options, chosen, first = []) {
  const counted = options.map(([value, runs]) => [value, `${value} (${runs} ${runs === 1 ? "run" : "runs"})`]);
  const gone = chosen && !options.some(([value]) => value === chosen) ? [[chosen, `${chosen} (no run)`]] : [];
  return h("select", { name }, [...first, ...gone, ...counted].map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
}

/** The name that most probably means it, "" where none looks like it. */
function likely(what, options) {
  for (const pattern of LIKELY[what]) {
    const found = options.find(([name]) => pattern.test(name));
    if (found) return found[0];
  }
  return "";
}

function list(left) {
  if (!left.length) return null;
  const item = (run) => h("li", {}, h("a", { href: mlflow(run) }, run.name || run.id), named() ? h("span", {}, `: ${run.reason}`) : null);
  const rest = left.length > FIRST ? h("p", { class: "hint" }, `… and ${left.length - FIRST} more`) : null;
  return h("details", { class: "left" }, h("summary", {}, `${left.length} not shown`), h("ul", {}, left.slice(0, FIRST).map(item)), rest);
}
